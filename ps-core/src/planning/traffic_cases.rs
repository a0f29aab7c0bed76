//! Cases with a proxy for `plans.txt`: who gets requests, and in which order that changes.

use std::collections::BTreeSet;
use std::time::Duration;

use super::tests::{Case, retiring, upcoming};
use super::*;
use crate::addresses::Endpoint;
use crate::names::{Generation, Replica};
use crate::plan::Plan;
use crate::policies::RestartPolicy;
use crate::proxy::SiteSettings;
use crate::runtime::ContainerState;
use crate::store::ReservedEndpoint;

/// What the proxy's file may name at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum File {
    /// There is none.
    Missing,
    /// Nothing: it answers 502.
    Empty,
    /// What serves as `web`.
    Serving,
    /// Every container of `web` that there is.
    Everything,
}

/// Lets a proxy serve the app; every `web` has an endpoint.
pub(super) fn served(situation: &mut Situation, file: File) {
    situation.routing = Routing::Served(SiteSettings {
        domains: vec!["shop.localhost".parse().unwrap()],
        body_limit: 0,
        connect_timeout: Duration::from_secs(1),
        read_timeout: Duration::from_secs(1),
        send_timeout: Duration::from_secs(1),
        template: None,
    });
    let port = |generation: Generation| Endpoint::LoopbackPort(20_000 + u16::try_from(generation.0).unwrap());
    let record = &mut situation.record;
    let mut known: Vec<(Replica, Generation)> = Vec::new();
    for (replica, serving) in &mut record.serving {
        if replica.process_type().is_web() {
            serving.endpoint = Some(port(serving.generation));
            known.push((replica.clone(), serving.generation));
        }
    }
    let serving: BTreeSet<Generation> = known.iter().map(|(_, generation)| *generation).collect();
    for container in &situation.observed.containers {
        if container.replica.process_type().is_web() && !serving.contains(&container.generation) {
            known.push((container.replica.clone(), container.generation));
        }
    }
    let unretired = |generation: &Generation| {
        let mut retirements = record.retirements.iter();
        !retirements.any(|retirement| retirement.generation == *generation)
    };
    let everything = known.iter().map(|(_, generation)| *generation);
    let everything: BTreeSet<Generation> = everything.filter(unretired).collect();
    situation.endpoints = known
        .into_iter()
        .map(|(replica, generation)| ReservedEndpoint {
            app: record.name.clone(),
            replica,
            generation,
            endpoint: port(generation),
        })
        .collect();
    record.routed = match file {
        File::Missing => None,
        File::Empty => Some(BTreeSet::new()),
        File::Serving => Some(serving),
        File::Everything => Some(everything),
    };
}

fn with(file: File) -> impl Fn(&mut Situation) {
    move |situation| served(situation, file)
}

pub(super) fn all() -> Vec<(&'static str, Plan)> {
    [switch_cases(), away_cases(), left_cases(), settings_cases()].concat()
}

fn switch_cases() -> Vec<(&'static str, Plan)> {
    let one = || Case::deployed("web=1 worker=1").running(&["web.1", "worker.1"]);
    let two = || Case::deployed("web=2").running(&["web.1", "web.2"]);
    vec![
        (
            "proxy: first deploy",
            Case::deployed("web=1")
                .but(with(File::Missing))
                .rolled_out(1, Selection::All),
        ),
        (
            "proxy: second deploy",
            one().but(with(File::Serving)).rolled_out(2, Selection::All),
        ),
        (
            "proxy: restart of a worker",
            one()
                .but(with(File::Serving))
                .rolled_out(1, Selection::Type("worker".parse().unwrap())),
        ),
        (
            "proxy: restart of one of two",
            two()
                .but(with(File::Serving))
                .rolled_out(1, Selection::Replica("web.2".parse().unwrap())),
        ),
        ("proxy: scale up", two().but(with(File::Serving)).scaled("web=3", false)),
        (
            "proxy: scale down",
            two().but(with(File::Serving)).scaled("web=1", false),
        ),
        (
            "proxy: scale with a missing container",
            Case::deployed("web=2")
                .running(&["web.1"])
                .missing("web.2")
                .but(with(File::Serving))
                .scaled("web=2", false),
        ),
        (
            "proxy: deploy of a web that makes way",
            one()
                .but(with(File::Serving))
                .but(|situation| {
                    let web = "web".parse().unwrap();
                    situation.record.checks.insert(web, crate::app::CheckMode::Disabled);
                })
                .rolled_out(2, Selection::All),
        ),
    ]
}

fn away_cases() -> Vec<(&'static str, Plan)> {
    let one = || Case::deployed("web=1").running(&["web.1"]);
    let has_to_go = |situation: &mut Situation| {
        situation.capabilities.updates_restart_policy = false;
        situation.capabilities.revives_stopped_containers = true;
        situation.policies.restart = RestartPolicy::Always;
    };
    let exited = || {
        Case::deployed("web=1")
            .serving("web.1", ContainerState::Exited)
            .stopped()
    };
    vec![
        ("proxy: stop", plan_stop(&one().but(with(File::Serving)).0)),
        (
            "proxy: stop of what has to go",
            plan_stop(&one().but(with(File::Serving)).but(has_to_go).0),
        ),
        (
            "proxy: stop beside a leftover that it may name",
            plan_stop(&one().leftover("web.1", upcoming).but(with(File::Everything)).0),
        ),
        ("proxy: start", exited().but(with(File::Empty)).started()),
        ("proxy: start what runs", one().but(with(File::Serving)).started()),
        (
            "proxy: start what it does not name",
            one().but(with(File::Empty)).started(),
        ),
        (
            "proxy: destroy",
            plan_remove_containers(&one().but(with(File::Serving)).0, &Removal::Destroy, Vec::new()),
        ),
    ]
}

fn left_cases() -> Vec<(&'static str, Plan)> {
    let left = || {
        Case::deployed("web=1")
            .running(&["web.1"])
            .leftover("web.1", upcoming)
            .but(with(File::Everything))
    };
    let named = |situation: &mut Situation| {
        let routed = situation
            .record
            .retirements
            .iter()
            .map(|retirement| retirement.generation);
        situation.record.routed = Some(routed.collect());
    };
    let old = || {
        Case::deployed("web=1")
            .retiring("web.1", retiring, 0)
            .running(&["web.1"])
    };
    vec![
        ("proxy: mend what it may name", plan_mend(&left().0)),
        (
            "proxy: deploy beside what it may name",
            left().rolled_out(2, Selection::All),
        ),
        (
            "proxy: mend what it may name, and none serves the app any more",
            plan_mend(&left().but(|situation| situation.routing = Routing::None).0),
        ),
        (
            "proxy: retire what it may name",
            plan_retire(&old().but(with(File::Serving)).but(named).0),
        ),
        (
            "proxy: retire what is due",
            plan_retire(&old().but(with(File::Serving)).0),
        ),
    ]
}

fn settings_cases() -> Vec<(&'static str, Plan)> {
    let one = || Case::deployed("web=1").running(&["web.1"]).but(with(File::Serving));
    let none = |situation: &mut Situation| situation.routing = Routing::None;
    vec![
        ("proxy: write the file", plan_route(&one().0)),
        ("proxy: write the file of a stopped app", plan_route(&one().stopped().0)),
        ("proxy: take the file away", plan_unroute(&one().0)),
        ("proxy: set to none", plan_route(&one().but(none).0)),
        (
            "proxy: none, and a deploy",
            one().but(none).rolled_out(2, Selection::All),
        ),
    ]
}
