//! What the word of `procfile:*` means: a file, standard input or an app, and what is in there.
//!
//! Invariant: at most a byte more than a Procfile may have is read, and the state only when an app is meant.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

use ps_core::names::{AppName, ProcessType};
use ps_core::release::Processes;
use ps_procfile::FILE_LIMIT;

use crate::command_error::{CommandError, CommandErrorKind};
use crate::wiring::Session;

/// What was found.
#[derive(Debug)]
pub(super) enum Content {
    /// A file to be parsed.
    File {
        /// Its name in diagnostics.
        name: String,
        /// All of it.
        bytes: Vec<u8>,
    },
    /// A file that is larger than a Procfile may be.
    TooLarge {
        /// Its name in diagnostics.
        name: String,
    },
    /// What a release of an app runs, parsed when it was deployed.
    Release {
        /// The app.
        app: AppName,
        /// Its commands, as the Procfile had them.
        commands: BTreeMap<ProcessType, String>,
    },
}

/// Finds what the word means and reads it.
pub(super) async fn read(word: Option<&Path>, session: &Session) -> Result<Content, CommandError> {
    let Some(word) = word else {
        return read_file(Path::new(DEFAULT), session).await;
    };
    if word == Path::new("-") {
        let terminal = session.terminal().clone();
        let reading = move || terminal.read_input(u64::try_from(FILE_LIMIT).unwrap_or(u64::MAX));
        return content("standard input".to_owned(), in_thread(reading).await);
    }
    let path = session.environment().directory.join(word);
    let (is_directory, inside) = (path.is_dir(), word.join(DEFAULT));
    if is_directory && path.join(DEFAULT).exists() {
        return read_file(&inside, session).await;
    }
    let app = word.to_str().and_then(|word| word.parse::<AppName>().ok());
    match app.filter(|_| is_directory || !path.exists()) {
        Some(app) => {
            let release = read_release(app, session).await;
            release.map_err(|error| match error.kind {
                CommandErrorKind::NoSuchApp if is_directory => not_there(&inside),
                CommandErrorKind::NoSuchApp => error.hint(format!("there is no file {} either", word.display())),
                _ => error,
            })
        }
        None if is_directory => Err(not_there(&inside)),
        None => read_file(word, session).await,
    }
}

/// The name of a Procfile where none is given.
const DEFAULT: &str = "Procfile";

fn not_there(file: &Path) -> CommandError {
    let error = format!("there is no file {}", file.display());
    CommandError::new(CommandErrorKind::Failed, error).hint("name a Procfile, a directory with one, an app, or `-`")
}

async fn read_file(file: &Path, session: &Session) -> Result<Content, CommandError> {
    let (name, path) = (file.display().to_string(), session.environment().directory.join(file));
    let read = in_thread(move || read_bounded(&path)).await;
    match read {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Err(not_there(file)),
        read => content(name, read),
    }
}

/// A file that has no end is read too, as far as it matters.
fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(FILE_LIMIT).unwrap_or(u64::MAX);
    File::open(path)?
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    match bytes.len() {
        0..=FILE_LIMIT => Ok(bytes),
        _ => Err(ErrorKind::FileTooLarge.into()),
    }
}

/// Reads what may let us wait for ever: Ctrl-C still ends the command.
async fn in_thread(read: impl FnOnce() -> std::io::Result<Vec<u8>> + Send + 'static) -> std::io::Result<Vec<u8>> {
    let read = tokio::task::spawn_blocking(read).await;
    read.unwrap_or_else(|stopped| Err(Error::other(stopped)))
}

fn content(name: String, read: std::io::Result<Vec<u8>>) -> Result<Content, CommandError> {
    match read {
        Ok(bytes) => Ok(Content::File { name, bytes }),
        Err(error) if error.kind() == ErrorKind::FileTooLarge => Ok(Content::TooLarge { name }),
        Err(error) => {
            let message = format!("could not read {name}: {error}");
            Err(CommandError::new(CommandErrorKind::Failed, message))
        }
    }
}

async fn read_release(app: AppName, session: &Session) -> Result<Content, CommandError> {
    // Not through the session, which would hide config values from now on: a Procfile is shown as it is, also where one of its
    // words happens to be one. Nothing but its commands is printed.
    let record = session.store_to_read().await?.app(&app).await?;
    let failed = |text: String| CommandError::new(CommandErrorKind::Failed, text);
    match record.release.map(|release| (release.number, release.processes)) {
        Some((_, Processes::Procfile(commands))) => Ok(Content::Release { app, commands }),
        Some((number, Processes::ImageDefault)) => {
            Err(failed(format!("{app} {number} has no Procfile"))
                .hint("its web containers run the image's own command"))
        }
        None => Err(failed(format!("{app} was never deployed")).hint(format!(
            "`psctl deploy {app} <dir>` deploys it, `psctl procfile:check <dir>` reads a Procfile before"
        ))),
    }
}
