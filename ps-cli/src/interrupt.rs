//! Ctrl-C and SIGTERM.
//!
//! Invariant: a command that has nothing to put back ends at the first signal; one that holds a [`Guard`] is told, and ends by
//! itself; the second signal ends it anyway.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::exit_status::ExitStatus;

/// Whether the user wants the command to end.
#[derive(Debug, Clone)]
pub struct Interrupt {
    requested: watch::Sender<Option<ExitStatus>>,
    guards: Arc<AtomicUsize>,
}

/// Held by a command while it has something to put back.
#[derive(Debug)]
pub struct Guard(Arc<AtomicUsize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Default for Interrupt {
    fn default() -> Self {
        Self {
            requested: watch::Sender::new(None),
            guards: Arc::default(),
        }
    }
}

impl Interrupt {
    /// Nothing was requested yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on, the first signal only tells.
    #[must_use]
    pub fn guard(&self) -> Guard {
        self.guards.fetch_add(1, Ordering::SeqCst);
        Guard(Arc::clone(&self.guards))
    }

    /// Which signal was there, if any.
    pub fn requested(&self) -> Option<ExitStatus> {
        *self.requested.borrow()
    }

    /// Waits for the first signal.
    pub async fn wait(&self) -> ExitStatus {
        let mut requested = self.requested.subscribe();
        match requested.wait_for(Option::is_some).await.map(|status| *status) {
            Ok(Some(status)) => status,
            _ => std::future::pending().await,
        }
    }

    /// Follows the signals; returns when the command must end now.
    pub(crate) async fn follow(&self) -> ExitStatus {
        let (Ok(mut interrupts), Ok(mut terminations)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return std::future::pending().await;
        };
        loop {
            let status = tokio::select! {
                _ = interrupts.recv() => ExitStatus::Interrupted,
                _ = terminations.recv() => ExitStatus::Terminated,
            };
            let is_second = self.requested.send_replace(Some(status)).is_some();
            if is_second || self.guards.load(Ordering::SeqCst) == 0 {
                return status;
            }
        }
    }
}
