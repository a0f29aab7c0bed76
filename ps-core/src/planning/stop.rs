//! Stop: the operator's mark first, then a policy that revives nothing, then the processes.

use crate::crashes::Quarantine;
use crate::names::OneOffKind;
use crate::observation::{ObservedContainer, Role};
use crate::plan::{Cause, ContainerRef, EngineAction, Plan, StepId, StoreAction};
use crate::planning::mend::mend_after;
use crate::planning::situation::{Situation, existing};
use crate::planning::traffic::route_nothing;
use crate::policies::RestartPolicy;
use crate::store::StoreChange;

/// The plan after which nothing of the app runs and nothing comes back by itself.
pub fn plan_stop(situation: &Situation) -> Plan {
    let mark = (!situation.record.stopped_by_operator).then(|| StoreChange::MarkStopped {
        app: situation.record.name.clone(),
        stopped: true,
    });
    plan_standstill(situation, mark, &Cause::StoppedByOperator)
}

/// The same for an app that goes out of service because it fails; it stays known as failed until its operator wants it to run.
pub fn plan_quarantine(situation: &Situation, quarantine: Quarantine) -> Plan {
    let mark = (situation.record.quarantine.as_ref() != Some(&quarantine)).then(|| StoreChange::SetQuarantine {
        app: situation.record.name.clone(),
        quarantine: Some(quarantine),
    });
    plan_standstill(situation, mark, &Cause::Crashed)
}

fn plan_standstill(situation: &Situation, mark: Option<StoreChange>, cause: &Cause) -> Plan {
    let record = &situation.record;
    let mut plan = Plan::going_on_after_failures(record.name.clone());
    if record.release.is_none() {
        plan.leave_alone(record.name.to_string(), "it was never deployed");
        return plan;
    }
    let mark = mark.map(|mark| plan.push(StoreAction::Record(vec![mark]), cause.clone(), &[]));
    let unrouted = route_nothing(&mut plan, situation, cause, mark.as_slice()).map(|routed| {
        let forget = StoreAction::Record(vec![routed.change]);
        plan.push(forget, cause.clone(), &[routed.step])
    });
    mend_after(&mut plan, situation, unrouted, None);
    for container in situation.observed.with_role(record, Role::Serving) {
        stop_one(&mut plan, situation, container, mark, unrouted, cause);
    }
    // Old ones go for good when they retire; until then they must not go on working.
    for container in situation.observed.with_role(record, Role::Retiring) {
        if container.state.may_have_a_process() {
            let stop = EngineAction::Stop {
                container: existing(container),
                timeout: situation.policies.stop_timeout,
            };
            plan.push_for(Some(&container.replica), stop, cause.clone(), mark.as_slice());
        }
    }
    let runs = situation
        .observed
        .one_offs
        .iter()
        .filter(|one_off| one_off.kind == OneOffKind::Run);
    for run in runs.filter(|run| run.state.may_have_a_process()) {
        let container = ContainerRef::Existing {
            id: run.id.clone(),
            name: run.name.clone(),
        };
        let stop = EngineAction::Stop {
            container,
            timeout: situation.policies.stop_timeout,
        };
        plan.push(stop, cause.clone(), mark.as_slice());
    }
    plan
}

/// Stopping waits for nobody; what has to be removed waits until the proxy sends no requests there.
fn stop_one(
    plan: &mut Plan,
    situation: &Situation,
    container: &ObservedContainer,
    mark: Option<StepId>,
    unrouted: Option<StepId>,
    cause: &Cause,
) {
    let replica = Some(&container.replica);
    let runs = container.state.may_have_a_process();
    let can_update = situation.capabilities.updates_restart_policy;
    let policy = situation
        .restart_policies
        .get(&container.id)
        .copied()
        .unwrap_or(situation.policies.restart);
    let would_revive = matches!(policy, RestartPolicy::Always | RestartPolicy::UnlessStopped)
        && situation.capabilities.revives_stopped_containers;
    // A stop does not end a crash loop where the policy stays; what a failing app leaves is made anew when it is wanted again.
    let would_loop = *cause == Cause::Crashed && policy != RestartPolicy::No;
    let has_to_go = !can_update && (would_revive || would_loop);
    if !runs && mark.is_none() && !has_to_go {
        return;
    }
    let mut after: Vec<StepId> = mark.into_iter().collect();
    if can_update {
        let update = EngineAction::UpdateRestartPolicy {
            container: existing(container),
            policy: RestartPolicy::No,
        };
        after = vec![plan.push_for(replica, update, cause.clone(), &after)];
    }
    if runs {
        let stop = EngineAction::Stop {
            container: existing(container),
            timeout: situation.policies.stop_timeout,
        };
        after = vec![plan.push_for(replica, stop, cause.clone(), &after)];
    }
    if has_to_go {
        let app = &situation.record.name;
        after.extend(unrouted);
        let remove = EngineAction::Remove(existing(container));
        let removed = plan.push_for(replica, remove, cause.clone(), &after);
        // It stays known as what served, so that a restore after a start that broke off makes it anew.
        let forget = vec![StoreChange::ReleaseEndpoint {
            app: app.clone(),
            generation: container.generation,
        }];
        plan.push_for(replica, StoreAction::Record(forget), cause.clone(), &[removed]);
    }
}
