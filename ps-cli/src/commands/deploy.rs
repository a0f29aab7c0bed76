//! `deploy` and `git:from-image`.

use std::path::Path;

use ps_core::names::AppName;
use ps_core::release::Source;

use super::Outcome;
use super::use_cases::{changing, finish};
use crate::arguments::{Deploy, GitFromImage};
use crate::command_error::{CommandError, CommandErrorKind};
use crate::wiring::Session;

pub(super) async fn deploy(arguments: &Deploy, session: &Session) -> Outcome {
    let source = match &arguments.directory {
        Some(directory) => Some(Source::Directory(absolute(directory, session)?)),
        None => None,
    };
    deploy_source(&arguments.app, source, session).await
}

pub(super) async fn from_image(arguments: &GitFromImage, session: &Session) -> Outcome {
    deploy_source(&arguments.app, Some(Source::Image(arguments.image.clone())), session).await
}

async fn deploy_source(app: &AppName, source: Option<Source>, session: &Session) -> Outcome {
    let use_cases = changing(session).await?;
    let outcome = use_cases.operations.deploy(app, source).await;
    let deployed = outcome.as_ref().ok().and_then(|outcome| outcome.release);
    let status = finish(session, &use_cases, outcome).await?;
    if let Some(release) = deployed {
        session.terminal().section(&format!("{app} {release} is deployed"));
    }
    Ok(status)
}

fn absolute(directory: &Path, session: &Session) -> Result<std::path::PathBuf, CommandError> {
    let joined = session.environment().directory.join(directory);
    joined.canonicalize().map_err(|error| {
        let message = format!("could not find the directory {}: {error}", directory.display());
        CommandError::new(CommandErrorKind::Failed, message).hint("`psctl help deploy` shows how it is called")
    })
}
