//! Cases of a deploy's plans for `plans.txt`: types that make way, bounded starts, commands around the rollout.

use super::tests::{Case, release, retiring, upcoming};
use super::*;
use crate::app::CheckMode;
use crate::names::{Generation, OneOffKind};
use crate::plan::{Action, Cause, EngineAction, Plan};
use crate::runtime::{ContainerId, ContainerState};

pub(super) fn all() -> Vec<(&'static str, Plan)> {
    [stop_first_cases(), parallel_cases(), phase_cases()].concat()
}

fn stop_first_cases() -> Vec<(&'static str, Plan)> {
    let singleton = |situation: &mut Situation| {
        let worker = "worker".parse().unwrap();
        situation.record.checks.insert(worker, CheckMode::Disabled);
    };
    let cannot_update = |situation: &mut Situation| situation.capabilities.updates_restart_policy = false;
    let both = || {
        Case::deployed("web=1 worker=2")
            .running(&["web.1", "worker.1", "worker.2"])
            .but(singleton)
    };
    let killed = || {
        Case::deployed("worker=1")
            .serving("worker.1", ContainerState::Exited)
            .leftover("worker.1", upcoming)
            .but(singleton)
    };
    vec![
        ("deploy of workers that make way", both().rolled_out(2, Selection::All)),
        (
            "restart of a worker that makes way, on an engine that keeps policies",
            both()
                .but(cannot_update)
                .rolled_out(1, Selection::Replica("worker.1".parse().unwrap())),
        ),
        ("scale up of workers that make way", both().scaled("worker=3", false)),
        (
            "restart where an old worker retires",
            Case::deployed("worker=1")
                .retiring("worker.1", retiring, 60)
                .running(&["worker.1"])
                .but(singleton)
                .rolled_out(1, Selection::All),
        ),
        ("mend after a worker made way", plan_mend(&killed().0)),
        ("mend what its operator stopped", plan_mend(&killed().stopped().0)),
        ("start after a worker made way", killed().started()),
        ("scale after a worker made way", killed().scaled("web=1", false)),
    ]
}

fn parallel_cases() -> Vec<(&'static str, Plan)> {
    let bounded = |checks: CheckMode| {
        let mut new = release(2);
        let two = crate::manifest::FormationEntry {
            quantity: None,
            max_parallel: std::num::NonZeroU16::new(2),
        };
        new.manifest.formation.insert("web".parse().unwrap(), two);
        let case = Case::deployed("web=4 worker=2").but(|situation| {
            for name in ["web", "worker"] {
                situation.record.checks.insert(name.parse().unwrap(), checks);
            }
        });
        let rollout = Rollout {
            release: &new,
            formation: &case.0.record.formation,
            selection: Selection::All,
            cause: Cause::Restarted,
            intent: Vec::new(),
            with_switch: Vec::new(),
        };
        plan_rollout(&case.0, rollout).unwrap()
    };
    vec![("deploy two of web at a time", bounded(CheckMode::Enabled))]
}

fn phase_cases() -> Vec<(&'static str, Plan)> {
    let one = || Case::deployed("web=1").running(&["web.1"]);
    let mut new = release(2);
    new.config.set("SECRET", "a secret value").unwrap();
    let phase = |kind| Phase {
        kind,
        command: "rake work".to_owned(),
    };
    let left = one().but(|situation| {
        situation.observed.one_offs.push(crate::observation::ObservedOneOff {
            id: ContainerId("id-7".to_owned()),
            name: "shop.predeploy.7".to_owned(),
            kind: OneOffKind::Predeploy,
            generation: Generation(7),
            release: None,
            deadline: None,
            command: None,
            links: Vec::new(),
            state: ContainerState::Exited,
        });
    });
    let predeploy = |case: &Case| plan_predeploy(&case.0, &new, "rake assets", "psctl/shop:v2").0;
    vec![
        ("predeploy", predeploy(&one())),
        ("predeploy after a killed one", predeploy(&left)),
        ("release phase", plan_phase(&one().0, &new, &phase(OneOffKind::Release))),
        ("postdeploy", plan_phase(&one().0, &new, &phase(OneOffKind::Postdeploy))),
    ]
}

#[test]
fn the_predeploy_container_has_no_environment() {
    let case = Case::deployed("web=1");
    let mut new = release(2);
    new.config.set("SECRET", "a secret value").unwrap();
    let (plan, _) = plan_predeploy(&case.0, &new, "rake assets", "psctl/shop:v2");
    let created = plan.steps().iter().find_map(|step| match &step.action {
        Action::Engine(EngineAction::Create { spec, .. }) => Some(spec),
        _ => None,
    });
    let spec = created.unwrap();
    assert!(spec.env.is_empty());
    assert!(!format!("{spec:?} {plan:?} {plan}").contains("a secret value"));
    let script = plan.steps().iter().find_map(|step| match &step.action {
        Action::Engine(EngineAction::Attach { script, .. }) => Some(script.line()),
        _ => None,
    });
    assert!(script.unwrap().contains("export SECRET='a secret value'"));
}
