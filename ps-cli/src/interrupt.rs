//! Ctrl-C and SIGTERM.
//!
//! Invariant: a command that has nothing to put back ends at the first signal; one that holds a [`Guard`] is told, and ends by
//! itself; the second signal ends it anyway. A command that passes signals on to a process of its own is told of two, and the third ends
//! it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::exit_status::ExitStatus;

/// Whether the user wants the command to end.
#[derive(Debug, Clone)]
pub struct Interrupt {
    requested: watch::Sender<Option<(ExitStatus, usize)>>,
    guards: Arc<AtomicUsize>,
    children: Arc<AtomicUsize>,
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
            children: Arc::default(),
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

    /// From now on, the first and the second signal only tell.
    #[must_use]
    pub fn guard_child(&self) -> Guard {
        self.children.fetch_add(1, Ordering::SeqCst);
        Guard(Arc::clone(&self.children))
    }

    /// Which signal was there, if any.
    pub fn requested(&self) -> Option<ExitStatus> {
        self.requested.borrow().map(|(status, _)| status)
    }

    /// Waits for the first signal.
    pub async fn wait(&self) -> ExitStatus {
        self.wait_for(1).await
    }

    /// Waits for the second signal.
    pub async fn wait_for_second(&self) -> ExitStatus {
        self.wait_for(2).await
    }

    async fn wait_for(&self, nth: usize) -> ExitStatus {
        let mut requested = self.requested.subscribe();
        let is_there = |signals: &Option<(ExitStatus, usize)>| signals.is_some_and(|(_, count)| count >= nth);
        match requested.wait_for(is_there).await.map(|signals| *signals) {
            Ok(Some((status, _))) => status,
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
            let before = self.requested.borrow().map_or(0, |(_, count)| count);
            self.requested.send_replace(Some((status, before + 1)));
            let has = |guards: &AtomicUsize| usize::from(guards.load(Ordering::SeqCst) > 0);
            let tolerated = has(&self.guards).max(2 * has(&self.children));
            if before >= tolerated {
                return status;
            }
        }
    }
}
