//! `config:get`, `config:keys`, `config:show` and `config:export`: the commands that print config values, because the user asks for them.

use ps_core::config::Config;
use ps_core::store::Scope;

use super::Outcome;
use crate::arguments::{ConfigExport, ConfigGet, ConfigKeys, ConfigShow, split_scope};
use crate::command_error::{CommandError, CommandErrorKind};
use crate::env_file;
use crate::exit_status::ExitStatus;
use crate::rendering::human;
use crate::wiring::Session;

pub(super) async fn get(arguments: &ConfigGet, session: &Session) -> Outcome {
    let (scope, names) = split_scope(arguments.global, &arguments.words)?;
    let config = read(&scope, false, session).await?;
    if names.is_empty() {
        return Err(CommandError::usage("no variable is named").hint("`psctl config:show` shows all of them"));
    }
    let missing = |name: &&String| config.get(name).is_none();
    if let Some(name) = names.iter().find(missing) {
        return Err(CommandError::new(
            CommandErrorKind::Failed,
            format!("`{name}` is not set"),
        ));
    }
    for value in names.iter().filter_map(|name| config.get(name)) {
        let shown = if arguments.quoted {
            env_file::quoted(value)
        } else {
            value.to_owned()
        };
        session.terminal().exempt(format!("{shown}\n").as_bytes());
    }
    Ok(ExitStatus::Done)
}

pub(super) async fn show(arguments: &ConfigShow, session: &Session) -> Outcome {
    let scope = only_scope(arguments.global, &arguments.words)?;
    let config = read(&scope, arguments.merged, session).await?;
    session.terminal().header(&match &scope {
        Scope::Global => "global env vars".to_owned(),
        Scope::App(app) => format!("{app} env vars"),
    });
    session.terminal().exempt(human::config_rows(&config).as_bytes());
    Ok(ExitStatus::Done)
}

pub(super) async fn keys(arguments: &ConfigKeys, session: &Session) -> Outcome {
    let scope = only_scope(arguments.global, &arguments.words)?;
    let config = read(&scope, arguments.merged, session).await?;
    for (name, _) in config.iter() {
        session.terminal().exempt(format!("{name}\n").as_bytes());
    }
    Ok(ExitStatus::Done)
}

pub(super) async fn export(arguments: &ConfigExport, session: &Session) -> Outcome {
    let scope = only_scope(arguments.global, &arguments.words)?;
    let config = read(&scope, arguments.merged, session).await?;
    session
        .terminal()
        .exempt(env_file::write(&config, arguments.format).as_bytes());
    Ok(ExitStatus::Done)
}

pub(super) fn only_scope(is_global: bool, words: &[String]) -> Result<Scope, CommandError> {
    match split_scope(is_global, words)? {
        (scope, []) => Ok(scope),
        (_, [extra, ..]) => Err(CommandError::usage(format!("`{extra}` is one word too many"))),
    }
}

async fn read(scope: &Scope, is_merged: bool, session: &Session) -> Result<Config, CommandError> {
    match scope {
        Scope::Global => Ok(session.global().await?.config),
        Scope::App(app) if is_merged => {
            let app = session.app(app).await?;
            Ok(session.global().await?.config.overlaid(&app.config))
        }
        Scope::App(app) => Ok(session.app(app).await?.config),
    }
}
