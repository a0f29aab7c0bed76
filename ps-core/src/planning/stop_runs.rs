//! One-offs of `run` that go: those whose deadline has passed, and those the operator stops. Invariant: nothing but `run` containers is
//! touched.

use crate::names::OneOffKind;
use crate::observation::ObservedOneOff;
use crate::plan::{Cause, ContainerRef, EngineAction, Plan};
use crate::planning::Situation;

/// The app's one-offs of `run`, oldest first.
pub fn runs(situation: &Situation) -> impl Iterator<Item = &ObservedOneOff> {
    let one_offs = situation.observed.one_offs.iter();
    one_offs.filter(|one_off| one_off.kind == OneOffKind::Run)
}

/// The plan that stops and removes one-offs of `run`: the one of this name, all without one.
pub fn plan_stop_runs(situation: &Situation, name: Option<&str>) -> Plan {
    let mut plan = Plan::going_on_after_failures(situation.record.name.clone());
    for one_off in runs(situation).filter(|one_off| name.is_none_or(|name| name == one_off.name)) {
        stop(&mut plan, situation, one_off, &Cause::StoppedByOperator);
    }
    plan
}

/// Adds the steps that end the one-offs whose deadline has passed.
pub(crate) fn stop_expired(plan: &mut Plan, situation: &Situation) {
    let is_expired = |one_off: &&ObservedOneOff| one_off.deadline.is_some_and(|deadline| deadline <= situation.now);
    for one_off in runs(situation).filter(is_expired) {
        stop(plan, situation, one_off, &Cause::Expired);
    }
}

fn stop(plan: &mut Plan, situation: &Situation, one_off: &ObservedOneOff, cause: &Cause) {
    let container = ContainerRef::Existing {
        id: one_off.id.clone(),
        name: one_off.name.clone(),
    };
    let mut after = Vec::new();
    if one_off.state.may_have_a_process() {
        let stop = EngineAction::Stop {
            container: container.clone(),
            timeout: situation.policies.stop_timeout,
        };
        after = vec![plan.push(stop, cause.clone(), &[])];
    }
    plan.push(EngineAction::Remove(container), cause.clone(), &after);
}
