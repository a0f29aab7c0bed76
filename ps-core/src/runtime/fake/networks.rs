//! The fake's networks.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::FakeEngine;
use super::world::{FakeContainer, World, refuse};
use crate::runtime::{
    ConnectOutcome, ContainerId, DisconnectOutcome, NetworkDetail, NetworkRuntime, NetworkSpec, RemoveOutcome,
    RuntimeError, RuntimeErrorKind,
};

#[async_trait]
impl NetworkRuntime for FakeEngine {
    async fn create_network(&self, spec: &NetworkSpec) -> Result<(), RuntimeError> {
        let effect = |world: &mut World| {
            if world.networks.contains_key(&spec.name) {
                return refuse(RuntimeErrorKind::NameInUse, "a network of that name exists");
            }
            let overlaps = |other: &&NetworkSpec| match (other.subnet, spec.subnet) {
                (Some(other), Some(subnet)) => other.overlaps(&subnet),
                _ => false,
            };
            if let Some(other) = world.networks.values().find(overlaps) {
                return refuse(RuntimeErrorKind::AddressInUse, format!("overlaps with {}", other.name));
            }
            world.networks.insert(spec.name.clone(), spec.clone());
            Ok(())
        };
        self.call("create_network", &spec.name, effect).await
    }

    async fn inspect_network(&self, name: &str) -> Result<NetworkDetail, RuntimeError> {
        let effect = |world: &mut World| {
            let Some(network) = world.networks.get(name) else {
                return refuse(RuntimeErrorKind::NotFound, "no such network");
            };
            let first = |subnet: crate::addresses::Subnet| u32::from(subnet.network()).saturating_add(1);
            Ok(NetworkDetail {
                name: network.name.clone(),
                subnet: network.subnet,
                gateway: network.subnet.map(|subnet| first(subnet).into()),
                labels: network.labels.clone(),
            })
        };
        self.call("inspect_network", name, effect).await
    }

    async fn remove_network(&self, name: &str) -> Result<RemoveOutcome, RuntimeError> {
        let effect = |world: &mut World| {
            if world.containers.values().any(|container| container.is_in(name)) {
                return refuse(RuntimeErrorKind::Conflict, "the network has containers");
            }
            let removed = world.networks.remove(name);
            Ok(removed.map_or(RemoveOutcome::AlreadyGone, |_| RemoveOutcome::Removed))
        };
        self.call("remove_network", name, effect).await
    }

    async fn connect_container(
        &self,
        network: &str,
        id: &ContainerId,
        aliases: &[String],
    ) -> Result<ConnectOutcome, RuntimeError> {
        let effect = |world: &mut World| {
            let is_known = world.networks.contains_key(network);
            let container = world.container_mut(id)?;
            if container.is_outside_networks {
                return refuse(RuntimeErrorKind::Conflict, "its network mode joins no networks");
            }
            if !is_known {
                return refuse(RuntimeErrorKind::NotFound, format!("no such network: {network}"));
            }
            if container.is_in(network) && container.pid.is_some() {
                return Ok(ConnectOutcome::AlreadyConnected);
            }
            let names = aliases.iter().cloned().collect();
            container.connections.insert(network.to_owned(), names);
            Ok(ConnectOutcome::Connected)
        };
        self.call("connect_container", &id.0, effect).await
    }

    async fn disconnect_container(&self, network: &str, id: &ContainerId) -> Result<DisconnectOutcome, RuntimeError> {
        let effect = |world: &mut World| {
            let Ok(container) = world.container_mut(id) else {
                return Ok(DisconnectOutcome::AlreadyDisconnected);
            };
            let is_inside = container.is_in(network);
            container.connections.remove(network);
            let is_first = |first: &mut crate::runtime::NetworkAttachment| first.network == network;
            container.spec.network.take_if(is_first);
            Ok(if is_inside {
                DisconnectOutcome::Disconnected
            } else {
                DisconnectOutcome::AlreadyDisconnected
            })
        };
        self.call("disconnect_container", &id.0, effect).await
    }
}

impl FakeContainer {
    /// Whether it is connected to a network.
    pub(super) fn is_in(&self, network: &str) -> bool {
        self.connections.contains_key(network)
            || self.spec.network.as_ref().is_some_and(|first| first.network == network)
    }

    /// Its networks with its names there.
    pub(super) fn aliases(&self) -> BTreeMap<String, BTreeSet<String>> {
        let first = self
            .spec
            .network
            .iter()
            .map(|first| (first.network.clone(), BTreeSet::new()));
        first.chain(self.connections.clone()).collect()
    }
}

impl FakeEngine {
    /// Takes a container out of all networks for good, as the host's network would: it cannot be connected to any.
    pub fn put_outside_networks(&self, container: &str) {
        if let Ok(container) = self.world().container_mut(&ContainerId(container.to_owned())) {
            container.is_outside_networks = true;
            container.connections.clear();
        }
    }
}
