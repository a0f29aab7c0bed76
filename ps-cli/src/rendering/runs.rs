//! The containers of `run` as a table of at most 80 columns, and as the document `psctl.runs/1`.
//!
//! Invariant: pure; the command is shown as it was typed, and the terminal hides config values in it.

use std::time::SystemTime;

use ps_core::names::AppName;
use ps_core::operations::ListedRun;
use serde::Serialize;
use serde_json::Value;

use super::columns::columns;
use super::moment::{ago, left, rfc3339};

/// The titles of the columns, then one line a container.
pub fn table(runs: &[ListedRun], now: SystemTime) -> Vec<String> {
    let titles = ["container", "state", "release", "started", "left", "command"].map(str::to_owned);
    let rows = runs.iter().map(|listed| cells(listed, now));
    columns(&std::iter::once(titles).chain(rows).collect::<Vec<_>>())
}

fn cells(listed: &ListedRun, now: SystemTime) -> [String; 6] {
    let run = &listed.run;
    let none = || "-".to_owned();
    [
        run.name.clone(),
        run.state.to_string(),
        run.release.map_or_else(none, |release| release.to_string()),
        listed.started_at.map_or_else(none, |started| ago(started, now)),
        run.deadline.map_or_else(none, |deadline| left(deadline, now)),
        run.command.clone().unwrap_or_default().replace(char::is_control, " "),
    ]
}

/// `psctl.runs/1`
#[derive(Debug, Serialize)]
pub struct RunsView<'a> {
    schema: &'static str,
    app: &'a str,
    runs: Vec<RunView<'a>>,
}

#[derive(Debug, Serialize)]
struct RunView<'a> {
    name: &'a str,
    id: &'a str,
    state: String,
    release: Option<u32>,
    started_at: Option<String>,
    deadline: Option<String>,
    command: Option<&'a str>,
}

impl<'a> RunsView<'a> {
    /// The containers of `run` of an app.
    pub fn new(app: &'a AppName, runs: &'a [ListedRun]) -> Self {
        let runs = runs.iter().map(|listed| RunView {
            name: &listed.run.name,
            id: &listed.run.id.0,
            state: listed.run.state.to_string(),
            release: listed.run.release.map(|release| release.0),
            started_at: listed.started_at.map(rfc3339),
            deadline: listed.run.deadline.map(rfc3339),
            command: listed.run.command.as_deref(),
        });
        Self {
            schema: "psctl.runs/1",
            app: app.as_str(),
            runs: runs.collect(),
        }
    }

    /// The document.
    pub fn document(&self) -> Value {
        // Text, numbers and lists only: they always serialise.
        serde_json::to_value(self).unwrap_or_default()
    }
}
