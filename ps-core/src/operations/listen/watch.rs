//! What the listener remembers of one app between two rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use super::mail::{Mail, Memory};
use crate::listen::back_off;
use crate::runtime::ContainerId;

/// How long an engine may take to start again what ended.
const SHORTLY: Duration = Duration::from_secs(5);

/// The pause after a retirement that could not be ended.
const RETIRE_AGAIN: Duration = Duration::from_secs(60);

/// One app.
#[derive(Debug, Default)]
pub(super) struct AppWatch {
    /// What is remembered of its containers; with the round while that is under way.
    pub(super) memory: Memory,
    /// Where to look in the next round.
    pub(super) mail: Mail,
    /// Whether a round is under way.
    pub(super) is_busy: bool,
    /// Whether each of its containers was looked at once, or is new: what a container did before it is not known to be recent.
    pub(super) is_known: bool,
    /// What is to be looked at later, and when by the clock that never goes back.
    later: Option<(Duration, Mail)>,
    /// Rounds that failed in a row.
    failures: u32,
    /// Why the last of them did.
    failure: Option<String>,
    /// When a container has to retire.
    pub(super) next_due: Option<SystemTime>,
    /// Not before, by the clock that never goes back.
    retire_after: Duration,
    /// When containers of `run` have to be gone.
    pub(super) deadlines: BTreeMap<ContainerId, SystemTime>,
    pub(super) wanted: usize,
    pub(super) is_quarantined: bool,
    /// The containers whose liveness is checked.
    pub(super) alive: BTreeSet<ContainerId>,
}

impl AppWatch {
    pub(super) fn new(is_known: bool) -> Self {
        Self {
            is_known,
            ..Self::default()
        }
    }

    /// A round failed: what it was about is looked at again after a pause that grows.
    pub(super) fn try_again(&mut self, mail: Mail, now: Duration) {
        self.failures = self.failures.saturating_add(1);
        self.failure.clone_from(&mail.failure);
        self.look_later(mail, now, back_off(self.failures));
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        if self.later.is_none() {
            self.failure = None;
        }
    }

    pub(super) fn look_shortly(&mut self, mail: Mail, now: Duration) {
        self.look_later(mail, now, SHORTLY);
    }

    fn look_later(&mut self, mail: Mail, now: Duration, pause: Duration) {
        let at = now.saturating_add(pause);
        match &mut self.later {
            Some((known, waiting)) => {
                *known = (*known).min(at);
                waiting.add(mail);
            }
            None => self.later = Some((at, mail)),
        }
    }

    /// Takes what is to be looked at by now.
    pub(super) fn take_mail(&mut self, now: Duration) -> Option<Mail> {
        if self.is_busy {
            return None;
        }
        if let Some((_, mail)) = self.later.take_if(|(at, _)| *at <= now) {
            self.mail.add(mail);
        }
        if self.mail.is_empty() {
            return None;
        }
        self.mail.failure.clone_from(&self.failure);
        Some(std::mem::take(&mut self.mail))
    }

    /// How long until something of the app has to be done; `None` when nothing is known of.
    pub(super) fn wait(&self, now: Duration, today: SystemTime) -> Option<Duration> {
        if self.is_busy {
            return None;
        }
        let later = self.later.as_ref().map(|(at, _)| at.saturating_sub(now));
        let due = self.due().map(|due| {
            let wait = due.duration_since(today).unwrap_or_default();
            wait.max(self.retire_after.saturating_sub(now))
        });
        later.into_iter().chain(due).min()
    }

    /// Whether something has to retire now.
    pub(super) fn has_to_retire(&self, now: Duration, today: SystemTime) -> bool {
        !self.is_busy && self.retire_after <= now && self.due().is_some_and(|due| due <= today)
    }

    /// What was due is tried once; whatever is left waits.
    pub(super) fn retires(&mut self, now: Duration, today: SystemTime) {
        self.retire_after = now.saturating_add(RETIRE_AGAIN);
        self.deadlines.retain(|_, deadline| *deadline > today);
    }

    /// All that was due is gone.
    pub(super) fn retired(&mut self) {
        self.retire_after = Duration::ZERO;
    }

    fn due(&self) -> Option<SystemTime> {
        self.next_due.into_iter().chain(self.deadlines.values().copied()).min()
    }
}
