//! Retiring: old containers, and one-offs past their deadline, are stopped and removed once their time has come. One that is gone
//! already is no error.

use crate::plan::{Cause, ContainerRef, EngineAction, Plan, StoreAction};
use crate::planning::Situation;
use crate::planning::stop_runs::stop_expired;
use crate::store::StoreChange;

/// The plan that ends the retirements which are due, and the one-offs of `run` whose deadline has passed.
pub fn plan_retire(situation: &Situation) -> Plan {
    let record = &situation.record;
    let mut plan = Plan::going_on_after_failures(record.name.clone());
    for retirement in &record.retirements {
        let subject = format!("generation {} of {}", retirement.generation, retirement.replica);
        if retirement.due > situation.now {
            plan.leave_alone(subject, "its time has not come");
            continue;
        }
        if record.is_routed(retirement.generation) {
            plan.leave_alone(subject, "the proxy may still send requests to it");
            continue;
        }
        let cause = Cause::Retired {
            generation: retirement.generation,
        };
        let replica = Some(&retirement.replica);
        let mut after = Vec::new();
        let found = situation
            .observed
            .containers
            .iter()
            .find(|container| container.id == retirement.container);
        if let Some(container) = found {
            let reference = ContainerRef::Existing {
                id: container.id.clone(),
                name: container.name.clone(),
            };
            if container.state.may_have_a_process() {
                let stop = EngineAction::Stop {
                    container: reference.clone(),
                    timeout: retirement.stop_timeout,
                };
                after = vec![plan.push_for(replica, stop, cause.clone(), &after)];
            }
            after = vec![plan.push_for(replica, EngineAction::Remove(reference), cause.clone(), &after)];
        }
        let finish = vec![
            StoreChange::FinishRetirement {
                app: record.name.clone(),
                container: retirement.container.clone(),
            },
            StoreChange::ReleaseEndpoint {
                app: record.name.clone(),
                generation: retirement.generation,
            },
        ];
        plan.push_for(replica, StoreAction::Record(finish), cause, &after);
    }
    stop_expired(&mut plan, situation);
    plan
}
