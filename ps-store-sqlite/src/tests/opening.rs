//! Opening: what is made, what is left alone, and what is said of a database that cannot be used.

use std::fs;
use std::path::Path;
use std::time::Duration;

use ps_core::store::{LockKind, Store, StoreChange, StoreErrorKind};
use rusqlite::Connection;

use super::{new_store, parse, record, shop, store_with_shop};
use crate::SqliteStore;
use crate::directory::StateDir;
use crate::open::{Durability, connect};

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn looking_for_a_store_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("psctl");
    for path in [folder.path(), &missing] {
        assert!(SqliteStore::open_existing(path).unwrap().is_none());
    }
    assert_eq!(entries(folder.path()), [""; 0]);
    fs::write(folder.path().join("psctl.db"), "").unwrap();
    assert!(SqliteStore::open_existing(folder.path()).unwrap().is_none());
    assert_eq!(entries(folder.path()), ["psctl.db"]);
}

#[tokio::test]
async fn a_store_opened_to_read_changes_nothing() {
    let (folder, store) = store_with_shop().await;
    drop(store);
    let before = fs::read(folder.path().join("psctl.db")).unwrap();
    let store = SqliteStore::open_existing(folder.path()).unwrap().unwrap();
    assert_eq!(store.apps().await.unwrap().len(), 1);
    let error = store.apply(&[StoreChange::DestroyApp(shop())]).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unusable);
    assert!(error.message.contains("only reads"), "{error}");
    let lock = store.lock_app(&shop(), LockKind::Change, "a", Duration::ZERO).await;
    assert_eq!(lock.unwrap_err().kind, StoreErrorKind::Unusable);
    drop(store);
    assert_eq!(entries(folder.path()), ["locks", "psctl.db"]);
    assert_eq!(entries(&folder.path().join("locks")), [""; 0]);
    assert_eq!(fs::read(folder.path().join("psctl.db")).unwrap(), before);
}

#[tokio::test]
async fn what_was_recorded_is_there_in_the_next_command() {
    let (folder, store) = store_with_shop().await;
    store.apply(&[record(1)]).await.unwrap();
    let reader = SqliteStore::open_existing(folder.path()).unwrap().unwrap();
    let app = store.app(&shop()).await.unwrap();
    assert_eq!(reader.app(&shop()).await.unwrap(), app);
    drop(store);
    let again = SqliteStore::open(folder.path()).unwrap();
    assert_eq!(again.app(&shop()).await.unwrap(), app);
}

#[tokio::test]
async fn commits_wait_for_the_disk_and_journal_lines_do_not() {
    let (folder, store) = new_store();
    let level = |connection: &Connection| -> i64 {
        connection
            .pragma_query_value(None, "synchronous", |row| row.get(0))
            .unwrap()
    };
    let connection = store.shared.connection.lock().unwrap();
    assert_eq!(level(&connection), 2);
    let mode: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
    let state_dir = StateDir::new(folder.path()).unwrap();
    assert_eq!(level(&connect(&state_dir, Durability::ProcessDeath).unwrap()), 1);
}

#[tokio::test]
async fn a_damaged_database_names_the_file_and_a_way_out() {
    let (folder, store) = store_with_shop().await;
    drop(store);
    let database = folder.path().join("psctl.db");
    let whole = fs::read(&database).unwrap();
    let mut torn = whole.clone();
    torn[4096..].fill(0xAA);
    for bytes in [b"not a database at all, but some text".repeat(100), torn] {
        fs::write(&database, bytes).unwrap();
        let error = match SqliteStore::open(folder.path()) {
            Err(error) => error,
            Ok(store) => store.apps().await.unwrap_err(),
        };
        assert_eq!(error.kind, StoreErrorKind::Failed);
        assert_eq!(error.message, format!("the database {} is damaged", database.display()));
        assert!(error.hint.unwrap().contains(".backup"));
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_damage_and_an_unknown_word_is_newer() {
    let (folder, store) = store_with_shop().await;
    let raw = Connection::open(folder.path().join("psctl.db")).unwrap();
    raw.execute("INSERT INTO app_properties VALUES (1, 'from-the-future', 'x')", [])
        .unwrap();
    let error = store.app(&shop()).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::TooNew);
    assert!(error.message.contains("from-the-future"), "{error}");
    raw.execute("DELETE FROM app_properties", []).unwrap();
    raw.execute("UPDATE apps SET name = 'Not A Name'", []).unwrap();
    let error = store.apps().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Failed);
    assert!(error.message.contains("damaged"), "{error}");
}

#[tokio::test]
async fn odd_paths_are_only_paths() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["with space", "q?mode=memory", "hash#x", "100%25", ":memory:", "file:x"] {
        let state_dir = folder.path().join(name);
        let store = SqliteStore::open(&state_dir).unwrap();
        store.apply(&[StoreChange::CreateApp(parse("shop"))]).await.unwrap();
        drop(store);
        assert_eq!(entries(&state_dir), ["locks", "psctl.db"]);
    }
}
