//! Networks, through podman-api.

use async_trait::async_trait;
use podman_api::models;
use podman_api::opts::NetworkCreateOpts;
use ps_core::runtime::{NetworkDetail, NetworkRuntime, NetworkSpec, RemoveOutcome, RuntimeError, RuntimeErrorKind};

use crate::call::escape;
use crate::runtime::PodmanRuntime;

#[async_trait]
impl NetworkRuntime for PodmanRuntime {
    async fn create_network(&self, spec: &NetworkSpec) -> Result<(), RuntimeError> {
        let mut left = spec.subnet.engine_hosts();
        let lease_range = models::LeaseRange {
            start_ip: left.next().map(|first| first.to_string()),
            end_ip: left.next_back().map(|last| last.to_string()),
        };
        let options = NetworkCreateOpts::builder()
            .name(&spec.name)
            .driver("bridge")
            .labels(&spec.labels)
            .subnets([models::Subnet {
                subnet: Some(spec.subnet.to_string()),
                gateway: None,
                lease_range: Some(lease_range),
            }])
            .build();
        self.through(self.limits.answer, self.podman.networks().create(&options))
            .await
            .map(|_| ())
            .map_err(|failure| failure.into_error("create network", &spec.name))
    }

    async fn inspect_network(&self, name: &str) -> Result<NetworkDetail, RuntimeError> {
        let network = self.podman.networks().get(escape(name));
        self.through(self.limits.answer, network.inspect())
            .await
            .map(detail)
            .map_err(|failure| failure.into_error("inspect network", name))
    }

    async fn remove_network(&self, name: &str) -> Result<RemoveOutcome, RuntimeError> {
        let network = self.podman.networks().get(escape(name));
        match self.through(self.limits.answer, network.delete()).await {
            Ok(_) => Ok(RemoveOutcome::Removed),
            Err(failure) if failure.kind() == RuntimeErrorKind::NotFound => Ok(RemoveOutcome::AlreadyGone),
            Err(failure) => Err(failure.into_error("remove network", name)),
        }
    }
}

fn detail(network: models::Network) -> NetworkDetail {
    let subnets = network.subnets.unwrap_or_default();
    let first = subnets
        .iter()
        .find_map(|subnet| Some((subnet.subnet.as_deref()?.parse().ok()?, subnet.gateway.as_deref())));
    NetworkDetail {
        name: network.name.unwrap_or_default(),
        subnet: first.map(|(subnet, _)| subnet),
        gateway: first.and_then(|(_, gateway)| gateway?.parse().ok()),
        labels: network.labels.unwrap_or_default().into_iter().collect(),
    }
}
