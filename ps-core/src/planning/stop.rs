//! Stop: the operator's mark first, then a policy that revives nothing, then the processes.

use crate::names::OneOffKind;
use crate::observation::{ObservedContainer, Role};
use crate::plan::{Cause, ContainerRef, EngineAction, Plan, StepId, StoreAction};
use crate::planning::mend::mend;
use crate::planning::situation::{Situation, existing};
use crate::policies::RestartPolicy;
use crate::store::StoreChange;

/// The plan after which nothing of the app runs and nothing comes back by itself.
pub fn plan_stop(situation: &Situation) -> Plan {
    let record = &situation.record;
    let mut plan = Plan::going_on_after_failures(record.name.clone());
    if record.release.is_none() {
        plan.leave_alone(record.name.to_string(), "it was never deployed");
        return plan;
    }
    let mark = (!record.stopped_by_operator).then(|| {
        let mark = StoreChange::MarkStopped {
            app: record.name.clone(),
            stopped: true,
        };
        plan.push(StoreAction::Record(vec![mark]), Cause::StoppedByOperator, &[])
    });
    mend(&mut plan, situation);
    for container in situation.observed.with_role(record, Role::Serving) {
        stop_one(&mut plan, situation, container, mark);
    }
    // Old ones go for good when they retire; until then they must not go on working.
    for container in situation.observed.with_role(record, Role::Retiring) {
        if container.state.may_have_a_process() {
            let stop = EngineAction::Stop {
                container: existing(container),
                timeout: situation.policies.stop_timeout,
            };
            plan.push_for(
                Some(&container.replica),
                stop,
                Cause::StoppedByOperator,
                mark.as_slice(),
            );
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
        plan.push(stop, Cause::StoppedByOperator, mark.as_slice());
    }
    plan
}

fn stop_one(plan: &mut Plan, situation: &Situation, container: &ObservedContainer, mark: Option<StepId>) {
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
    let has_to_go = !can_update && would_revive;
    if !runs && mark.is_none() && !has_to_go {
        return;
    }
    let mut after: Vec<StepId> = mark.into_iter().collect();
    if can_update {
        let update = EngineAction::UpdateRestartPolicy {
            container: existing(container),
            policy: RestartPolicy::No,
        };
        after = vec![plan.push_for(replica, update, Cause::StoppedByOperator, &after)];
    }
    if runs {
        let stop = EngineAction::Stop {
            container: existing(container),
            timeout: situation.policies.stop_timeout,
        };
        after = vec![plan.push_for(replica, stop, Cause::StoppedByOperator, &after)];
    }
    if has_to_go {
        let app = &situation.record.name;
        let remove = EngineAction::Remove(existing(container));
        let removed = plan.push_for(replica, remove, Cause::StoppedByOperator, &after);
        let forget = vec![
            StoreChange::StopServing {
                app: app.clone(),
                replica: container.replica.clone(),
            },
            StoreChange::ReleaseEndpoint {
                app: app.clone(),
                generation: container.generation,
            },
        ];
        plan.push_for(
            replica,
            StoreAction::Record(forget),
            Cause::StoppedByOperator,
            &[removed],
        );
    }
}
