//! Cases of restores for `plans.txt`, and what a restore decides.

use super::restore::{RestoreDecision, RestoreSkip, plan_restore, plan_restore_anew, plan_restore_routes};
use super::tests::{Case, release, upcoming};
use crate::plan::Plan;
use crate::planning::{Routing, Situation};
use crate::release::ReleaseNumber;
use crate::runtime::ContainerState;

fn restored(case: &Case) -> Plan {
    match plan_restore(&case.0) {
        RestoreDecision::Start { plan, .. } => plan,
        RestoreDecision::Redeploy { release: number, .. } => plan_restore_anew(&case.0, &release(number.0)).unwrap(),
        RestoreDecision::Skip(_) => Plan::new(case.0.record.name.clone()),
    }
}

pub(super) fn all() -> Vec<(&'static str, Plan)> {
    let exited = |formation: &str| {
        let case = Case::deployed(formation);
        case.serving("web.1", ContainerState::Exited)
            .serving("worker.1", ContainerState::Exited)
    };
    let cannot_update = |situation: &mut Situation| situation.capabilities.updates_restart_policy = false;
    vec![
        ("restore what is stopped", restored(&exited("web=1 worker=1"))),
        (
            "restore where no policy can be changed",
            restored(&exited("web=1 worker=1").but(cannot_update)),
        ),
        (
            "restore what the engine started already",
            restored(&Case::deployed("web=1").running(&["web.1"])),
        ),
        (
            "restore what is paused and what restarts",
            restored(
                &Case::deployed("web=2")
                    .serving("web.1", ContainerState::Paused)
                    .serving("web.2", ContainerState::Restarting),
            ),
        ),
        (
            "restore beside a leftover",
            restored(&exited("web=1 worker=1").leftover("web.1", upcoming)),
        ),
        ("restore what was scaled on paper", restored(&exited("web=2 worker=0"))),
        (
            "restore with a missing container",
            restored(
                &Case::deployed("web=1 worker=1")
                    .serving("web.1", ContainerState::Exited)
                    .missing("worker.1"),
            ),
        ),
        (
            "restore what served while a newer release was only recorded",
            restored(&Case::deployed("web=1").missing("web.1").but(|situation| {
                situation.record.release = Some(release(2));
                situation.record.next_release = ReleaseNumber(3);
            })),
        ),
        (
            "restore the requests of an app without a proxy",
            plan_restore_routes(&exited("web=1 worker=1").0),
        ),
    ]
}

#[test]
fn what_is_not_to_be_restored_is_skipped_with_its_reason() {
    let one = || Case::deployed("web=1").serving("web.1", ContainerState::Exited);
    let cases = [
        (one().stopped(), RestoreSkip::StoppedByOperator),
        (
            one().but(|situation| situation.policies.restore = false),
            RestoreSkip::RestoreOff,
        ),
        (
            one().but(|situation| situation.record.release = None),
            RestoreSkip::NeverDeployed,
        ),
        (Case::deployed("web=1"), RestoreSkip::NothingServed),
        (
            Case::deployed("web=0").serving("web.1", ContainerState::Exited),
            RestoreSkip::NothingServed,
        ),
    ];
    for (case, skip) in cases {
        assert_eq!(plan_restore(&case.0), RestoreDecision::Skip(skip));
    }
}

#[test]
fn a_plan_that_leaves_routing_as_it_is_has_no_step_for_the_proxy() {
    let case = Case::deployed("web=1").missing("web.1").but(|situation| {
        situation.record.routed = Some([crate::names::Generation(1)].into());
        situation.routing = Routing::AsItIs;
    });
    let plan = restored(&case);
    let is_proxy = |step: &crate::plan::Step| step.action.kind() == crate::plan::ActionKind::Proxy;
    assert!(!plan.is_empty() && !plan.steps().iter().any(is_proxy), "{plan}");
}
