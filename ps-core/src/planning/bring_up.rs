//! New replicas beside what runs: reserve where they are reached, create, start, wait until ready. The one way that any
//! planner makes containers.

use crate::addresses::Subnet;
use crate::app::CheckMode;
use crate::names::{Generation, NameStage, Replica, container_name};
use crate::plan::{
    Cause, ContainerRef, EndpointRef, EngineAction, Plan, PlannedServing, Readiness, StepId, StoreAction, Switch,
    WaitAction,
};
use crate::planning::launch::{LaunchError, replica_spec, web_port};
use crate::planning::{Situation, situation::existing};
use crate::release::Release;
use crate::store::{EndpointKind, StoreChange};

/// The uptime that counts as ready where nothing else is said.
const DEFAULT_UPTIME: std::time::Duration = std::time::Duration::from_secs(10);

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

/// Adds the steps that make each replica from a release, side by side. Generations count up from the situation's next.
pub(crate) fn bring_up(
    plan: &mut Plan,
    situation: &Situation,
    release: &Release,
    replicas: &[(Replica, Cause)],
    after: Option<StepId>,
) -> Result<BroughtUp, LaunchError> {
    let mut prepared: Vec<StepId> = after.into_iter().collect();
    let mut brought_up = BroughtUp {
        serve: Vec::new(),
        ready: Vec::new(),
    };
    let Some((_, cause)) = replicas.first() else {
        return Ok(brought_up);
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
    for (replica, generation, cause) in &numbered {
        let spec = replica_spec(situation, release, replica, *generation)?;
        let endpoint = endpoints
            .iter()
            .find(|(of, _)| of == generation)
            .map(|(_, endpoint)| *endpoint);
        let create = EngineAction::Create {
            spec: Box::new(spec),
            endpoint,
        };
        let step = plan.push_for(Some(replica), create, (*cause).clone(), &prepared);
        made.push((replica, *generation, *cause, endpoint, step));
    }
    for (replica, generation, cause, endpoint, created) in made {
        let container = ContainerRef::Made(created);
        let start = EngineAction::Start(container.clone());
        let started = plan.push_for(Some(replica), start, cause.clone(), &[created]);
        let ready = wait_until_ready(plan, situation, release, replica, &container, cause, started)?;
        brought_up.ready.push(ready);
        brought_up.serve.push(PlannedServing {
            replica: replica.clone(),
            container,
            generation,
            release: release.number,
            endpoint,
        });
    }
    Ok(brought_up)
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
    if situation.record.check_mode(replica.process_type()) != CheckMode::Enabled {
        return Ok(started);
    }
    let is_web = replica.process_type().is_web();
    let port = if is_web { Some(web_port(release)?) } else { None };
    let readiness = Readiness {
        uptime: DEFAULT_UPTIME,
        port,
    };
    let wait = WaitAction::Ready {
        container: container.clone(),
        readiness,
    };
    Ok(plan.push_for(Some(replica), wait, cause.clone(), &[started]))
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
    let needs = |replica: &Replica| match kind {
        EndpointKind::Address(_) => true,
        EndpointKind::LoopbackPort => replica.process_type().is_web(),
    };
    let wanted: Vec<(Replica, Generation)> = numbered
        .iter()
        .filter(|(replica, ..)| needs(replica))
        .map(|(replica, generation, _)| (replica.clone(), *generation))
        .collect();
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
    let container_port = web_port(release)?;
    let endpoints = wanted.iter().enumerate();
    Ok(endpoints
        .map(|(position, (_, generation))| {
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
    let subnet: Option<Subnet> = situation.network.as_ref().map(|network| network.spec.subnet);
    subnet.map_or(EndpointKind::LoopbackPort, EndpointKind::Address)
}

/// Adds the switch and the renames after it: the old containers get out of the way of the names first.
///
/// `after` holds the mending steps too: until they are done, the names belong to others.
pub(crate) fn switch_to(
    plan: &mut Plan,
    situation: &Situation,
    switch: Switch,
    retired: &[(Replica, Cause)],
    cause: &Cause,
    after: &[StepId],
) {
    let app = situation.record.name.clone();
    let serve = switch.serve.clone();
    let switched = plan.push(StoreAction::Switch(Box::new(switch)), cause.clone(), after);
    let mut freed: Vec<(&Replica, StepId)> = Vec::new();
    for (replica, cause) in retired {
        let Some(old) = situation.serving(replica) else {
            continue;
        };
        let to = container_name(&app, replica, NameStage::Retiring(old.generation));
        let rename = EngineAction::Rename {
            container: existing(old),
            to,
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
        };
        plan.push_for(Some(&new.replica), rename, cause.clone(), &after);
    }
}
