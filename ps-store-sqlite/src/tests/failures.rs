//! Failures in the middle, and what they say.

use std::error::Error;
use std::time::Duration;

use ps_core::app::AppRecord;
use ps_core::store::{Scope, Store, StoreChange, StoreError, StoreErrorKind};
use rusqlite::{Connection, types::Value};

use super::{config, record, shop, store_with_shop};

/// Everything an error could show.
fn whole_text(error: &StoreError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

#[tokio::test]
async fn a_full_disk_leaves_the_old_state_and_tells_no_value() {
    let (_folder, store) = store_with_shop().await;
    let limit = |pages: i64| {
        let connection = store.shared.connection.lock().unwrap();
        connection.pragma_update(None, "max_page_count", pages).unwrap();
    };
    // `SQLite` takes the present size where the limit is below it.
    limit(1);
    let secret = "hunter2".repeat(10_000);
    let change = StoreChange::SetConfig {
        scope: Scope::App(shop()),
        config: config(&[("SECRET", &secret)]),
    };
    let error = store.apply(&[record(1), change.clone()]).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Failed);
    assert!(error.message.contains("no room left"), "{error}");
    assert!(!whole_text(&error).contains("hunter2"));
    assert_eq!(store.app(&shop()).await.unwrap(), AppRecord::new(shop()));
    limit(10_000);
    store.apply(&[record(1), change]).await.unwrap();
    assert_eq!(
        store.app(&shop()).await.unwrap().config.get("SECRET"),
        Some(secret.as_str())
    );
}

#[tokio::test]
async fn a_database_that_stays_locked_is_a_clear_failure() {
    let (folder, store) = store_with_shop().await;
    let be_impatient = |connection: &Connection| connection.busy_timeout(Duration::from_millis(50)).unwrap();
    be_impatient(&store.shared.connection.lock().unwrap());
    let other = Connection::open(folder.path().join("psctl.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.apply(&[record(1)]).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Failed);
    assert!(error.message.contains("keeps the database"), "{error}");
    assert_eq!(store.apps().await.unwrap().len(), 1);
    other.execute_batch("ROLLBACK").unwrap();
    store.apply(&[record(1)]).await.unwrap();
}

#[tokio::test]
async fn config_values_stand_in_config_tables_only() {
    let (folder, store) = store_with_shop().await;
    let config = |scope| StoreChange::SetConfig {
        scope,
        config: config(&[("SECRET", "hunter2")]),
    };
    store
        .apply(&[record(1), config(Scope::Global), config(Scope::App(shop()))])
        .await
        .unwrap();
    let raw = Connection::open(folder.path().join("psctl.db")).unwrap();
    let mut tables = raw
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
        .unwrap();
    let names = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut with_value: Vec<String> = names
        .map(Result::unwrap)
        .filter(|name| holds(&raw, name, "hunter2"))
        .collect();
    with_value.sort();
    assert_eq!(with_value, ["app_config", "global_config", "release_config"]);
}

fn holds(connection: &Connection, table: &str, text: &str) -> bool {
    let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        if (0..columns).any(|column| format!("{:?}", row.get::<_, Value>(column).unwrap()).contains(text)) {
            return true;
        }
    }
    false
}
