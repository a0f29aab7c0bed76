//! Traffic: which containers the proxy sends requests to. Invariant: before the proxy is told of a container, the store says that its
//! file may name that one, and only once the proxy serves without a container does the store say that it names it no more. So an
//! endpoint that an old file could lead to is never anybody else's.

use std::collections::BTreeSet;
use std::time::SystemTime;

use crate::app::{AppRecord, BEING_WRITTEN};
use crate::names::{Generation, Replica};
use crate::observation::{ObservedContainer, Role};
use crate::plan::{
    Action, Cause, ContainerRef, EndpointPlace, EngineAction, IfAbsent, Plan, PlannedUpstream, Position, ProxyAction,
    StepId, StoreAction, Switch,
};
use crate::planning::launch::DEFAULT_PORT;
use crate::planning::situation::{Routing, Situation, existing};
use crate::proxy::SiteSettings;
use crate::store::StoreChange;

/// A container that requests may be sent to.
struct Target {
    replica: Replica,
    generation: Generation,
    container: ContainerRef,
    endpoint: Option<EndpointPlace>,
    if_absent: IfAbsent,
    runs: Runs,
}

/// Whether a container runs; one that does not when it is asked for is left out of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runs {
    /// It does.
    Now,
    /// It does by then: a step before starts it.
    ByThen,
    /// It may, or not.
    Perhaps,
}

/// What was added to a plan: the step after which the proxy serves so, and what is recorded once it does.
pub(crate) struct Routed {
    pub(crate) step: StepId,
    pub(crate) change: StoreChange,
}

/// Adds what makes the proxy send requests to what serves after a switch; nothing when that changes nothing. `stopped` says what
/// becomes of the containers that serve and are stopped now.
pub(crate) fn route_switch(
    plan: &mut Plan,
    situation: &Situation,
    switch: &Switch,
    stopped: Runs,
    cause: &Cause,
    after: &[StepId],
) -> Option<Routed> {
    let goes = |replica: &Replica| {
        let replaced = switch.serve.iter().any(|new| new.replica == *replica);
        let stops = switch
            .changes
            .iter()
            .any(|change| matches!(change, StoreChange::StopServing { replica: stopped, .. } if stopped == replica));
        replaced || stops
    };
    let mut targets = serving_targets(situation, stopped, |container| !goes(&container.replica));
    targets.extend(switch.serve.iter().map(|new| Target {
        replica: new.replica.clone(),
        generation: new.generation,
        container: new.container.clone(),
        endpoint: new.endpoint.map(EndpointPlace::Reserved),
        if_absent: IfAbsent::Fails,
        runs: Runs::ByThen,
    }));
    let before = routed_once_mended(situation);
    route(
        plan,
        situation,
        before.as_ref(),
        targets,
        Rewrite::WhenChanged,
        cause,
        after,
    )
}

/// Adds what makes the proxy send requests to what serves now and to nothing else.
pub(crate) fn route_serving(
    plan: &mut Plan,
    situation: &Situation,
    stopped: Runs,
    cause: &Cause,
    after: &[StepId],
) -> Option<Routed> {
    let targets = serving_targets(situation, stopped, |_| true);
    let before = routed_once_mended(situation);
    route(
        plan,
        situation,
        before.as_ref(),
        targets,
        Rewrite::WhenChanged,
        cause,
        after,
    )
}

/// The same before anything was put right: what an interrupted command left in the file goes out of it.
pub(crate) fn reroute(plan: &mut Plan, situation: &Situation, cause: &Cause) -> Option<Routed> {
    let before = situation.record.routed.as_ref();
    route(
        plan,
        situation,
        before,
        wanted_targets(situation),
        Rewrite::Always,
        cause,
        &[],
    )
}

/// Adds what makes the proxy answer 502 for the app, whatever its file names.
pub(crate) fn route_nothing(plan: &mut Plan, situation: &Situation, cause: &Cause, after: &[StepId]) -> Option<Routed> {
    let before = situation.record.routed.as_ref();
    route(plan, situation, before, Vec::new(), Rewrite::WhenChanged, cause, after)
}

/// Whether it is not known what the file names: a command broke off between telling the proxy and telling the store, or something
/// did not run when the file was written. [`BEING_WRITTEN`] is among the generations then, or one that does not serve.
pub(crate) fn is_in_doubt(situation: &Situation) -> bool {
    let record = &situation.record;
    let serves = |generation: &Generation| record.serving.values().any(|serving| serving.generation == *generation);
    !record.routed.iter().flatten().all(serves)
}

/// What the file may name once that is put right, which every changing plan does first.
pub(crate) fn routed_once_mended(situation: &Situation) -> Option<BTreeSet<Generation>> {
    if !is_in_doubt(situation) {
        return situation.record.routed.clone();
    }
    let Routing::Served(settings) = &situation.routing else {
        return None;
    };
    Some(named(&chosen(settings, wanted_targets(situation))))
}

/// What the file may name after the proxy has refused a step of a plan, and so serves as before.
pub(crate) fn routed_if_refused(plan: &Plan, situation: &Situation, refused: StepId) -> Option<BTreeSet<Generation>> {
    let mut earlier = plan.steps().iter().take(refused.position());
    let is_mended = earlier.any(|step| matches!((&step.action, &step.cause), (Action::Proxy(_), Cause::Leftover)));
    if is_mended {
        routed_once_mended(situation)
    } else {
        situation.record.routed.clone()
    }
}

/// Adds what sends requests to what serves and runs without getting any: after a start that broke off.
pub(crate) fn route_left_out(plan: &mut Plan, situation: &Situation) {
    let record = &situation.record;
    let Routing::Served(settings) = &situation.routing else {
        return;
    };
    let running = serving_targets(situation, Runs::Perhaps, |container| container.state.is_running());
    let running = chosen(settings, running);
    let mut generations = running.iter().map(|target| target.generation);
    if is_away(record) || is_in_doubt(situation) || generations.all(|generation| record.is_routed(generation)) {
        return;
    }
    let tidied: Vec<StepId> = plan.ids().collect();
    if let Some(routed) = route_serving(plan, situation, Runs::Perhaps, &Cause::Routed, &tidied) {
        plan.push(StoreAction::Record(vec![routed.change]), Cause::Routed, &[routed.step]);
    }
}

/// Adds what makes the proxy forget the app.
pub(crate) fn unroute(plan: &mut Plan, situation: &Situation, cause: &Cause, after: &[StepId]) -> Option<Routed> {
    let app = &situation.record.name;
    situation.record.routed.as_ref()?;
    let step = plan.push(ProxyAction::Remove(app.clone()), cause.clone(), after);
    let change = StoreChange::SetRouted {
        app: app.clone(),
        routed: None,
    };
    Some(Routed { step, change })
}

/// When a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rewrite {
    /// When it would name other containers.
    WhenChanged,
    /// In any case: its settings may have changed, or somebody changed the file.
    Always,
}

/// The plan that writes an app's proxy file again from what serves: `proxy:build-config`.
///
/// ```
/// # use std::time::SystemTime;
/// use ps_core::app::{AppRecord, GlobalRecord};
/// use ps_core::names::OwnerToken;
/// use ps_core::planning::{Situation, plan_route};
/// # use ps_core::runtime::ContainerRuntime;
/// # use ps_core::testing::{FakeClock, FakeEngine};
/// # let capabilities = FakeEngine::new(&FakeClock::automatic()).capabilities();
/// // No proxy serves the app, and it has no file.
/// let owner = OwnerToken::new("0123456789abcdef")?;
/// let record = AppRecord::new("shop".parse()?);
/// let situation = Situation::new(owner, record, GlobalRecord::default(), capabilities, SystemTime::UNIX_EPOCH)?;
/// assert!(plan_route(&situation).is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn plan_route(situation: &Situation) -> Plan {
    plan_rewrite(situation, Vec::new(), &Cause::Routed)
}

/// The same with changes of settings, which are recorded once the proxy has taken them in. An app that was never deployed has no file,
/// and gets none.
pub fn plan_rewrite(situation: &Situation, mut changes: Vec<StoreChange>, cause: &Cause) -> Plan {
    let record = &situation.record;
    let mut plan = Plan::new(record.name.clone());
    let mut after = Vec::new();
    if record.release.is_none() && record.routed.is_none() {
        plan.leave_alone(record.name.to_string(), "it was never deployed");
    } else {
        let (before, targets) = (record.routed.as_ref(), wanted_targets(situation));
        match route(&mut plan, situation, before, targets, Rewrite::Always, cause, &[]) {
            Some(routed) => {
                changes.insert(0, routed.change);
                after.push(routed.step);
            }
            None => plan.leave_alone(record.name.to_string(), "no proxy serves it"),
        }
    }
    if !changes.is_empty() {
        plan.push(StoreAction::Record(changes), cause.clone(), &after);
    }
    plan
}

/// The plan that takes an app's proxy file away: `proxy:clear-config`.
pub fn plan_unroute(situation: &Situation) -> Plan {
    let mut plan = Plan::new(situation.record.name.clone());
    if let Some(routed) = unroute(&mut plan, situation, &Cause::Routed, &[]) {
        plan.push(StoreAction::Record(vec![routed.change]), Cause::Routed, &[routed.step]);
    }
    plan
}

/// When an old container of the app may be stopped: one that the proxy sent requests to stays for a while.
pub(crate) fn due(situation: &Situation, container: &ObservedContainer) -> SystemTime {
    let had_requests = container.replica.process_type().is_web() && situation.record.is_routed(container.generation);
    if had_requests && situation.is_served() {
        situation.now.checked_add(situation.policies.wait_to_retire)
    } else {
        Some(situation.now)
    }
    .unwrap_or(situation.now)
}

/// Whether nothing of the app is to get requests.
fn is_away(record: &AppRecord) -> bool {
    record.stopped_by_operator || record.quarantine.is_some()
}

/// What is to get requests as things are.
fn wanted_targets(situation: &Situation) -> Vec<Target> {
    serving_targets(situation, Runs::Perhaps, |_| !is_away(&situation.record))
}

/// What the file may name once it is written from targets.
fn named(targets: &[Target]) -> BTreeSet<Generation> {
    let in_doubt = targets.iter().any(|target| target.runs == Runs::Perhaps);
    let generations = targets.iter().map(|target| target.generation);
    generations.chain(in_doubt.then_some(BEING_WRITTEN)).collect()
}

fn serving_targets(situation: &Situation, stopped: Runs, stays: impl Fn(&ObservedContainer) -> bool) -> Vec<Target> {
    let record = &situation.record;
    let serving = situation.observed.with_role(record, Role::Serving);
    serving
        .filter(|container| stays(container))
        .map(|container| Target {
            replica: container.replica.clone(),
            generation: container.generation,
            container: existing(container),
            endpoint: record
                .serving
                .get(&container.replica)
                .and_then(|serving| serving.endpoint)
                .map(EndpointPlace::Known),
            if_absent: IfAbsent::LeftOut,
            runs: if container.state.is_running() {
                Runs::Now
            } else {
                stopped
            },
        })
        .collect()
}

/// Those that a file names, sorted by replica: the built-in template knows `web` alone.
fn chosen(settings: &SiteSettings, targets: Vec<Target>) -> Vec<Target> {
    let has_every_type = settings.template.is_some();
    let is_named =
        |target: &Target| target.endpoint.is_some() && (has_every_type || target.replica.process_type().is_web());
    let mut targets: Vec<Target> = targets.into_iter().filter(is_named).collect();
    targets.sort_by(|one, other| one.replica.cmp(&other.replica));
    targets
}

/// `before`: what the file may name when this is done.
fn route(
    plan: &mut Plan,
    situation: &Situation,
    before: Option<&BTreeSet<Generation>>,
    targets: Vec<Target>,
    rewrite: Rewrite,
    cause: &Cause,
    after: &[StepId],
) -> Option<Routed> {
    let app = &situation.record.name;
    let settings = match &situation.routing {
        Routing::Served(settings) => settings,
        Routing::None => return before.and_then(|_| unroute(plan, situation, cause, after)),
        Routing::AsItIs => return None,
    };
    let targets = chosen(settings, targets);
    let named = named(&targets);
    // One that was stopped may have been left out.
    let all_run = targets.iter().all(|target| target.runs == Runs::Now);
    if rewrite == Rewrite::WhenChanged && before == Some(&named) && all_run {
        return None;
    }
    let may_name = named.iter().chain(before.into_iter().flatten()).copied();
    let intent = StoreChange::SetRouted {
        app: app.clone(),
        routed: Some(may_name.chain([BEING_WRITTEN]).collect()),
    };
    let recorded = [plan.push(StoreAction::Record(vec![intent]), cause.clone(), after)];
    let mut upstreams = Vec::new();
    let mut located = recorded.to_vec();
    for target in targets {
        let Some(position) = position(situation, target.endpoint) else {
            continue;
        };
        let locate = EngineAction::Locate {
            container: target.container,
            position,
            if_absent: target.if_absent,
        };
        let step = plan.push_for(Some(&target.replica), locate, cause.clone(), &recorded);
        located.push(step);
        upstreams.push(PlannedUpstream {
            replica: target.replica,
            located: step,
        });
    }
    let serve = ProxyAction::Serve {
        app: app.clone(),
        settings: settings.clone(),
        upstreams,
    };
    let step = plan.push(serve, cause.clone(), &located);
    let change = StoreChange::SetRouted {
        app: app.clone(),
        routed: Some(named),
    };
    Some(Routed { step, change })
}

/// Where to look for a container: in psctl's network by its address there, else by its own loopback port.
fn position(situation: &Situation, endpoint: Option<EndpointPlace>) -> Option<Position> {
    match &situation.network {
        Some(network) => Some(Position::InNetwork {
            network: network.spec.name.clone(),
            default_port: DEFAULT_PORT,
        }),
        None => endpoint.map(Position::OnLoopback),
    }
}
