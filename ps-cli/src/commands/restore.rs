//! `ps:restore`: after the host or the engine started.

use std::time::Duration;

use ps_core::operations::{RestoreOutcome, RestoreReport, RestoreSelection};

use super::Outcome;
use super::use_cases::{changing, retire, with_signal};
use crate::arguments::{AppSelection, Format, PsRestore};
use crate::command_error::{CommandError, CommandErrorKind};
use crate::exit_status::ExitStatus;
use crate::rendering::restore::{RestoreView, table, title};
use crate::wiring::Session;

/// How often an engine that is not there is looked for.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) async fn restore(arguments: &PsRestore, session: &Session) -> Outcome {
    let selection = arguments.selection();
    if arguments.app.is_none() && !arguments.all {
        session.terminal().warn("no app is named: --all is assumed");
    }
    let which = match &selection {
        AppSelection::One(app) => {
            session.app(app).await?;
            RestoreSelection::Apps(vec![app.clone()])
        }
        AppSelection::All(_) => RestoreSelection::All,
    };
    session.store().await?;
    if which == RestoreSelection::All && session.apps().await?.is_empty() {
        show(arguments, session, &RestoreReport::default());
        session.terminal().warn("there are no apps yet");
        return Ok(ExitStatus::Done);
    }
    wait_for_engine(session, Duration::from_secs(arguments.engine_patience)).await?;
    let use_cases = changing(session).await?;
    let parallelism = match selection {
        AppSelection::One(_) => 1,
        AppSelection::All(parallelism) => parallelism.apps_at_once(session.host().cpus()).get(),
    };
    let report = use_cases.operations.restore(&which, parallelism).await?;
    // The error says it all when it was the only app.
    let is_told = which != RestoreSelection::All && report.not_back().count() > 0;
    if !is_told || arguments.format == Format::Json {
        show(arguments, session, &report);
    }
    for restored in report.apps.iter().filter(|restored| restored.work.has_retirements) {
        retire(session, &use_cases, &restored.app).await?;
    }
    end(session, &which, report)
}

/// An engine that is slow to start is waited for; it is never mistaken for another one, since a state belongs to one engine.
async fn wait_for_engine(session: &Session, patience: Duration) -> Result<(), CommandError> {
    let clock = session.clock();
    let begun = clock.monotonic();
    let mut is_told = false;
    loop {
        let error = match session.engine().await {
            Err(error) if error.kind == CommandErrorKind::NoEngine => error,
            other => return other.map(|_| ()),
        };
        let waited = clock.monotonic().saturating_sub(begun);
        if waited >= patience {
            return Err(error);
        }
        if !is_told {
            let text = format!("Waiting for the engine, at most {} s", patience.as_secs());
            session.terminal().step(&text);
            is_told = true;
        }
        clock.sleep(PAUSE.min(patience.saturating_sub(waited))).await;
    }
}

fn show(arguments: &PsRestore, session: &Session, report: &RestoreReport) {
    let terminal = session.terminal();
    let is_dry_run = session.options().dry_run;
    if arguments.format == Format::Json {
        terminal.json(&RestoreView::new(report, is_dry_run).document());
        return;
    }
    if is_dry_run {
        let plans = report.apps.iter().flat_map(|restored| &restored.work.plans);
        for plan in plans.filter(|plan| !plan.is_empty() || !plan.left_alone().is_empty()) {
            terminal.data(plan.to_string().trim_end());
        }
    }
    if report.apps.is_empty() {
        return;
    }
    terminal.header(&title(report, is_dry_run));
    let mut lines = table(report, is_dry_run).into_iter();
    if let Some(first) = lines.next() {
        terminal.header_line(&first);
    }
    lines.for_each(|line| terminal.data(&line));
}

/// A failed app decides the exit code when it was the only one, as with every other verb.
fn end(session: &Session, which: &RestoreSelection, report: RestoreReport) -> Outcome {
    let is_pending = session.options().dry_run
        && session.options().detailed_exitcode
        && report.apps.iter().any(|restored| restored.work.is_change());
    let count = report.apps.len();
    let (mut failed, mut is_only) = (Vec::new(), None);
    for restored in report.apps {
        let error = match restored.outcome {
            RestoreOutcome::Failed(error) => with_signal(session, *error),
            RestoreOutcome::Busy(error) => CommandError::from(*error),
            _ => continue,
        };
        failed.push(restored.app.to_string());
        if *which == RestoreSelection::All {
            session.terminal().error(&error);
        } else {
            is_only = Some(error);
        }
    }
    if let Some(error) = is_only {
        return Err(error);
    }
    if let Some(status) = session.interrupt().requested() {
        return Ok(status);
    }
    if !failed.is_empty() {
        let text = format!(
            "{} of {count} apps did not come back: {}",
            failed.len(),
            failed.join(", ")
        );
        return Err(CommandError::new(CommandErrorKind::SomeAppsFailed, text));
    }
    Ok(if is_pending {
        ExitStatus::ChangesPending
    } else {
        ExitStatus::Done
    })
}
