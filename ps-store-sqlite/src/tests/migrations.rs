//! Databases of other versions.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use ps_core::release::Source;
use ps_core::store::{Store, StoreErrorKind};
use rusqlite::Connection;

use super::store_with_shop;
use crate::SqliteStore;
use crate::classify_error::Failure;
use crate::directory::StateDir;
use crate::open::read_existing;
use crate::schema::{STEPS, newest, upgrade};

/// The steps of a version to come.
fn later(step: &'static str) -> Vec<&'static str> {
    STEPS.iter().copied().chain([step]).collect()
}

const ADD_COLUMN: &str = "ALTER TABLE apps ADD COLUMN note TEXT NOT NULL DEFAULT 'new'";

fn note(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row("SELECT note FROM apps WHERE name = 'shop'", [], |row| row.get(0))
}

fn version(connection: &Connection) -> i64 {
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

/// A database of this version with an app, and the folder it is in.
async fn old_database() -> (tempfile::TempDir, PathBuf) {
    let (folder, store) = store_with_shop().await;
    drop(store);
    let database = folder.path().join("psctl.db");
    (folder, database)
}

#[tokio::test]
async fn an_old_database_is_backed_up_and_upgraded() {
    let (_folder, database) = old_database().await;
    let steps = later(ADD_COLUMN);
    let mut connection = Connection::open(&database).unwrap();
    let backup = upgrade(&mut connection, &steps, Some(&database)).unwrap().unwrap();
    assert_eq!(
        (version(&connection), note(&connection).unwrap().as_str()),
        (newest(&steps), "new")
    );
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    let old = Connection::open(&backup).unwrap();
    assert_eq!(version(&old), newest(STEPS));
    let apps: i64 = old
        .query_row("SELECT count(*) FROM apps", [], |row| row.get(0))
        .unwrap();
    assert_eq!(apps, 1);
    assert!(upgrade(&mut connection, &steps, Some(&database)).unwrap().is_none());
}

#[tokio::test]
async fn an_upgrade_that_fails_leaves_the_old_database() {
    let (folder, database) = old_database().await;
    let steps = [
        "ALTER TABLE apps ADD COLUMN note TEXT; UPDATE nothing SET here = 1",
        "INSERT INTO app_config VALUES (99, 'A', 'of no app')",
    ];
    for step in steps {
        let mut connection = Connection::open(&database).unwrap();
        upgrade(&mut connection, &later(step), Some(&database)).unwrap_err();
        assert_eq!(version(&connection), newest(STEPS));
        assert!(note(&connection).is_err());
    }
    assert_eq!(SqliteStore::open(folder.path()).unwrap().apps().await.unwrap().len(), 1);
}

#[tokio::test]
async fn without_room_for_a_backup_nothing_is_upgraded() {
    let (folder, database) = old_database().await;
    let mut connection = Connection::open(&database).unwrap();
    let nowhere = folder.path().join("missing/psctl.db");
    let failure = upgrade(&mut connection, &later(ADD_COLUMN), Some(&nowhere)).unwrap_err();
    assert!(matches!(failure, Failure::NoBackup { .. }), "{failure}");
    assert_eq!(version(&connection), newest(STEPS));
}

#[tokio::test]
async fn an_old_database_opened_to_read_stays_old() {
    let (folder, database) = old_database().await;
    let state_dir = StateDir::new(folder.path()).unwrap();
    let copy = read_existing(&state_dir, &later(ADD_COLUMN)).unwrap().unwrap();
    assert_eq!(note(&copy).unwrap(), "new");
    assert_eq!(version(&Connection::open(&database).unwrap()), newest(STEPS));
}

#[tokio::test]
async fn a_newer_database_is_left_alone() {
    let (folder, database) = old_database().await;
    let raw = Connection::open(&database).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    let existing = SqliteStore::open_existing(folder.path()).unwrap_err();
    let error = SqliteStore::open(folder.path()).unwrap_err();
    for error in [existing, error] {
        assert_eq!(error.kind, StoreErrorKind::TooNew);
        assert!(
            error.message.contains("psctl.db") && error.message.contains("99"),
            "{error}"
        );
        assert!(error.hint.is_some());
    }
    assert_eq!(version(&raw), 99);
}

#[tokio::test]
async fn an_app_of_the_first_version_keeps_its_source_and_its_release() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("psctl.db");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(&database, "").unwrap();
    fs::set_permissions(&database, fs::Permissions::from_mode(0o600)).unwrap();
    let mut connection = Connection::open(&database).unwrap();
    upgrade(&mut connection, &STEPS[..1], None).unwrap();
    let rows = "INSERT INTO apps (id, name, next_generation, next_release, current_release, source_kind, source_location) \
                VALUES (1, 'shop', 2, 2, 1, 'directory', CAST('/srv/shop' AS BLOB)); \
                INSERT INTO releases VALUES (1, 1, 'sha256:1', 'a', '{}', NULL, 'image', CAST('b' AS BLOB), 'deploy', 0)";
    connection.execute_batch(rows).unwrap();
    drop(connection);
    let app = SqliteStore::open(folder.path())
        .unwrap()
        .apps()
        .await
        .unwrap()
        .remove(0);
    assert_eq!(app.source, Some(Source::Directory("/srv/shop".into())));
    let release = app.release.unwrap();
    assert_eq!(
        (release.source, release.revision),
        (Source::Image("b".to_owned()), None)
    );
}

#[tokio::test]
async fn an_app_from_before_the_proxy_has_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("psctl.db");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(&database, "").unwrap();
    fs::set_permissions(&database, fs::Permissions::from_mode(0o600)).unwrap();
    let mut connection = Connection::open(&database).unwrap();
    upgrade(&mut connection, &STEPS[..4], None).unwrap();
    let rows = "INSERT INTO apps (id, name, next_generation, next_release) VALUES (1, 'shop', 2, 2), (2, 'blog', 2, 2)";
    connection.execute_batch(rows).unwrap();
    drop(connection);
    let store = SqliteStore::open(folder.path()).unwrap();
    for app in store.apps().await.unwrap() {
        assert_eq!((&app.quarantine, &app.routed, app.published_port), (&None, &None, None));
        assert!(app.domains.is_empty() && app.links.is_empty());
        assert_eq!(store.crashes(&app.name).await.unwrap(), []);
    }
    assert_eq!(store.read_audit(None, 0, 9).await.unwrap(), []);
}
