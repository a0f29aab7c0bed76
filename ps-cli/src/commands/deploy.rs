//! `deploy`, `git:from-archive`, `git:from-image`, `git:load-image` and `git:sync`.

use std::path::{Path, PathBuf};

use ps_core::names::AppName;
use ps_core::operations::{OperationError, VerbOutcome};
use ps_core::release::Source;
use ps_core::repository::Repository;
use ps_core::store::StoreChange;

use super::Outcome;
use super::store_only::{Step, Told, apply};
use super::use_cases::{UseCases, changing, finish};
use crate::arguments::{Deploy, GitFromArchive, GitFromImage, GitLoadImage, GitSync};
use crate::command_error::{CommandError, CommandErrorKind};
use crate::wiring::Session;

/// What the system calls it.
const STANDARD_INPUT: &str = "/dev/stdin";

pub(super) async fn deploy(arguments: &Deploy, session: &Session) -> Outcome {
    let source = match &arguments.directory {
        Some(directory) => Some(Source::Directory(absolute(directory, "directory", session)?)),
        None => None,
    };
    deploy_source(&arguments.app, source, session).await
}

pub(super) async fn from_image(arguments: &GitFromImage, session: &Session) -> Outcome {
    deploy_source(&arguments.app, Some(Source::Image(arguments.image.clone())), session).await
}

pub(super) async fn from_archive(arguments: &GitFromArchive, session: &Session) -> Outcome {
    let file = archive_file(&arguments.app, &arguments.file, "git:from-archive", session)?;
    let source = Source::Archive { file, digest: None };
    deploy_source(&arguments.app, Some(source), session).await
}

pub(super) async fn load_image(arguments: &GitLoadImage, session: &Session) -> Outcome {
    let file = archive_file(&arguments.app, &arguments.file, "git:load-image", session)?;
    let source = Source::ImageArchive { file, image: None };
    deploy_source(&arguments.app, Some(source), session).await
}

/// The archive that a command is given: a file, or standard input.
fn archive_file(app: &AppName, given: &Path, command: &str, session: &Session) -> Result<PathBuf, CommandError> {
    if given.to_str().is_some_and(|text| text.contains("://")) {
        let error = CommandError::usage("an archive is given as a file, not as a URL");
        let hint = format!("`curl -fsSL <url> | psctl {command} {app} -`");
        return Err(error.hint(hint));
    }
    if given == Path::new("-") {
        if session.terminal().input_is_terminal() {
            let error = CommandError::usage("standard input is a terminal, no archive");
            return Err(error.hint("name a file, or send the archive with `<` or `|`"));
        }
        Ok(STANDARD_INPUT.into())
    } else {
        absolute(given, "archive", session)
    }
}

pub(super) async fn sync(arguments: &GitSync, session: &Session) -> Outcome {
    let app = &arguments.app;
    let mut repository: Repository = arguments.repository.parse().map_err(CommandError::usage)?;
    if let Some((_, password)) = repository.credentials() {
        session
            .terminal()
            .hide([String::from_utf8_lossy(&password).into_owned()]);
    }
    if let Some(path) = repository.as_path() {
        let path = absolute(path, "repository", session)?;
        let not_text = || CommandError::usage("the path of the repository is no UTF-8 text");
        repository = path
            .to_str()
            .ok_or_else(not_text)?
            .parse()
            .map_err(CommandError::usage)?;
    }
    let reference = arguments.reference.as_deref().map(str::parse).transpose();
    let reference = reference.map_err(CommandError::usage)?;
    let source = Source::Git { repository, reference };
    if arguments.build {
        return deploy_source(app, Some(source), session).await;
    }
    if arguments.build_if_changes {
        let use_cases = changing(session).await?;
        let outcome = use_cases.operations.deploy_when_changed(app, source).await;
        return say_deployed(app, session, &use_cases, outcome).await;
    }
    let _lock = session.lock(app, "git:sync").await?;
    let create = (!session.exists(app).await?).then(|| Step {
        text: format!("create the app {app}"),
        cause: None,
        change: StoreChange::CreateApp(app.clone()),
    });
    let change = StoreChange::SetSource {
        app: app.clone(),
        source,
    };
    let record = Step {
        text: format!("record {change}"),
        cause: None,
        change,
    };
    let told = Told {
        verb: "git:sync",
        app: Some(app),
        done: "recorded the source".to_owned(),
    };
    let status = apply(session, told, create.into_iter().chain([record]).collect()).await?;
    session
        .terminal()
        .section(&format!("`psctl ps:rebuild {app}` deploys {app} from there"));
    Ok(status)
}

async fn deploy_source(app: &AppName, source: Option<Source>, session: &Session) -> Outcome {
    let use_cases = changing(session).await?;
    let outcome = use_cases.operations.deploy(app, source).await;
    say_deployed(app, session, &use_cases, outcome).await
}

async fn say_deployed(
    app: &AppName,
    session: &Session,
    use_cases: &UseCases,
    outcome: Result<VerbOutcome, OperationError>,
) -> Outcome {
    let deployed = outcome.as_ref().ok().filter(|outcome| outcome.is_change());
    let deployed = deployed.and_then(|outcome| outcome.release);
    let status = finish(session, use_cases, outcome).await?;
    if let Some(release) = deployed {
        session.terminal().section(&format!("{app} {release} is deployed"));
    }
    Ok(status)
}

fn absolute(path: &Path, what: &str, session: &Session) -> Result<PathBuf, CommandError> {
    let joined = session.environment().directory.join(path);
    joined.canonicalize().map_err(|error| {
        let message = format!("could not find the {what} {}: {error}", path.display());
        CommandError::new(CommandErrorKind::Failed, message).hint("`psctl help <command>` shows how it is called")
    })
}
