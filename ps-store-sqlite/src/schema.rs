//! The tables, and how an older database becomes one of this version. Versions only grow; one upgrade is one transaction.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use crate::classify_error::Failure;
use crate::columns::store_time;
use crate::directory::create_private_file;

/// Step `n` makes version `n + 1` of version `n`. A published step is never edited.
pub(crate) const STEPS: &[&str] = &[
    include_str!("schema/0001_first.sql"),
    include_str!("schema/0002_manifest.sql"),
    include_str!("schema/0003_release_history.sql"),
    include_str!("schema/0004_sources.sql"),
    include_str!("schema/0005_traffic.sql"),
];

/// What has to happen before a database can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SchemaState {
    /// Nothing.
    Current,
    /// It has no tables yet.
    Empty,
    /// It was written by an earlier version.
    Old,
}

/// The version that the steps lead to.
pub(crate) fn newest(steps: &[&str]) -> i64 {
    i64::try_from(steps.len()).unwrap_or(i64::MAX)
}

/// Compares a database with the steps; fails for one of a newer version.
pub(crate) fn state(connection: &Connection, steps: &[&str]) -> Result<SchemaState, Failure> {
    match version(connection)? {
        found if found == newest(steps) => Ok(SchemaState::Current),
        0 => Ok(SchemaState::Empty),
        found if (0..newest(steps)).contains(&found) => Ok(SchemaState::Old),
        found => Err(Failure::TooNew {
            found,
            known: newest(steps),
        }),
    }
}

fn version(connection: &Connection) -> Result<i64, Failure> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Brings a database to the newest version, whole or not at all. With `backup_of` an old database is copied first, to a
/// file beside it whose path is returned.
pub(crate) fn upgrade(
    connection: &mut Connection,
    steps: &[&str],
    backup_of: Option<&Path>,
) -> Result<Option<PathBuf>, Failure> {
    // Steps may rebuild tables that others refer to; references are checked as a whole at the end.
    connection.pragma_update(None, "foreign_keys", false)?;
    let result = upgrade_unchecked(connection, steps, backup_of);
    connection.pragma_update(None, "foreign_keys", true)?;
    result
}

fn upgrade_unchecked(
    connection: &mut Connection,
    steps: &[&str],
    backup_of: Option<&Path>,
) -> Result<Option<PathBuf>, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again under the write lock: another process may have been faster.
    let state = state(&transaction, steps)?;
    if state == SchemaState::Current {
        return Ok(None);
    }
    let from = version(&transaction)?;
    let backup = match backup_of {
        Some(database) if state == SchemaState::Old => Some(back_up(database, from)?),
        _ => None,
    };
    for step in steps.iter().skip(usize::try_from(from).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    if from == 0 {
        record_owner(&transaction)?;
    }
    if transaction.prepare("PRAGMA foreign_key_check")?.exists([])? {
        return Err(Failure::Dangling);
    }
    transaction.pragma_update(None, "user_version", newest(steps))?;
    transaction.commit()?;
    Ok(backup)
}

/// Copies the committed state through a connection of its own, while the caller holds the write lock.
fn back_up(database: &Path, version: i64) -> Result<PathBuf, Failure> {
    let now = store_time(SystemTime::now())?;
    let mut name = database.as_os_str().to_owned();
    name.push(format!(".v{version}-{now}.backup"));
    let backup = PathBuf::from(name);
    // SQLite fills an empty file, and leaves its mode alone.
    create_private_file(&backup).map_err(|source| Failure::NoBackup {
        backup: backup.clone(),
        source,
    })?;
    let reader = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    reader.busy_timeout(crate::open::BUSY_PATIENCE)?;
    let target = backup.to_str().ok_or(Failure::PathNotText)?;
    reader.execute("VACUUM INTO ?1", params![target])?;
    Ok(backup)
}

fn record_owner(connection: &Connection) -> Result<(), Failure> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| Failure::NoRandom(error.to_string()))?;
    let token = format!("{:032x}", u128::from_be_bytes(bytes));
    connection.execute("INSERT INTO store (id, owner) VALUES (1, ?1)", params![token])?;
    Ok(())
}
