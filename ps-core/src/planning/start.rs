//! Start does nothing when everything runs; it starts intact stopped containers and replaces missing ones. What can be
//! started is started, whatever becomes of the others.

use crate::names::Replica;
use crate::observation::ObservedContainer;
use crate::plan::{Cause, Plan, StepId, StoreAction, Switch};
use crate::planning::bring_up::{BringUp, bring_up, record_intent, switch_to, wait_until_ready};
use crate::planning::launch::{LaunchError, has_command};
use crate::planning::mend::{mend, start_again};
use crate::planning::rollout::back_in_service;
use crate::planning::scale::{give_back, let_go, surplus};
use crate::planning::situation::{Situation, existing};
use crate::planning::traffic::{Runs, route_serving};
use crate::release::Release;
use crate::runtime::ContainerState;
use crate::store::StoreChange;

/// The plan after which every replica of the formation runs. Empty when that is so already.
///
/// # Errors
/// When a container of the running release cannot be described.
pub fn plan_start(situation: &Situation) -> Result<Plan, LaunchError> {
    let record = &situation.record;
    let mut plan = Plan::going_on_after_failures(record.name.clone());
    let Some(release) = &record.release else {
        plan.leave_alone(record.name.to_string(), "it was never deployed");
        return Ok(plan);
    };
    let mended = mend(&mut plan, situation);
    let Wanting { stopped, make } = wanting(&mut plan, situation, release);
    let intent = back_in_service(record, &Cause::StartedByOperator);
    let intent = record_intent(&mut plan, situation, intent, make.len(), &Cause::StartedByOperator);
    // What is left of the same replica must be gone before.
    let before: Vec<StepId> = intent.into_iter().chain(mended.iter().copied()).collect();
    // What gets requests has to be ready; nothing else waits for what is merely started again.
    let mut ready = Vec::new();
    for container in stopped {
        let step = start_one(&mut plan, situation, release, container, &before)?;
        ready.extend(situation.is_served().then_some(step));
    }
    let wanted = BringUp {
        release,
        replicas: &make,
        replaced: &make,
        intent,
        mended: &mended,
    };
    let brought_up = bring_up(&mut plan, situation, &wanted)?;
    let surplus = surplus(situation, &record.formation);
    let changes: Vec<StoreChange> = surplus
        .iter()
        .flat_map(|(replica, _)| let_go(situation, replica))
        .chain(make.iter().filter_map(|(replica, _)| give_back(situation, replica)))
        .collect();
    if !brought_up.serve.is_empty() || !changes.is_empty() {
        let switch = Switch {
            app: record.name.clone(),
            release: None,
            serve: brought_up.serve,
            changes,
            planned_at: situation.now,
        };
        let retired: Vec<(Replica, Cause)> = surplus.into_iter().chain(make).collect();
        let cause = retired.last().map_or(Cause::Missing, |(_, cause)| cause.clone());
        let ready = ready.into_iter().chain(brought_up.ready);
        let after: Vec<_> = ready.chain(intent).chain(mended).collect();
        switch_to(&mut plan, situation, switch, &retired, Runs::ByThen, &cause, &after);
    } else {
        let after: Vec<_> = ready.into_iter().chain(intent).chain(mended).collect();
        let cause = &Cause::StartedByOperator;
        if let Some(routed) = route_serving(&mut plan, situation, Runs::ByThen, cause, &after) {
            plan.push(StoreAction::Record(vec![routed.change]), cause.clone(), &[routed.step]);
        }
    }
    Ok(plan)
}

/// The replicas that should run and do not.
struct Wanting<'a> {
    /// Those with a container that can be started.
    stopped: Vec<&'a ObservedContainer>,
    /// Those that need a new container.
    make: Vec<(Replica, Cause)>,
}

fn wanting<'a>(plan: &mut Plan, situation: &'a Situation, release: &Release) -> Wanting<'a> {
    let mut wanting = Wanting {
        stopped: Vec::new(),
        make: Vec::new(),
    };
    for replica in situation.record.formation.replicas() {
        if !has_command(situation, release, replica.process_type()) {
            plan.leave_alone(replica.to_string(), "its type has no command");
            continue;
        }
        let Some(container) = situation.serving(&replica) else {
            wanting.make.push((replica, Cause::Missing));
            continue;
        };
        let has_its_links = container.links == situation.record.links;
        match &container.state {
            ContainerState::Created | ContainerState::Exited if !has_its_links => {
                wanting.make.push((replica, Cause::LinksChanged));
            }
            ContainerState::Running => plan.leave_alone(replica.to_string(), "it runs"),
            ContainerState::Created | ContainerState::Exited => wanting.stopped.push(container),
            state => {
                let state = state.clone();
                wanting.make.push((replica, Cause::Unusable { state }));
            }
        }
    }
    wanting
}

/// Gives a stopped container its policy back, starts it and waits for it; returns the step after which it is ready.
fn start_one(
    plan: &mut Plan,
    situation: &Situation,
    release: &Release,
    container: &ObservedContainer,
    before: &[StepId],
) -> Result<StepId, LaunchError> {
    let replica = &container.replica;
    let started = start_again(plan, situation, container, before);
    let reference = existing(container);
    wait_until_ready(plan, situation, release, replica, &reference, &Cause::Stopped, started)
}
