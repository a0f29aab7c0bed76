//! Changes of what is remembered that touch no container: shown by a dry run as a plan would show them, else made in one
//! transaction.

use ps_core::execution::{EventSink, OperationEvent, StepState};
use ps_core::names::AppName;
use ps_core::plan::ActionKind;
use ps_core::store::{Scope, StoreChange};

use crate::commands::Outcome;
use crate::exit_status::ExitStatus;
use crate::rendering::progress::Progress;
use crate::wiring::Session;

/// A change and its text; the text has no config value.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) text: String,
    pub(super) cause: Option<&'static str>,
    pub(super) change: StoreChange,
}

/// How the audit trail tells of changes.
#[derive(Debug)]
pub(super) struct Told<'a> {
    /// The command.
    pub(super) verb: &'a str,
    /// About which app; `None` for all of them.
    pub(super) app: Option<&'a AppName>,
    /// What is done, without config values: `scaled web=3`.
    pub(super) done: String,
}

/// Makes the changes, and writes into the audit trail how that ended. The caller holds the app's lock.
pub(super) async fn apply(session: &Session, told: Told<'_>, steps: Vec<Step>) -> Outcome {
    let done = if steps.is_empty() {
        "nothing to do".to_owned()
    } else {
        told.done
    };
    let outcome = make(session, steps).await;
    let ended = outcome.as_ref().map(|_| done);
    session.write_trail(told.app, told.verb, ended).await;
    outcome
}

async fn make(session: &Session, steps: Vec<Step>) -> Outcome {
    let terminal = session.terminal();
    if session.options().dry_run {
        for (position, step) in steps.iter().enumerate() {
            let cause = step.cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
            terminal.data(&format!("#{} [] {}{cause}", position + 1, step.text));
        }
        let is_pending = session.options().detailed_exitcode && !steps.is_empty();
        return Ok(if is_pending {
            ExitStatus::ChangesPending
        } else {
            ExitStatus::Done
        });
    }
    let changes: Vec<StoreChange> = steps.iter().map(|step| step.change.clone()).collect();
    let (store, clock) = (session.store().await?, session.clock());
    let begun = clock.monotonic();
    store.apply(&changes).await?;
    let took = clock.monotonic().saturating_sub(begun);
    let progress = Progress::new(session.terminal().clone(), session.options());
    for step in steps {
        if let Some(app) = app_of(&step.change) {
            progress.emit(OperationEvent::Step {
                app: app.clone(),
                replica: None,
                kind: ActionKind::Store,
                text: step.text,
                state: StepState::Done(took),
            });
        }
    }
    Ok(ExitStatus::Done)
}

/// The app that a change is about; `None` for what is set for all apps.
fn app_of(change: &StoreChange) -> Option<&AppName> {
    match change {
        StoreChange::SetProperty { scope, .. }
        | StoreChange::SetConfig { scope, .. }
        | StoreChange::SetDomains { scope, .. } => match scope {
            Scope::App(app) => Some(app),
            Scope::Global => None,
        },
        StoreChange::CreateApp(app)
        | StoreChange::DestroyApp(app)
        | StoreChange::RenameApp { app, .. }
        | StoreChange::SetFormation { app, .. }
        | StoreChange::SetCheckMode { app, .. }
        | StoreChange::SetSource { app, .. }
        | StoreChange::MarkStopped { app, .. }
        | StoreChange::SetQuarantine { app, .. }
        | StoreChange::RecordCrash { app, .. }
        | StoreChange::ForgetCrashes { app, .. }
        | StoreChange::SetLinks { app, .. }
        | StoreChange::PublishPort { app, .. }
        | StoreChange::SetRouted { app, .. }
        | StoreChange::UseGenerations { app, .. }
        | StoreChange::UseReleaseNumbers { app, .. }
        | StoreChange::RecordRelease { app, .. }
        | StoreChange::ExpireRelease { app, .. }
        | StoreChange::ExpectImage { app, .. }
        | StoreChange::ForgetImage { app, .. }
        | StoreChange::Serve { app, .. }
        | StoreChange::StopServing { app, .. }
        | StoreChange::AddRetirement { app, .. }
        | StoreChange::FinishRetirement { app, .. }
        | StoreChange::ReleaseEndpoint { app, .. } => Some(app),
    }
}
