//! The values of `ps:report`: what is wanted and what is there, per replica, and why they differ. Pure.

use std::collections::BTreeMap;

use crate::addresses::Endpoint;
use crate::app::{AppRecord, GlobalRecord};
use crate::crashes::Quarantine;
use crate::formation::Formation;
use crate::names::{AppName, Generation, Replica};
use crate::observation::{ObservedApp, ObservedContainer, Role};
use crate::planning::web_port;
use crate::policies::{Policies, Property, PropertyError, PropertyGroup, computed};
use crate::release::ReleaseNumber;
use crate::runtime::{ContainerId, ContainerState};

/// One property in its three scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyReport {
    /// The app's own value.
    pub app: Option<String>,
    /// The value for all apps; `None` when it is not set, or cannot be.
    pub global: Option<String>,
    /// The value in force.
    pub computed: String,
}

/// How much of an app runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Running {
    /// Every wanted replica runs, and there is at least one.
    All,
    /// Some do.
    Some,
    /// None does.
    None,
}

/// One replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaReport {
    /// Whether the formation asks for it.
    pub is_wanted: bool,
    /// Its container, when it exists.
    pub container: Option<ContainerId>,
    /// Its container's state; `None` when it is missing.
    pub state: Option<ContainerState>,
    /// The release it was made from.
    pub release: Option<ReleaseNumber>,
    /// Its generation.
    pub generation: Option<Generation>,
    /// Where the host reaches it.
    pub endpoint: Option<Endpoint>,
    /// The TCP port it is reached on there.
    pub port: Option<u16>,
    /// Why wanted and actual differ, or that a quarantine keeps it from running; `None` when they agree.
    pub difference: Option<String>,
}

/// One app.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not a state")]
pub struct AppReport {
    /// Its name.
    pub app: AppName,
    /// Whether it has a release.
    pub is_deployed: bool,
    /// The current release.
    pub release: Option<ReleaseNumber>,
    /// Replicas that exist.
    pub processes: usize,
    /// Whether `ps:scale` may change the formation.
    pub can_scale: bool,
    /// What is wanted.
    pub formation: Formation,
    /// How much of it runs.
    pub running: Running,
    /// Whether restore brings it back.
    pub restore: bool,
    /// Whether its operator stopped it.
    pub is_stopped_by_operator: bool,
    /// Why it was taken out of service, and since when; `None` when it was not.
    pub quarantine: Option<Quarantine>,
    /// All properties of `ps:set`.
    pub properties: BTreeMap<Property, PropertyReport>,
    /// All replicas that are wanted or there.
    pub replicas: BTreeMap<Replica, ReplicaReport>,
    /// Old containers that wait to be stopped and removed.
    pub retiring: usize,
}

/// Reports on one app.
///
/// # Errors
/// When a stored property breaks its rule.
///
/// ```
/// use ps_core::app::{AppRecord, GlobalRecord};
/// use ps_core::observation::ObservedApp;
/// use ps_core::report::{Running, report};
///
/// let record = AppRecord::new("shop".parse()?);
/// let report = report(&record, &GlobalRecord::default(), &ObservedApp::default())?;
/// assert_eq!((report.is_deployed, report.running), (false, Running::None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn report(record: &AppRecord, global: &GlobalRecord, observed: &ObservedApp) -> Result<AppReport, PropertyError> {
    let policies: Policies = record.policies(global)?;
    let mut replicas: BTreeMap<Replica, ReplicaReport> = BTreeMap::new();
    let wanted: Vec<Replica> = match &record.release {
        Some(release) => {
            let types = release.processes.known_types();
            let has_command = |replica: &Replica| {
                types
                    .as_ref()
                    .is_none_or(|types| types.contains(replica.process_type()))
            };
            record.formation.replicas().filter(has_command).collect()
        }
        None => Vec::new(),
    };
    for replica in wanted.iter().chain(record.serving.keys()) {
        let is_wanted = wanted.contains(replica) && !record.stopped_by_operator && record.quarantine.is_none();
        replicas.insert(replica.clone(), replica_report(record, observed, replica, is_wanted));
    }
    let runs = |replica: &Replica| {
        replicas
            .get(replica)
            .is_some_and(|report| report.state.as_ref().is_some_and(ContainerState::is_running))
    };
    let running_count = wanted.iter().filter(|replica| runs(replica)).count();
    let running = match running_count {
        0 => Running::None,
        count if count == wanted.len() => Running::All,
        _ => Running::Some,
    };
    let retiring = observed.with_role(record, Role::Retiring).count();
    Ok(AppReport {
        app: record.name.clone(),
        is_deployed: record.release.is_some(),
        release: record.release.as_ref().map(|release| release.number),
        processes: replicas.values().filter(|report| report.container.is_some()).count(),
        can_scale: !record
            .release
            .as_ref()
            .is_some_and(|release| release.manifest.owns_scale()),
        formation: record.formation.clone(),
        running,
        restore: policies.restore && !record.stopped_by_operator,
        is_stopped_by_operator: record.stopped_by_operator,
        quarantine: record.quarantine.clone(),
        properties: property_reports(PropertyGroup::Ps, record, global),
        replicas,
        retiring,
    })
}

/// The properties of one command, each in its three scopes.
pub fn property_reports(
    group: PropertyGroup,
    record: &AppRecord,
    global: &GlobalRecord,
) -> BTreeMap<Property, PropertyReport> {
    let properties = group.properties();
    properties
        .map(|property| (property, property_report(property, record, global)))
        .collect()
}

fn property_report(property: Property, record: &AppRecord, global: &GlobalRecord) -> PropertyReport {
    PropertyReport {
        app: record.properties.get(&property).cloned(),
        global: global.properties.get(&property).cloned(),
        computed: computed(property, &record.properties, &global.properties).to_owned(),
    }
}

fn replica_report(record: &AppRecord, observed: &ObservedApp, replica: &Replica, is_wanted: bool) -> ReplicaReport {
    let container = observed.serving(record, replica);
    let serving = record.serving.get(replica);
    let endpoint = serving.and_then(|serving| serving.endpoint);
    let web_port = record
        .release
        .as_ref()
        .filter(|_| replica.process_type().is_web())
        .and_then(|release| web_port(release).ok());
    let port = endpoint.and_then(|endpoint| match endpoint {
        Endpoint::LoopbackPort(port) => Some(port),
        Endpoint::Address(_) => web_port,
    });
    ReplicaReport {
        is_wanted,
        container: container.map(|container| container.id.clone()),
        state: container.map(|container| container.state.clone()),
        release: serving.map(|serving| serving.release),
        generation: serving.map(|serving| serving.generation),
        endpoint,
        port,
        difference: difference(container, is_wanted, serving.is_some()).or_else(|| {
            let is_running = container.is_some_and(|container| container.state.is_running());
            let is_kept_away = record.quarantine.is_some() && record.formation.contains(replica) && !is_running;
            is_kept_away.then(|| "it is in quarantine".to_owned())
        }),
    }
}

fn difference(container: Option<&ObservedContainer>, is_wanted: bool, was_made: bool) -> Option<String> {
    match (container.map(|container| &container.state), is_wanted) {
        (Some(ContainerState::Running), false) => Some("it runs and should not".to_owned()),
        (Some(ContainerState::Running), true) | (_, false) => None,
        (Some(state), true) => Some(format!("it is {state}")),
        (None, true) if was_made => Some("its container is missing".to_owned()),
        (None, true) => Some("it was not started yet".to_owned()),
    }
}
