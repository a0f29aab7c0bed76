//! Links: looking at what an app is linked with, starting and connecting it before the app's own containers, and changing links.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::try_join_all;

use super::change::Extras;
use super::{OperationError, Operations, VerbOutcome};
use crate::app::AppRecord;
use crate::execution::Cancellation;
use crate::labels;
use crate::links::Link;
use crate::names::{AppName, OwnerToken};
use crate::plan::{ActionKind, Cause, Plan, StoreAction};
use crate::planning::{
    FoundService, Leaving, LinkState, LinkedService, Rollout, Selection, Situation, leave_links, plan_leave_links,
    plan_links, plan_rollout, services_of,
};
use crate::runtime::{ContainerFilter, ContainerId, ContainerState, RuntimeErrorKind};
use crate::store::{LockKind, StoreChange};

/// A link of an app, and what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedLink {
    /// The link.
    pub link: Link,
    /// The state of the container; `None` when it is missing.
    pub state: Option<ContainerState>,
    /// Whether the app reaches it under the alias.
    pub is_connected: bool,
}

impl Operations {
    /// What an app's links meet: one call for its network, one for those in it, one for each container.
    pub(crate) async fn link_state(&self, owner: &OwnerToken, record: &AppRecord) -> Result<LinkState, OperationError> {
        let engine = &self.adapters.engine;
        let mut state = LinkState::none(owner, &record.name);
        let name = state.network.spec.name.clone();
        let owner_label = (labels::OWNER.to_owned(), owner.as_str().to_owned());
        state.network.exists = match engine.inspect_network(&name).await {
            Ok(network) if network.labels.get(labels::OWNER) == Some(&owner_label.1) => true,
            // Of another's network nothing is made and nothing removed.
            Ok(_) if record.links.is_empty() => false,
            Ok(_) => return Err(OperationError::NetworkTaken { name }),
            Err(error) if error.kind == RuntimeErrorKind::NotFound => false,
            Err(error) => return Err(error.into()),
        };
        if state.network.exists {
            let rows = engine.list_containers(&ContainerFilter::in_network(&name)).await?;
            let others = rows
                .into_iter()
                .filter(|row| row.labels.get(&owner_label.0) != Some(&owner_label.1));
            state.others = others.map(|row| (row.id, row.name)).collect();
        }
        let services = services_of(&record.links).into_iter();
        let looks = services.map(|(container, aliases)| self.find_service(&name, container, aliases));
        state.services = try_join_all(looks).await?;
        Ok(state)
    }

    async fn find_service(
        &self,
        network: &str,
        container: &str,
        aliases: BTreeSet<String>,
    ) -> Result<LinkedService, OperationError> {
        let word = ContainerId(container.to_owned());
        let found = match self.adapters.engine.inspect_container(&word).await {
            Err(error) if error.kind == RuntimeErrorKind::NotFound => FoundService::Missing,
            Err(error) => return Err(error.into()),
            // An engine takes the beginning of an id for a name too.
            Ok(detail) if detail.name != container => FoundService::Missing,
            Ok(detail) if detail.labels.contains_key(labels::APP) && detail.labels.contains_key(labels::OWNER) => {
                FoundService::OfAnApp
            }
            Ok(detail) if !detail.joins_networks => FoundService::Unjoinable,
            Ok(mut detail) => FoundService::There {
                id: detail.id,
                state: detail.state,
                aliases: detail.aliases.remove(network),
            },
        };
        Ok(LinkedService {
            container: container.to_owned(),
            aliases,
            found,
        })
    }

    /// Starts and connects what the app is linked with, and changes nothing when something of it is missing. Whoever starts containers of
    /// an app without [`Operations`]' own way of carrying out plans calls this first.
    pub(crate) async fn link_services(
        &self,
        outcome: &mut VerbOutcome,
        situation: &mut Situation,
        verb: &str,
    ) -> Result<(), OperationError> {
        let plan = plan_links(situation)?;
        if plan.is_empty() {
            return Ok(());
        }
        // On the heap: it is a plan carried out before a plan.
        Box::pin(self.carry_out(outcome, situation, plan, verb, Extras::default())).await?;
        situation.links = situation.links.clone().joined();
        Ok(())
    }

    /// The same, where a plan starts or makes containers of the app.
    pub(super) async fn link_services_for(
        &self,
        plan: &Plan,
        outcome: &mut VerbOutcome,
        situation: &Situation,
        verb: &str,
    ) -> Result<(), OperationError> {
        let starts = |step: &crate::plan::Step| {
            step.cause != Cause::Linked && matches!(step.action.kind(), ActionKind::Create | ActionKind::Start)
        };
        if situation.links.services.is_empty() || !plan.steps().iter().any(starts) {
            return Ok(());
        }
        self.link_services(outcome, &mut situation.clone(), verb).await
    }

    /// After a failure: what runs reaches what it is linked with again. What fails here, the next start or restore does.
    pub(super) async fn link_what_serves(&self, situation: &Situation, verb: &str) {
        let record = &situation.record;
        if record.serving.is_empty() || record.stopped_by_operator || record.quarantine.is_some() {
            return;
        }
        if let Ok(plan) = plan_links(situation)
            && !plan.is_empty()
        {
            let never = Cancellation::default();
            // On the heap: a failure is seldom.
            Box::pin(self.execute(&plan, situation, verb, Extras::default(), &never)).await;
        }
    }

    /// Takes what is no longer needed out of the app's network, for a command that does not hold the app's lock.
    pub(super) async fn leave_links_unless_busy(&self, situation: &Situation, verb: &str) {
        let app = &situation.record.name;
        if self.is_dry_run() || !situation.links.network.exists {
            return;
        }
        let store = &self.adapters.store;
        let Ok(_lock) = store.lock_app(app, LockKind::Change, verb, Duration::ZERO).await else {
            return;
        };
        // What is left, the next command takes out.
        if let Ok(situation) = self.situation(app).await {
            let plan = plan_leave_links(&situation);
            let never = Cancellation::default();
            self.execute(&plan, &situation, verb, Extras::default(), &never).await;
        }
    }

    /// Links an app with a container of someone else. On a running app the containers are replaced, unless `restart` is false; what
    /// fails before the new ones serve leaves the app without the link.
    pub async fn add_link(&self, app: &AppName, link: &Link, restart: bool) -> Result<VerbOutcome, OperationError> {
        let added = |links: &[Link]| {
            if links.contains(link) {
                return Ok(links.to_vec());
            }
            if let Some(other) = links.iter().find(|other| other.alias == link.alias) {
                return Err(OperationError::AliasTaken {
                    app: app.clone(),
                    link: other.clone(),
                });
            }
            Ok(links.iter().chain([link]).cloned().collect())
        };
        let verb = "links:add";
        let ended = Box::pin(self.change_links(app, verb, restart, added)).await;
        self.told(app, verb, ended, |_| format!("linked with {link}")).await
    }

    /// Ends a link: the one of this container and alias, or all of this container.
    pub async fn remove_link(
        &self,
        app: &AppName,
        container: &str,
        alias: Option<&str>,
        restart: bool,
    ) -> Result<VerbOutcome, OperationError> {
        let is_meant = |link: &Link| link.container == container && alias.is_none_or(|alias| link.alias == alias);
        let removed = |links: &[Link]| {
            if !links.iter().any(is_meant) {
                let known: Vec<String> = links.iter().map(ToString::to_string).collect();
                let alias = alias.map(|alias| format!(":{alias}")).unwrap_or_default();
                return Err(OperationError::NoSuchLink {
                    app: app.clone(),
                    word: format!("{container}{alias}"),
                    known: known.join(", "),
                });
            }
            Ok(links.iter().filter(|link| !is_meant(link)).cloned().collect())
        };
        let verb = "links:remove";
        let ended = Box::pin(self.change_links(app, verb, restart, removed)).await;
        self.told(app, verb, ended, |_| format!("no longer linked with {container}"))
            .await
    }

    /// An app's links in the order they were added.
    pub async fn links(&self, app: &AppName) -> Result<Vec<ListedLink>, OperationError> {
        let record = self.adapters.store.app(app).await?;
        let owner = self.adapters.store.owner().await?;
        let state = self.link_state(&owner, &record).await?;
        let listed = |link: &Link| {
            let service = state
                .services
                .iter()
                .find(|service| service.container == link.container);
            let (state, is_connected) = match service.map(|service| &service.found) {
                Some(FoundService::There { state, aliases, .. }) => {
                    let connected = aliases.as_ref().is_some_and(|there| there.contains(&link.alias));
                    (Some(state.clone()), connected)
                }
                _ => (None, false),
            };
            ListedLink {
                link: link.clone(),
                state,
                is_connected,
            }
        };
        Ok(record.links.iter().map(listed).collect())
    }

    async fn change_links(
        &self,
        app: &AppName,
        verb: &str,
        restart: bool,
        change: impl FnOnce(&[Link]) -> Result<Vec<Link>, OperationError>,
    ) -> Result<VerbOutcome, OperationError> {
        // An app that does not exist must not get a lock file.
        self.adapters.store.app(app).await?;
        let _lock = self.lock(app, verb).await?;
        let mut situation = self.situation(app).await?;
        let links = change(&situation.record.links)?;
        let mut outcome = VerbOutcome::new(app);
        if links == situation.record.links {
            return self.finish(outcome).await;
        }
        let is_added = links.len() > situation.record.links.len();
        situation.record.links.clone_from(&links);
        situation.links = self.link_state(&situation.owner, &situation.record).await?;
        if is_added {
            // An error in a name shows now, not with the next deploy.
            plan_links(&situation)?;
        }
        let plan = plan_changed_links(&situation, links, restart)?;
        self.stage(app, format!("Changing the links of {app}"));
        self.carry_out(&mut outcome, &situation, plan, verb, Extras::default())
            .await?;
        self.finish(outcome).await
    }
}

/// Stores the links: with the switch to containers that have them, or by themselves.
fn plan_changed_links(situation: &Situation, links: Vec<Link>, restart: bool) -> Result<Plan, OperationError> {
    let record = &situation.record;
    let set = StoreChange::SetLinks {
        app: record.name.clone(),
        links,
    };
    let runs = !record.stopped_by_operator && record.quarantine.is_none() && !record.serving.is_empty();
    match &record.release {
        Some(release) if restart && runs => {
            let rollout = Rollout {
                release,
                formation: &record.formation,
                selection: Selection::All,
                cause: Cause::LinksChanged,
                intent: Vec::new(),
                with_switch: vec![set],
            };
            Ok(plan_rollout(situation, rollout)?)
        }
        _ => {
            let mut plan = Plan::new(record.name.clone());
            let stored = plan.push(StoreAction::Record(vec![set]), Cause::LinksChanged, &[]);
            leave_links(&mut plan, situation, Leaving::Unused, |_| true, &[stored]);
            Ok(plan)
        }
    }
}
