//! What is remembered of replicas that end by themselves, and of apps that were taken out of service for it.

use std::fmt;
use std::time::SystemTime;

use crate::names::{Generation, Replica};

/// What happened to a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CrashKind {
    /// Its process ended, and nobody had asked for it.
    Ended,
    /// Its restart policy has no restart left.
    Exhausted,
    /// Its liveness checks failed.
    Unhealthy,
}

/// One moment at which a replica failed. It counts against the app's budget whoever watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    /// The replica.
    pub replica: Replica,
    /// The generation of its container.
    pub generation: Generation,
    /// What happened.
    pub kind: CrashKind,
    /// When, by the engine's clock. Two of the same kind, generation and moment are one.
    pub at: SystemTime,
}

/// Why an app was taken out of service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuarantineCause {
    /// A replica ended too often.
    CrashBudget {
        /// The replica.
        replica: Replica,
        /// How often.
        exits: u32,
        /// Within so many minutes.
        minutes: u32,
    },
    /// The restart policy of a replica was exhausted again after the app was redeployed for it.
    ExhaustedAgain {
        /// The replica.
        replica: Replica,
    },
    /// The redeploy after an exhausted restart policy failed.
    RedeployFailed {
        /// The replica.
        replica: Replica,
    },
}

impl fmt::Display for QuarantineCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CrashBudget {
                replica,
                exits,
                minutes,
            } => {
                write!(f, "{replica} ended {exits} times within {minutes} minutes")
            }
            Self::ExhaustedAgain { replica } => {
                write!(f, "{replica} used up its restarts again after the app was redeployed")
            }
            Self::RedeployFailed { replica } => {
                write!(f, "{replica} used up its restarts, and redeploying the app failed")
            }
        }
    }
}

/// An app that is out of service until its operator starts, restarts or deploys it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// Why.
    pub cause: String,
    /// Since when.
    pub since: SystemTime,
}
