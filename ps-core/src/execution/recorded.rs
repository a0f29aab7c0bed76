//! What a step records, with what earlier steps brought. Invariant: nothing is decided here; facts take the place of references.

use std::time::SystemTime;

use super::perform::{Results, StepError, StepResult, container_id, endpoint};
use crate::app::{BEING_WRITTEN, Serving};
use crate::names::AppName;
use crate::plan::{PlannedServing, Switch};
use crate::store::StoreChange;

/// What a proxy file names is in doubt where a container was not where it should be.
pub(super) fn as_located(mut changes: Vec<StoreChange>, results: &Results) -> Vec<StoreChange> {
    let is_absent = |result: &StepResult| matches!(result, StepResult::Located(_, None));
    if results.iter().flatten().any(is_absent) {
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
