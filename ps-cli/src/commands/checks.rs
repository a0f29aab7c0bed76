//! `checks:skip`, `checks:enable` and `checks:report`.

use std::collections::BTreeSet;

use ps_core::app::{AppRecord, CheckMode};
use ps_core::names::ProcessType;
use ps_core::store::StoreChange;

use super::Outcome;
use super::store_only::{Step, apply};
use crate::arguments::{CheckedTypes, ChecksReport, Format};
use crate::command_error::CommandError;
use crate::exit_status::ExitStatus;
use crate::rendering::json_view::ChecksView;
use crate::rendering::report;
use crate::wiring::Session;

pub(super) async fn skip(arguments: &CheckedTypes, session: &Session) -> Outcome {
    set_mode(arguments, session, CheckMode::Skipped, "checks:skip", "Skipping").await
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
    apply(session, steps.collect()).await
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
    let terminal = session.terminal();
    if arguments.format == Format::Json {
        terminal.json(&ChecksView::new(&apps).document());
        return Ok(ExitStatus::Done);
    }
    for app in &apps {
        terminal.header(&format!("{} checks information", app.name));
        terminal.data(&report::rows(&report::checks(app)));
    }
    Ok(ExitStatus::Done)
}
