//! Restore: what served before the host or the engine went down serves again. Invariant: nothing that served is replaced unless some of
//! it is gone, and what its operator stopped, or what failed too often, stays as it is.
//!
//! A container that served before was ready once, so it is started and not checked again: a boot waits for no check of what is intact.
//! It gets requests as soon as it runs.

use std::fmt;

use crate::app::AppRecord;
use crate::names::Replica;
use crate::observation::ObservedContainer;
use crate::plan::{Cause, Plan, StoreAction};
use crate::planning::launch::LaunchError;
use crate::planning::mend::{mend, start_again};
use crate::planning::rollout::{Rollout, Selection, plan_rollout};
use crate::planning::situation::Situation;
use crate::planning::traffic::reroute;
use crate::policies::Policies;
use crate::release::{Release, ReleaseNumber};
use crate::runtime::ContainerState;

/// Why an app is not restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoreSkip {
    /// It has no release.
    NeverDeployed,
    /// Its operator stopped it.
    StoppedByOperator,
    /// It failed too often and was taken out of service.
    Quarantined,
    /// Its property `restore` is `false`.
    RestoreOff,
    /// None of its containers served: it is scaled to nothing, or its release was never rolled out.
    NothingServed,
}

impl RestoreSkip {
    /// One word for programs: `stopped-by-operator`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NeverDeployed => "never-deployed",
            Self::StoppedByOperator => "stopped-by-operator",
            Self::Quarantined => "quarantined",
            Self::RestoreOff => "restore-off",
            Self::NothingServed => "nothing-served",
        }
    }
}

impl fmt::Display for RestoreSkip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NeverDeployed => "it was never deployed",
            Self::StoppedByOperator => "its operator stopped it",
            Self::Quarantined => "it is in quarantine",
            Self::RestoreOff => "restore is off",
            Self::NothingServed => "nothing of it served",
        })
    }
}

/// What restoring an app takes.
#[derive(Debug, Clone, PartialEq)]
pub enum RestoreDecision {
    /// Nothing is done.
    Skip(RestoreSkip),
    /// All containers are there; those that are stopped are started. The plan is empty when there is nothing to do on the engine.
    Start {
        /// The starts, and what puts right what an interrupted command left.
        plan: Plan,
        /// The replicas that are started.
        started: Vec<Replica>,
        /// The replicas that need no start.
        kept: Vec<Replica>,
    },
    /// Some are missing, so the entire app is redeployed.
    Redeploy {
        /// The release that served.
        release: ReleaseNumber,
        /// The replicas whose containers are missing.
        missing: Vec<Replica>,
    },
}

/// Why an app is not restored, as far as its record says; `None` when it is.
pub fn restore_skip(record: &AppRecord, policies: &Policies) -> Option<RestoreSkip> {
    if record.release.is_none() {
        return Some(RestoreSkip::NeverDeployed);
    }
    if record.stopped_by_operator {
        return Some(RestoreSkip::StoppedByOperator);
    }
    if record.quarantine.is_some() {
        return Some(RestoreSkip::Quarantined);
    }
    if !policies.restore {
        return Some(RestoreSkip::RestoreOff);
    }
    let served = record.serving.keys().any(|replica| record.formation.contains(replica));
    (!served).then_some(RestoreSkip::NothingServed)
}

/// Decides how an app is restored.
///
/// What counts is what served: a replica that was only scaled up on paper (`ps:scale --skip-deploy`) is not missing, and one that was
/// scaled away on paper is not started.
///
/// ```
/// # use std::time::SystemTime;
/// use ps_core::app::{AppRecord, GlobalRecord};
/// use ps_core::names::OwnerToken;
/// use ps_core::planning::{RestoreDecision, RestoreSkip, Situation, plan_restore};
/// # use ps_core::runtime::ContainerRuntime;
/// # use ps_core::testing::{FakeClock, FakeEngine};
/// # let capabilities = FakeEngine::new(&FakeClock::automatic()).capabilities();
/// let owner = OwnerToken::new("0123456789abcdef")?;
/// let record = AppRecord::new("shop".parse()?);
/// let situation = Situation::new(owner, record, GlobalRecord::default(), capabilities, SystemTime::UNIX_EPOCH)?;
/// assert_eq!(plan_restore(&situation), RestoreDecision::Skip(RestoreSkip::NeverDeployed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn plan_restore(situation: &Situation) -> RestoreDecision {
    let record = &situation.record;
    if let Some(skip) = restore_skip(record, &situation.policies) {
        return RestoreDecision::Skip(skip);
    }
    let missing: Vec<Replica> = served(record)
        .filter(|replica| situation.serving(replica).is_none_or(is_lost))
        .cloned()
        .collect();
    if missing.is_empty() {
        return plan_start_served(situation);
    }
    let releases = served(record).filter_map(|replica| record.serving.get(replica));
    let release = releases.map(|serving| serving.release).max();
    RestoreDecision::Redeploy {
        // What is missing served, so there is one.
        release: release.unwrap_or(ReleaseNumber::FIRST),
        missing,
    }
}

/// The start of everything that served and is still there, whatever is missing.
pub(crate) fn plan_start_served(situation: &Situation) -> RestoreDecision {
    let record = &situation.record;
    let mut plan = Plan::going_on_after_failures(record.name.clone());
    let mended = mend(&mut plan, situation);
    let (mut started, mut kept) = (Vec::new(), Vec::new());
    for replica in served(record) {
        let Some(container) = situation.serving(replica).filter(|container| !is_lost(container)) else {
            continue;
        };
        match container.state {
            ContainerState::Created | ContainerState::Exited | ContainerState::Stopping => {
                start_again(&mut plan, situation, container, &mended);
                started.push(replica.clone());
            }
            ContainerState::Paused => {
                plan.leave_alone(replica.to_string(), "it is paused");
                kept.push(replica.clone());
            }
            _ => {
                plan.leave_alone(replica.to_string(), "it runs");
                kept.push(replica.clone());
            }
        }
    }
    for replica in record.formation.replicas() {
        if !record.serving.contains_key(&replica) {
            plan.leave_alone(replica.to_string(), "it did not serve before");
        }
    }
    RestoreDecision::Start { plan, started, kept }
}

/// The plan that makes all containers of an app anew from a release that served: with checks, and without any command of a deploy.
///
/// # Errors
/// When a container of the release cannot be described.
pub fn plan_restore_anew(situation: &Situation, release: &Release) -> Result<Plan, LaunchError> {
    plan_rollout(
        situation,
        Rollout {
            release,
            formation: &situation.record.formation,
            selection: Selection::All,
            cause: Cause::Restored,
            intent: Vec::new(),
            with_switch: Vec::new(),
        },
    )
}

/// The plan that lets the proxy send requests to what runs again. The file is written whatever the store says of it: a restore that was
/// killed may have recorded it before it was there. A proxy does nothing for a file that is as it should be.
pub(crate) fn plan_restore_routes(situation: &Situation) -> Plan {
    let mut plan = Plan::new(situation.record.name.clone());
    if let Some(routed) = reroute(&mut plan, situation, &Cause::Restored) {
        plan.push(
            StoreAction::Record(vec![routed.change]),
            Cause::Restored,
            &[routed.step],
        );
    }
    plan
}

/// The replicas that served and should.
fn served(record: &AppRecord) -> impl Iterator<Item = &Replica> {
    let serving = record.serving.keys();
    serving.filter(|replica| record.formation.contains(replica))
}

/// Whether the container cannot be started any more.
fn is_lost(container: &ObservedContainer) -> bool {
    matches!(
        container.state,
        ContainerState::Removing | ContainerState::Dead | ContainerState::Other(_)
    )
}
