//! Where a command meets the use cases of the core: builds them from the session, and ends a command as all of them end.

use std::sync::Arc;

use ps_core::addresses::Subnet;
use ps_core::execution::Cancellation;
use ps_core::names::AppName;
use ps_core::operations::{Adapters, AppResult, OperationError, OperationOptions, Operations, VerbOutcome};

use super::Outcome;
use crate::arguments::AppSelection;
use crate::command_error::{CommandError, CommandErrorKind};
use crate::exit_status::ExitStatus;
use crate::interrupt::Guard;
use crate::rendering::progress::Progress;
use crate::wiring::{Session, retire_in_background};

/// The use cases, and what keeps the first signal from ending the process at once.
pub(super) struct UseCases {
    pub(super) operations: Operations,
    _guard: Guard,
}

/// The use cases for a command that changes something.
pub(super) async fn changing(session: &Session) -> Result<UseCases, CommandError> {
    session.store().await?;
    open(session).await
}

/// The use cases for a command that only looks.
pub(super) async fn looking(session: &Session) -> Result<UseCases, CommandError> {
    session.store_to_read().await?;
    open(session).await
}

async fn open(session: &Session) -> Result<UseCases, CommandError> {
    let options = session.options();
    let adapters = Adapters {
        engine: session.engine().await?,
        store: session.current_store().await?,
        source: session.source_reader()?,
        clock: session.clock(),
        host: session.host(),
        prober: session.prober(),
        proxy: session.proxy().await?,
        events: Arc::new(Progress::new(session.terminal().clone(), options)),
    };
    let subnet: Option<Subnet> = match session.environment().text("PSCTL_SUBNET") {
        Some(text) => Some(text.parse().map_err(CommandError::usage)?),
        None => None,
    };
    let operation_options = OperationOptions {
        mode: session.mode(),
        lock_patience: options.lock_patience(),
        subnet,
        by: Some(session.user_name()),
        ..OperationOptions::default()
    };
    let cancellation = Cancellation::default();
    let (interrupt, raised) = (session.interrupt().clone(), cancellation.clone());
    tokio::spawn(async move {
        interrupt.wait().await;
        raised.cancel();
    });
    let operations = Operations::new(adapters, operation_options, cancellation);
    Ok(UseCases {
        operations,
        _guard: session.interrupt().guard(),
    })
}

/// Ends a command on one app: shows the plan of a dry run, says what could not be done, sees to what has to retire.
pub(super) async fn finish(
    session: &Session,
    use_cases: &UseCases,
    outcome: Result<VerbOutcome, OperationError>,
) -> Outcome {
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            // The new containers may have taken over before it broke off: the old ones go all the same.
            if let Some(app) = error.broken_off()
                && use_cases.operations.has_retirements(app).await.unwrap_or(false)
            {
                retire(session, use_cases, app).await?;
            }
            return Err(with_signal(session, error));
        }
    };
    let terminal = session.terminal();
    if session.options().dry_run {
        for plan in &outcome.plans {
            terminal.data(plan.to_string().trim_end());
        }
    }
    if let Some(notice) = &outcome.notice {
        terminal.warn(&format!("{} {notice}", outcome.app));
    }
    if outcome.has_retirements {
        retire(session, use_cases, &outcome.app).await?;
    }
    let is_pending = session.options().dry_run && session.options().detailed_exitcode && outcome.is_change();
    Ok(if is_pending {
        ExitStatus::ChangesPending
    } else {
        ExitStatus::Done
    })
}

/// Old containers go in the background, unless the user waits for them.
pub(super) async fn retire(session: &Session, use_cases: &UseCases, app: &AppName) -> Result<(), CommandError> {
    if session.options().wait_retired {
        use_cases.operations.retire_when_due(app).await?;
        return Ok(());
    }
    if let Err(error) = retire_in_background(session, app) {
        let text =
            format!("old containers of {app} wait for the next command, or for `psctl ps:retire {app}`: {error}");
        session.terminal().warn(&text);
    }
    Ok(())
}

/// A command that ended because of a signal ends with that signal's code.
pub(super) fn with_signal(session: &Session, error: OperationError) -> CommandError {
    let interrupted = matches!(
        error,
        OperationError::Interrupted { .. } | OperationError::PostdeployInterrupted { .. }
    );
    let mut error = CommandError::from(error);
    if let Some(ExitStatus::Terminated) = session.interrupt().requested().filter(|_| interrupted) {
        error.kind = CommandErrorKind::Terminated;
    }
    error
}

/// Runs a verb on one app, or on all of them.
pub(super) async fn on_apps<'a, F, Fut>(
    session: &Session,
    use_cases: &'a UseCases,
    selection: AppSelection,
    verb: &str,
    run: F,
) -> Outcome
where
    F: Fn(&'a Operations, AppName) -> Fut,
    Fut: Future<Output = Result<VerbOutcome, OperationError>>,
{
    let parallelism = match selection {
        AppSelection::One(app) => return finish(session, use_cases, run(&use_cases.operations, app).await).await,
        AppSelection::All(parallelism) => parallelism,
    };
    let at_once = parallelism.apps_at_once(session.host().cpus());
    let results = use_cases.operations.for_all(at_once.get(), run).await?;
    if results.is_empty() {
        session.terminal().warn("there are no apps yet");
    }
    each(session, use_cases, results, verb).await
}

/// Ends a command on several apps: one that failed does not stop the others, and the end says how many did.
pub(super) async fn each(session: &Session, use_cases: &UseCases, results: Vec<AppResult>, verb: &str) -> Outcome {
    let count = results.len();
    let (mut failed, mut is_pending) = (Vec::new(), false);
    for AppResult { app, result } in results {
        match finish(session, use_cases, result).await {
            Ok(status) => is_pending |= status == ExitStatus::ChangesPending,
            Err(error) => {
                session.terminal().error(&error);
                failed.push(app.to_string());
            }
        }
    }
    if let Some(status) = session.interrupt().requested() {
        return Ok(status);
    }
    if !failed.is_empty() {
        let text = format!(
            "{verb} failed for {} of {count} apps: {}",
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
