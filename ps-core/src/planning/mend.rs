//! Puts right what an interrupted command left: containers that nobody knows, names that lag behind, endpoints without
//! a container. Every changing plan begins with it; after a failure it is the whole plan.

use std::collections::BTreeSet;

use crate::names::{Generation, NameStage, OneOffKind, Replica, container_name};
use crate::observation::{ObservedApp, ObservedContainer, ObservedOneOff, Role};
use crate::plan::{Cause, ContainerRef, EngineAction, Plan, StepId, StoreAction, WaitingRestart};
use crate::planning::Situation;
use crate::planning::links::{Leaving, leave_links, left};
use crate::planning::situation::existing;
use crate::planning::traffic::{Runs, is_in_doubt, reroute, route_serving, routed_once_mended};
use crate::runtime::{ContainerId, ContainerState};
use crate::store::{ReservedEndpoint, StoreChange};

/// The plan that removes leftovers, mends names, and starts again what serves and is stopped. Empty when there is nothing to
/// put right.
///
/// Serving and retiring containers are not stopped by it, and `run` containers of other commands are not touched.
pub fn plan_mend(situation: &Situation) -> Plan {
    let mut plan = plan_tidy(situation);
    let tidied: Vec<StepId> = plan.ids().collect();
    let formation = &situation.record.formation;
    revive(&mut plan, situation, &tidied, |replica| formation.contains(replica));
    let revived: Vec<StepId> = plan.ids().skip(tidied.len()).collect();
    // The file was written while what is revived did not run.
    if is_in_doubt(situation)
        && !revived.is_empty()
        && let Some(routed) = route_serving(&mut plan, situation, Runs::ByThen, &Cause::Leftover, &revived)
    {
        let record = StoreAction::Record(vec![routed.change]);
        plan.push(record, Cause::Leftover, &[routed.step]);
    }
    plan
}

/// The same without starting anything: after a plan whose own work was to start, or to take away.
pub fn plan_tidy(situation: &Situation) -> Plan {
    let mut plan = Plan::going_on_after_failures(situation.record.name.clone());
    mend(&mut plan, situation);
    plan
}

/// Adds the starts of the containers that serve, are stopped, and stay. A command that broke off had stopped them to
/// make way for others, which are leftovers now and must be gone first; or they ended for good, and get another chance.
pub(crate) fn revive(plan: &mut Plan, situation: &Situation, mended: &[StepId], stays: impl Fn(&Replica) -> bool) {
    let record = &situation.record;
    if record.stopped_by_operator || record.quarantine.is_some() {
        return;
    }
    for container in situation.observed.with_role(record, Role::Serving) {
        let is_stopped = matches!(container.state, ContainerState::Created | ContainerState::Exited);
        if is_stopped && stays(&container.replica) {
            start_again(plan, situation, container, mended);
        }
    }
}

/// Gives a stopped container its policy back and starts it; returns the start.
pub(crate) fn start_again(
    plan: &mut Plan,
    situation: &Situation,
    container: &ObservedContainer,
    before: &[StepId],
) -> StepId {
    let replica = Some(&container.replica);
    let mut before = before.to_vec();
    if situation.capabilities.updates_restart_policy {
        let update = EngineAction::UpdateRestartPolicy {
            container: existing(container),
            policy: situation.policies.restart,
        };
        before = vec![plan.push_for(replica, update, Cause::Stopped, &before)];
    }
    plan.push_for(
        replica,
        EngineAction::Start(existing(container)),
        Cause::Stopped,
        &before,
    )
}

/// Adds the mending steps; returns them, so that steps which need the names can wait for them. What the proxy may send requests to is
/// removed only once it sends none there.
pub(crate) fn mend(plan: &mut Plan, situation: &Situation) -> Vec<StepId> {
    let routed = Some(situation).filter(|situation| is_in_doubt(situation));
    let routed = routed.and_then(|situation| reroute(plan, situation, &Cause::Leftover));
    let rerouted = routed.map(|routed| {
        let record = StoreAction::Record(vec![routed.change]);
        plan.push(record, Cause::Leftover, &[routed.step])
    });
    mend_after(plan, situation, rerouted, routed_once_mended(situation).as_ref())
}

/// The mending steps after a step once which the proxy's file names `routed` and nothing else.
pub(crate) fn mend_after(
    plan: &mut Plan,
    situation: &Situation,
    rerouted: Option<StepId>,
    routed: Option<&BTreeSet<Generation>>,
) -> Vec<StepId> {
    let mut steps: Vec<StepId> = rerouted.into_iter().collect();
    let mut freed = Vec::new();
    remove_leftovers(plan, situation, &steps, &mut freed);
    let retiring = |container: &ObservedContainer| NameStage::Retiring(container.generation);
    mend_names(plan, situation, Role::Retiring, retiring, &mut freed);
    mend_names(plan, situation, Role::Serving, |_| NameStage::Serving, &mut freed);
    steps.extend(freed.iter().map(|(_, step)| *step));
    steps.extend(release_orphaned_endpoints(plan, situation, routed, &steps));
    let leftovers = situation.observed.with_role(&situation.record, Role::Leftover);
    let one_offs = situation.observed.one_offs.iter().filter(|one_off| is_left(one_off));
    let gone: BTreeSet<&ContainerId> = leftovers
        .map(|container| &container.id)
        .chain(one_offs.map(|one_off| &one_off.id))
        .collect();
    leave_links(plan, situation, Leaving::Unused, |id| !gone.contains(id), &steps);
    steps
}

/// Names that are free once a step is done.
type Freed = Vec<(String, StepId)>;

fn remove_leftovers(plan: &mut Plan, situation: &Situation, before: &[StepId], freed: &mut Freed) {
    let observed = &situation.observed;
    for container in observed.with_role(&situation.record, Role::Leftover) {
        let remove = EngineAction::Remove(existing(container));
        let step = plan.push_for(Some(&container.replica), remove, Cause::Leftover, before);
        freed.push((container.name.clone(), step));
    }
    for one_off in observed.one_offs.iter().filter(|one_off| is_left(one_off)) {
        let container = ContainerRef::Existing {
            id: one_off.id.clone(),
            name: one_off.name.clone(),
        };
        let step = plan.push(EngineAction::Remove(container), Cause::Leftover, &[]);
        freed.push((one_off.name.clone(), step));
    }
}

/// A `run` container belongs to a command of its own; the others to one that is over.
fn is_left(one_off: &ObservedOneOff) -> bool {
    one_off.kind != OneOffKind::Run
}

/// A rename waits for the step that frees its new name, so the roles that let go of names come first.
fn mend_names(
    plan: &mut Plan,
    situation: &Situation,
    role: Role,
    stage: impl Fn(&ObservedContainer) -> NameStage,
    freed: &mut Freed,
) {
    let waiting = match role {
        Role::Serving => WaitingRestart::GoesOn,
        Role::Retiring | Role::Leftover => WaitingRestart::Ends(situation.policies.stop_timeout),
    };
    for container in situation.observed.with_role(&situation.record, role) {
        let to = container_name(&situation.record.name, &container.replica, stage(container));
        if container.name == to {
            continue;
        }
        let after: Vec<StepId> = freed
            .iter()
            .filter(|(name, _)| *name == to)
            .map(|(_, step)| *step)
            .collect();
        let rename = EngineAction::Rename {
            container: existing(container),
            to,
            waiting,
        };
        let step = plan.push_for(Some(&container.replica), rename, Cause::Leftover, &after);
        freed.push((container.name.clone(), step));
    }
}

fn release_orphaned_endpoints(
    plan: &mut Plan,
    situation: &Situation,
    routed: Option<&BTreeSet<Generation>>,
    after: &[StepId],
) -> Option<StepId> {
    let changes: Vec<StoreChange> = situation
        .endpoints
        .iter()
        .filter(|endpoint| !is_kept(situation, routed, endpoint))
        .map(|orphan| StoreChange::ReleaseEndpoint {
            app: situation.record.name.clone(),
            generation: orphan.generation,
        })
        .collect();
    (!changes.is_empty()).then(|| plan.push(StoreAction::Record(changes), Cause::Leftover, after))
}

fn is_kept(situation: &Situation, routed: Option<&BTreeSet<Generation>>, endpoint: &ReservedEndpoint) -> bool {
    let record = &situation.record;
    let serving = record.serving.values().map(|serving| serving.generation);
    let retiring = record.retirements.iter().map(|retirement| retirement.generation);
    let mut known = serving.chain(retiring).chain(routed.into_iter().flatten().copied());
    known.any(|generation| generation == endpoint.generation)
}

/// The situation once it is mended, for a dry run that has to reckon what an earlier plan does.
pub(crate) fn mended(mut situation: Situation) -> Situation {
    let record = situation.record.clone();
    situation
        .observed
        .containers
        .retain(|container| ObservedApp::role(&record, container) != Role::Leftover);
    for container in &mut situation.observed.containers {
        let stage = match ObservedApp::role(&record, container) {
            Role::Retiring => NameStage::Retiring(container.generation),
            Role::Serving | Role::Leftover => NameStage::Serving,
        };
        container.name = container_name(&record.name, &container.replica, stage);
    }
    situation.observed.one_offs.retain(|one_off| !is_left(one_off));
    let routed = routed_once_mended(&situation);
    let mut endpoints = std::mem::take(&mut situation.endpoints);
    endpoints.retain(|endpoint| is_kept(&situation, routed.as_ref(), endpoint));
    situation.endpoints = endpoints;
    situation.record.routed = routed;
    situation.links = left(&situation);
    situation
}
