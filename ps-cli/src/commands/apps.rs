//! `apps:create`, `apps:list` and `apps:exists`.

use ps_core::store::{StoreChange, StoreError, StoreErrorKind};

use super::Outcome;
use super::store_only::{Step, Told, apply};
use super::use_cases::{changing, finish};
use crate::arguments::{AppsDestroy, AppsList, AppsRename, Format, OneApp};
use crate::command_error::{CommandError, CommandErrorKind};
use crate::exit_status::ExitStatus;
use crate::rendering::json_view::AppsView;
use crate::wiring::Session;

pub(super) async fn create(arguments: &OneApp, session: &Session) -> Outcome {
    let app = &arguments.app;
    if session.exists(app).await? {
        let kind = StoreErrorKind::AppExists(app.clone());
        return Err(StoreError::new(kind, format!("the app {app} exists already")).into());
    }
    let _lock = session.lock(app, "apps:create").await?;
    session.terminal().step(&format!("Creating {app}"));
    let step = Step {
        text: format!("create the app {app}"),
        cause: None,
        change: StoreChange::CreateApp(app.clone()),
    };
    let told = Told {
        verb: "apps:create",
        app: Some(app),
        done: "created".to_owned(),
    };
    apply(session, told, vec![step]).await
}

pub(super) async fn list(arguments: &AppsList, session: &Session) -> Outcome {
    let apps = session.apps().await?;
    let terminal = session.terminal();
    match arguments.format {
        Format::Json => terminal.json(&AppsView::new(&apps).document()),
        Format::Stdout => {
            terminal.header("My Apps");
            for app in &apps {
                terminal.data(app.name.as_str());
            }
        }
    }
    Ok(ExitStatus::Done)
}

pub(super) async fn exists(arguments: &OneApp, session: &Session) -> Outcome {
    session.app(&arguments.app).await?;
    Ok(ExitStatus::Done)
}

pub(super) async fn destroy(arguments: &AppsDestroy, session: &Session) -> Outcome {
    let app = session.app(&arguments.app).await?.name;
    if !arguments.force && !session.options().dry_run {
        let refused = |why: &str| {
            let error = CommandError::new(CommandErrorKind::Failed, format!("{app} was not destroyed: {why}"));
            error.hint(format!("`psctl apps:destroy --force {app}` does not ask"))
        };
        if !session.terminal().input_is_terminal() {
            return Err(refused("nobody can be asked"));
        }
        let question = format!("This removes {app} with its containers and settings. Type its name to go on:");
        let answer = session
            .terminal()
            .ask(&question)
            .map_err(|error| refused(&error.to_string()))?;
        if answer != app.as_str() {
            return Err(refused("its name was not typed"));
        }
    }
    let use_cases = changing(session).await?;
    session.terminal().step(&format!("Destroying {app}"));
    let outcome = use_cases.operations.destroy_app(&app).await;
    finish(session, &use_cases, outcome).await
}

pub(super) async fn rename(arguments: &AppsRename, session: &Session) -> Outcome {
    let app = session.app(&arguments.app).await?.name;
    let use_cases = changing(session).await?;
    session
        .terminal()
        .step(&format!("Renaming {app} to {}", arguments.new_name));
    let outcome = use_cases.operations.rename_app(&app, &arguments.new_name).await;
    finish(session, &use_cases, outcome).await
}
