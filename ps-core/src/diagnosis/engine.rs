//! The engine: whether one answers, which, and what it does to containers when it goes.

use std::time::{Duration, SystemTime};

use super::{Facts, Finding, FoundEngine};
use crate::runtime::EngineIdentity;

/// More than this between two clocks spoils due times and logs.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

/// Three crashes of Docker 20.10 with 20 containers, five for each policy.
const MEASURED: &str = "measured after a crash of Docker 20.10: `always` brought 4 of 4 back, `on-failure` 1 of 4, \
                        `unless-stopped` none, and most had another address; with live-restore all stayed up";

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let Some(found) = &facts.engine.found else {
        return vec![missing(facts)];
    };
    let identity = &found.identity;
    let engine = Finding::fine("engine", format!("{} at {}", named(identity), found.address))
        .detail(format!("taken because of: {}", found.reason))
        .details(facts.engine.tried.iter().map(|tried| format!("tried {tried}")));
    let findings = [
        Some(engine),
        version(found),
        live_restore(facts, found),
        clock(facts, found),
    ];
    findings.into_iter().flatten().collect()
}

fn named(engine: &EngineIdentity) -> String {
    let rootless = if engine.rootless { "rootless " } else { "" };
    format!("{rootless}{} {}", engine.kind, engine.version)
}

fn missing(facts: &Facts) -> Finding {
    let engine = &facts.engine;
    let tried = engine.tried.iter().map(|tried| format!("tried {tried}"));
    if engine.is_denied {
        return Finding::wrong("engine-permission", "this user may not talk to the container engine")
            .details(tried)
            .detail("the new group counts from the next login on")
            .cure(facts.commands.allow_engine.clone());
    }
    if engine.starts_by_itself {
        return Finding::advice("engine-asleep", "the engine's service does not run")
            .details(tried)
            .detail("commands that need it start it for themselves; nobody does after a reboot")
            .cure(facts.commands.start_engine.clone());
    }
    let title = match &engine.bound {
        Some(bound) => format!("the engine of this state does not answer: {}", named(bound)),
        None => "no container engine answers".to_owned(),
    };
    Finding::wrong("engine-missing", title)
        .details(tried)
        .cure(facts.commands.start_engine.clone())
        .see("docs/engines.md")
}

fn version(found: &FoundEngine) -> Option<Finding> {
    let oldest = found.oldest_tested.as_deref()?;
    if !is_older(&found.identity.version, oldest) {
        return None;
    }
    let title = format!("{} is older than what psctl is tested with", named(&found.identity));
    let finding = Finding::advice("engine-version", title);
    Some(finding.detail(format!("the oldest is {oldest}")).see("docs/engines.md"))
}

/// Whether a version is older, part by part; one that cannot be read is not.
fn is_older(version: &str, oldest: &str) -> bool {
    let parts = |text: &str| -> Option<Vec<u32>> {
        let numbers = text.split(['.', '-', '+']).take(2).map(|part| part.parse().ok());
        numbers.collect()
    };
    match (parts(version), parts(oldest)) {
        (Some(version), Some(oldest)) => version < oldest,
        _ => false,
    }
}

fn live_restore(facts: &Facts, found: &FoundEngine) -> Option<Finding> {
    let detail = found.detail.as_ref()?;
    if detail.containers_outlive_it {
        return Some(Finding::fine(
            "live-restore",
            "containers keep running while the engine is down",
        ));
    }
    let finding = Finding::advice(
        "live-restore",
        "containers end when the engine ends (live-restore is off)",
    )
    .detail(MEASURED)
    .detail("ps:restore and the listener bring apps back in either case")
    .cure(facts.commands.keep_containers.clone());
    Some(finding.see("docs/doctor.md"))
}

fn clock(facts: &Facts, found: &FoundEngine) -> Option<Finding> {
    let (ours, theirs) = (facts.now?, found.detail.as_ref()?.now?);
    let apart = distance(ours, theirs);
    if apart <= CLOCK_TOLERANCE {
        return None;
    }
    let title = format!("the engine's clock and this machine's are {} s apart", apart.as_secs());
    let finding =
        Finding::wrong("engine-clock", title).detail("crashes and deadlines are judged by the engine's clock");
    Some(finding.cure(format!("{}timedatectl set-ntp true", facts.commands.become_root)))
}

fn distance(one: SystemTime, other: SystemTime) -> Duration {
    let apart = one.duration_since(other).or_else(|_| other.duration_since(one));
    apart.unwrap_or_default()
}
