//! What one look at a serving container shows, and what is remembered of it.

use std::net::Ipv4Addr;
use std::time::SystemTime;

use crate::names::{Generation, Replica};
use crate::policies::RestartPolicy;
use crate::runtime::{ContainerId, ContainerState};

/// What is remembered of a serving container from one look to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// How many of its exits were counted.
    pub exits: u32,
    /// When it was looked at.
    pub looked_at: SystemTime,
    /// Where the proxy was last told to reach it; `None` where it never was.
    pub routed_to: Option<Ipv4Addr>,
    /// Whether it ran.
    pub ran: bool,
    /// What was said of its end.
    pub end: EndTold,
    /// Deaths that events told and the engine's count did not show yet, oldest first.
    pub uncounted: Vec<SystemTime>,
}

/// What was said of a container that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EndTold {
    /// Nothing: it runs, or did when it was looked at.
    #[default]
    Nothing,
    /// Nothing yet: the engine may be about to start it again.
    Waiting,
    /// That it ended and stays so.
    Said,
}

/// What one look at a serving container shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// The replica it serves as.
    pub replica: Replica,
    /// Its generation.
    pub generation: Generation,
    /// Full id.
    pub container: ContainerId,
    /// Its state; `None` when it is gone.
    pub state: Option<ContainerState>,
    /// The exit code of its last run.
    pub exit_code: Option<i64>,
    /// How often the engine restarted it since somebody started it.
    pub restart_count: u32,
    /// The engine's policy for it.
    pub policy: RestartPolicy,
    /// Its address in psctl's network, where it has one.
    pub address: Option<Ipv4Addr>,
    /// What was remembered of it.
    pub before: Option<Watched>,
    /// When events told of its death since the last look, oldest first.
    pub deaths: Vec<SystemTime>,
    /// When events told of its death before anybody listened, oldest first.
    pub past: Vec<SystemTime>,
}

impl Sight {
    /// The deaths that were told and are not counted yet, oldest first.
    pub(super) fn told_deaths(&self) -> Vec<SystemTime> {
        let before = self.before.iter().flat_map(|before| &before.uncounted);
        before.chain(&self.deaths).copied().collect()
    }

    /// Whether its process runs.
    pub fn runs(&self) -> bool {
        self.state.as_ref().is_some_and(ContainerState::is_running)
    }

    /// Whether it ended, or is gone: no process, and no restart of the engine's announced.
    pub fn has_ended(&self) -> bool {
        matches!(
            self.state,
            None | Some(ContainerState::Exited | ContainerState::Dead | ContainerState::Created)
        )
    }

    /// Whether it failed and its policy has no restart left.
    pub fn is_exhausted(&self) -> bool {
        let is_over = self.policy.max_retries().is_some_and(|most| self.restart_count >= most);
        let has_failed = self.exit_code.is_some_and(|code| code != 0);
        is_over && has_failed && matches!(self.state, Some(ContainerState::Exited | ContainerState::Dead))
    }

    /// Whether the engine may be about to start it again, though it does not say so.
    pub fn may_come_back(&self) -> bool {
        let has_failed = self.exit_code.is_none_or(|code| code != 0);
        self.state == Some(ContainerState::Exited)
            && match self.policy {
                RestartPolicy::No => false,
                RestartPolicy::Always | RestartPolicy::UnlessStopped => true,
                RestartPolicy::OnFailure { .. } => has_failed && !self.is_exhausted(),
            }
    }

    /// Its exits that nobody asked for, since somebody started it: each restart of the engine's followed one, and so did the end of
    /// one that has no restart left.
    pub fn exits(&self) -> u32 {
        self.restart_count.saturating_add(u32::from(self.is_exhausted()))
    }
}
