//! Opening the database: to change it, or only to read it. Opening to read makes and changes nothing that lasts.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use ps_core::store::StoreError;
use rusqlite::backup::Backup;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::classify_error::{Failure, unusable};
use crate::directory::StateDir;
use crate::schema::{self, STEPS, SchemaState};

/// How long a statement waits for another process's transaction.
pub(crate) const BUSY_PATIENCE: Duration = Duration::from_secs(10);

/// What a commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The disk.
    PowerCut,
    /// Nothing; a power cut may take the last commits.
    ProcessDeath,
}

/// Opens the database, making the directory and the database where they are missing.
pub(crate) fn open(state_dir: &StateDir) -> Result<Connection, StoreError> {
    state_dir.prepare()?;
    if !state_dir.has_database()? {
        let held = state_dir.lock_setup()?;
        state_dir.create_database(&held)?;
    }
    let in_file = |failure: Failure| failure.classify("open the state", state_dir.database());
    let mut connection = connect(state_dir, Durability::PowerCut).map_err(in_file)?;
    if connection.is_readonly("main").map_err(|error| in_file(error.into()))? {
        let message = format!("the database {} is read-only", state_dir.database().display());
        return Err(unusable(
            message,
            "make it writable for its owner, or choose another directory with --state-dir",
        ));
    }
    if !is_ready(&connection).map_err(in_file)? {
        let _held = state_dir.lock_setup()?;
        set_up(&mut connection, state_dir.database()).map_err(in_file)?;
    }
    Ok(connection)
}

/// A connection for changes, to a database that exists.
pub(crate) fn connect(state_dir: &StateDir, durability: Durability) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(state_dir.database(), flags)?;
    connection.busy_timeout(BUSY_PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "foreign_keys", true)?;
    let synchronous = match durability {
        Durability::PowerCut => "FULL",
        Durability::ProcessDeath => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    Ok(connection)
}

fn is_ready(connection: &Connection) -> Result<bool, Failure> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    Ok(schema::state(connection, STEPS)? == SchemaState::Current && mode == "wal")
}

fn set_up(connection: &mut Connection, database: &Path) -> Result<(), Failure> {
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Failure::NoWal);
    }
    schema::upgrade(connection, STEPS, Some(database))?;
    Ok(())
}

/// Opens a database to read it; `None` when there is none. One of an earlier version is upgraded in memory.
pub(crate) fn open_existing(state_dir: &StateDir) -> Result<Option<Connection>, StoreError> {
    if !state_dir.exists()? || !state_dir.has_database()? {
        return Ok(None);
    }
    read_existing(state_dir, STEPS).map_err(|failure| failure.classify("read the state", state_dir.database()))
}

/// What is damaged, as `SQLite` tells it.
pub(crate) fn damage(state_dir: &StateDir) -> Result<Vec<String>, Failure> {
    let check = || {
        let connection = match connect(state_dir, Durability::PowerCut) {
            Ok(connection) => connection,
            Err(Failure::Sqlite(error)) if is_unwritable(&error) && !has_wal(state_dir.database()) => {
                connect_to_snapshot(state_dir.database())?
            }
            Err(failure) => return Err(failure),
        };
        connection.pragma_update(None, "query_only", true)?;
        let mut statement = connection.prepare("PRAGMA quick_check(5)")?;
        let lines = statement.query_map([], |row| row.get(0))?;
        Ok(lines.collect::<Result<Vec<String>, _>>()?)
    };
    match check() {
        Ok(lines) => Ok(lines.into_iter().filter(|line| line != "ok").collect()),
        Err(Failure::Sqlite(error)) if is_damage(&error) => Ok(vec![error.to_string()]),
        Err(failure) => Err(failure),
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// As [`open_existing`], with the steps of a certain version.
pub(crate) fn read_existing(state_dir: &StateDir, steps: &[&str]) -> Result<Option<Connection>, Failure> {
    let (connection, state) = match connect_to_read(state_dir, steps) {
        Err(Failure::Sqlite(error)) if is_unwritable(&error) && !has_wal(state_dir.database()) => {
            let connection = connect_to_snapshot(state_dir.database())?;
            let state = schema::state(&connection, steps)?;
            (connection, state)
        }
        opened => opened?,
    };
    match state {
        SchemaState::Current => Ok(Some(connection)),
        // A command died before it made the tables.
        SchemaState::Empty => Ok(None),
        SchemaState::Old => {
            let mut copy = Connection::open_in_memory()?;
            Backup::new(&connection, &mut copy)?.run_to_completion(1024, Duration::from_millis(5), None)?;
            schema::upgrade(&mut copy, steps, None)?;
            Ok(Some(copy))
        }
    }
}

/// Not a read-only connection: those leave the -wal and -shm files behind that they had to make.
fn connect_to_read(state_dir: &StateDir, steps: &[&str]) -> Result<(Connection, SchemaState), Failure> {
    let connection = connect(state_dir, Durability::PowerCut)?;
    connection.pragma_update(None, "query_only", true)?;
    let state = schema::state(&connection, steps)?;
    Ok((connection, state))
}

fn is_unwritable(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
    )
}

fn has_wal(database: &Path) -> bool {
    let mut wal = database.as_os_str().to_owned();
    wal.push("-wal");
    std::fs::metadata(wal).is_ok_and(|wal| wal.len() > 0)
}

/// On a file system that cannot be written, `SQLite` cannot make the file through which it coordinates readers and writers:
/// it has to be told that nobody writes.
fn connect_to_snapshot(database: &Path) -> Result<Connection, Failure> {
    use std::fmt::Write as _;
    let mut uri = String::from("file:");
    for byte in database.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(uri, flags)?)
}
