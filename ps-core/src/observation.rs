//! One snapshot of what runs, sorted by app into replicas, one-offs and strangers. Pure; made from one list call.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use crate::app::AppRecord;
use crate::labels;
use crate::links::Link;
use crate::names::{AppName, Generation, NameStage, OneOffKind, OwnerToken, Replica, container_name, one_off_name};
use crate::release::ReleaseNumber;
use crate::runtime::{ContainerFilter, ContainerId, ContainerState, ContainerSummary};

/// A container that was proven to be a replica of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedContainer {
    /// Full id.
    pub id: ContainerId,
    /// Its name now.
    pub name: String,
    /// The replica it is, or was, or would become.
    pub replica: Replica,
    /// Its generation.
    pub generation: Generation,
    /// The release it was made from.
    pub release: ReleaseNumber,
    /// The links that the app had when it was made.
    pub links: Vec<Link>,
    /// Its state.
    pub state: ContainerState,
}

/// A one-off container of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedOneOff {
    /// Full id.
    pub id: ContainerId,
    /// Its name.
    pub name: String,
    /// Why it was made.
    pub kind: OneOffKind,
    /// Its generation.
    pub generation: Generation,
    /// The release whose image it was made from, where that is known.
    pub release: Option<ReleaseNumber>,
    /// When it has to be gone; `None` for one that has no deadline.
    pub deadline: Option<SystemTime>,
    /// What it was asked to run, for people.
    pub command: Option<String>,
    /// The links that the app had when it was made.
    pub links: Vec<Link>,
    /// Its state.
    pub state: ContainerState,
}

/// All containers of one app.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObservedApp {
    /// Replicas of any stage, sorted by replica and generation.
    pub containers: Vec<ObservedContainer>,
    /// One-offs, sorted by generation.
    pub one_offs: Vec<ObservedOneOff>,
}

/// All containers of this state directory, by app.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observation {
    /// The apps that have containers.
    pub apps: BTreeMap<AppName, ObservedApp>,
    /// Containers that carry our labels but are not provably ours; they are never touched.
    pub strangers: Vec<String>,
}

/// What to ask the engine for: everything with our owner token.
pub fn observation_filter(owner: &OwnerToken) -> ContainerFilter {
    ContainerFilter::with_label(labels::OWNER, owner.as_str())
}

/// Sorts the rows of one list call. A container is ours only when its token, its labels and its name agree.
///
/// ```
/// use ps_core::labels::replica_labels;
/// use ps_core::names::{Generation, OwnerToken};
/// use ps_core::observation::observe;
/// use ps_core::release::ReleaseNumber;
/// use ps_core::runtime::{ContainerId, ContainerState, ContainerSummary};
///
/// let owner = OwnerToken::new("0123456789abcdef")?;
/// let labels = replica_labels(&owner, &"shop".parse()?, &"web.1".parse()?, ReleaseNumber(2), Generation(7));
/// let row = |name: &str| ContainerSummary {
///     id: ContainerId(format!("id of {name}")),
///     name: name.to_owned(),
///     image: "shop".to_owned(),
///     state: ContainerState::Running,
///     labels: labels.clone(),
/// };
/// // The second one carries our labels under a name that does not belong to them.
/// let observation = observe(&owner, &[row("shop.web.1"), row("borrowed")]);
/// assert_eq!(observation.apps[&"shop".parse()?].containers.len(), 1);
/// assert_eq!(observation.strangers, ["borrowed"]);
/// # Ok::<(), ps_core::names::NameError>(())
/// ```
pub fn observe(owner: &OwnerToken, rows: &[ContainerSummary]) -> Observation {
    let mut observation = Observation::default();
    for row in rows {
        match identify(owner, row) {
            Some((app, Identified::Replica(container))) => {
                observation.apps.entry(app).or_default().containers.push(container);
            }
            Some((app, Identified::OneOff(one_off))) => {
                observation.apps.entry(app).or_default().one_offs.push(one_off);
            }
            None => observation.strangers.push(row.name.clone()),
        }
    }
    for app in observation.apps.values_mut() {
        app.containers
            .sort_by(|a, b| (&a.replica, a.generation, &a.id).cmp(&(&b.replica, b.generation, &b.id)));
        app.one_offs.sort_by_key(|one_off| one_off.generation);
    }
    observation.strangers.sort();
    observation
}

enum Identified {
    Replica(ObservedContainer),
    OneOff(ObservedOneOff),
}

fn identify(owner: &OwnerToken, row: &ContainerSummary) -> Option<(AppName, Identified)> {
    let label = |name: &str| row.labels.get(name).map(String::as_str);
    if label(labels::OWNER) != Some(owner.as_str()) {
        return None;
    }
    let app: AppName = label(labels::APP)?.parse().ok()?;
    let generation = Generation(label(labels::GENERATION)?.parse().ok()?);
    // An image that was committed from a one-off hands that one's labels on; a replica has one more.
    if let Some(kind) = label(labels::ONE_OFF).filter(|_| label(labels::REPLICA).is_none()) {
        let kind = OneOffKind::ALL.into_iter().find(|known| known.to_string() == kind)?;
        let is_named = one_off_name(&app, kind, generation) == row.name;
        let one_off = ObservedOneOff {
            id: row.id.clone(),
            name: row.name.clone(),
            kind,
            generation,
            release: label(labels::RELEASE).and_then(|number| number.parse().ok()),
            deadline: label(labels::DEADLINE).and_then(read_deadline),
            command: label(labels::COMMAND).map(str::to_owned),
            links: read_links(label(labels::LINKS)),
            state: row.state.clone(),
        };
        return is_named.then_some((app, Identified::OneOff(one_off)));
    }
    let index: u16 = label(labels::REPLICA)?.parse().ok()?;
    let replica = Replica::new(label(labels::PROCESS_TYPE)?.parse().ok()?, index)?;
    let release = ReleaseNumber(label(labels::RELEASE)?.parse().ok()?);
    let stages = [
        NameStage::Serving,
        NameStage::Upcoming(generation),
        NameStage::Retiring(generation),
    ];
    let is_named = stages
        .into_iter()
        .any(|stage| container_name(&app, &replica, stage) == row.name);
    let container = ObservedContainer {
        id: row.id.clone(),
        name: row.name.clone(),
        replica,
        generation,
        release,
        links: read_links(label(labels::LINKS)),
        state: row.state.clone(),
    };
    is_named.then_some((app, Identified::Replica(container)))
}

fn read_links(words: Option<&str>) -> Vec<Link> {
    let words = words.unwrap_or_default().split(',');
    words.filter_map(|word| word.parse().ok()).collect()
}

fn read_deadline(seconds: &str) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds.parse().ok()?))
}

/// What a container of ours is for, by what the store's last transaction says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It serves.
    Serving,
    /// It waits to be stopped and removed.
    Retiring,
    /// Nobody knows it: an interrupted command left it.
    Leftover,
}

impl ObservedApp {
    /// The role of a container.
    pub fn role(record: &AppRecord, container: &ObservedContainer) -> Role {
        let serves = record
            .serving
            .get(&container.replica)
            .is_some_and(|serving| serving.container == container.id);
        let retires = record
            .retirements
            .iter()
            .any(|retirement| retirement.container == container.id);
        match (serves, retires) {
            (true, _) => Role::Serving,
            (false, true) => Role::Retiring,
            (false, false) => Role::Leftover,
        }
    }

    /// The container that serves as a replica, when it exists.
    pub fn serving(&self, record: &AppRecord, replica: &Replica) -> Option<&ObservedContainer> {
        let serving = record.serving.get(replica)?;
        self.containers
            .iter()
            .find(|container| container.id == serving.container)
    }

    /// The containers of a role.
    pub fn with_role<'a>(
        &'a self,
        record: &'a AppRecord,
        role: Role,
    ) -> impl Iterator<Item = &'a ObservedContainer> + 'a {
        self.containers
            .iter()
            .filter(move |container| Self::role(record, container) == role)
    }

    /// The generations that have a container.
    pub fn generations(&self) -> BTreeSet<Generation> {
        let replicas = self.containers.iter().map(|container| container.generation);
        replicas
            .chain(self.one_offs.iter().map(|one_off| one_off.generation))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, labels: BTreeMap<String, String>) -> ContainerSummary {
        ContainerSummary {
            id: ContainerId(format!("id-{name}")),
            name: name.to_owned(),
            image: "image".to_owned(),
            state: ContainerState::Running,
            labels,
        }
    }

    #[test]
    fn name_labels_and_token_must_agree() {
        let owner = OwnerToken::new("0123456789abcdef").unwrap();
        let other = OwnerToken::new("fedcba9876543210").unwrap();
        let app: AppName = "shop".parse().unwrap();
        let replica: Replica = "web.1".parse().unwrap();
        let labels =
            |owner: &OwnerToken| labels::replica_labels(owner, &app, &replica, ReleaseNumber(2), Generation(7));
        let mut no_generation = labels(&owner);
        no_generation.remove(labels::GENERATION);
        let rows = [
            row("shop.web.1", labels(&owner)),
            row("shop.web.1.upcoming-7", labels(&owner)),
            row("shop.web.1.retiring-7", labels(&owner)),
            row("shop.web.1.upcoming-8", labels(&owner)),
            row("shop.web.2", labels(&owner)),
            row("stolen", labels(&owner)),
            row("shop.web.1", labels(&other)),
            row("shop.web.1", no_generation),
            row(
                "shop.run.3",
                labels::one_off_labels(&owner, &app, OneOffKind::Run, Generation(3)),
            ),
            row(
                "shop.run.4",
                labels::one_off_labels(&owner, &app, OneOffKind::Run, Generation(3)),
            ),
        ];
        let observation = observe(&owner, &rows);
        let seen = &observation.apps[&app];
        assert_eq!(seen.containers.len(), 3);
        assert_eq!(seen.one_offs.len(), 1);
        assert_eq!(observation.strangers.len(), 6);
    }
}
