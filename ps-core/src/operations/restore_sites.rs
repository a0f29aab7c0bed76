//! The first thing a restore does: proxy files that may be wrong are cleared, all in one change. Invariant: a file stays only when the
//! engine says of each container that gets requests that it runs and is where the store says.

use std::time::Duration;

use super::restore::VERB;
use super::situate::network_name;
use super::{OperationError, Operations};
use crate::addresses::Endpoint;
use crate::app::AppRecord;
use crate::execution::OperationEvent;
use crate::names::{AppName, OwnerToken, Replica};
use crate::observation::{Observation, observation_filter, observe};
use crate::planning::{Routing, Situation, restore_skip};
use crate::proxy::{Site, SiteChange};
use crate::runtime::{ContainerId, RuntimeErrorKind};
use crate::store::{HeldLock, LockKind, StoreChange};

impl Operations {
    /// Clears the files of apps that do not run as these say; returns the apps. What fails here keeps no app down: an old file leads to
    /// nobody else's containers.
    pub(super) async fn clear_stale_sites(&self, records: &[AppRecord]) -> Vec<AppName> {
        match self.clear_sites(records).await {
            Ok(cleared) => cleared,
            Err(error) => {
                if let Some(first) = records.first() {
                    let text = format!("the proxy files could not be cleared first: {error}");
                    let app = first.name.clone();
                    self.adapters.events.emit(OperationEvent::Warning { app, text });
                }
                Vec::new()
            }
        }
    }

    async fn clear_sites(&self, records: &[AppRecord]) -> Result<Vec<AppName>, OperationError> {
        let store = &self.adapters.store;
        let may_be_stale = |record: &&AppRecord| record.routed.as_ref().is_some_and(|routed| !routed.is_empty());
        let mut locked: Vec<(AppName, Option<Box<dyn HeldLock>>)> = Vec::new();
        for record in records.iter().filter(may_be_stale) {
            // Whoever holds a lock now sees to that app's file.
            if let Ok(lock) = self.lock_now(&record.name).await {
                locked.push((record.name.clone(), lock));
            }
        }
        if locked.is_empty() {
            return Ok(Vec::new());
        }
        let global = store.global().await?;
        let owner = store.owner().await?;
        let rows = self
            .adapters
            .engine
            .list_containers(&observation_filter(&owner))
            .await?;
        let observation = observe(&owner, &rows);
        let (mut sites, mut changes) = (Vec::new(), Vec::new());
        for (app, _) in &locked {
            let record = store.app(app).await?;
            let Ok(policies) = record.policies(&global) else {
                continue;
            };
            let is_skipped = restore_skip(&record, &policies).is_some();
            if is_skipped || self.runs_as_its_file_says(&record, &observation, &owner).await? {
                continue;
            }
            let capabilities = self.adapters.engine.capabilities();
            let now = self.adapters.clock.now();
            let situation = Situation::new(owner.clone(), record, global.clone(), capabilities, now)?;
            let change = match self.routing(&situation).await? {
                Routing::Served(settings) => SiteChange::Serve(Site {
                    app: app.clone(),
                    settings,
                    upstreams: Vec::new(),
                }),
                Routing::None | Routing::AsItIs => SiteChange::Remove(app.clone()),
            };
            let routed = matches!(change, SiteChange::Serve(_)).then(Default::default);
            changes.push(StoreChange::SetRouted {
                app: app.clone(),
                routed,
            });
            sites.push(change);
        }
        if !sites.is_empty() && !self.is_dry_run() {
            self.adapters.proxy.change_sites(&sites).await?;
            store.apply(&changes).await?;
        }
        Ok(sites.iter().map(|site| site.app().clone()).collect())
    }

    async fn lock_now(&self, app: &AppName) -> Result<Option<Box<dyn HeldLock>>, OperationError> {
        if self.is_dry_run() {
            return Ok(None);
        }
        let store = &self.adapters.store;
        let lock = store.lock_app(app, LockKind::Change, VERB, Duration::ZERO).await?;
        Ok(Some(lock))
    }

    /// Whether every container that the file may name runs, and where it should.
    async fn runs_as_its_file_says(
        &self,
        record: &AppRecord,
        observation: &Observation,
        owner: &OwnerToken,
    ) -> Result<bool, OperationError> {
        let Some(observed) = observation.apps.get(&record.name) else {
            return Ok(false);
        };
        for generation in record.routed.iter().flatten() {
            let mut serving = record.serving.iter();
            let named = serving.find(|(_, serving)| serving.generation == *generation);
            let Some((replica, serving)) = named else {
                return Ok(false);
            };
            let is_running = |replica: &Replica| {
                let container = observed.serving(record, replica);
                container.is_some_and(|container| container.state.is_running())
            };
            let place = serving.endpoint.as_ref();
            if !is_running(replica) || !self.is_at(&serving.container, place, owner).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a container has the address that was given to it. A loopback port is its own for as long as it runs.
    async fn is_at(
        &self,
        container: &ContainerId,
        endpoint: Option<&Endpoint>,
        owner: &OwnerToken,
    ) -> Result<bool, OperationError> {
        let Some(Endpoint::Address(address)) = endpoint else {
            return Ok(endpoint.is_some());
        };
        match self.adapters.engine.inspect_container(container).await {
            Ok(detail) => {
                let seen = detail.addresses.get(&network_name(owner));
                Ok(detail.id == *container && seen == Some(address) && !self.has_lost_its_process(&detail).await)
            }
            Err(error) if error.kind == RuntimeErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
