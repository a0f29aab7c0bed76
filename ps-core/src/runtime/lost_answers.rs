//! The one place where a call whose answer was lost is looked up: by name and labels, never by trying again blindly.

use super::{ContainerFilter, ContainerId, ContainerRuntime, ContainerSpec, RuntimeError, RuntimeErrorKind};

/// A runtime whose creates are looked up when their answer was lost. Everything else is idempotent and is seen by the next
/// observation.
#[derive(Debug, Clone, Copy)]
pub struct LostAnswers<'a> {
    runtime: &'a dyn ContainerRuntime,
}

impl<'a> LostAnswers<'a> {
    /// Wraps a runtime.
    pub fn new(runtime: &'a dyn ContainerRuntime) -> Self {
        Self { runtime }
    }

    /// Makes a container. When the answer was lost, a container of that name with exactly these labels is the answer.
    pub async fn create_container(&self, spec: &ContainerSpec) -> Result<ContainerId, RuntimeError> {
        let error = match self.runtime.create_container(spec).await {
            Err(error) if error.kind == RuntimeErrorKind::OutcomeUnknown => error,
            answered => return answered,
        };
        let filter = ContainerFilter {
            labels: spec.labels.clone(),
            network: None,
        };
        let found = self.runtime.list_containers(&filter).await?;
        found
            .into_iter()
            .find(|container| container.name == spec.name)
            .map(|container| container.id)
            .ok_or(error)
    }
}
