//! `ps:start`, `ps:stop`, `ps:restart`, `ps:rebuild`, `ps:retire`, and their early names.

use ps_core::operations::OperationError;

use super::Outcome;
use super::use_cases::{changing, finish, on_apps};
use crate::arguments::{AppSelection, EveryApp, ManyApps, Parallelism, PsRestart, PsRetire};
use crate::wiring::Session;

pub(super) async fn start(arguments: &ManyApps, session: &Session) -> Outcome {
    let use_cases = changing(session).await?;
    on_apps(
        session,
        &use_cases,
        arguments.selection(),
        "ps:start",
        |operations, app| async move { operations.start(&app).await },
    )
    .await
}

pub(super) async fn stop(arguments: &ManyApps, session: &Session) -> Outcome {
    let use_cases = changing(session).await?;
    on_apps(
        session,
        &use_cases,
        arguments.selection(),
        "ps:stop",
        |operations, app| async move { operations.stop(&app).await },
    )
    .await
}

pub(super) async fn restart(arguments: &PsRestart, session: &Session) -> Outcome {
    let use_cases = changing(session).await?;
    let word = arguments.process.as_ref().map(ToString::to_string);
    if let (AppSelection::One(app), Some(word)) = (arguments.selection(), word) {
        let outcome = use_cases.operations.restart(&app, Some(&word)).await;
        return finish(session, &use_cases, outcome).await;
    }
    restart_apps(arguments.selection(), session).await
}

pub(super) async fn restart_all(arguments: &EveryApp, session: &Session) -> Outcome {
    restart_apps(AppSelection::All(arguments.parallel), session).await
}

async fn restart_apps(selection: AppSelection, session: &Session) -> Outcome {
    let use_cases = changing(session).await?;
    on_apps(
        session,
        &use_cases,
        selection,
        "ps:restart",
        |operations, app| async move { operations.restart(&app, None).await },
    )
    .await
}

pub(super) async fn rebuild(arguments: &ManyApps, session: &Session) -> Outcome {
    rebuild_apps(arguments.selection(), session).await
}

pub(super) async fn rebuild_all(arguments: &EveryApp, session: &Session) -> Outcome {
    rebuild_apps(AppSelection::All(arguments.parallel), session).await
}

async fn rebuild_apps(selection: AppSelection, session: &Session) -> Outcome {
    let use_cases = changing(session).await?;
    on_apps(
        session,
        &use_cases,
        selection,
        "ps:rebuild",
        |operations, app| async move { operations.deploy(&app, None).await },
    )
    .await
}

pub(super) async fn retire(arguments: &PsRetire, session: &Session) -> Outcome {
    let use_cases = changing(session).await?;
    let one_at_a_time = Parallelism::Apps(std::num::NonZeroUsize::MIN);
    let selection = arguments
        .app
        .clone()
        .map_or(AppSelection::All(one_at_a_time), AppSelection::One);
    on_apps(
        session,
        &use_cases,
        selection,
        "ps:retire",
        |operations, app| async move {
            let outcome: Result<_, OperationError> = if arguments.when_due {
                operations.retire_when_due(&app).await
            } else {
                operations.retire(&app).await
            };
            // What another command retires, or what is not due, is not this command's to see to.
            outcome.map(|mut outcome| {
                outcome.has_retirements = false;
                outcome
            })
        },
    )
    .await
}
