//! Types whose checks are disabled, and a `web` with an outside port: of each replica, the old container is stopped before the new one starts. Invariant: the two never
//! run at once. When the new one does not come up, mending removes it and starts the old one again.

use std::collections::BTreeSet;

use crate::app::CheckMode;
use crate::names::{ProcessType, Replica};
use crate::observation::{ObservedApp, Role};
use crate::plan::{Cause, EngineAction, Plan, StepId};
use crate::planning::Situation;
use crate::planning::situation::existing;
use crate::policies::RestartPolicy;

/// Whether the replicas of a type make way before new ones start: nobody checks them, or two cannot have the same outside port.
pub(crate) fn is_stop_first(situation: &Situation, process_type: &ProcessType) -> bool {
    let record = &situation.record;
    let is_published = process_type.is_web() && record.published_port.is_some();
    record.check_mode(process_type) == CheckMode::Disabled || is_published
}

/// Adds the stops of what runs of some types, the replicas that are replaced and those that retire; returns the stops.
pub(crate) fn make_way(
    plan: &mut Plan,
    situation: &Situation,
    types: &BTreeSet<&ProcessType>,
    replaced: &[(Replica, Cause)],
    before: &[StepId],
) -> Vec<StepId> {
    let mut stopped = Vec::new();
    for container in &situation.observed.containers {
        let is_in_the_way = match ObservedApp::role(&situation.record, container) {
            Role::Serving => replaced.iter().any(|(replica, _)| *replica == container.replica),
            Role::Retiring => true,
            Role::Leftover => false,
        };
        let is_old = is_in_the_way && types.contains(container.replica.process_type());
        if !is_old || !container.state.may_have_a_process() {
            continue;
        }
        let replica = Some(&container.replica);
        let mut after = before.to_vec();
        if situation.capabilities.updates_restart_policy {
            // A crash loop would bring it back.
            let update = EngineAction::UpdateRestartPolicy {
                container: existing(container),
                policy: RestartPolicy::No,
            };
            after = vec![plan.push_for(replica, update, Cause::StopFirst, &after)];
        }
        let stop = EngineAction::Stop {
            container: existing(container),
            timeout: situation.policies.stop_timeout,
        };
        stopped.push(plan.push_for(replica, stop, Cause::StopFirst, &after));
    }
    stopped
}
