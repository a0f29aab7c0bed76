//! Which containers died since the execution began, from one event stream, so that waits notice it at once without asking the
//! engine.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use event_listener::Event;

use crate::runtime::{ContainerEvent, ContainerEventKind, ContainerId, RuntimeError};

/// Deaths seen so far.
#[derive(Debug, Default)]
pub(crate) struct Deaths {
    seen: Mutex<Seen>,
    news: Event,
}

#[derive(Debug, Default)]
struct Seen {
    /// With the exit code, where the engine told it.
    dead: BTreeMap<ContainerId, Option<i64>>,
    stream_is_lost: bool,
}

/// What ends the watching of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// It died.
    Died {
        /// The exit code, where the engine told it: a container that was restarted at once has none any more.
        exit_code: Option<i64>,
    },
    /// Nobody watches any more: whoever wants to know has to ask.
    StreamLost,
}

impl Deaths {
    /// Notes what the stream brought; `None` is its end.
    pub(crate) fn note(&self, event: Option<Result<ContainerEvent, RuntimeError>>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Some(Ok(event)) => {
                let exit_code = match event.kind {
                    ContainerEventKind::Died { exit_code } => Some(exit_code),
                    ContainerEventKind::Removed => Some(None),
                    _ => None,
                };
                if let Some(exit_code) = exit_code {
                    // The first death is the one that is told.
                    seen.dead.entry(event.container).or_insert(exit_code);
                }
            }
            Some(Err(_)) | None => seen.stream_is_lost = true,
        }
        drop(seen);
        self.news.notify(usize::MAX);
    }

    /// Waits until a container has died, or until that cannot be seen any more.
    pub(crate) async fn notice(&self, id: &ContainerId) -> Notice {
        loop {
            let news = self.news.listen();
            if let Some(notice) = self.look(id) {
                return notice;
            }
            news.await;
        }
    }

    fn look(&self, id: &ContainerId) -> Option<Notice> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match (seen.dead.get(id), seen.stream_is_lost) {
            (Some(exit_code), _) => Some(Notice::Died { exit_code: *exit_code }),
            (None, true) => Some(Notice::StreamLost),
            (None, false) => None,
        }
    }
}
