//! Everything a planner may look at.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::app::{AppRecord, GlobalRecord, Retirement};
use crate::names::{Generation, OwnerToken, Replica};
use crate::observation::{ObservedApp, ObservedContainer};
use crate::plan::ContainerRef;
use crate::planning::links::LinkState;
use crate::planning::traffic::due;
use crate::policies::{Policies, PropertyError, RestartPolicy};
use crate::proxy::SiteSettings;
use crate::runtime::{ContainerId, NetworkSpec, RuntimeCapabilities};
use crate::store::{ReservedEndpoint, StoreChange};

/// Psctl's network on the engine, where containers have addresses that the host reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkState {
    /// What it is, or will be.
    pub spec: NetworkSpec,
    /// Whether it is there.
    pub exists: bool,
}

/// What a proxy does for an app.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Routing {
    /// None serves it.
    #[default]
    None,
    /// One serves it, like this.
    Served(SiteSettings),
    /// Whatever it does stays: it cannot be told now.
    AsItIs,
}

/// What is wanted (the record) and what is there (the observation), at one moment.
#[derive(Debug, Clone)]
pub struct Situation {
    /// The owner token of the state directory.
    pub owner: OwnerToken,
    /// The app.
    pub record: AppRecord,
    /// What is set for all apps.
    pub global: GlobalRecord,
    /// The app's settings in force.
    pub policies: Policies,
    /// The app's containers.
    pub observed: ObservedApp,
    /// Policies of live containers, where stopping depends on them.
    pub restart_policies: BTreeMap<ContainerId, RestartPolicy>,
    /// The app's endpoints.
    pub endpoints: Vec<ReservedEndpoint>,
    /// What the engine can do.
    pub capabilities: RuntimeCapabilities,
    /// The network; `None` where the host cannot reach containers.
    pub network: Option<NetworkState>,
    /// What a proxy does for the app.
    pub routing: Routing,
    /// What its links meet.
    pub links: LinkState,
    /// Now.
    pub now: SystemTime,
}

impl Situation {
    /// The situation of an app without containers on an engine without a network of ours.
    pub fn new(
        owner: OwnerToken,
        record: AppRecord,
        global: GlobalRecord,
        capabilities: RuntimeCapabilities,
        now: SystemTime,
    ) -> Result<Self, PropertyError> {
        let policies = record.policies(&global)?;
        let links = LinkState::none(&owner, &record.name);
        Ok(Self {
            owner,
            record,
            global,
            policies,
            observed: ObservedApp::default(),
            restart_policies: BTreeMap::new(),
            endpoints: Vec::new(),
            capabilities,
            network: None,
            routing: Routing::None,
            links,
            now,
        })
    }

    /// The first generation that no container has, whatever the record says.
    pub(crate) fn next_generation(&self) -> Generation {
        let seen = self
            .observed
            .generations()
            .last()
            .map_or(Generation(0), |last| last.after(1));
        self.record.next_generation.max(seen)
    }

    /// Whether a proxy serves the app.
    pub(crate) fn is_served(&self) -> bool {
        matches!(self.routing, Routing::Served(_))
    }

    /// The container that serves as a replica, when it exists.
    pub(crate) fn serving(&self, replica: &Replica) -> Option<&ObservedContainer> {
        self.observed.serving(&self.record, replica)
    }

    /// The changes that let a serving container go.
    pub(crate) fn retire_changes(&self, container: &ObservedContainer) -> StoreChange {
        StoreChange::AddRetirement {
            app: self.record.name.clone(),
            retirement: Retirement {
                replica: container.replica.clone(),
                generation: container.generation,
                container: container.id.clone(),
                due: due(self, container),
                stop_timeout: self.policies.stop_timeout,
            },
        }
    }
}

/// A reference to a container that exists.
pub(crate) fn existing(container: &ObservedContainer) -> ContainerRef {
    ContainerRef::Existing {
        id: container.id.clone(),
        name: container.name.clone(),
    }
}
