//! Takes every container of an app away, before the app is destroyed or gets another name.

use crate::names::AppName;
use crate::plan::{Cause, ContainerRef, EngineAction, ImageAction, Plan, StepId, StoreAction};
use crate::planning::links::{Leaving, leave_links};
use crate::planning::situation::{Situation, existing};
use crate::planning::traffic::unroute;
use crate::runtime::ContainerState;
use crate::store::StoreChange;

/// Why an app's containers go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// The app is destroyed. It is marked as stopped first, so that nothing brings it back half-way.
    Destroy,
    /// The app gets another name. It is not marked: if the rename breaks off, starting brings everything back.
    Rename {
        /// The name.
        to: AppName,
    },
}

/// The plan that stops and removes all containers of an app, does something to its images, and then destroys or renames
/// it. The images take turns, since engines fail to remove two at a time that share layers; one that cannot go does not keep
/// the app.
pub fn plan_remove_containers(situation: &Situation, removal: &Removal, images: Vec<ImageAction>) -> Plan {
    let app = &situation.record.name;
    let mut plan = Plan::going_on_after_failures(app.clone());
    let (cause, mark, last) = match removal {
        Removal::Destroy => {
            let mark = StoreChange::MarkStopped {
                app: app.clone(),
                stopped: true,
            };
            (Cause::Destroyed, Some(mark), StoreChange::DestroyApp(app.clone()))
        }
        Removal::Rename { to } => {
            let (app, to) = (app.clone(), to.clone());
            (Cause::Renamed, None, StoreChange::RenameApp { app, to })
        }
    };
    let marked = mark.map(|mark| plan.push(StoreAction::Record(vec![mark]), cause.clone(), &[]));
    let mut removed: Vec<StepId> = marked.into_iter().collect();
    let unrouted = unroute(&mut plan, situation, &cause, &removed);
    removed.extend(unrouted.iter().map(|unrouted| unrouted.step));
    let marked = unrouted.as_ref().map(|unrouted| unrouted.step).or(marked);
    let containers = situation.observed.containers.iter();
    let containers = containers.map(|container| (existing(container), &container.state));
    let one_offs = situation.observed.one_offs.iter().map(|one_off| {
        let container = ContainerRef::Existing {
            id: one_off.id.clone(),
            name: one_off.name.clone(),
        };
        (container, &one_off.state)
    });
    for (container, state) in containers.chain(one_offs) {
        removed.push(remove_one(&mut plan, situation, container, state, marked, &cause));
    }
    leave_links(&mut plan, situation, Leaving::All, |_| false, &removed);
    let mut before = removed.clone();
    for action in images {
        before = vec![plan.push(action, cause.clone(), &before)];
    }
    let unrouted = unrouted.map(|unrouted| unrouted.change);
    let changes = unrouted.into_iter().chain(last_changes(situation, last)).collect();
    plan.push(StoreAction::Record(changes), cause, &removed);
    plan
}

/// Nothing retires or is reserved any more, and then the last change. What served stays known under another name, as missing: so it comes
/// back whatever happens next.
fn last_changes(situation: &Situation, last: StoreChange) -> Vec<StoreChange> {
    let record = &situation.record;
    let retirements = record
        .retirements
        .iter()
        .map(|retirement| StoreChange::FinishRetirement {
            app: record.name.clone(),
            container: retirement.container.clone(),
        });
    let is_over = matches!(last, StoreChange::DestroyApp(_));
    let serving = record.serving.keys().filter(|_| is_over);
    let serving = serving.map(|replica| StoreChange::StopServing {
        app: record.name.clone(),
        replica: replica.clone(),
    });
    let endpoints = situation.endpoints.iter().map(|endpoint| StoreChange::ReleaseEndpoint {
        app: record.name.clone(),
        generation: endpoint.generation,
    });
    serving.chain(retirements).chain(endpoints).chain([last]).collect()
}

fn remove_one(
    plan: &mut Plan,
    situation: &Situation,
    container: ContainerRef,
    state: &ContainerState,
    marked: Option<StepId>,
    cause: &Cause,
) -> StepId {
    let mut after: Vec<StepId> = marked.into_iter().collect();
    if state.may_have_a_process() {
        let timeout = situation.policies.stop_timeout;
        let stop = EngineAction::Stop {
            container: container.clone(),
            timeout,
        };
        after = vec![plan.push(stop, cause.clone(), &after)];
    }
    plan.push(EngineAction::Remove(container), cause.clone(), &after)
}
