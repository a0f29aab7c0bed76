//! Use cases that only look: report, inspect, processes, logs.

use futures_util::StreamExt;
use futures_util::stream::select_all;

use super::verbs::selection;
use super::{OperationError, Operations};
use crate::inspect::sanitise;
use crate::names::{AppName, Replica};
use crate::observation::{ObservedContainer, Role, observation_filter, observe};
use crate::report::{AppReport, report};
use crate::runtime::{
    ContainerId, Document, LogOptions, OutputChunk, ProcessTable, RuntimeError, RuntimeErrorKind, RuntimeStream,
};

/// The processes inside one replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessList {
    /// The replica.
    pub replica: Replica,
    /// Its container.
    pub container: ContainerId,
    /// Its processes.
    pub table: ProcessTable,
}

impl Operations {
    /// Reports on apps, all of them when `apps` is empty: one list call to the engine, whatever their number.
    pub async fn report(&self, apps: &[AppName]) -> Result<Vec<AppReport>, OperationError> {
        let store = &self.adapters.store;
        let global = store.global().await?;
        let mut records = Vec::new();
        if apps.is_empty() {
            records = store.apps().await?;
        } else {
            for app in apps {
                records.push(store.app(app).await?);
            }
        }
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let owner = store.owner().await?;
        let rows = self
            .adapters
            .engine
            .list_containers(&observation_filter(&owner))
            .await?;
        let mut observation = observe(&owner, &rows);
        records
            .iter()
            .map(|record| {
                let observed = observation.apps.remove(&record.name).unwrap_or_default();
                Ok(report(record, &global, &observed)?)
            })
            .collect()
    }

    /// The engine's documents of an app's containers, without secrets. Only running replicas, unless `all` is true.
    pub async fn inspect(&self, app: &AppName, all: bool) -> Result<Vec<Document>, OperationError> {
        let record = self.adapters.store.app(app).await?;
        let global = self.adapters.store.global().await?;
        self.hide_values(&record, &global);
        let owner = self.adapters.store.owner().await?;
        let rows = self
            .adapters
            .engine
            .list_containers(&observation_filter(&owner))
            .await?;
        let observed = observe(&owner, &rows).apps.remove(app).unwrap_or_default();
        let serving = observed.with_role(&record, Role::Serving);
        let ids: Vec<ContainerId> = if all {
            let replicas = observed.containers.iter().map(|container| container.id.clone());
            replicas
                .chain(observed.one_offs.iter().map(|one_off| one_off.id.clone()))
                .collect()
        } else {
            serving
                .filter(|container| container.state.is_running())
                .map(|container| container.id.clone())
                .collect()
        };
        let mut documents = Vec::new();
        for id in ids {
            match self.adapters.engine.inspect_container(&id).await {
                Ok(detail) => documents.push(sanitise(&detail, &owner)),
                Err(error) if error.kind == RuntimeErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(documents)
    }

    /// The processes inside an app's running replicas.
    pub async fn processes(&self, app: &AppName) -> Result<Vec<ProcessList>, OperationError> {
        let mut lists = Vec::new();
        for container in self.running(app, None).await? {
            let table = match self.adapters.engine.list_processes(&container.id).await {
                Ok(table) => table,
                Err(RuntimeError {
                    kind: RuntimeErrorKind::NotFound | RuntimeErrorKind::Conflict,
                    ..
                }) => continue,
                Err(error) => return Err(error.into()),
            };
            lists.push(ProcessList {
                replica: container.replica,
                container: container.id,
                table,
            });
        }
        Ok(lists)
    }

    /// The running replicas that a word selects (`web`, `web.2`), all without one.
    pub async fn running(&self, app: &AppName, word: Option<&str>) -> Result<Vec<ObservedContainer>, OperationError> {
        let containers = self.replicas(app, word).await?;
        Ok(containers
            .into_iter()
            .filter(|container| container.state.is_running())
            .collect())
    }

    /// What the selected replicas wrote, and write, each chunk with its replica.
    pub async fn logs(
        &self,
        app: &AppName,
        word: Option<&str>,
        options: LogOptions,
    ) -> Result<RuntimeStream<(Replica, OutputChunk)>, OperationError> {
        let streams = self.replicas(app, word).await?.into_iter().map(|container| {
            let replica = container.replica;
            let logs = self.adapters.engine.read_logs(&container.id, options);
            logs.map(move |chunk| chunk.map(|chunk| (replica.clone(), chunk)))
                .boxed()
        });
        Ok(select_all(streams).boxed())
    }

    async fn replicas(&self, app: &AppName, word: Option<&str>) -> Result<Vec<ObservedContainer>, OperationError> {
        let record = self.adapters.store.app(app).await?;
        let selection = selection(&record, word)?;
        let owner = self.adapters.store.owner().await?;
        let rows = self
            .adapters
            .engine
            .list_containers(&observation_filter(&owner))
            .await?;
        let observed = observe(&owner, &rows).apps.remove(app).unwrap_or_default();
        let serving = observed.with_role(&record, Role::Serving);
        Ok(serving
            .filter(|container| selection.contains(&container.replica))
            .cloned()
            .collect())
    }
}
