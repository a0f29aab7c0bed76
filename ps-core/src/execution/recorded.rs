//! What a step records, with what earlier steps brought. Invariant: nothing is decided here; facts take the place of references.

use std::time::SystemTime;

use super::perform::{Results, StepError, StepResult, container_id, endpoint};
use crate::app::{BEING_WRITTEN, Serving};
use crate::names::AppName;
use crate::plan::{PlannedServing, Switch};
use crate::runtime::ContainerId;
use crate::store::StoreChange;

/// What a proxy file names is in doubt where a container was not where it should be, and was not found there later either.
pub(super) fn as_located(mut changes: Vec<StoreChange>, results: &Results) -> Vec<StoreChange> {
    let located = || results.iter().flatten().filter_map(located);
    let is_found = |id: &ContainerId| located().any(|(found, is_there)| is_there && found == id);
    if located().any(|(id, is_there)| !is_there && !is_found(id)) {
        for change in &mut changes {
            if let StoreChange::SetRouted {
                routed: Some(routed), ..
            } = change
            {
                routed.insert(BEING_WRITTEN);
            }
        }
    }
    changes
}

fn located(result: &StepResult) -> Option<(&ContainerId, bool)> {
    match result {
        StepResult::Located(container, address) => Some((container, address.is_some())),
        _ => None,
    }
}

/// What a switch records.
pub(super) fn switch_changes(
    switch: &Switch,
    results: &Results,
    now: SystemTime,
) -> Result<Vec<StoreChange>, StepError> {
    let app = &switch.app;
    let release = switch.release.clone().map(|release| StoreChange::RecordRelease {
        app: app.clone(),
        release,
    });
    let mut changes: Vec<StoreChange> = release.into_iter().collect();
    for planned in &switch.serve {
        changes.push(serve_change(app, planned, results)?);
    }
    let late = now.duration_since(switch.planned_at).unwrap_or_default();
    changes.extend(switch.changes.iter().cloned().map(|mut change| {
        if let StoreChange::AddRetirement { retirement, .. } = &mut change
            && let Some(due) = retirement.due.checked_add(late)
        {
            retirement.due = due;
        }
        change
    }));
    Ok(changes)
}

fn serve_change(app: &AppName, planned: &PlannedServing, results: &Results) -> Result<StoreChange, StepError> {
    let serving = Serving {
        container: container_id(results, &planned.container)?,
        generation: planned.generation,
        release: planned.release,
        endpoint: planned
            .endpoint
            .map(|reference| endpoint(results, reference))
            .transpose()?,
    };
    Ok(StoreChange::Serve {
        app: app.clone(),
        replica: planned.replica.clone(),
        serving,
    })
}
