//! Which containers died since the execution began, from one event stream, so that waits notice it at once without asking the
//! engine.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::runtime::{ContainerEvent, ContainerEventKind, ContainerId, RuntimeError};

/// Deaths seen so far.
#[derive(Debug, Default)]
pub(crate) struct Deaths(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    dead: BTreeSet<ContainerId>,
    stream_is_lost: bool,
}

impl Deaths {
    /// Notes what the stream brought; `None` is its end.
    pub(crate) fn note(&self, event: Option<Result<ContainerEvent, RuntimeError>>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Some(Ok(event)) => {
                if matches!(
                    event.kind,
                    ContainerEventKind::Died { .. } | ContainerEventKind::Removed
                ) {
                    seen.dead.insert(event.container);
                }
            }
            Some(Err(_)) | None => seen.stream_is_lost = true,
        }
    }

    /// Whether a container died; `None` when nobody watches any more.
    pub(crate) fn has_died(&self, id: &ContainerId) -> Option<bool> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (seen.dead.contains(id), seen.stream_is_lost) {
            (true, _) => Some(true),
            (false, true) => None,
            (false, false) => Some(false),
        }
    }
}
