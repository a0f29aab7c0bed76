//! A rollout replaces containers without losing a request: the new ones are ready before one transaction makes them serve,
//! and only then the old ones retire. Deploys, restarts and config changes are rollouts.

use crate::app::AppRecord;
use crate::formation::Formation;
use crate::names::{ProcessType, Replica};
use crate::plan::{Cause, Plan, StoreAction, Switch};
use crate::planning::Situation;
use crate::planning::bring_up::{BringUp, bring_up, record_intent, switch_to};
use crate::planning::launch::{LaunchError, has_command};
use crate::planning::mend::{mend, revive};
use crate::planning::scale::{give_back, let_go};
use crate::planning::traffic::Runs;
use crate::release::Release;
use crate::store::StoreChange;

/// Which replicas are replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All.
    All,
    /// Those of one type.
    Type(ProcessType),
    /// One.
    Replica(Replica),
}

impl Selection {
    /// Whether a replica is replaced.
    pub fn contains(&self, replica: &Replica) -> bool {
        match self {
            Self::All => true,
            Self::Type(process_type) => replica.process_type() == process_type,
            Self::Replica(one) => replica == one,
        }
    }
}

/// What a rollout puts in place.
#[derive(Debug, Clone)]
pub struct Rollout<'a> {
    /// The release; the current one again, or a new one.
    pub release: &'a Release,
    /// The formation after it.
    pub formation: &'a Formation,
    /// Which replicas are replaced.
    pub selection: Selection,
    /// Why.
    pub cause: Cause,
    /// What is recorded before anything is done.
    pub intent: Vec<StoreChange>,
    /// What is recorded together with the switch, and not at all when it fails.
    pub with_switch: Vec<StoreChange>,
}

/// The plan that puts a release in place of what serves, for the selected replicas of a formation. With
/// [`Selection::All`] the replicas of types that are gone retire.
///
/// # Errors
/// When a container of the release cannot be described.
pub fn plan_rollout(situation: &Situation, rollout: Rollout<'_>) -> Result<Plan, LaunchError> {
    let Rollout {
        release,
        formation,
        selection,
        cause,
        mut intent,
        with_switch,
    } = rollout;
    let record = &situation.record;
    let mut plan = Plan::new(record.name.clone());
    let mended = mend(&mut plan, situation);
    revive(&mut plan, situation, &mended, |replica| {
        formation.contains(replica) && !selection.contains(replica)
    });
    let make = replicas_to_make(&mut plan, situation, release, formation, &selection, &cause);
    let current = record.release.as_ref().map(|current| current.number);
    // A restore may put back what served while a newer release was only recorded.
    let is_new_release = current.is_none_or(|current| current < release.number);
    if is_new_release {
        intent.push(StoreChange::UseReleaseNumbers {
            app: record.name.clone(),
            next: release.number.next(),
        });
    }
    let intent = record_intent(&mut plan, situation, intent, make.len(), &cause);
    let replaced: Vec<(Replica, Cause)> = record
        .serving
        .keys()
        .filter(|replica| selection.contains(replica))
        .map(|replica| (replica.clone(), cause.clone()))
        .collect();
    let wanted = BringUp {
        release,
        replicas: &make,
        replaced: &replaced,
        intent,
        mended: &mended,
    };
    let brought_up = bring_up(&mut plan, situation, &wanted)?;
    let mut changes = old_ones_go(situation, &replaced, &make);
    if cause != Cause::Restored {
        changes.extend(settings_after(record, release, formation));
    }
    changes.extend(back_in_service(record, &cause));
    changes.extend(with_switch);
    let switch = Switch {
        app: record.name.clone(),
        release: is_new_release.then(|| Box::new(release.clone())),
        serve: brought_up.serve,
        changes,
        planned_at: situation.now,
    };
    if switch.release.is_some() || !switch.serve.is_empty() || !switch.changes.is_empty() {
        let after: Vec<_> = brought_up.ready.into_iter().chain(intent).chain(mended).collect();
        switch_to(&mut plan, situation, switch, &replaced, Runs::Perhaps, &cause, &after);
    }
    Ok(plan)
}

/// The selected replicas whose type has a command; the others are left alone.
fn replicas_to_make(
    plan: &mut Plan,
    situation: &Situation,
    release: &Release,
    formation: &Formation,
    selection: &Selection,
    cause: &Cause,
) -> Vec<(Replica, Cause)> {
    let mut make = Vec::new();
    for replica in formation.replicas().filter(|replica| selection.contains(replica)) {
        if has_command(situation, release, replica.process_type()) {
            make.push((replica, cause.clone()));
        } else {
            plan.leave_alone(replica.to_string(), "its type has no command");
        }
    }
    make
}

/// The changes after which no replaced container serves.
fn old_ones_go(situation: &Situation, replaced: &[(Replica, Cause)], make: &[(Replica, Cause)]) -> Vec<StoreChange> {
    let mut changes = Vec::new();
    for (replica, _) in replaced {
        if make.iter().any(|(made, _)| made == replica) {
            changes.extend(give_back(situation, replica));
        } else {
            changes.extend(let_go(situation, replica));
        }
    }
    changes
}

/// The plan that only records a release: nothing is replaced, and what is started later is started from it.
pub fn plan_record_release(
    situation: &Situation,
    release: &Release,
    formation: &Formation,
    with_switch: Vec<StoreChange>,
    cause: Cause,
) -> Plan {
    let record = &situation.record;
    let mut plan = Plan::new(record.name.clone());
    let mut changes = vec![StoreChange::UseReleaseNumbers {
        app: record.name.clone(),
        next: release.number.next(),
    }];
    changes.extend(with_switch);
    let settings = settings_after(record, release, formation);
    changes.extend(settings);
    let switch = Switch {
        app: record.name.clone(),
        release: Some(Box::new(release.clone())),
        serve: Vec::new(),
        changes,
        planned_at: situation.now,
    };
    plan.push(StoreAction::Switch(Box::new(switch)), cause, &[]);
    plan.leave_alone(format!("the containers of {}", record.name), "deploying is skipped");
    plan
}

/// What a rollout changes besides the containers: where the code came from, and the formation.
fn settings_after(
    record: &AppRecord,
    release: &Release,
    formation: &Formation,
) -> impl Iterator<Item = StoreChange> + use<> {
    let app = &record.name;
    let source = (record.source.as_ref() != Some(&release.source)).then(|| StoreChange::SetSource {
        app: app.clone(),
        source: release.source.clone(),
    });
    let formation = (*formation != record.formation).then(|| StoreChange::SetFormation {
        app: app.clone(),
        formation: formation.clone(),
    });
    [source, formation].into_iter().flatten()
}

/// The app runs again because somebody wanted it: the operator's mark, a quarantine and the failures that led to it are over. What
/// nobody asked for forgives nothing.
pub(crate) fn back_in_service(record: &AppRecord, cause: &Cause) -> Vec<StoreChange> {
    let app = &record.name;
    if matches!(cause, Cause::Crashed | Cause::Restored) {
        return Vec::new();
    }
    let mark = record.stopped_by_operator.then(|| StoreChange::MarkStopped {
        app: app.clone(),
        stopped: false,
    });
    let forgiven = record.quarantine.is_some().then(|| {
        let over = StoreChange::SetQuarantine {
            app: app.clone(),
            quarantine: None,
        };
        let forget = StoreChange::ForgetCrashes {
            app: app.clone(),
            before: None,
        };
        [over, forget]
    });
    mark.into_iter().chain(forgiven.into_iter().flatten()).collect()
}
