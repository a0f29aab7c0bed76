//! What belongs to the whole store: token, engine, subnet.

use ps_core::runtime::EngineIdentity;
use ps_core::store::{Store, StoreErrorKind};

use super::{new_store, parse};
use crate::SqliteStore;

fn engine(id: &str, version: &str) -> EngineIdentity {
    EngineIdentity {
        kind: "podman".into(),
        id: id.into(),
        rootless: true,
        version: version.into(),
    }
}

#[tokio::test]
async fn the_token_is_random_and_stays() {
    let (folder, store) = new_store();
    let token = store.owner().await.unwrap();
    assert_eq!(token.as_str().len(), 32);
    drop(store);
    let again = SqliteStore::open(folder.path()).unwrap();
    assert_eq!(again.owner().await.unwrap(), token);
    let (_other_folder, other) = new_store();
    assert_ne!(other.owner().await.unwrap(), token);
}

#[tokio::test]
async fn a_store_is_bound_to_one_engine() {
    let (_folder, store) = new_store();
    assert_eq!(store.bound_engine().await.unwrap(), None);
    store.bind_engine(&engine("a", "4.3")).await.unwrap();
    store.bind_engine(&engine("a", "5.4")).await.unwrap();
    assert_eq!(store.bound_engine().await.unwrap(), Some(engine("a", "5.4")));
    let error = store.bind_engine(&engine("b", "5.4")).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Failed);
    assert!(error.message.contains("rootless podman"), "{error}");
    assert_eq!(store.bound_engine().await.unwrap(), Some(engine("a", "5.4")));
}

#[tokio::test]
async fn the_subnet_is_chosen_once() {
    let (_folder, store) = new_store();
    assert_eq!(store.subnet().await.unwrap(), None);
    let first = parse("10.210.0.0/16");
    assert_eq!(store.choose_subnet(first).await.unwrap(), first);
    assert_eq!(store.choose_subnet(parse("10.211.0.0/16")).await.unwrap(), first);
    assert_eq!(store.subnet().await.unwrap(), Some(first));
}

#[tokio::test]
async fn a_command_that_only_reads_may_bind_to_the_same_engine() {
    let (folder, store) = new_store();
    let reader = || SqliteStore::open_existing(folder.path()).unwrap().unwrap();
    let unbound = reader().bind_engine(&engine("a", "4.3")).await.unwrap_err();
    assert_eq!(unbound.kind, StoreErrorKind::Unusable);
    store.bind_engine(&engine("a", "4.3")).await.unwrap();
    reader().bind_engine(&engine("a", "4.3")).await.unwrap();
    reader().bind_engine(&engine("a", "5.4")).await.unwrap();
    assert!(
        reader()
            .bind_engine(&engine("b", "4.3"))
            .await
            .unwrap_err()
            .message
            .contains("another engine")
    );
    assert_eq!(store.bound_engine().await.unwrap(), Some(engine("a", "4.3")));
}
