//! Networks, through podman-api.

use async_trait::async_trait;
use podman_api::models;
use podman_api::opts::NetworkCreateOpts;
use ps_core::addresses::Subnet;
use ps_core::runtime::{
    ConnectOutcome, ContainerId, DisconnectOutcome, NetworkDetail, NetworkRuntime, NetworkSpec, RemoveOutcome,
    RuntimeError, RuntimeErrorKind,
};

use crate::call::{Call, Payload, escape};
use crate::classify_error::Failure;
use crate::runtime::PodmanRuntime;

#[async_trait]
impl NetworkRuntime for PodmanRuntime {
    async fn create_network(&self, spec: &NetworkSpec) -> Result<(), RuntimeError> {
        let options = NetworkCreateOpts::builder()
            .name(&spec.name)
            .driver("bridge")
            .dns_enabled(spec.resolves_aliases)
            .labels(&spec.labels);
        let options = match spec.subnet {
            Some(subnet) => options.subnets([pool(subnet)]).build(),
            None => options.build(),
        };
        self.through(self.limits.answer, self.podman.networks().create(&options))
            .await
            .map(|network| self.see_bridge(&network))
            .map_err(|failure| failure.into_error("create network", &spec.name))
    }

    async fn inspect_network(&self, name: &str) -> Result<NetworkDetail, RuntimeError> {
        let network = self.podman.networks().get(escape(name));
        self.through(self.limits.answer, network.inspect())
            .await
            .map(|network| {
                self.see_bridge(&network);
                detail(network)
            })
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

    async fn connect_container(
        &self,
        network: &str,
        id: &ContainerId,
        aliases: &[String],
    ) -> Result<ConnectOutcome, RuntimeError> {
        let body = serde_json::json!({ "container": id.0, "aliases": aliases });
        match self.change_connection("connect", network, &body).await {
            Ok(()) => Ok(ConnectOutcome::Connected),
            Err(failure) if failure.kind() == RuntimeErrorKind::NameInUse => Ok(ConnectOutcome::AlreadyConnected),
            Err(failure) => Err(failure.into_error("connect", &id.0)),
        }
    }

    async fn disconnect_container(&self, network: &str, id: &ContainerId) -> Result<DisconnectOutcome, RuntimeError> {
        let body = serde_json::json!({ "Container": id.0 });
        match self.change_connection("disconnect", network, &body).await {
            Ok(()) => Ok(DisconnectOutcome::Disconnected),
            Err(failure) if failure.kind() == RuntimeErrorKind::NotFound => Ok(DisconnectOutcome::AlreadyDisconnected),
            Err(failure) => Err(failure.into_error("disconnect", &id.0)),
        }
    }
}

impl PodmanRuntime {
    fn see_bridge(&self, network: &models::Network) {
        if self.capabilities.host_reaches_containers {
            self.bridges
                .see(network.network_interface.as_deref().unwrap_or_default());
        }
    }

    /// Written by hand: podman-api knows no aliases here.
    async fn change_connection(&self, operation: &str, network: &str, body: &serde_json::Value) -> Result<(), Failure> {
        let path = format!("/networks/{}/{operation}", escape(network));
        let call = Call::post(&path).payload(Payload::Json(body.to_string().into_bytes()));
        self.ask(call).await.map(drop)
    }
}

fn pool(subnet: Subnet) -> models::Subnet {
    let mut left = subnet.engine_hosts();
    let lease_range = models::LeaseRange {
        start_ip: left.next().map(|first| first.to_string()),
        end_ip: left.next_back().map(|last| last.to_string()),
    };
    models::Subnet {
        subnet: Some(subnet.to_string()),
        gateway: None,
        lease_range: Some(lease_range),
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
