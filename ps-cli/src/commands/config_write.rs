//! `config:set`, `config:unset`, `config:clear` and `config:import`: read, store, and where an app runs, hand over to the rollout.

use super::config_edit::Edit;
use super::config_read::only_scope;
use super::{Outcome, config_input};
use crate::arguments::{ConfigClear, ConfigImport, ConfigSet, ConfigUnset, split_scope};
use crate::command_error::CommandError;
use crate::wiring::Session;

pub(super) async fn set(arguments: &ConfigSet, session: &Session) -> Outcome {
    let (scope, words) = split_scope(arguments.global, &arguments.words)?;
    let mut entries = config_input::assignments(words, session.terminal())?;
    if arguments.encoded {
        config_input::decode(&mut entries)?;
    }
    let edit = Edit::open(scope, "config:set", session).await?;
    edit.finish(entries, &[], arguments.no_restart, session).await
}

pub(super) async fn unset(arguments: &ConfigUnset, session: &Session) -> Outcome {
    let (scope, names) = split_scope(arguments.global, &arguments.words)?;
    if names.is_empty() {
        return Err(CommandError::usage("no variable is named").hint("write <NAME>…"));
    }
    let edit = Edit::open(scope, "config:unset", session).await?;
    edit.finish(Vec::new(), names, arguments.no_restart, session).await
}

pub(super) async fn clear(arguments: &ConfigClear, session: &Session) -> Outcome {
    let scope = only_scope(arguments.global, &arguments.words)?;
    let edit = Edit::open(scope, "config:clear", session).await?;
    let names: Vec<String> = edit.config().iter().map(|(name, _)| name.to_owned()).collect();
    edit.finish(Vec::new(), &names, arguments.no_restart, session).await
}

pub(super) async fn import(arguments: &ConfigImport, session: &Session) -> Outcome {
    let (scope, file) = arguments.scope_and_file()?;
    let entries = config_input::file(file.as_deref(), session)?;
    let edit = Edit::open(scope, "config:import", session).await?;
    edit.finish(entries, &[], arguments.no_restart, session).await
}
