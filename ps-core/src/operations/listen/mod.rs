//! The event listener: one long-lived use case that keeps apps running. Start at [`Operations::listen`].
//!
//! Invariant: events only say where to look. What is done follows from a look at the store and the engine
//! ([`decide`](crate::listen::decide)), so that events which come twice, late or never change nothing. It asks the engine for nothing
//! while nothing happens, but for liveness checks where an app has some.

mod acts;
mod attend;
mod compare;
mod events;
mod listener;
mod liveness;
mod mail;
mod news;
mod watch;

pub use news::{IgnoreNews, ListenFigures, ListenNews, ListenSink};

use async_lock::Semaphore;

use super::{OperationError, Operations};
use listener::Listener;

/// What the audit trail, the journal and the locks call it.
pub(super) const VERB: &str = "events:listen";

impl Operations {
    /// Listens to the engine until it is cancelled, and keeps apps running: tells the proxy of containers that are reached elsewhere,
    /// redeploys once what used up its restarts, takes out of service what fails too often, makes liveness checks, removes what has to
    /// retire, and brings apps back when the engine was gone. What it does is told to `sink` and written to the audit trail.
    ///
    /// Ends when the use cases are cancelled, after what it was doing is done or mended.
    ///
    /// # Errors
    /// When another process listens for the same store, or the store cannot be used. An engine that is gone is waited for.
    pub async fn listen(&self, sink: &dyn ListenSink) -> Result<(), OperationError> {
        let store = &self.adapters.store;
        let _held = store.lock_listener(VERB).await?;
        let owner = store.owner().await?;
        let restarts = Semaphore::new(self.adapters.host.cpus().saturating_mul(2).max(4));
        Listener::new(self, &owner, sink, &restarts).run().await
    }
}
