//! The rules of the store in memory.

use super::*;
use crate::testing::FakeClock;

fn store() -> MemoryStore {
    MemoryStore::new(Arc::new(FakeClock::automatic()))
}

fn name(word: &str) -> AppName {
    word.parse().unwrap()
}

#[tokio::test]
async fn a_failed_change_takes_the_whole_call_back() {
    let store = store();
    let changes = [
        StoreChange::CreateApp(name("shop")),
        StoreChange::MarkStopped {
            app: name("blog"),
            stopped: true,
        },
    ];
    let error = store.apply(&changes).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NoSuchApp(name("blog")));
    assert_eq!(store.apps().await.unwrap(), vec![]);
}

#[tokio::test]
async fn the_chosen_apply_fails_and_changes_nothing() {
    let store = store();
    store.fail_nth_apply(2);
    store.apply(&[StoreChange::CreateApp(name("a"))]).await.unwrap();
    assert!(store.apply(&[StoreChange::CreateApp(name("b"))]).await.is_err());
    store.apply(&[StoreChange::CreateApp(name("c"))]).await.unwrap();
    let apps: Vec<String> = store
        .apps()
        .await
        .unwrap()
        .iter()
        .map(|app| app.name.to_string())
        .collect();
    assert_eq!(apps, ["a", "c"]);
    assert_eq!(store.applied().len(), 2);
}

#[tokio::test]
async fn a_lock_is_waited_for_and_its_holder_named() {
    let store = store();
    let app = name("shop");
    let patience = Duration::from_secs(10);
    let held = store
        .lock_app(&app, LockKind::Change, "ps:scale", patience)
        .await
        .unwrap();
    store
        .lock_app(&app, LockKind::Retire, "ps:retire", patience)
        .await
        .unwrap();
    let error = store
        .lock_app(&app, LockKind::Change, "deploy", patience)
        .await
        .unwrap_err();
    let StoreErrorKind::Locked { holder, .. } = error.kind else {
        panic!("{error:?}");
    };
    assert_eq!(holder.unwrap().verb, "ps:scale");
    drop(held);
    store
        .lock_app(&app, LockKind::Change, "deploy", Duration::ZERO)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_endpoint_belongs_to_one_container_until_it_is_given_back() {
    let store = store();
    let app = name("shop");
    store.apply(&[StoreChange::CreateApp(app.clone())]).await.unwrap();
    let wanted = |generation| vec![("web.1".parse::<Replica>().unwrap(), Generation(generation))];
    let ports = |port| port != Endpoint::LoopbackPort(20_000);
    let kind = EndpointKind::LoopbackPort;
    let first = store.reserve_endpoints(&app, kind, &wanted(1), &ports).await.unwrap();
    let second = store.reserve_endpoints(&app, kind, &wanted(2), &ports).await.unwrap();
    assert_eq!(first, [Endpoint::LoopbackPort(20_001)]);
    assert_eq!(second, [Endpoint::LoopbackPort(20_002)]);
    let generation = Generation(1);
    let back = StoreChange::ReleaseEndpoint {
        app: app.clone(),
        generation,
    };
    store.apply(&[back]).await.unwrap();
    let third = store.reserve_endpoints(&app, kind, &wanted(3), &ports).await.unwrap();
    assert_eq!(third, first);
}

#[tokio::test]
async fn a_renamed_app_keeps_what_it_has() {
    let store = store();
    let app = name("shop");
    store.apply(&[StoreChange::CreateApp(app.clone())]).await.unwrap();
    let wanted = [("web.1".parse().unwrap(), Generation(1))];
    let subnet = "10.210.0.0/16".parse().unwrap();
    store
        .reserve_endpoints(&app, EndpointKind::Address(subnet), &wanted, &|_| true)
        .await
        .unwrap();
    let rename = StoreChange::RenameApp {
        app: app.clone(),
        to: name("store"),
    };
    store.apply(&[rename]).await.unwrap();
    assert!(store.app(&app).await.is_err());
    assert_eq!(store.reserved_endpoints().await.unwrap()[0].app, name("store"));
}
