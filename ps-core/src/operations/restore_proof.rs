//! Whether what an engine says of a container is so. Invariant: a container counts as dead against the engine's word only when its process is
//! gone from the host and the engine cannot look inside it either, or when nobody listens on its published port.
//!
//! Podman has no process of its own that watches: when a container's monitor is killed together with it, Podman goes on saying that it runs,
//! and a start does nothing.

use futures_util::future::join_all;

use super::Operations;
use crate::addresses::Endpoint;
use crate::observation::{ObservedApp, Role};
use crate::planning::Situation;
use crate::runtime::{ContainerDetail, ContainerId, ContainerState, RuntimeErrorKind};

impl Operations {
    /// Puts right which serving containers run.
    pub(super) async fn without_ghosts(&self, mut situation: Situation) -> Situation {
        let record = &situation.record;
        let looks = situation.observed.containers.iter().map(|container| async move {
            let is_serving = ObservedApp::role(record, container) == Role::Serving;
            let serving = record.serving.get(&container.replica);
            let endpoint = serving.and_then(|serving| serving.endpoint);
            let is_said_to_serve = is_serving && container.state.is_running();
            is_said_to_serve && (self.has_lost_its_port(endpoint) || self.is_ghost(&container.id).await)
        });
        let ghosts = join_all(looks).await;
        for (container, is_ghost) in situation.observed.containers.iter_mut().zip(ghosts) {
            if is_ghost {
                container.state = ContainerState::Dead;
            }
        }
        situation
    }

    /// Whether nobody listens on the port that the engine published: what listened has ended with the container's monitor.
    fn has_lost_its_port(&self, endpoint: Option<Endpoint>) -> bool {
        let Some(Endpoint::LoopbackPort(port)) = endpoint else {
            return false;
        };
        self.adapters.engine.capabilities().host_sees_processes && self.adapters.host.is_loopback_port_free(port)
    }

    async fn is_ghost(&self, container: &ContainerId) -> bool {
        match self.adapters.engine.inspect_container(container).await {
            Ok(detail) => self.has_lost_its_process(&detail).await,
            Err(_) => false,
        }
    }

    /// Whether a container that is said to run has no process.
    pub(super) async fn has_lost_its_process(&self, detail: &ContainerDetail) -> bool {
        let engine = &self.adapters.engine;
        let Some(pid) = detail.pid.filter(|_| engine.capabilities().host_sees_processes) else {
            return false;
        };
        if !detail.state.is_running() || self.adapters.host.listening_ports(pid).await.is_some() {
            return false;
        }
        let said = engine.list_processes(&detail.id).await;
        said.is_err_and(|error| {
            matches!(
                error.kind,
                RuntimeErrorKind::NotFound | RuntimeErrorKind::Conflict | RuntimeErrorKind::Unexpected
            )
        })
    }
}
