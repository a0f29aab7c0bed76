//! Networks over the engine's API.

use std::net::Ipv4Addr;

use async_trait::async_trait;
use bollard::query_parameters::InspectNetworkOptions;
use bytes::Bytes;
use hyper::Method;
use ps_core::addresses::Subnet;
use ps_core::runtime::{
    ConnectOutcome, ContainerId, DisconnectOutcome, NetworkDetail, NetworkRuntime, NetworkSpec, RemoveOutcome,
    RuntimeError, RuntimeErrorKind,
};

use crate::DockerRuntime;
use crate::classify_error::Call;
use crate::translate::{is_plain_word, network_detail};

fn on_network<'a>(operation: &'static str, name: &'a str) -> Result<Call<'a>, RuntimeError> {
    let call = Call::new(operation, name);
    let is_word = is_plain_word(name) && !name.contains('/');
    is_word
        .then_some(call)
        .ok_or_else(|| call.failed(RuntimeErrorKind::NotFound))
}

/// The first address, which the engine would choose too, but does not always tell then.
fn gateway_of(subnet: Subnet) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(subnet.network()).saturating_add(1))
}

#[async_trait]
impl NetworkRuntime for DockerRuntime {
    async fn create_network(&self, spec: &NetworkSpec) -> Result<(), RuntimeError> {
        // bollard's model has lost `CheckDuplicate`, without which engines before 25 make a second network of that name.
        // Containers of every network but the default one find each other by alias.
        let pool = |subnet: Subnet| {
            serde_json::json!({
                "Subnet": subnet.to_string(),
                "IPRange": subnet.left_to_engine().to_string(),
                "Gateway": gateway_of(subnet).to_string(),
            })
        };
        let pools: Vec<serde_json::Value> = spec.subnet.into_iter().map(pool).collect();
        let body = serde_json::json!({
            "Name": spec.name,
            "CheckDuplicate": true,
            "Driver": "bridge",
            "Labels": spec.labels,
            "IPAM": { "Config": pools },
        });
        let answer = self
            .transport
            .ask(Method::POST, "/networks/create", Bytes::from(body.to_string()));
        Call::new("create network", &spec.name)
            .bounded(self.limits.change, answer)
            .await?;
        Ok(())
    }

    async fn inspect_network(&self, name: &str) -> Result<NetworkDetail, RuntimeError> {
        let call = on_network("inspect network", name)?;
        let network = self.docker.inspect_network(name, None::<InspectNetworkOptions>);
        let network = network_detail(call.bounded(self.limits.look, network).await?);
        // The engine takes the beginning of an id for a name too.
        let is_it = network.name == name;
        is_it
            .then_some(network)
            .ok_or_else(|| call.failed(RuntimeErrorKind::NotFound))
    }

    async fn remove_network(&self, name: &str) -> Result<RemoveOutcome, RuntimeError> {
        let call = on_network("remove network", name)?;
        match call.bounded(self.limits.change, self.docker.remove_network(name)).await {
            Ok(()) => Ok(RemoveOutcome::Removed),
            Err(error) if error.kind == RuntimeErrorKind::NotFound => Ok(RemoveOutcome::AlreadyGone),
            Err(error) => Err(error),
        }
    }

    async fn connect_container(
        &self,
        network: &str,
        id: &ContainerId,
        aliases: &[String],
    ) -> Result<ConnectOutcome, RuntimeError> {
        on_network("connect", network)?;
        let body = serde_json::json!({ "Container": id.0, "EndpointConfig": { "Aliases": aliases } });
        match self.change_connection("connect", network, id, &body).await {
            Ok(()) => Ok(ConnectOutcome::Connected),
            Err(error) if error.kind == RuntimeErrorKind::NameInUse => Ok(ConnectOutcome::AlreadyConnected),
            Err(error) => Err(error),
        }
    }

    async fn disconnect_container(&self, network: &str, id: &ContainerId) -> Result<DisconnectOutcome, RuntimeError> {
        on_network("disconnect", network)?;
        let body = serde_json::json!({ "Container": id.0 });
        match self.change_connection("disconnect", network, id, &body).await {
            Ok(()) => Ok(DisconnectOutcome::Disconnected),
            Err(error) if error.kind == RuntimeErrorKind::NotFound => Ok(DisconnectOutcome::AlreadyDisconnected),
            Err(error) => Err(error),
        }
    }
}

impl DockerRuntime {
    async fn change_connection(
        &self,
        operation: &'static str,
        network: &str,
        id: &ContainerId,
        body: &serde_json::Value,
    ) -> Result<(), RuntimeError> {
        let path = format!("/networks/{network}/{operation}");
        let answer = self.transport.ask(Method::POST, &path, Bytes::from(body.to_string()));
        Call::new(operation, &id.0).bounded(self.limits.change, answer).await?;
        Ok(())
    }
}
