//! What psctl remembers, in one `SQLite` database and a directory of lock files.
//!
//! The one invariant: a call of [`Store::apply`](ps_core::store::Store::apply) is one transaction that has reached the disk
//! when it returns. Start at [`SqliteStore`]; the tables are in `schema/`.

mod audit;
mod changes;
mod classify_error;
mod columns;
mod directory;
mod endpoints;
mod history;
mod journal;
mod lock;
mod manifest_column;
mod open;
mod port;
mod records;
mod schema;
#[cfg(test)]
mod tests;
mod traffic;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ps_core::store::StoreError;
use rusqlite::{Connection, TransactionBehavior};

use classify_error::Failure;
use directory::StateDir;
use open::Durability;

/// A store in a state directory. Clones share one database connection.
///
/// ```
/// use ps_core::store::{Store, StoreChange};
/// use ps_store_sqlite::SqliteStore;
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let folder = tempfile::tempdir()?;
/// assert!(SqliteStore::open_existing(folder.path())?.is_none());
/// let store = SqliteStore::open(folder.path())?;
/// store.apply(&[StoreChange::CreateApp("shop".parse()?)]).await?;
/// assert_eq!(store.apps().await?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state_dir: StateDir,
    access: Access,
    connection: Mutex<Connection>,
    /// Made at the first line.
    journal: Mutex<Option<Connection>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    ReadAndChange,
    ReadOnly,
}

impl SqliteStore {
    /// Opens the store in a directory, making what is missing: the directory and its parents (mode 0700), the database
    /// (mode 0600), and after a backup the newer tables of an old database.
    ///
    /// Fails with `Unusable` when the directory belongs to another user, is a symbolic link or cannot be written, and with
    /// `TooNew` when a newer version wrote the database.
    pub fn open(state_dir: &Path) -> Result<Self, StoreError> {
        let state_dir = StateDir::new(state_dir)?;
        let connection = open::open(&state_dir)?;
        Ok(Self::new(state_dir, Access::ReadAndChange, connection))
    }

    /// Opens a store to read it; `None` when there is none. Nothing is made, and nothing is changed: an old database is upgraded
    /// in memory only. Changes and locks fail with `Unusable`. A directory on a read-only file system will do.
    pub fn open_existing(state_dir: &Path) -> Result<Option<Self>, StoreError> {
        let state_dir = StateDir::new(state_dir)?;
        let connection = open::open_existing(&state_dir)?;
        Ok(connection.map(|connection| Self::new(state_dir, Access::ReadOnly, connection)))
    }

    /// What a check of the whole database finds damaged, at most a few lines; empty when it is whole, or when there is none.
    /// Nothing is made or changed.
    pub fn damage(state_dir: &Path) -> Result<Vec<String>, StoreError> {
        let state_dir = StateDir::new(state_dir)?;
        if !state_dir.exists()? || !state_dir.has_database()? {
            return Ok(Vec::new());
        }
        open::damage(&state_dir).map_err(|failure| failure.classify("check the state", state_dir.database()))
    }

    fn new(state_dir: StateDir, access: Access, connection: Connection) -> Self {
        let shared = Shared {
            state_dir,
            access,
            connection: Mutex::new(connection),
            journal: Mutex::new(None),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Reads in one transaction. `doing` is for the error: `read the apps`.
    async fn read<T, F>(&self, doing: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.run(doing, move |shared| {
            let mut connection = shared.connection.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = connection.transaction()?;
            work(&transaction)
        })
        .await
    }

    /// Changes in one transaction, which is kept only when `work` succeeds.
    async fn change<T, F>(&self, doing: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.run(doing, move |shared| {
            shared.check_access()?;
            let mut connection = shared.connection.lock().unwrap_or_else(PoisonError::into_inner);
            change_in(&mut connection, work)
        })
        .await
    }

    /// Changes what may be lost in a power cut.
    async fn change_lightly<F>(&self, doing: &'static str, work: F) -> Result<(), StoreError>
    where
        F: FnOnce(&Connection) -> Result<(), Failure> + Send + 'static,
    {
        self.run(doing, move |shared| {
            shared.check_access()?;
            let mut slot = shared.journal.lock().unwrap_or_else(PoisonError::into_inner);
            let connection = match slot.take() {
                Some(connection) => connection,
                None => open::connect(&shared.state_dir, Durability::ProcessDeath)?,
            };
            change_in(slot.insert(connection), work)
        })
        .await
    }

    async fn run<T, F>(&self, doing: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Shared) -> Result<T, Failure> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let result = match tokio::task::spawn_blocking(move || work(&shared)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::BrokenOff),
        };
        result.map_err(|failure| self.classify(failure, doing))
    }

    fn classify(&self, failure: Failure, doing: &str) -> StoreError {
        failure.classify(doing, self.shared.state_dir.database())
    }
}

impl Shared {
    fn check_access(&self) -> Result<(), Failure> {
        match self.access {
            Access::ReadAndChange => Ok(()),
            Access::ReadOnly => Err(Failure::OnlyReads),
        }
    }
}

fn change_in<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let result = work(&transaction)?;
    transaction.commit()?;
    Ok(result)
}
