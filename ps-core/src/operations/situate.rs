//! Observing: from the store and one list call to a [`Situation`].

use std::collections::BTreeMap;

use super::{OperationError, Operations};
use crate::addresses::Subnet;
use crate::app::{AppRecord, GlobalRecord};
use crate::config::Config;
use crate::labels;
use crate::names::{AppName, OwnerToken};
use crate::observation::{observation_filter, observe};
use crate::planning::{NetworkState, Situation};
use crate::runtime::{NetworkSpec, RuntimeErrorKind};

/// The second number of the subnets that are tried when none is asked for: 10.210.0.0/16 to 10.254.0.0/16.
const SUBNET_CANDIDATES: std::ops::RangeInclusive<u8> = 210..=254;

impl Operations {
    /// The situation of an app that exists.
    pub(crate) async fn situation(&self, app: &AppName) -> Result<Situation, OperationError> {
        let record = self.adapters.store.app(app).await?;
        self.situation_of(record).await
    }

    /// The situation of an app whose record is at hand.
    pub(crate) async fn situation_of(&self, record: AppRecord) -> Result<Situation, OperationError> {
        let store = &self.adapters.store;
        let global = store.global().await?;
        self.hide_values(&record, &global);
        let owner = store.owner().await?;
        let rows = self
            .adapters
            .engine
            .list_containers(&observation_filter(&owner))
            .await?;
        let observed = observe(&owner, &rows).apps.remove(&record.name).unwrap_or_default();
        let endpoints = store.reserved_endpoints().await?;
        let capabilities = self.adapters.engine.capabilities();
        let now = self.adapters.clock.now();
        let network = if capabilities.host_reaches_containers {
            Some(self.network(&owner).await?)
        } else {
            None
        };
        let name = record.name.clone();
        let mut situation = Situation::new(owner, record, global, capabilities, now)?;
        situation.observed = observed;
        situation.endpoints = endpoints.into_iter().filter(|endpoint| endpoint.app == name).collect();
        situation.network = network;
        situation.links = self.link_state(&situation.owner, &situation.record).await?;
        situation.routing = self.routing(&situation).await?;
        if !capabilities.updates_restart_policy {
            situation.restart_policies = self.restart_policies(&situation).await?;
        }
        Ok(situation)
    }

    /// Tells the sink every value that must not be shown.
    pub(crate) fn hide_values(&self, record: &AppRecord, global: &GlobalRecord) {
        let release = record.release.as_ref().map(|release| &release.config);
        let configs: Vec<&Config> = [Some(&record.config), Some(&global.config), release]
            .into_iter()
            .flatten()
            .collect();
        let values = configs
            .iter()
            .flat_map(|config| config.iter())
            .map(|(_, value)| value.to_owned())
            .collect();
        self.hide(values);
    }

    /// Where a live container's policy cannot be changed, a stop depends on the policy it has.
    async fn restart_policies(
        &self,
        situation: &Situation,
    ) -> Result<BTreeMap<crate::runtime::ContainerId, crate::policies::RestartPolicy>, OperationError> {
        let mut policies = BTreeMap::new();
        for container in &situation.observed.containers {
            match self.adapters.engine.inspect_container(&container.id).await {
                Ok(detail) => {
                    policies.insert(container.id.clone(), detail.restart_policy);
                }
                Err(error) if error.kind == RuntimeErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(policies)
    }

    async fn network(&self, owner: &OwnerToken) -> Result<NetworkState, OperationError> {
        let name = network_name(owner);
        let exists = match self.adapters.engine.inspect_network(&name).await {
            Ok(_) => true,
            Err(error) if error.kind == RuntimeErrorKind::NotFound => false,
            Err(error) => return Err(error.into()),
        };
        let store = &self.adapters.store;
        let subnet = match store.subnet().await? {
            Some(subnet) => subnet,
            None if self.is_dry_run() => self.free_subnet()?,
            None => store.choose_subnet(self.free_subnet()?).await?,
        };
        let labels = BTreeMap::from([(labels::OWNER.to_owned(), owner.as_str().to_owned())]);
        Ok(NetworkState {
            spec: NetworkSpec {
                name,
                subnet: Some(subnet),
                resolves_aliases: false,
                labels,
            },
            exists,
        })
    }

    /// The subnet that was asked for, else the first candidate that overlaps no route of the host.
    fn free_subnet(&self) -> Result<Subnet, OperationError> {
        let routes = self.adapters.host.routes();
        let taken = |subnet: &Subnet| routes.iter().find(|(route, _)| route.overlaps(subnet));
        let candidates: Vec<Subnet> = match self.options.subnet {
            Some(subnet) => vec![subnet],
            None => SUBNET_CANDIDATES
                .filter_map(|second| format!("10.{second}.0.0/16").parse().ok())
                .collect(),
        };
        let free = candidates.iter().find(|candidate| taken(candidate).is_none());
        match (free, candidates.first()) {
            (Some(free), _) => Ok(*free),
            (None, Some(first)) => {
                let (route, interface) = taken(first)
                    .map(|(route, interface)| (route.to_string(), interface.clone()))
                    .unwrap_or_default();
                Err(OperationError::SubnetTaken {
                    subnet: first.to_string(),
                    route,
                    interface,
                })
            }
            (None, None) => Err(OperationError::SubnetTaken {
                subnet: String::new(),
                route: String::new(),
                interface: String::new(),
            }),
        }
    }
}

/// The name of a state directory's network.
pub(crate) fn network_name(owner: &OwnerToken) -> String {
    format!("psctl-{}", owner.as_str().get(..12).unwrap_or(owner.as_str()))
}
