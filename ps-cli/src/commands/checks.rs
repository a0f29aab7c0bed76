//! The `checks` namespace but for `checks:set`.

use std::collections::BTreeSet;

use ps_core::app::{AppRecord, CheckMode};
use ps_core::names::ProcessType;
use ps_core::store::StoreChange;

use super::Outcome;
use super::report_value::print_value;
use super::store_only::{Step, Told, apply};
use super::use_cases::looking;
use crate::arguments::{CheckedTypes, ChecksReport, ChecksRun, Format};
use crate::command_error::{CommandError, CommandErrorKind};
use crate::exit_status::ExitStatus;
use crate::rendering::json_view::{ChecksRunView, ChecksView};
use crate::rendering::report;
use crate::wiring::Session;

pub(super) async fn skip(arguments: &CheckedTypes, session: &Session) -> Outcome {
    set_mode(arguments, session, CheckMode::Skipped, "checks:skip", "Skipping").await
}

pub(super) async fn disable(arguments: &CheckedTypes, session: &Session) -> Outcome {
    set_mode(arguments, session, CheckMode::Disabled, "checks:disable", "Disabling").await
}

pub(super) async fn enable(arguments: &CheckedTypes, session: &Session) -> Outcome {
    set_mode(arguments, session, CheckMode::Enabled, "checks:enable", "Enabling").await
}

async fn set_mode(arguments: &CheckedTypes, session: &Session, mode: CheckMode, verb: &str, doing: &str) -> Outcome {
    let (_lock, app) = session.lock_existing(&arguments.app, verb).await?;
    let types = chosen_types(&arguments.types, &app)?;
    let names: Vec<&str> = types.iter().map(ProcessType::as_str).collect();
    session
        .terminal()
        .section(&format!("{doing} checks of {}", names.join(", ")));
    let changed = types.iter().filter(|process_type| app.check_mode(process_type) != mode);
    let steps = changed.map(|process_type| Step {
        text: format!("{verb} {process_type} of {}", app.name),
        cause: None,
        change: StoreChange::SetCheckMode {
            app: app.name.clone(),
            process_type: process_type.clone(),
            mode,
        },
    });
    let done = match mode {
        CheckMode::Enabled => "enabled",
        CheckMode::Skipped => "skipped",
        CheckMode::Disabled => "disabled",
    };
    let told = Told {
        verb,
        app: Some(&app.name),
        done: format!("{done} checks of {}", names.join(", ")),
    };
    apply(session, told, steps.collect()).await
}

/// The types that are named, else every type the app has.
fn chosen_types(words: &[String], app: &AppRecord) -> Result<BTreeSet<ProcessType>, CommandError> {
    if words.is_empty() {
        let released = app.release.iter().flat_map(|release| release.processes.types());
        let wanted = app.formation.iter().map(|(process_type, _)| process_type.clone());
        let checked = wanted.chain(released).chain(app.checks.keys().cloned());
        return Ok(checked.filter(|process_type| !process_type.is_release()).collect());
    }
    let types = words.iter().map(|word| word.trim().parse::<ProcessType>());
    Ok(types.collect::<Result<_, _>>()?)
}

pub(super) async fn report(arguments: &ChecksReport, session: &Session) -> Outcome {
    let apps = match &arguments.app {
        Some(app) => vec![session.app(app).await?],
        None => session.apps().await?,
    };
    let (terminal, global) = (session.terminal(), session.global().await?);
    if arguments.format == Format::Json {
        terminal.json(&ChecksView::new(&apps, &global).document());
        return Ok(ExitStatus::Done);
    }
    for app in &apps {
        let rows = report::checks(app, &global);
        if let Some(flag) = &arguments.info_flag {
            let title = Some(app.name.as_str()).filter(|_| arguments.app.is_none());
            print_value(flag, title, &rows, session)?;
            continue;
        }
        terminal.header(&format!("{} checks information", app.name));
        terminal.data(&report::rows(&rows));
    }
    Ok(ExitStatus::Done)
}

pub(super) async fn run(arguments: &ChecksRun, session: &Session) -> Outcome {
    let app = session.app(&arguments.app).await?.name;
    let (terminal, use_cases) = (session.terminal(), looking(session).await?);
    let words = arguments.processes.iter().map(|word| word.trim().to_owned());
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    let reports = use_cases.operations.run_checks(&app, &words).await?;
    if reports.is_empty() {
        terminal.warn(&format!("{app} has no replica to check"));
    }
    if arguments.format == Format::Json {
        terminal.json(&ChecksRunView::new(&app, &reports).document());
    } else if !reports.is_empty() {
        terminal.header(&format!("{app} checks"));
        terminal.data(&report::checked(&reports));
    }
    let failed = reports.iter().filter(|report| report.is_failure()).count();
    if failed == 0 {
        return Ok(ExitStatus::Done);
    }
    let text = format!("{failed} of {} checks of {app} failed", reports.len());
    let error = CommandError::new(CommandErrorKind::ChecksFailed, text);
    Err(error.hint(format!(
        "`psctl logs {app}` shows what its containers wrote; nothing was changed"
    )))
}
