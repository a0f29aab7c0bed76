//! New replicas beside what runs: reserve where they are reached, create, start, wait until ready. The one way that any
//! planner makes containers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::addresses::Subnet;
use crate::app::CheckMode;
use crate::names::{Generation, NameStage, ProcessType, Replica, container_name};
use crate::plan::{
    Action, Cause, ContainerRef, EndpointPlace, EndpointRef, EngineAction, Plan, PlannedServing, Readiness, StepId,
    StoreAction, Switch, WaitAction, WaitingRestart,
};
use crate::planning::launch::{LaunchError, replica_spec, web_port};
use crate::planning::links::join_links;
use crate::planning::readiness::{published_port, readiness_of};
use crate::planning::stop_first::{is_stop_first, make_way};
use crate::planning::traffic::{Runs, route_switch};
use crate::planning::{Situation, situation::existing};
use crate::release::Release;
use crate::store::{EndpointKind, StoreChange};

/// How long a replica has to run when its old one is stopped already: one that cannot run at all must not take its place.
const SETTLING: Duration = Duration::from_secs(1);

/// New replicas and the steps after which they are ready.
pub(crate) struct BroughtUp {
    pub(crate) serve: Vec<PlannedServing>,
    pub(crate) ready: Vec<StepId>,
}

/// The first step of a changing plan: the intent, in one transaction, before anything happens on the engine.
pub(crate) fn record_intent(
    plan: &mut Plan,
    situation: &Situation,
    mut changes: Vec<StoreChange>,
    containers: usize,
    cause: &Cause,
) -> Option<StepId> {
    let app = &situation.record.name;
    if containers > 0 {
        let next = situation
            .next_generation()
            .after(u64::try_from(containers).unwrap_or(u64::MAX));
        changes.push(StoreChange::UseGenerations { app: app.clone(), next });
    }
    (!changes.is_empty()).then(|| plan.push(StoreAction::Record(changes), cause.clone(), &[]))
}

/// Replicas to make from a release.
pub(crate) struct BringUp<'a> {
    pub(crate) release: &'a Release,
    pub(crate) replicas: &'a [(Replica, Cause)],
    /// The replicas whose containers they replace, where those exist.
    pub(crate) replaced: &'a [(Replica, Cause)],
    pub(crate) intent: Option<StepId>,
    /// The mending steps: until they are done, a leftover may run.
    pub(crate) mended: &'a [StepId],
}

/// A container that a create step makes.
struct Made<'a> {
    replica: &'a Replica,
    generation: Generation,
    cause: &'a Cause,
    endpoint: Option<EndpointRef>,
    created: StepId,
    /// The step after which it may start.
    joined: StepId,
}

/// Adds the steps that make each replica from a release, side by side. Generations count up from the situation's next.
///
/// Types whose checks are disabled go last: when all others are ready, their old containers are stopped, and only then the new ones
/// start.
pub(crate) fn bring_up(plan: &mut Plan, situation: &Situation, wanted: &BringUp<'_>) -> Result<BroughtUp, LaunchError> {
    let mut brought_up = BroughtUp {
        serve: Vec::new(),
        ready: Vec::new(),
    };
    let made = create(plan, situation, wanted)?;
    let is_last = |made: &&Made<'_>| is_stop_first(situation, made.replica.process_type());
    let (last, first): (Vec<&Made<'_>>, Vec<&Made<'_>>) = made.iter().partition(is_last);
    start(plan, situation, wanted.release, &first, &[], &mut brought_up)?;
    if !last.is_empty() {
        let mut before = brought_up.ready.clone();
        before.extend(last.iter().map(|made| made.joined));
        before.extend(wanted.mended);
        let types: BTreeSet<&ProcessType> = last.iter().map(|made| made.replica.process_type()).collect();
        let stopped = make_way(plan, situation, &types, wanted.replaced, &before);
        let before = if stopped.is_empty() { before } else { stopped };
        start(plan, situation, wanted.release, &last, &before, &mut brought_up)?;
    }
    Ok(brought_up)
}

fn create<'a>(plan: &mut Plan, situation: &Situation, wanted: &BringUp<'a>) -> Result<Vec<Made<'a>>, LaunchError> {
    let BringUp { release, replicas, .. } = *wanted;
    let mut prepared: Vec<StepId> = wanted.intent.into_iter().collect();
    let Some((_, cause)) = replicas.first() else {
        return Ok(Vec::new());
    };
    if let Some(network) = situation.network.as_ref().filter(|network| !network.exists) {
        let create = EngineAction::CreateNetwork(network.spec.clone());
        prepared = vec![plan.push(create, cause.clone(), &prepared)];
    }
    let numbered: Vec<(Replica, Generation, &Cause)> = (0_u64..)
        .zip(replicas)
        .map(|(offset, (replica, cause))| (replica.clone(), situation.next_generation().after(offset), cause))
        .collect();
    let endpoints = reserve_endpoints(plan, situation, release, &numbered, &mut prepared)?;
    let mut made = Vec::new();
    for ((replica, cause), (_, generation, _)) in replicas.iter().zip(&numbered) {
        let spec = replica_spec(situation, release, replica, *generation)?;
        let endpoint = endpoints
            .iter()
            .find(|(of, _)| of == generation)
            .map(|(_, endpoint)| *endpoint);
        let create = EngineAction::Create {
            spec: Box::new(spec),
            endpoint,
        };
        let created = plan.push_for(Some(replica), create, cause.clone(), &prepared);
        let joined = join_links(plan, situation, Some(replica), created, cause);
        made.push(Made {
            replica,
            generation: *generation,
            cause,
            endpoint,
            created,
            joined,
        });
    }
    Ok(made)
}

/// Adds starts and waits. Where a type's `max_parallel` says so, a start waits until so many before it are ready.
fn start(
    plan: &mut Plan,
    situation: &Situation,
    release: &Release,
    made: &[&Made<'_>],
    before: &[StepId],
    brought_up: &mut BroughtUp,
) -> Result<(), LaunchError> {
    let mut ready_of_type: BTreeMap<&ProcessType, Vec<StepId>> = BTreeMap::new();
    for made in made {
        let process_type = made.replica.process_type();
        let earlier = ready_of_type.entry(process_type).or_default();
        let bound = release.manifest.max_parallel(process_type);
        let bound = bound.map_or(usize::MAX, |bound| usize::from(bound.get()));
        let turn = earlier.len().checked_sub(bound).and_then(|turn| earlier.get(turn));
        let after: Vec<StepId> = before.iter().chain(turn).copied().chain([made.joined]).collect();
        let container = ContainerRef::Made(made.created);
        let start = EngineAction::Start(container.clone());
        let started = plan.push_for(Some(made.replica), start, made.cause.clone(), &after);
        let ready = wait_until_ready(plan, situation, release, made.replica, &container, made.cause, started)?;
        earlier.push(ready);
        brought_up.ready.push(ready);
        brought_up.serve.push(PlannedServing {
            replica: made.replica.clone(),
            container,
            generation: made.generation,
            release: release.number,
            endpoint: made.endpoint,
        });
    }
    Ok(())
}

/// Adds the wait for a started container, unless its type is not checked; returns the step after which it is ready.
pub(crate) fn wait_until_ready(
    plan: &mut Plan,
    situation: &Situation,
    release: &Release,
    replica: &Replica,
    container: &ContainerRef,
    cause: &Cause,
    started: StepId,
) -> Result<StepId, LaunchError> {
    let readiness = match situation.record.check_mode(replica.process_type()) {
        CheckMode::Skipped => return Ok(started),
        CheckMode::Disabled => Readiness::after(SETTLING),
        CheckMode::Enabled => readiness_of(situation, release, replica.process_type())?,
    };
    let wait = WaitAction::Ready {
        container: container.clone(),
        endpoint: endpoint_of(plan, situation, container),
        age: Duration::ZERO,
        readiness,
    };
    Ok(plan.push_for(Some(replica), wait, cause.clone(), &[started]))
}

/// Where requests reach a container: as its create step says, or as it was recorded.
fn endpoint_of(plan: &Plan, situation: &Situation, container: &ContainerRef) -> Option<EndpointPlace> {
    match container {
        ContainerRef::Made(created) => match &plan.steps().get(created.position())?.action {
            Action::Engine(EngineAction::Create { endpoint, .. }) => endpoint.map(EndpointPlace::Reserved),
            _ => None,
        },
        ContainerRef::Existing { id, .. } => {
            let mut serving = situation.record.serving.values();
            let serving = serving.find(|serving| serving.container == *id)?;
            serving.endpoint.map(EndpointPlace::Known)
        }
    }
}

type Numbered<'a> = (Replica, Generation, &'a Cause);

/// Reserves one endpoint for each replica that needs one, and makes `prepared` wait for it.
fn reserve_endpoints(
    plan: &mut Plan,
    situation: &Situation,
    release: &Release,
    numbered: &[Numbered<'_>],
    prepared: &mut Vec<StepId>,
) -> Result<Vec<(Generation, EndpointRef)>, LaunchError> {
    let kind = endpoint_kind(situation);
    let mut wanted: Vec<(Replica, Generation)> = Vec::new();
    let mut container_ports: Vec<u16> = Vec::new();
    for (replica, generation, _) in numbered {
        let published = published_port(release, replica.process_type())?;
        if published.is_some() || matches!(kind, EndpointKind::Address(_)) {
            wanted.push((replica.clone(), *generation));
            container_ports.push(published.map_or_else(|| web_port(release), Ok)?);
        }
    }
    let Some((_, _, cause)) = numbered.first().filter(|_| !wanted.is_empty()) else {
        return Ok(Vec::new());
    };
    let reserve = StoreAction::ReserveEndpoints {
        app: situation.record.name.clone(),
        kind,
        wanted: wanted.clone(),
    };
    let step = plan.push(reserve, (*cause).clone(), prepared);
    *prepared = vec![step];
    let endpoints = wanted.iter().zip(container_ports).enumerate();
    Ok(endpoints
        .map(|(position, ((_, generation), container_port))| {
            (
                *generation,
                EndpointRef {
                    step,
                    position,
                    container_port,
                },
            )
        })
        .collect())
}

fn endpoint_kind(situation: &Situation) -> EndpointKind {
    let subnet: Option<Subnet> = situation.network.as_ref().and_then(|network| network.spec.subnet);
    subnet.map_or(EndpointKind::LoopbackPort, EndpointKind::Address)
}

/// Adds the switch and the renames after it: the old containers get out of the way of the names first. Where a proxy serves the app,
/// it sends requests to the new ones before.
///
/// `after` holds the mending steps too: until they are done, the names belong to others.
pub(crate) fn switch_to(
    plan: &mut Plan,
    situation: &Situation,
    mut switch: Switch,
    retired: &[(Replica, Cause)],
    stopped: Runs,
    cause: &Cause,
    after: &[StepId],
) {
    let app = situation.record.name.clone();
    let serve = switch.serve.clone();
    let mut after = after.to_vec();
    if let Some(routed) = route_switch(plan, situation, &switch, stopped, cause, &after) {
        after.push(routed.step);
        // First, so that the endpoints of what is gone can be given back.
        switch.changes.insert(0, routed.change);
    }
    let switched = plan.push(StoreAction::Switch(Box::new(switch)), cause.clone(), &after);
    let mut freed: Vec<(&Replica, StepId)> = Vec::new();
    for (replica, cause) in retired {
        let Some(old) = situation.serving(replica) else {
            continue;
        };
        let to = container_name(&app, replica, NameStage::Retiring(old.generation));
        let rename = EngineAction::Rename {
            container: existing(old),
            to,
            waiting: WaitingRestart::Ends(situation.policies.stop_timeout),
        };
        let step = plan.push_for(Some(replica), rename, cause.clone(), &[switched]);
        freed.push((replica, step));
    }
    for new in serve {
        let to = container_name(&app, &new.replica, NameStage::Serving);
        let free = freed.iter().filter(|(replica, _)| **replica == new.replica);
        let after: Vec<StepId> = free.map(|(_, step)| *step).chain([switched]).collect();
        let rename = EngineAction::Rename {
            container: new.container,
            to,
            waiting: WaitingRestart::GoesOn,
        };
        plan.push_for(Some(&new.replica), rename, cause.clone(), &after);
    }
}
