//! The fake's networks.

use async_trait::async_trait;

use super::FakeEngine;
use super::world::{World, refuse};
use crate::runtime::{NetworkDetail, NetworkRuntime, NetworkSpec, RemoveOutcome, RuntimeError, RuntimeErrorKind};

#[async_trait]
impl NetworkRuntime for FakeEngine {
    async fn create_network(&self, spec: &NetworkSpec) -> Result<(), RuntimeError> {
        let effect = |world: &mut World| {
            if world.networks.contains_key(&spec.name) {
                return refuse(RuntimeErrorKind::NameInUse, "a network of that name exists");
            }
            if let Some(other) = world
                .networks
                .values()
                .find(|other| other.subnet.overlaps(&spec.subnet))
            {
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
            let first = u32::from(network.subnet.network()).saturating_add(1);
            Ok(NetworkDetail {
                name: network.name.clone(),
                subnet: Some(network.subnet),
                gateway: Some(first.into()),
                labels: network.labels.clone(),
            })
        };
        self.call("inspect_network", name, effect).await
    }

    async fn remove_network(&self, name: &str) -> Result<RemoveOutcome, RuntimeError> {
        let effect = |world: &mut World| {
            let mut attachments = world
                .containers
                .values()
                .filter_map(|container| container.spec.network.as_ref());
            if attachments.any(|attachment| attachment.network == name) {
                return refuse(RuntimeErrorKind::Conflict, "the network has containers");
            }
            let removed = world.networks.remove(name);
            Ok(removed.map_or(RemoveOutcome::AlreadyGone, |_| RemoveOutcome::Removed))
        };
        self.call("remove_network", name, effect).await
    }
}
