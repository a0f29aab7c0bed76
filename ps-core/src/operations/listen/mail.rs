//! What is known about an app since it was last looked at. Invariant: mail only says where to look; adding it twice changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use crate::listen::Watched;
use crate::runtime::ContainerId;

/// When events told of deaths of a container, oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Deaths {
    /// Before this listener began.
    pub(super) past: Vec<SystemTime>,
    /// Since then.
    pub(super) recent: Vec<SystemTime>,
}

/// Where to look.
#[derive(Debug, Clone, Default)]
pub(super) struct Mail {
    /// At everything of the app.
    pub(super) everything: bool,
    /// The connection was lost since the last look.
    pub(super) after_gap: bool,
    /// At these containers.
    pub(super) containers: BTreeMap<ContainerId, Deaths>,
    /// Their liveness checks failed.
    pub(super) unhealthy: BTreeSet<ContainerId>,
    /// Something else may have changed: what has to retire.
    pub(super) record: bool,
    /// Why the last round failed, where it did.
    pub(super) failure: Option<String>,
}

impl Mail {
    pub(super) fn is_empty(&self) -> bool {
        !self.everything && !self.record && self.containers.is_empty() && self.unhealthy.is_empty()
    }

    /// Whether a container is to be looked at.
    pub(super) fn asks_for(&self, container: &ContainerId) -> bool {
        self.everything || self.containers.contains_key(container) || self.unhealthy.contains(container)
    }

    pub(super) fn add(&mut self, other: Self) {
        self.everything |= other.everything;
        self.after_gap |= other.after_gap;
        self.record |= other.record;
        self.unhealthy.extend(other.unhealthy);
        for (container, deaths) in other.containers {
            let known = self.containers.entry(container).or_default();
            known.past.extend(deaths.past);
            known.recent.extend(deaths.recent);
        }
    }

    /// The deaths were counted.
    pub(super) fn forget_deaths(&mut self) {
        let all = self.containers.values_mut();
        all.for_each(|deaths| *deaths = Deaths::default());
    }
}

/// What is remembered of an app's serving containers.
pub(super) type Memory = BTreeMap<ContainerId, Watched>;
