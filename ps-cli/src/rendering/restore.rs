//! What became of each app in a restore, as a table of at most 80 columns, and as the document `psctl.restore/1`.
//!
//! Invariant: pure; every app has its line, whatever became of it.

use ps_core::names::{AppName, Replica};
use ps_core::operations::{RestoreOutcome, RestoreReport, RestoredApp};
use serde::Serialize;
use serde_json::Value;

use super::columns::columns;

/// The header over the table.
pub fn title(report: &RestoreReport, is_dry_run: bool) -> String {
    let skipped = report
        .apps
        .iter()
        .filter(|app| matches!(app.outcome, RestoreOutcome::Skipped(_)))
        .count();
    let wanted = report.apps.len().saturating_sub(skipped);
    let back = wanted.saturating_sub(report.not_back().count());
    let verb = if is_dry_run { "would be back" } else { "are back" };
    match skipped {
        0 => format!("{back} of {wanted} apps {verb}"),
        _ => format!("{back} of {wanted} apps {verb}, {skipped} skipped"),
    }
}

/// The titles of the columns, then one line an app.
pub fn table(report: &RestoreReport, is_dry_run: bool) -> Vec<String> {
    let titles = ["app", "outcome", "what"].map(str::to_owned);
    let rows = report.apps.iter().map(|restored| {
        [
            restored.app.to_string(),
            word(&restored.outcome).to_owned(),
            what(restored, is_dry_run),
        ]
    });
    columns(&std::iter::once(titles).chain(rows).collect::<Vec<_>>())
}

const fn word(outcome: &RestoreOutcome) -> &'static str {
    match outcome {
        RestoreOutcome::CameBack { .. } => "came back",
        RestoreOutcome::Redeployed { .. } => "redeployed",
        RestoreOutcome::Skipped(_) => "skipped",
        RestoreOutcome::Busy(_) => "busy",
        RestoreOutcome::Failed(_) => "failed",
    }
}

fn what(restored: &RestoredApp, is_dry_run: bool) -> String {
    let text = match &restored.outcome {
        RestoreOutcome::CameBack { started, kept } => match (started.len(), kept.len()) {
            (0, kept) => format!("{kept} ran already"),
            (started, 0) if is_dry_run => format!("{started} to start"),
            (started, 0) => format!("{started} started"),
            (started, kept) if is_dry_run => format!("{started} to start, {kept} run already"),
            (started, kept) => format!("{started} started, {kept} ran already"),
        },
        RestoreOutcome::Redeployed {
            release,
            missing,
            is_image_new,
        } => {
            let image = if *is_image_new { " with a new image" } else { "" };
            format!("{release}{image}, missing: {}", words(missing).join(", "))
        }
        RestoreOutcome::Skipped(skip) => skip.to_string(),
        RestoreOutcome::Busy(error) => error.to_string(),
        RestoreOutcome::Failed(error) => error.to_string(),
    };
    match &restored.without_proxy {
        Some(note) => format!("{text}; no requests: {note}"),
        None => text,
    }
}

fn words(replicas: &[Replica]) -> Vec<String> {
    replicas.iter().map(ToString::to_string).collect()
}

/// `psctl.restore/1`
#[derive(Debug, Serialize)]
pub struct RestoreView<'a> {
    schema: &'static str,
    dry_run: bool,
    cleared: Vec<&'a str>,
    apps: Vec<RestoredView<'a>>,
}

#[derive(Debug, Serialize)]
struct RestoredView<'a> {
    app: &'a str,
    outcome: &'static str,
    started: Vec<String>,
    kept: Vec<String>,
    missing: Vec<String>,
    release: Option<u32>,
    new_image: bool,
    reason: Option<&'static str>,
    error: Option<String>,
    without_proxy: Option<&'a str>,
}

impl<'a> RestoreView<'a> {
    /// What became of all apps.
    pub fn new(report: &'a RestoreReport, is_dry_run: bool) -> Self {
        Self {
            schema: "psctl.restore/1",
            dry_run: is_dry_run,
            cleared: report.cleared.iter().map(AppName::as_str).collect(),
            apps: report.apps.iter().map(RestoredView::new).collect(),
        }
    }

    /// The document.
    pub fn document(&self) -> Value {
        super::json_view::document(self)
    }
}

impl<'a> RestoredView<'a> {
    fn new(restored: &'a RestoredApp) -> Self {
        let mut view = Self {
            app: restored.app.as_str(),
            outcome: "",
            started: Vec::new(),
            kept: Vec::new(),
            missing: Vec::new(),
            release: None,
            new_image: false,
            reason: None,
            error: None,
            without_proxy: restored.without_proxy.as_deref(),
        };
        view.outcome = match &restored.outcome {
            RestoreOutcome::CameBack { started, kept } => {
                (view.started, view.kept) = (words(started), words(kept));
                "came-back"
            }
            RestoreOutcome::Redeployed {
                release,
                missing,
                is_image_new,
            } => {
                (view.release, view.missing, view.new_image) = (Some(release.0), words(missing), *is_image_new);
                "redeployed"
            }
            RestoreOutcome::Skipped(skip) => {
                view.reason = Some(skip.word());
                "skipped"
            }
            RestoreOutcome::Busy(error) => {
                view.error = Some(error.to_string());
                "busy"
            }
            RestoreOutcome::Failed(error) => {
                view.error = Some(error.to_string());
                "failed"
            }
        };
        view
    }
}
