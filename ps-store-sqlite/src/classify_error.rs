//! What can go wrong inside the store, and what a caller is told about it. No message carries a config value: values are
//! bound to statements, never written into them.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use ps_core::domains::Domain;
use ps_core::names::AppName;
use ps_core::release::ReleaseNumber;
use ps_core::store::{StoreError, StoreErrorKind};
use rusqlite::ErrorCode;

/// A failure inside the store, before it is known which file and which call it belongs to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("{what} cannot be read")]
    Unreadable {
        what: &'static str,
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("{what} `{word}` is not known")]
    Unknown { what: &'static str, word: String },
    #[error("{what} is too large to be kept")]
    Unstorable { what: &'static str },
    #[error("there is no app {0}")]
    NoSuchApp(AppName),
    #[error("the app {0} exists already")]
    AppExists(AppName),
    #[error("the app {app} has a release {number} already")]
    ReleaseExists { app: AppName, number: ReleaseNumber },
    #[error("{domain} belongs to the app {by}")]
    DomainTaken { domain: Domain, by: AppName },
    #[error("port {port} belongs to the app {by}")]
    PortTaken { port: u16, by: AppName },
    #[error("all {0} are given out")]
    NoEndpointLeft(&'static str),
    #[error("this state directory belongs to another engine ({0})")]
    OtherEngine(String),
    #[error("schema version {found} is newer than {known}")]
    TooNew { found: i64, known: i64 },
    #[error("the upgrade would leave rows without their app")]
    Dangling,
    #[error("the backup {} cannot be made", backup.display())]
    NoBackup { backup: PathBuf, source: io::Error },
    #[error("the path of the state directory is not text")]
    PathNotText,
    #[error("its file system does not take a write-ahead log")]
    NoWal,
    #[error("no random bytes: {0}")]
    NoRandom(String),
    #[error("this command only reads the state")]
    OnlyReads,
    #[error("the call was broken off")]
    BrokenOff,
}

impl Failure {
    /// A column that does not hold what was written there.
    pub(crate) fn unreadable(what: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Unreadable {
            what,
            source: Box::new(source),
        }
    }

    /// The error of the port. `doing` is what failed, for example `read the apps`.
    pub(crate) fn classify(self, doing: &str, database: &Path) -> StoreError {
        match self {
            Self::Sqlite(error) => classify_sqlite(error, doing, database),
            Self::Unreadable { .. } => damaged(database, Some(Box::new(self))),
            Self::Unknown { .. } | Self::TooNew { .. } => too_new(&self, database),
            Self::NoSuchApp(ref app) => {
                let kind = StoreErrorKind::NoSuchApp(app.clone());
                StoreError::new(kind, self.to_string()).with_hint("`psctl apps:list` shows the apps")
            }
            Self::AppExists(ref app) => StoreError::new(StoreErrorKind::AppExists(app.clone()), self.to_string()),
            Self::DomainTaken { ref domain, ref by } => {
                let kind = StoreErrorKind::DomainTaken {
                    domain: domain.clone(),
                    by: by.clone(),
                };
                let hint = format!("`psctl domains:remove {by} {domain}` takes it from that app");
                StoreError::new(kind, self.to_string()).with_hint(hint)
            }
            Self::PortTaken { port, ref by } => {
                let kind = StoreErrorKind::PortTaken { port, by: by.clone() };
                let hint = format!("choose another port, or take it from that app with `psctl ports:unpublish {by}`");
                StoreError::new(kind, self.to_string()).with_hint(hint)
            }
            Self::NoEndpointLeft(_) => StoreError::new(StoreErrorKind::NoEndpointLeft, self.to_string())
                .with_hint("`psctl ps:retire` gives back those of old containers"),
            Self::OtherEngine(_) => StoreError::new(StoreErrorKind::Failed, self.to_string())
                .with_hint("use that engine, or another directory with --state-dir"),
            Self::OnlyReads => StoreError::new(StoreErrorKind::Unusable, format!("could not {doing}: {self}")),
            Self::NoBackup { .. } => failed(doing, database, Box::new(self)).with_hint(
                "nothing was changed; the upgrade needs room for a copy of the database in the state directory",
            ),
            Self::NoWal => unusable(
                format!(
                    "could not {doing}: the database {} cannot be used: {self}",
                    database.display()
                ),
                "keep the state directory on a local file system; choose one with --state-dir",
            ),
            other => failed(doing, database, Box::new(other)),
        }
    }
}

/// Errors with a hint, built in one breath.
pub(crate) trait WithHint {
    /// Adds what to do about it.
    fn with_hint(self, hint: impl Into<String>) -> Self;
    /// Adds the next layer.
    fn with_source(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self;
}

impl WithHint for StoreError {
    fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

/// A state directory that cannot be used.
pub(crate) fn unusable(message: String, hint: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Unusable, message).with_hint(hint)
}

fn failed(doing: &str, database: &Path, source: Box<dyn Error + Send + Sync>) -> StoreError {
    let message = format!("could not {doing} (database {})", database.display());
    StoreError::new(StoreErrorKind::Failed, message).with_source(source)
}

fn damaged(database: &Path, source: Option<Box<dyn Error + Send + Sync>>) -> StoreError {
    let message = format!("the database {} is damaged", database.display());
    let mut error = StoreError::new(StoreErrorKind::Failed, message).with_hint(format!(
        "move it away together with its -wal and -shm files, and put a copy you keep (or the newest {}.*.backup) in \
         its place; running containers are not affected",
        database.display()
    ));
    error.source = source;
    error
}

fn too_new(failure: &Failure, database: &Path) -> StoreError {
    let message = format!(
        "the database {} was written by a newer psctl: {failure}",
        database.display()
    );
    StoreError::new(StoreErrorKind::TooNew, message)
        .with_hint("install that version again, or use another directory with --state-dir")
}

/// One rule for each code of `SQLite` that a user can do something about.
fn classify_sqlite(error: rusqlite::Error, doing: &str, database: &Path) -> StoreError {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
    let shown = database.display();
    if let FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) = error {
        return damaged(database, Some(Box::new(error)));
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => damaged(database, Some(Box::new(error))),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => unusable(
            format!("could not {doing}: the database {shown} cannot be opened, or not for writing"),
            "psctl needs to write to its state directory: check its owner, its mode and that its file system is not \
             mounted read-only, or choose another one with --state-dir",
        )
        .with_source(error),
        Some(ErrorCode::DiskFull) => StoreError::new(
            StoreErrorKind::Failed,
            format!("could not {doing}: no room left for {shown}"),
        )
        .with_hint("nothing was changed; make room on that file system and try again")
        .with_source(error),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            StoreError::new(
                StoreErrorKind::Failed,
                format!("could not {doing}: another program keeps the database {shown} locked"),
            )
            .with_hint("nothing was changed; try again when that program has ended")
            .with_source(error)
        }
        Some(ErrorCode::SystemIoFailure) => failed(doing, database, Box::new(error))
            .with_hint("nothing was changed; the disk or its file system reports errors (see the system's log)"),
        _ => failed(doing, database, Box::new(error)),
    }
}
