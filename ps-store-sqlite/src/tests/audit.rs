//! The audit trail.

use std::time::Duration;

use ps_core::audit::{AuditEntry, AuditOutcome, NumberedAuditEntry};
use ps_core::names::AppName;
use ps_core::store::{LockKind, Store, StoreChange, StoreErrorKind};
use rusqlite::Connection;

use super::{moment, new_store, parse, shop, store_with_shop};
use crate::SqliteStore;
use crate::audit::KEPT;

fn entry(app: Option<AppName>, text: &str) -> AuditEntry {
    AuditEntry {
        at: moment(1),
        app,
        verb: "ps:scale".into(),
        by: Some("alice".into()),
        outcome: AuditOutcome::Done,
        text: text.into(),
    }
}

fn numbers(entries: &[NumberedAuditEntry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.number).collect()
}

#[tokio::test]
async fn entries_are_kept_whole_and_come_oldest_first() {
    let (_folder, store) = new_store();
    let entries = [
        entry(Some(shop()), "scaled web=3"),
        AuditEntry {
            by: None,
            outcome: AuditOutcome::Noticed,
            ..entry(None, "ü \0 \"")
        },
        AuditEntry {
            outcome: AuditOutcome::Failed,
            ..entry(Some(parse("blog")), "interrupted")
        },
    ];
    for one in &entries {
        store.audit(one.clone()).await.unwrap();
    }
    let read = store.read_audit(None, 0, 9).await.unwrap();
    assert_eq!(numbers(&read), [1, 2, 3]);
    let read: Vec<AuditEntry> = read.into_iter().map(|entry| entry.entry).collect();
    assert_eq!(read, entries);
}

#[tokio::test]
async fn the_newest_of_an_app_above_a_number_are_read() {
    let (_folder, store) = new_store();
    for number in 1..=6 {
        let app = if number % 2 == 0 { shop() } else { parse("blog") };
        store.audit(entry(Some(app), "did it")).await.unwrap();
    }
    store.audit(entry(None, "did it for all")).await.unwrap();
    let read = |app: Option<AppName>, after, limit| {
        let store = store.clone();
        async move { numbers(&store.read_audit(app.as_ref(), after, limit).await.unwrap()) }
    };
    assert_eq!(read(None, 0, 2).await, [6, 7]);
    assert_eq!(read(None, 5, usize::MAX).await, [6, 7]);
    assert_eq!(read(Some(shop()), 0, 2).await, [4, 6]);
    assert_eq!(read(Some(shop()), 4, 9).await, [6]);
    assert_eq!(read(None, 7, 9).await, Vec::<u64>::new());
    assert_eq!(read(None, 0, 0).await, Vec::<u64>::new());
    assert_eq!(read(Some(parse("nobody")), 0, 9).await, Vec::<u64>::new());
}

#[tokio::test]
async fn only_the_newest_entries_are_kept_and_numbers_only_grow() {
    let (folder, store) = new_store();
    let raw = Connection::open(folder.path().join("psctl.db")).unwrap();
    let fill = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {KEPT}) \
         INSERT INTO audit (at, verb, outcome, text) SELECT 0, 'ps:start', 'done', i FROM n"
    );
    raw.execute_batch(&fill).unwrap();
    store.audit(entry(None, "one more")).await.unwrap();
    store.audit(entry(None, "and another")).await.unwrap();
    let read = store.read_audit(None, 0, usize::MAX).await.unwrap();
    let kept = u64::try_from(KEPT).unwrap();
    assert_eq!(read.len() as u64, kept);
    assert_eq!((read[0].number, read.last().unwrap().number), (3, kept + 2));
    raw.execute_batch("DELETE FROM audit").unwrap();
    store.audit(entry(None, "after all were gone")).await.unwrap();
    assert_eq!(
        numbers(&store.read_audit(None, 0, usize::MAX).await.unwrap()),
        [kept + 3]
    );
}

#[tokio::test]
async fn an_entry_waits_for_no_lock_of_an_app() {
    let (_folder, store) = store_with_shop().await;
    let _change = store
        .lock_app(&shop(), LockKind::Change, "deploy", Duration::ZERO)
        .await
        .unwrap();
    let _retire = store
        .lock_app(&shop(), LockKind::Retire, "ps:retire", Duration::ZERO)
        .await
        .unwrap();
    store.audit(entry(Some(shop()), "did it")).await.unwrap();
    assert_eq!(store.read_audit(Some(&shop()), 0, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_happened_to_an_app_is_known_after_it_is_gone() {
    let (_folder, store) = store_with_shop().await;
    store.audit(entry(Some(shop()), "did it")).await.unwrap();
    let rename = StoreChange::RenameApp {
        app: shop(),
        to: parse("boutique"),
    };
    let gone = StoreChange::DestroyApp(parse("boutique"));
    store.apply(&[rename, gone]).await.unwrap();
    assert_eq!(store.read_audit(Some(&shop()), 0, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_store_opened_to_read_shows_the_trail_and_adds_nothing_to_it() {
    let (folder, store) = new_store();
    let reader = SqliteStore::open_existing(folder.path()).unwrap().unwrap();
    store.audit(entry(None, "did it")).await.unwrap();
    assert_eq!(numbers(&reader.read_audit(None, 0, 9).await.unwrap()), [1]);
    let error = reader.audit(entry(None, "did it")).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unusable);
    assert_eq!(reader.read_audit(None, 0, 9).await.unwrap().len(), 1);
}
