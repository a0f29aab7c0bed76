//! What to do about failed use cases: one function for each kind that has several hints. Part of
//! [`crate::command_error`].

use ps_core::names::AppName;
use ps_core::operations::OperationError;
use ps_core::planning::{EnvError, LaunchError};
use ps_core::release::ReleaseNumber;

use crate::command_error::{CommandError, CommandErrorKind};

pub(crate) fn launch_error(error: LaunchError) -> CommandError {
    match error {
        LaunchError::InvalidPort => {
            CommandError::usage(error).hint("`psctl config:set <app> PORT=<number>` sets it, `config:unset` removes it")
        }
        LaunchError::PortNotPublished { .. } => CommandError::new(CommandErrorKind::Failed, error)
            .hint("let the check ask the port that is reached, use a command check, or an engine that runs as root"),
        LaunchError::ListeningUnseen { .. } => CommandError::new(CommandErrorKind::Failed, error)
            .hint("use a path check or a command check instead, or let it only warn"),
    }
}

pub(crate) fn not_restored(error: OperationError) -> CommandError {
    let hint = match &error {
        OperationError::ReleaseLost { app, .. } => {
            format!("`psctl deploy {app} <directory>` ships what is there now")
        }
        OperationError::EndedAgain { app, .. } => format!("`psctl logs {app}` shows what they wrote"),
        _ => "`psctl ps:report` shows what runs".to_owned(),
    };
    CommandError::new(CommandErrorKind::Failed, error).hint(hint)
}

pub(crate) fn image_archive_error(error: OperationError) -> CommandError {
    let hint = match &error {
        OperationError::NotOneImage { app, images, .. } if !images.is_empty() => {
            format!("they are loaded: `psctl git:from-image {app} <image>` deploys one of them")
        }
        OperationError::LoadedImageGone { app, .. } => format!("`psctl git:load-image {app} <file>` loads it again"),
        _ => "`docker save <image>` writes one of an image; source code is for `psctl git:from-archive`".to_owned(),
    };
    CommandError::new(CommandErrorKind::Failed, error).hint(hint)
}

pub(crate) fn hint_of_possible(possible: &[ReleaseNumber]) -> String {
    let names: Vec<String> = possible.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [] => "no other release can be put back; `psctl releases:set` sets how many are kept".to_owned(),
        names => format!("these can be put back: {}", names.join(", ")),
    }
}

pub(crate) fn env_error(app: &AppName, error: EnvError) -> CommandError {
    let (kind, hint) = match &error {
        EnvError::Missing { missing } => {
            let words: Vec<String> = missing.iter().map(|one| format!("{}=<value>", one.name)).collect();
            let hint = format!("`psctl config:set {app} {}` sets what is missing", words.join(" "));
            (CommandErrorKind::Failed, Some(hint))
        }
        EnvError::Invalid(_) => (CommandErrorKind::InvalidFile, None),
        EnvError::NoRandom(_) => (CommandErrorKind::Failed, None),
    };
    let mut error = CommandError::new(kind, error);
    error.hints.extend(hint);
    error
}
