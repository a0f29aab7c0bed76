//! An app's locks.

use std::time::{Duration, Instant, SystemTime};

use ps_core::names::AppName;
use ps_core::store::{HeldLock, LockHolder, LockKind, Store, StoreError, StoreErrorKind};

use super::roles::Actor;
use super::{new_store, parse, shop};
use crate::SqliteStore;

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

async fn lock(store: &SqliteStore, patience: Duration) -> Result<Box<dyn HeldLock>, StoreError> {
    store.lock_app(&shop(), LockKind::Change, "ps:scale", patience).await
}

fn holder_of(error: StoreError) -> LockHolder {
    match error.kind {
        StoreErrorKind::Locked {
            app,
            holder: Some(holder),
        } if app == shop() => holder,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_held_lock_names_its_holder() {
    let (folder, store) = new_store();
    let other = SqliteStore::open(folder.path()).unwrap();
    let before = SystemTime::now();
    let held = lock(&store, Duration::ZERO).await.unwrap();
    for contender in [&store, &other] {
        let error = lock(contender, SHORT).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("shop is being changed by ps:scale (pid {})", std::process::id())
        );
        assert!(error.hint.as_ref().unwrap().contains("--lock-timeout"));
        let holder = holder_of(error);
        assert_eq!((holder.pid, holder.verb.as_str()), (std::process::id(), "ps:scale"));
        assert!(holder.since >= before && holder.since <= SystemTime::now());
    }
    drop(held);
    lock(&other, Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn a_waiting_command_gets_the_lock_when_it_is_free() {
    let (_folder, store) = new_store();
    let held = lock(&store, Duration::ZERO).await.unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { lock(&store, LONG).await.is_ok() }
    });
    assert!(lock(&store, SHORT).await.is_err());
    assert!(!waiting.is_finished());
    drop(held);
    let start = Instant::now();
    assert!(waiting.await.unwrap());
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn waiting_for_ever_does_not_overflow() {
    let (_folder, store) = new_store();
    let held = lock(&store, Duration::MAX).await.unwrap();
    let waiting = tokio::spawn(async move { lock(&store, Duration::MAX).await.is_ok() });
    drop(held);
    assert!(waiting.await.unwrap());
}

#[tokio::test]
async fn locks_of_different_apps_and_kinds_do_not_meet() {
    let (_folder, store) = new_store();
    let mut held = Vec::new();
    for name in ["shop", "shop.retire", "shop.lock", "shop.retire.lock"] {
        let app: AppName = parse(name);
        for kind in [LockKind::Change, LockKind::Retire] {
            held.push(store.lock_app(&app, kind, "a", Duration::ZERO).await.unwrap());
        }
    }
    assert_eq!(held.len(), 8);
}

#[tokio::test]
async fn the_kernel_frees_the_lock_of_a_killed_command() {
    let (folder, store) = new_store();
    let mut actor = Actor::start("hold a lock", folder.path());
    assert_eq!(actor.hear(), "held");
    let holder = holder_of(lock(&store, SHORT).await.unwrap_err());
    assert_eq!((holder.pid, holder.verb.as_str()), (actor.id(), "ps:restartshop"));
    actor.kill();
    lock(&store, Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn children_inherit_neither_lock_nor_database() {
    let (folder, store) = new_store();
    let held = lock(&store, Duration::ZERO).await.unwrap();
    store.apps().await.unwrap();
    let mut actor = Actor::start("show open files", folder.path());
    let files = actor.hear();
    assert!(!files.contains(folder.path().to_str().unwrap()), "{files}");
    drop(held);
    lock(&store, Duration::ZERO).await.unwrap();
    actor.finish();
}

#[tokio::test]
async fn lock_files_stay_and_are_not_followed() {
    let (folder, store) = new_store();
    drop(lock(&store, Duration::ZERO).await.unwrap());
    let file = folder.path().join("locks/shop.lock");
    assert_eq!(std::fs::read(&file).unwrap(), b"");
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &file).unwrap();
    assert!(lock(&store, Duration::ZERO).await.is_err());
    assert!(!folder.path().join("elsewhere").exists());
}
