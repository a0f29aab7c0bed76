//! What the listener tells whoever runs it.

use std::fmt::Debug;
use std::time::SystemTime;

use crate::audit::AuditOutcome;
use crate::names::AppName;

/// Something the listener tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenNews {
    /// Everything was compared after the connection was made: what happens from now on is noticed. `true` the first time.
    Compared(bool),
    /// It did, or noticed, something: `quarantined: web.1 ended 11 times within 10 minutes`.
    Line {
        /// About which app; `None` where it is about none.
        app: Option<AppName>,
        /// How it went.
        outcome: AuditOutcome,
        /// What, in one line.
        text: String,
    },
    /// A figure has changed.
    Figures(ListenFigures),
}

/// Figures of a listener. Counts are since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListenFigures {
    /// Apps that are remembered.
    pub apps: usize,
    /// Replicas that should run.
    pub wanted: usize,
    /// Serving containers that ran when they were last looked at.
    pub running: usize,
    /// Apps in quarantine.
    pub quarantined: usize,
    /// Failures of replicas.
    pub crashes: u64,
    /// Apps that were taken out of service.
    pub quarantines: u64,
    /// Apps that were redeployed because a replica used up its restarts.
    pub redeploys: u64,
    /// Replicas that were replaced because their liveness checks failed.
    pub replacements: u64,
    /// Apps that were brought back after the engine was gone.
    pub restores: u64,
    /// Changes of the proxy because a container was reached elsewhere.
    pub reroutes: u64,
    /// Acts that failed.
    pub failures: u64,
    /// Connections to the event stream that were lost.
    pub losses: u64,
    /// When everything was last compared.
    pub compared_at: Option<SystemTime>,
}

/// Takes news; must not block.
pub trait ListenSink: Debug + Send + Sync {
    /// Takes one.
    fn tell(&self, news: ListenNews);
}

/// Takes news and forgets them.
#[derive(Debug, Clone, Copy, Default)]
pub struct IgnoreNews;

impl ListenSink for IgnoreNews {
    fn tell(&self, _: ListenNews) {}
}
