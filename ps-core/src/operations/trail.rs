//! The audit trail of the use cases. Invariant: [`Operations::write_entry`] is the only place that writes it, without a config value; a use
//! case that changes something leaves one entry when it ends, a dry run none, and a trail that cannot be written fails nothing.

use std::sync::PoisonError;

use super::{OperationError, Operations, VerbOutcome};
use crate::audit::{AuditEntry, AuditOutcome, one_line, reason};
use crate::names::AppName;
use crate::plan::{ActionKind, Plan};
use crate::store::StoreErrorKind;

impl Operations {
    /// Keeps values out of everything that is said from now on: by the sink, and by the trail.
    pub(super) fn hide(&self, values: Vec<String>) {
        let mut redactor = self.hidden.lock().unwrap_or_else(PoisonError::into_inner);
        redactor.hide(values.iter().cloned());
        drop(redactor);
        self.adapters.events.hide(values);
    }

    /// Writes how a use case on one app ended, and passes that on. `done` says in a few words what was done; it is not asked when
    /// nothing was.
    pub(super) async fn told(
        &self,
        app: &AppName,
        verb: &str,
        ended: Result<VerbOutcome, OperationError>,
        done: impl FnOnce(&VerbOutcome) -> String,
    ) -> Result<VerbOutcome, OperationError> {
        let text = |outcome: &VerbOutcome| match &outcome.notice {
            _ if outcome.is_change() => done(outcome),
            Some(notice) => format!("nothing: the app {notice}"),
            None => "nothing to do".to_owned(),
        };
        self.write_trail(Some(app), verb, ended.as_ref().map(text)).await;
        ended
    }

    /// Writes an entry of any use case. A name that no app has leaves none.
    pub(super) async fn write_trail(&self, app: Option<&AppName>, verb: &str, ended: Result<String, &OperationError>) {
        let is_mistyped = |error: &OperationError| matches!(error, OperationError::Store(error) if matches!(error.kind, StoreErrorKind::NoSuchApp(_)));
        if self.is_dry_run() || ended.as_ref().is_err_and(|error| is_mistyped(error)) {
            return;
        }
        let (outcome, text) = match ended {
            Ok(text) => (AuditOutcome::Done, text),
            Err(error) => (AuditOutcome::Failed, why(error)),
        };
        self.write_entry(app, verb, outcome, &text).await;
    }

    /// Writes one entry, and returns its text as it was written: in one line, without config values.
    pub(super) async fn write_entry(
        &self,
        app: Option<&AppName>,
        verb: &str,
        outcome: AuditOutcome,
        text: &str,
    ) -> String {
        let redactor = self.hidden.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let redactor = redactor.sparing(app.map(AppName::as_str));
        let text = one_line(&redactor.redact(text));
        let entry = AuditEntry {
            at: self.adapters.clock.now(),
            app: app.cloned(),
            verb: verb.to_owned(),
            by: self.options.by.clone(),
            outcome,
            text: text.clone(),
        };
        // What was done is done, whether it can be written down or not.
        let _ = self.adapters.store.audit(entry).await;
        text
    }
}

fn why(error: &OperationError) -> String {
    match error {
        OperationError::Interrupted { .. } | OperationError::PostdeployInterrupted { .. } => "interrupted".to_owned(),
        error => reason(error),
    }
}

/// `deployed v3`.
pub(super) fn released(done: &str, outcome: &VerbOutcome) -> String {
    match outcome.release {
        Some(release) => format!("{done} {release}"),
        None => done.to_owned(),
    }
}

/// How many containers an outcome's plans removed: `removed 2 containers`.
pub(super) fn removed(outcome: &VerbOutcome) -> String {
    let steps = outcome.plans.iter().flat_map(Plan::steps);
    match steps.filter(|step| step.action.kind() == ActionKind::Remove).count() {
        1 => "removed 1 container".to_owned(),
        count => format!("removed {count} containers"),
    }
}
