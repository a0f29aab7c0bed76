//! `run:list` and `run:stop`.

use ps_core::names::AppName;

use super::Outcome;
use super::use_cases::{changing, finish, looking};
use crate::arguments::{Format, RunList, RunStop};
use crate::exit_status::ExitStatus;
use crate::rendering::runs::{RunsView, table};
use crate::wiring::Session;

pub(super) async fn list(arguments: &RunList, session: &Session) -> Outcome {
    let app = session.app(&arguments.app).await?;
    let use_cases = looking(session).await?;
    let runs = use_cases.operations.runs(&app.name).await?;
    let terminal = session.terminal();
    if arguments.format == Format::Json {
        terminal.json(&RunsView::new(&app.name, &runs).document());
        return Ok(ExitStatus::Done);
    }
    if runs.is_empty() {
        nothing_is_there(&app.name, session);
        return Ok(ExitStatus::Done);
    }
    terminal.header(&format!("{} run containers", app.name));
    let mut lines = table(&runs, session.clock().now()).into_iter();
    if let Some(titles) = lines.next() {
        terminal.header_line(&titles);
    }
    lines.for_each(|line| terminal.data(&line));
    Ok(ExitStatus::Done)
}

fn nothing_is_there(app: &AppName, session: &Session) {
    session.terminal().warn(&format!("{app} has no run containers"));
}

pub(super) async fn stop(arguments: &RunStop, session: &Session) -> Outcome {
    let app = session.app(&arguments.app).await?.name;
    let use_cases = changing(session).await?;
    let container = arguments.container.as_deref();
    let outcome = use_cases.operations.stop_runs(&app, container).await;
    if outcome.as_ref().is_ok_and(|outcome| !outcome.is_change()) {
        nothing_is_there(&app, session);
        return Ok(ExitStatus::Done);
    }
    finish(session, &use_cases, outcome).await
}
