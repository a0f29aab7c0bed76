//! A rollout replaces containers without losing a request: the new ones are ready before one transaction makes them serve,
//! and only then the old ones retire. Deploys, restarts and config changes are rollouts.

use crate::app::AppRecord;
use crate::formation::Formation;
use crate::names::{OneOffKind, ProcessType, Replica};
use crate::plan::{Cause, ContainerRef, EngineAction, Plan, StoreAction, Switch, WaitAction};
use crate::planning::Situation;
use crate::planning::bring_up::{bring_up, record_intent, switch_to};
use crate::planning::launch::{LaunchError, has_command, one_off_spec};
use crate::planning::mend::mend;
use crate::planning::scale::{give_back, let_go};
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
    } = rollout;
    let record = &situation.record;
    let mut plan = Plan::new(record.name.clone());
    let mended = mend(&mut plan, situation);
    let mut make: Vec<(Replica, Cause)> = Vec::new();
    for replica in formation.replicas().filter(|replica| selection.contains(replica)) {
        if has_command(situation, release, replica.process_type()) {
            make.push((replica, cause.clone()));
        } else {
            plan.leave_alone(replica.to_string(), "its type has no command");
        }
    }
    let current = record.release.as_ref().map(|current| current.number);
    let is_new_release = current != Some(release.number);
    if is_new_release {
        intent.push(StoreChange::UseReleaseNumbers {
            app: record.name.clone(),
            next: release.number.next(),
        });
    }
    let intent = record_intent(&mut plan, situation, intent, make.len(), &cause);
    let brought_up = bring_up(&mut plan, situation, release, &make, intent)?;

    let replaced: Vec<(Replica, Cause)> = record
        .serving
        .keys()
        .filter(|replica| selection.contains(replica))
        .map(|replica| (replica.clone(), cause.clone()))
        .collect();
    let mut changes: Vec<StoreChange> = Vec::new();
    for (replica, _) in &replaced {
        if make.iter().any(|(made, _)| made == replica) {
            changes.extend(give_back(situation, replica));
        } else {
            changes.extend(let_go(situation, replica));
        }
    }
    changes.extend(settings_after(record, release, formation));
    let switch = Switch {
        app: record.name.clone(),
        release: is_new_release.then(|| Box::new(release.clone())),
        serve: brought_up.serve,
        changes,
    };
    if switch.release.is_some() || !switch.serve.is_empty() || !switch.changes.is_empty() {
        let after: Vec<_> = brought_up.ready.into_iter().chain(intent).chain(mended).collect();
        switch_to(&mut plan, situation, switch, &replaced, &cause, &after);
    }
    Ok(plan)
}

/// The plan that only records a release: nothing is replaced, and what is started later is started from it.
pub fn plan_record_release(situation: &Situation, release: &Release, formation: &Formation, cause: Cause) -> Plan {
    let record = &situation.record;
    let mut plan = Plan::new(record.name.clone());
    let mut changes = vec![StoreChange::UseReleaseNumbers {
        app: record.name.clone(),
        next: release.number.next(),
    }];
    let settings = settings_after(record, release, formation);
    changes.extend(settings.filter(|change| !matches!(change, StoreChange::MarkStopped { .. })));
    let switch = Switch {
        app: record.name.clone(),
        release: Some(Box::new(release.clone())),
        serve: Vec::new(),
        changes,
    };
    plan.push(StoreAction::Switch(Box::new(switch)), cause, &[]);
    plan.leave_alone(format!("the containers of {}", record.name), "deploying is skipped");
    plan
}

/// What a rollout changes besides the containers: where the code came from, the formation, the operator's mark.
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
    let mark = record.stopped_by_operator.then(|| StoreChange::MarkStopped {
        app: app.clone(),
        stopped: false,
    });
    [source, formation, mark].into_iter().flatten()
}

/// The plan that runs the Procfile's `release` process once, with the new release's environment. Empty when there is
/// none.
pub fn plan_release_phase(situation: &Situation, release: &Release) -> Plan {
    let app = &situation.record.name;
    let mut plan = Plan::new(app.clone());
    let command = release.processes.types().into_iter().find(ProcessType::is_release);
    let Some(command) = command
        .as_ref()
        .and_then(|process_type| release.processes.command(process_type))
    else {
        return plan;
    };
    let cause = Cause::ReleasePhase(release.number);
    let mended = mend(&mut plan, situation);
    let generation = situation.next_generation();
    let intent = record_intent(&mut plan, situation, Vec::new(), 1, &cause);
    let mut after: Vec<_> = intent.into_iter().chain(mended).collect();
    if let Some(network) = situation.network.as_ref().filter(|network| !network.exists) {
        after = vec![plan.push(EngineAction::CreateNetwork(network.spec.clone()), cause.clone(), &after)];
    }
    let spec = one_off_spec(situation, release, OneOffKind::Release, generation, command);
    let create = EngineAction::Create {
        spec: Box::new(spec),
        endpoint: None,
    };
    let created = plan.push(create, cause.clone(), &after);
    let container = ContainerRef::Made(created);
    let started = plan.push(EngineAction::Start(container.clone()), cause.clone(), &[created]);
    let wait = WaitAction::Succeeded {
        container: container.clone(),
    };
    let succeeded = plan.push(wait, cause.clone(), &[started]);
    plan.push(EngineAction::Remove(container), cause, &[succeeded]);
    plan
}
