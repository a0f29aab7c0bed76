//! One decision about one app.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use super::counting::{TICK, new_exits, past_exits};
use super::limits::{BUDGET_EXITS, BUDGET_WINDOW, is_over_budget, was_exhausted_before};
use super::sight::{EndTold, Sight, Watched};
use crate::app::{AppRecord, BEING_WRITTEN, Serving};
use crate::crashes::{Crash, CrashKind, QuarantineCause};
use crate::names::Replica;
use crate::runtime::ContainerId;

/// What is known about an app at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// What the store says.
    pub record: &'a AppRecord,
    /// Whether it is to run again by itself after the engine was gone.
    pub restores: bool,
    /// The failures that are remembered.
    pub crashes: &'a [Crash],
    /// Those of its serving containers that were looked at.
    pub sights: &'a [Sight],
    /// The containers whose liveness checks failed.
    pub unhealthy: &'a [ContainerId],
    /// Since when whoever looks has been listening; `None` in the first look of all.
    pub listens_since: Option<SystemTime>,
    /// Whether the connection to the engine was lost since the last look.
    pub after_gap: bool,
    /// Now.
    pub now: SystemTime,
}

/// What is to be done with an app; at most one thing at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Nothing.
    Nothing,
    /// The proxy has to be told where its containers are.
    Reroute(Replica),
    /// The proxy may have been told while it did not run, and leave it out since.
    RouteAgain(Replica),
    /// All its containers are replaced, once.
    Redeploy(Replica),
    /// One replica is replaced.
    Replace(Replica),
    /// What should run and does not is brought back.
    Restore,
    /// It goes out of service.
    Quarantine(QuarantineCause),
    /// It is out of service, and something of it runs.
    KeepOut,
}

/// What follows from a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is to be remembered, whatever becomes of the act.
    pub crashes: Vec<Crash>,
    /// What is to be done.
    pub act: Act,
    /// What is only told, about a replica.
    pub notices: Vec<(Replica, String)>,
    /// Whether to look again shortly: an engine may be about to start something.
    pub look_again: bool,
    /// What is remembered of the containers that were looked at.
    pub watched: BTreeMap<ContainerId, Watched>,
}

/// Decides about one app.
///
/// Deciding again after an act was not carried out decides the same, with the crashes remembered and the containers watched.
pub fn decide(scene: &Scene<'_>) -> Decision {
    let mut decision = Decision {
        crashes: Vec::new(),
        act: Act::Nothing,
        notices: Vec::new(),
        look_again: false,
        watched: BTreeMap::new(),
    };
    let is_wanted = scene.record.release.is_some() && !scene.record.stopped_by_operator;
    let counts = is_wanted && scene.record.quarantine.is_none();
    for sight in scene.sights {
        if counts {
            decision.crashes.extend(failures(scene, sight));
            tell_end(&mut decision, sight);
        }
        decision.watched.insert(sight.container.clone(), watched(scene, sight));
    }
    // A new release is new code, or new settings: what an earlier one did does not count against it. Where the time of day was set back
    // since, everything counts.
    let released = scene.record.release.as_ref().map(|release| release.created_at);
    let released = released.filter(|released| *released <= scene.now);
    let is_of_this_release = |crash: &&Crash| released.is_none_or(|released| crash.at >= released);
    let all = scene.crashes.iter().chain(&decision.crashes).filter(is_of_this_release);
    let all: Vec<Crash> = all.cloned().collect();
    decision.act = match (is_wanted, &scene.record.quarantine) {
        (true, Some(_)) if scene.sights.iter().any(has_process) => Act::KeepOut,
        (false, _) | (true, Some(_)) => Act::Nothing,
        (true, None) => act(scene, &all),
    };
    if decision.act == Act::Restore {
        decision.notices.clear();
    }
    decision
}

/// What a look adds to the failures that are remembered.
fn failures(scene: &Scene<'_>, sight: &Sight) -> Vec<Crash> {
    let mut new = past_exits(sight, scene.crashes);
    // Engines tell moments in whole seconds, too: exits that follow each other at once are still as many.
    let is_of_this = |crash: &&Crash| crash.kind == CrashKind::Ended && crash.generation == sight.generation;
    let known = scene.crashes.iter().chain(&new).filter(is_of_this);
    let mut taken: BTreeSet<SystemTime> = known.map(|crash| crash.at).collect();
    for mut crash in new_exits(sight, scene.listens_since, scene.now) {
        while !taken.insert(crash.at) {
            crash.at = crash.at.checked_add(TICK).unwrap_or(scene.now);
        }
        new.push(crash);
    }
    let last = new.last().map(|crash| crash.at);
    let is_known = scene
        .crashes
        .iter()
        .any(|crash| crash.kind == CrashKind::Exhausted && crash.generation == sight.generation);
    let crash = |kind, at| Crash {
        replica: sight.replica.clone(),
        generation: sight.generation,
        kind,
        at,
    };
    if sight.is_exhausted() && !is_known {
        new.push(crash(CrashKind::Exhausted, last.unwrap_or(scene.now)));
    }
    new
}

/// Says once of a container that it ended and stays so.
fn tell_end(decision: &mut Decision, sight: &Sight) {
    let told = sight.before.as_ref().map_or(EndTold::Nothing, |before| before.end);
    if !sight.has_ended() || told == EndTold::Said || sight.is_exhausted() {
        return;
    }
    if sight.may_come_back() && told == EndTold::Nothing {
        decision.look_again = true;
        return;
    }
    let text = match (&sight.state, sight.exit_code) {
        (None, _) => "its container is gone".to_owned(),
        (Some(_), Some(code)) => format!("it ended with code {code} and is not restarted"),
        (Some(_), None) => "it does not run".to_owned(),
    };
    decision.notices.push((sight.replica.clone(), text));
}

fn watched(scene: &Scene<'_>, sight: &Sight) -> Watched {
    let end = match (
        sight.has_ended(),
        sight.before.as_ref().map_or(EndTold::Nothing, |before| before.end),
    ) {
        (false, _) => EndTold::Nothing,
        (true, EndTold::Nothing) if sight.may_come_back() => EndTold::Waiting,
        (true, _) => EndTold::Said,
    };
    let ran = sight.before.as_ref().is_some_and(|before| before.ran);
    let was_counted = sight.before.as_ref().is_some_and(|before| sight.exits() > before.exits);
    let mut uncounted = if was_counted { Vec::new() } else { sight.told_deaths() };
    uncounted.drain(..uncounted.len().saturating_sub(BUDGET_EXITS));
    Watched {
        exits: sight.exits(),
        looked_at: scene.now,
        routed_to: sight
            .before
            .as_ref()
            .map_or_else(|| assumed_route(scene, sight), |before| before.routed_to),
        // What went down in a gap is to be brought back, and it is known until that is done.
        ran: sight.runs() || (ran && (scene.after_gap || !sight.has_ended())),
        end,
        uncounted,
    }
}

/// Of a container that was never looked at, the proxy knows the address that psctl chose for it.
fn assumed_route(scene: &Scene<'_>, sight: &Sight) -> Option<std::net::Ipv4Addr> {
    use crate::addresses::Endpoint;
    match scene.record.serving.get(&sight.replica)?.endpoint? {
        Endpoint::Address(address) => Some(address),
        Endpoint::LoopbackPort(_) => None,
    }
}

fn has_process(sight: &Sight) -> bool {
    sight
        .state
        .as_ref()
        .is_some_and(crate::runtime::ContainerState::may_have_a_process)
}

/// The act for an app that is wanted and in service: the gravest first.
fn act(scene: &Scene<'_>, crashes: &[Crash]) -> Act {
    let mut replicas: Vec<&Replica> = crashes.iter().map(|crash| &crash.replica).collect();
    replicas.sort();
    replicas.dedup();
    let over = replicas
        .into_iter()
        .find_map(|replica| Some((replica, is_over_budget(crashes, replica, scene.now)?)));
    if let Some((replica, exits)) = over {
        return Act::Quarantine(QuarantineCause::CrashBudget {
            replica: replica.clone(),
            exits: u32::try_from(exits).unwrap_or(u32::MAX),
            minutes: u32::try_from(BUDGET_WINDOW.as_secs() / 60).unwrap_or(u32::MAX),
        });
    }
    if let Some(sight) = scene.sights.iter().find(|sight| sight.is_exhausted()) {
        let replica = sight.replica.clone();
        return if was_exhausted_before(crashes, scene.record, scene.now) {
            Act::Quarantine(QuarantineCause::ExhaustedAgain { replica })
        } else {
            Act::Redeploy(replica)
        };
    }
    if scene.after_gap && scene.restores && scene.sights.iter().any(went_down) {
        return Act::Restore;
    }
    let sick = |sight: &&Sight| sight.runs() && scene.unhealthy.contains(&sight.container);
    if let Some(sight) = scene.sights.iter().find(sick) {
        return Act::Replace(sight.replica.clone());
    }
    if let Some(sight) = scene.sights.iter().find(|sight| has_moved(scene, sight)) {
        return Act::Reroute(sight.replica.clone());
    }
    match scene.sights.iter().find(|sight| may_be_left_out(scene, sight)) {
        Some(sight) => Act::RouteAgain(sight.replica.clone()),
        None => Act::Nothing,
    }
}

/// Whether it ran when it was last looked at, and nothing says that it will again.
fn went_down(sight: &Sight) -> bool {
    sight.before.as_ref().is_some_and(|before| before.ran) && sight.has_ended()
}

/// Whether it runs, and its app's file may leave it out: something did not run when the file was written, or the proxy could not be told.
fn may_be_left_out(scene: &Scene<'_>, sight: &Sight) -> bool {
    let record = scene.record;
    let Some(routed) = &record.routed else { return false };
    let has_endpoint = |serving: &Serving| serving.endpoint.is_some();
    let is_web = sight.replica.process_type().is_web();
    let is_to_be_named = is_web && record.serving.get(&sight.replica).is_some_and(has_endpoint);
    let is_named = record.is_routed(sight.generation);
    sight.runs() && (is_named && routed.contains(&BEING_WRITTEN) || is_to_be_named && !is_named)
}

/// Whether it is reached elsewhere than the proxy was told.
fn has_moved(scene: &Scene<'_>, sight: &Sight) -> bool {
    let told = sight
        .before
        .as_ref()
        .map_or_else(|| assumed_route(scene, sight), |before| before.routed_to);
    scene.record.is_routed(sight.generation) && sight.runs() && sight.address.is_some() && sight.address != told
}
