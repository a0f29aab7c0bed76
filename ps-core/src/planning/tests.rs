//! Planner cases as whole plan texts, in `plans.txt`: a case's name, then its plan.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, SystemTime};

use super::*;
use crate::app::{AppRecord, CheckMode, GlobalRecord, Retirement, Serving};
use crate::config::Config;
use crate::formation::{Formation, parse_scale};
use crate::manifest::Manifest;
use crate::names::{Generation, NameStage, OwnerToken, container_name};
use crate::observation::ObservedContainer;
use crate::plan::{Action, Cause, EngineAction, Plan, WaitingRestart};
use crate::policies::RestartPolicy;
use crate::release::{Processes, Release, ReleaseImage, ReleaseNumber, Source};
use crate::runtime::{ContainerId, ContainerState, ImageDetail, ImageId};
use crate::store::ReservedEndpoint;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

pub(crate) fn release(number: u32) -> Release {
    let commands = [("web", "serve"), ("worker", "work")];
    let commands = commands.map(|(name, command)| (name.parse().unwrap(), command.to_owned()));
    Release {
        number: ReleaseNumber(number),
        image: ReleaseImage {
            id: ImageId("sha256:1".to_owned()),
            name: "psctl/shop".to_owned(),
            detail: ImageDetail::default(),
        },
        processes: Processes::Procfile(BTreeMap::from(commands)),
        manifest: Manifest::default(),
        config: Config::default(),
        source: Source::Image("shop".to_owned()),
        revision: None,
        cause: "deploy".to_owned(),
        by: None,
        created_at: now(),
    }
}

/// Builds a situation: every container gets the next generation, from 1.
pub(super) struct Case(pub(super) Situation);

impl Case {
    /// An app with release v1 and nothing running. Checks are skipped.
    pub(super) fn deployed(formation: &str) -> Self {
        let mut record = AppRecord::new("shop".parse().unwrap());
        let words: Vec<&str> = formation.split(' ').collect();
        record.formation = Formation::default().apply(&parse_scale(&words).unwrap(), None).unwrap();
        record.release = Some(release(1));
        record.source = Some(release(1).source);
        record.next_release = ReleaseNumber(2);
        for name in ["web", "worker"] {
            record.checks.insert(name.parse().unwrap(), CheckMode::Skipped);
        }
        let clock = crate::testing::FakeClock::manual();
        let mut capabilities = crate::runtime::ContainerRuntime::capabilities(&crate::testing::FakeEngine::new(&clock));
        capabilities.host_reaches_containers = false;
        let owner = OwnerToken::new("0123456789abcdef").unwrap();
        Self(Situation::new(owner, record, GlobalRecord::default(), capabilities, now()).unwrap())
    }

    fn container(&mut self, replica: &str, name: fn(Generation) -> NameStage, state: ContainerState) -> ContainerId {
        let generation = self.0.record.next_generation;
        self.0.record.next_generation = generation.after(1);
        let replica = replica.parse().unwrap();
        let id = ContainerId(format!("id-{generation}"));
        self.0.observed.containers.push(ObservedContainer {
            id: id.clone(),
            name: container_name(&self.0.record.name, &replica, name(generation)),
            replica,
            generation,
            release: ReleaseNumber(1),
            links: self.0.record.links.clone(),
            state,
        });
        id
    }

    pub(super) fn serving_as(
        mut self,
        replica: &str,
        name: fn(Generation) -> NameStage,
        state: ContainerState,
    ) -> Self {
        let generation = self.0.record.next_generation;
        let container = self.container(replica, name, state);
        let serving = Serving {
            container,
            generation,
            release: ReleaseNumber(1),
            endpoint: None,
        };
        self.0.record.serving.insert(replica.parse().unwrap(), serving);
        self
    }

    pub(super) fn serving(self, replica: &str, state: ContainerState) -> Self {
        self.serving_as(replica, |_| NameStage::Serving, state)
    }

    pub(super) fn running(self, replicas: &[&str]) -> Self {
        replicas
            .iter()
            .fold(self, |case, replica| case.serving(replica, ContainerState::Running))
    }

    /// The store says that it serves, and the engine does not have it.
    pub(super) fn missing(self, replica: &str) -> Self {
        let mut case = self.serving(replica, ContainerState::Running);
        case.0.observed.containers.pop();
        case
    }

    pub(super) fn leftover(mut self, replica: &str, name: fn(Generation) -> NameStage) -> Self {
        self.container(replica, name, ContainerState::Created);
        self
    }

    pub(super) fn retiring(mut self, replica: &str, name: fn(Generation) -> NameStage, due_in: u64) -> Self {
        let generation = self.0.record.next_generation;
        let container = self.container(replica, name, ContainerState::Running);
        self.0.record.retirements.push(Retirement {
            replica: replica.parse().unwrap(),
            generation,
            container,
            due: now() + Duration::from_secs(due_in),
            stop_timeout: Duration::from_secs(30),
        });
        self
    }

    pub(super) fn stopped(mut self) -> Self {
        self.0.record.stopped_by_operator = true;
        self
    }

    pub(super) fn but(mut self, change: impl FnOnce(&mut Situation)) -> Self {
        change(&mut self.0);
        self
    }

    pub(super) fn scaled(&self, words: &str, skip_deploy: bool) -> Plan {
        let words: Vec<&str> = words.split(' ').collect();
        let formation = self
            .0
            .record
            .formation
            .apply(&parse_scale(&words).unwrap(), None)
            .unwrap();
        plan_scale(&self.0, &formation, skip_deploy).unwrap()
    }

    pub(super) fn rolled_out(&self, number: u32, selection: Selection) -> Plan {
        let release = release(number);
        let rollout = Rollout {
            release: &release,
            formation: &self.0.record.formation,
            selection,
            cause: Cause::Restarted,
            intent: Vec::new(),
            with_switch: Vec::new(),
        };
        plan_rollout(&self.0, rollout).unwrap()
    }

    pub(super) fn started(&self) -> Plan {
        plan_start(&self.0).unwrap()
    }
}

pub(super) fn upcoming(generation: Generation) -> NameStage {
    NameStage::Upcoming(generation)
}

pub(super) fn retiring(generation: Generation) -> NameStage {
    NameStage::Retiring(generation)
}

pub(super) fn plain(_: Generation) -> NameStage {
    NameStage::Serving
}

fn orphan(situation: &mut Situation) {
    situation.endpoints.push(ReservedEndpoint {
        app: situation.record.name.clone(),
        replica: "web.1".parse().unwrap(),
        generation: Generation(99),
        endpoint: crate::addresses::Endpoint::LoopbackPort(20_000),
    });
}

fn scale_cases() -> Vec<(&'static str, Plan)> {
    let one = || Case::deployed("web=1").running(&["web.1"]);
    let both = Case::deployed("web=2").running(&["web.1", "web.2"]);
    let two = || Case::deployed("web=2").running(&["web.1"]);
    let never = one().but(|situation| situation.record.release = None);
    vec![
        ("scale up", one().scaled("web=3", false)),
        ("scale down", both.scaled("web=1", false)),
        ("scale both", both.scaled("web=1 worker=1", false)),
        ("scale to the same", one().scaled("web=1", false)),
        ("scale what is stopped", one().stopped().scaled("web=3", false)),
        ("scale what was never deployed", never.scaled("web=3", false)),
        ("scale without deploying", both.scaled("web=1", true)),
        ("scale a type without a command", one().scaled("clock=1", false)),
        (
            "scale with a missing container",
            two().missing("web.2").scaled("web=2", false),
        ),
        (
            "scale beside a leftover of the name",
            one().leftover("web.2", plain).scaled("web=2", false),
        ),
        (
            "scale down what has no plain name yet",
            two()
                .serving_as("web.2", upcoming, ContainerState::Running)
                .scaled("web=1", false),
        ),
    ]
}

fn rollout_cases() -> Vec<(&'static str, Plan)> {
    let all = || Case::deployed("web=1 worker=1").running(&["web.1", "worker.1"]);
    let first = Case::deployed("web=1").but(|situation| {
        situation.record.release = None;
        situation.record.next_release = ReleaseNumber(1);
    });
    let gone = Case::deployed("web=1 clock=1").running(&["web.1", "clock.1"]);
    let workers = Case::deployed("web=0 worker=1");
    vec![
        ("first deploy", first.rolled_out(1, Selection::All)),
        ("second deploy", all().rolled_out(2, Selection::All)),
        (
            "restart of what is stopped",
            all().stopped().rolled_out(1, Selection::All),
        ),
        (
            "restart of a type",
            all().rolled_out(1, Selection::Type("web".parse().unwrap())),
        ),
        (
            "restart of a type with a new release",
            all().rolled_out(2, Selection::Type("web".parse().unwrap())),
        ),
        (
            "restart of a replica",
            all().rolled_out(1, Selection::Replica("worker.1".parse().unwrap())),
        ),
        (
            "deploy without a type that was there",
            gone.rolled_out(2, Selection::All),
        ),
        ("deploy of workers alone", workers.rolled_out(2, Selection::All)),
        (
            "restart half-way through the names",
            Case::deployed("web=1")
                .retiring("web.1", plain, 0)
                .serving_as("web.1", upcoming, ContainerState::Running)
                .rolled_out(1, Selection::All),
        ),
    ]
}

fn start_cases() -> Vec<(&'static str, Plan)> {
    let mut cases = vec![
        ("start what runs", Case::deployed("web=1").running(&["web.1"]).started()),
        (
            "start what is stopped",
            Case::deployed("web=1")
                .serving("web.1", ContainerState::Exited)
                .stopped()
                .started(),
        ),
        (
            "start what is missing",
            Case::deployed("web=1").missing("web.1").started(),
        ),
        (
            "start some",
            Case::deployed("web=3")
                .running(&["web.1"])
                .serving("web.2", ContainerState::Exited)
                .started(),
        ),
        (
            "start with a surplus",
            Case::deployed("web=1").running(&["web.1", "web.2"]).started(),
        ),
        (
            "start a stopped app scaled meanwhile",
            Case::deployed("web=0 worker=1")
                .serving("web.1", ContainerState::Exited)
                .stopped()
                .started(),
        ),
    ];
    for (name, state) in [
        ("start what is paused", ContainerState::Paused),
        ("start what is dead", ContainerState::Dead),
        ("start what restarts", ContainerState::Restarting),
    ] {
        cases.push((name, Case::deployed("web=1").serving("web.1", state).started()));
    }
    cases
}

fn stop_cases() -> Vec<(&'static str, Plan)> {
    let one = || Case::deployed("web=1").running(&["web.1"]);
    let cannot_update = |situation: &mut Situation| {
        situation.capabilities.updates_restart_policy = false;
        situation.capabilities.revives_stopped_containers = true;
    };
    let always = |situation: &mut Situation| situation.policies.restart = RestartPolicy::Always;
    let exited = || {
        Case::deployed("web=1")
            .serving("web.1", ContainerState::Exited)
            .stopped()
    };
    vec![
        ("stop", plan_stop(&one().0)),
        (
            "stop with a policy that revives",
            plan_stop(&one().but(cannot_update).but(always).0),
        ),
        (
            "stop with a policy that does not",
            plan_stop(&one().but(cannot_update).0),
        ),
        ("stop what is stopped", plan_stop(&exited().0)),
        (
            "stop what would come back",
            plan_stop(&exited().but(cannot_update).but(always).0),
        ),
        (
            "stop with an old one",
            plan_stop(&one().retiring("web.1", retiring, 60).0),
        ),
        ("stop what runs though it is marked", plan_stop(&one().stopped().0)),
    ]
}

fn other_cases() -> Vec<(&'static str, Plan)> {
    let one = || Case::deployed("web=1").running(&["web.1"]);
    let gone = one().retiring("web.1", retiring, 0).but(|situation| {
        situation.observed.containers.pop();
    });
    let half =
        Case::deployed("web=1")
            .retiring("web.1", plain, 0)
            .serving_as("web.1", upcoming, ContainerState::Running);
    let held = Case::deployed("web=1")
        .leftover("web.1", plain)
        .serving_as("web.1", upcoming, ContainerState::Running);
    let to = "store".parse().unwrap();
    vec![
        (
            "retire what is due",
            plan_retire(&one().retiring("web.1", retiring, 0).0),
        ),
        (
            "retire what is not due",
            plan_retire(&one().retiring("web.1", retiring, 60).0),
        ),
        ("retire what is gone", plan_retire(&gone.0)),
        ("mend nothing", plan_mend(&one().0)),
        ("mend a leftover", plan_mend(&one().leftover("web.2", upcoming).0)),
        ("mend half the names", plan_mend(&half.0)),
        ("mend a name held by a leftover", plan_mend(&held.0)),
        ("mend an orphaned endpoint", plan_mend(&one().but(orphan).0)),
        (
            "destroy",
            plan_remove_containers(&half.0, &Removal::Destroy, Vec::new()),
        ),
        (
            "rename",
            plan_remove_containers(&one().0, &Removal::Rename { to }, Vec::new()),
        ),
    ]
}

#[test]
fn plans_read_as_they_should() {
    let cases = [
        scale_cases(),
        rollout_cases(),
        super::deploy_cases::all(),
        super::link_cases::all(),
        start_cases(),
        stop_cases(),
        other_cases(),
        super::traffic_cases::all(),
        super::restore_cases::all(),
    ];
    let mut text = String::new();
    for (name, plan) in cases.concat() {
        writeln!(text, "== {name}\n{plan}").unwrap();
    }
    assert!(text == include_str!("plans.txt"), "the plans are now:\n{text}>>>end");
}

#[test]
fn only_what_is_replaced_is_stopped_for_its_name() {
    let serving = Case::deployed("web=1").serving("web.1", ContainerState::Restarting);
    let half =
        Case::deployed("web=1")
            .retiring("web.1", plain, 0)
            .serving_as("web.1", upcoming, ContainerState::Restarting);
    let ends = WaitingRestart::Ends(Duration::from_secs(30));
    for plan in [serving.rolled_out(2, Selection::All), plan_mend(&half.0)] {
        let renames = plan.steps().iter().filter_map(|step| match &step.action {
            Action::Engine(EngineAction::Rename { to, waiting, .. }) => Some((to.as_str(), *waiting)),
            _ => None,
        });
        let expected = [("shop.web.1.retiring-1", ends), ("shop.web.1", WaitingRestart::GoesOn)];
        assert!(renames.eq(expected), "{plan}");
    }
}
