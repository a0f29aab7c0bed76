//! Scaling touches only what changes: missing replicas start beside the others, the highest ones retire.

use crate::formation::Formation;
use crate::names::Replica;
use crate::plan::{Cause, Plan, StoreAction, Switch};
use crate::planning::Situation;
use crate::planning::bring_up::{BringUp, bring_up, record_intent, switch_to};
use crate::planning::launch::{LaunchError, has_command};
use crate::planning::mend::{mend, revive};
use crate::planning::traffic::Runs;
use crate::store::StoreChange;

/// The plan that brings an app to a formation. An app that was never deployed, or that its operator stopped, is only
/// remembered; so is one with `skip_deploy`.
///
/// # Errors
/// When a container of the running release cannot be described.
///
/// ```
/// use std::time::SystemTime;
/// use ps_core::app::{AppRecord, GlobalRecord};
/// use ps_core::formation::parse_scale;
/// use ps_core::names::OwnerToken;
/// use ps_core::planning::{Situation, plan_scale};
/// use ps_core::runtime::ContainerRuntime;
/// use ps_core::testing::{FakeClock, FakeEngine};
///
/// // An app that was created and never deployed: its new formation is remembered, and nothing else is done.
/// let record = AppRecord::new("shop".parse()?);
/// let formation = record.formation.apply(&parse_scale(&["web=3"])?, None)?;
/// let owner = OwnerToken::new("0123456789abcdef")?;
/// let capabilities = FakeEngine::new(&FakeClock::automatic()).capabilities();
/// let now = SystemTime::UNIX_EPOCH;
/// let situation = Situation::new(owner, record, GlobalRecord::default(), capabilities, now)?;
/// let plan = plan_scale(&situation, &formation, false)?;
/// assert_eq!(
///     plan.to_string(),
///     "#1 [] record the formation web=3 (scaled up)\n\
///      left alone: the containers of shop, it was never deployed\n"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn plan_scale(situation: &Situation, formation: &Formation, skip_deploy: bool) -> Result<Plan, LaunchError> {
    let record = &situation.record;
    let mut plan = Plan::new(record.name.clone());
    let set = StoreChange::SetFormation {
        app: record.name.clone(),
        formation: formation.clone(),
    };
    let changes: Vec<StoreChange> = Some(set)
        .filter(|_| *formation != record.formation)
        .into_iter()
        .collect();
    let reason = match &record.release {
        _ if skip_deploy => Some("deploying is skipped"),
        None => Some("it was never deployed"),
        Some(_) if record.stopped_by_operator => Some("its operator stopped it"),
        Some(_) if record.quarantine.is_some() => Some("it is in quarantine"),
        Some(_) => None,
    };
    if let Some(reason) = reason {
        if !changes.is_empty() {
            let cause = cause_of(&record.formation, formation);
            plan.push(StoreAction::Record(changes), cause, &[]);
        }
        plan.leave_alone(format!("the containers of {}", record.name), reason);
        return Ok(plan);
    }
    align(&mut plan, situation, formation, changes)?;
    Ok(plan)
}

fn cause_of(before: &Formation, after: &Formation) -> Cause {
    if after.replicas().count() < before.replicas().count() {
        Cause::ScaledDown
    } else {
        Cause::ScaledUp
    }
}

/// Brings what runs in line with a formation, leaving alone every replica that has its container.
fn align(
    plan: &mut Plan,
    situation: &Situation,
    formation: &Formation,
    intent: Vec<StoreChange>,
) -> Result<(), LaunchError> {
    let record = &situation.record;
    let Some(release) = &record.release else { return Ok(()) };
    let mended = mend(plan, situation);
    revive(plan, situation, &mended, |replica| formation.contains(replica));
    let mut missing: Vec<(Replica, Cause)> = Vec::new();
    for replica in formation.replicas() {
        if !has_command(situation, release, replica.process_type()) {
            plan.leave_alone(replica.to_string(), "its type has no command");
        } else if situation.serving(&replica).is_none() {
            let cause = if record.serving.contains_key(&replica) {
                Cause::Missing
            } else {
                Cause::ScaledUp
            };
            missing.push((replica, cause));
        }
    }
    let surplus = surplus(situation, formation);
    let cause = missing
        .first()
        .map_or_else(|| cause_of(&record.formation, formation), |(_, cause)| cause.clone());
    let intent = record_intent(plan, situation, intent, missing.len(), &cause);
    let wanted = BringUp {
        release,
        replicas: &missing,
        replaced: &missing,
        intent,
        mended: &mended,
    };
    let brought_up = bring_up(plan, situation, &wanted)?;
    let changes: Vec<StoreChange> = surplus
        .iter()
        .flat_map(|(replica, _)| let_go(situation, replica))
        .chain(missing.iter().filter_map(|(replica, _)| give_back(situation, replica)))
        .collect();
    if brought_up.serve.is_empty() && changes.is_empty() {
        return Ok(());
    }
    let cause = missing.first().map_or(Cause::ScaledDown, |(_, cause)| cause.clone());
    let switch = Switch {
        app: record.name.clone(),
        release: None,
        serve: brought_up.serve,
        changes,
        planned_at: situation.now,
    };
    let after: Vec<_> = brought_up.ready.into_iter().chain(intent).chain(mended).collect();
    switch_to(plan, situation, switch, &surplus, Runs::Perhaps, &cause, &after);
    Ok(())
}

/// The replicas that serve and are not part of a formation, the highest first.
pub(crate) fn surplus(situation: &Situation, formation: &Formation) -> Vec<(Replica, Cause)> {
    let serving = situation.record.serving.keys().rev();
    let is_surplus = |replica: &&Replica| formation.quantity(replica.process_type()) < replica.index();
    serving
        .filter(is_surplus)
        .map(|replica| (replica.clone(), Cause::ScaledDown))
        .collect()
}

/// The changes after which nothing serves as a replica: its container retires, or is known to be gone.
pub(crate) fn let_go(situation: &Situation, replica: &Replica) -> Vec<StoreChange> {
    let app = &situation.record.name;
    let mut changes = vec![StoreChange::StopServing {
        app: app.clone(),
        replica: replica.clone(),
    }];
    changes.extend(give_back(situation, replica));
    changes
}

/// The change that goes with another container serving as a replica: the old one retires, or is known to be gone.
pub(crate) fn give_back(situation: &Situation, replica: &Replica) -> Option<StoreChange> {
    if let Some(container) = situation.serving(replica) {
        return Some(situation.retire_changes(container));
    }
    let gone = situation.record.serving.get(replica)?;
    Some(StoreChange::ReleaseEndpoint {
        app: situation.record.name.clone(),
        generation: gone.generation,
    })
}
