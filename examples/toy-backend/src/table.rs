//! What exists: containers, and what has happened to them. Invariant: every change wakes whoever waits for one.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use ps_core::policies::RestartPolicy;
use ps_core::runtime::{
    ContainerEvent, ContainerEventKind, ContainerId, ContainerSpec, ContainerState, OutputChunk, RuntimeError,
    RuntimeErrorKind,
};
use tokio::sync::Notify;

use crate::error;

/// One container.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) spec: ContainerSpec,
    pub(crate) policy: RestartPolicy,
    pub(crate) state: ContainerState,
    pub(crate) pid: Option<u32>,
    pub(crate) exit_code: Option<i64>,
    pub(crate) restart_count: u32,
    pub(crate) started_at: Option<SystemTime>,
    pub(crate) is_stopped_on_request: bool,
    pub(crate) log: Vec<OutputChunk>,
}

/// Everything behind the lock.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) containers: BTreeMap<String, Container>,
    pub(crate) events: Vec<ContainerEvent>,
    next: u64,
}

/// The table and its bell.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Mutex<Rows>,
    changed: Notify,
}

impl Table {
    pub(crate) fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something, and tells.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Rows) -> T) -> T {
        let result = change(&mut self.rows());
        self.changed.notify_waiters();
        result
    }

    /// Waits until the rows have an answer.
    pub(crate) async fn until<T>(&self, mut answer: impl FnMut(&mut Rows) -> Option<T>) -> T {
        loop {
            // Enlisted before looking, so that no change in between is missed.
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let found = answer(&mut self.rows());
            if let Some(found) = found {
                return found;
            }
            changed.await;
        }
    }
}

impl Rows {
    pub(crate) fn get(&mut self, id: &str, operation: &'static str) -> Result<&mut Container, RuntimeError> {
        let missing = || error(RuntimeErrorKind::NotFound, operation, id, "no such container");
        self.containers.get_mut(id).ok_or_else(missing)
    }

    pub(crate) fn check_name(&self, name: &str, operation: &'static str) -> Result<(), RuntimeError> {
        if self.containers.values().any(|container| container.spec.name == name) {
            return Err(error(
                RuntimeErrorKind::NameInUse,
                operation,
                name,
                "the name is in use",
            ));
        }
        Ok(())
    }

    pub(crate) fn add(&mut self, spec: &ContainerSpec) -> ContainerId {
        self.next += 1;
        let id = format!(
            "{:016x}{:048x}",
            self.next.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            self.next
        );
        let container = Container {
            spec: spec.clone(),
            policy: spec.restart_policy,
            state: ContainerState::Created,
            pid: None,
            exit_code: None,
            restart_count: 0,
            started_at: None,
            is_stopped_on_request: false,
            log: Vec::new(),
        };
        self.containers.insert(id.clone(), container);
        self.tell(&id, ContainerEventKind::Created);
        ContainerId(id)
    }

    pub(crate) fn tell(&mut self, id: &str, kind: ContainerEventKind) {
        if let Some(container) = self.containers.get(id) {
            self.events.push(ContainerEvent {
                container: ContainerId(id.to_owned()),
                name: container.spec.name.clone(),
                kind,
                at: SystemTime::now(),
                labels: container.spec.labels.clone(),
            });
        }
    }
}
