//! Any sequence of changes of domains, links, ports, routes, quarantines and crashes leaves what the store in memory leaves: use
//! cases are tested with that one.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use ps_core::crashes::{Crash, CrashKind, Quarantine};
use ps_core::domains::Domain;
use ps_core::links::Link;
use ps_core::names::{AppName, Generation, Replica};
use ps_core::store::{EndpointKind, Scope, Store, StoreChange, StoreErrorKind};
use ps_core::testing::{FakeClock, MemoryStore};

use super::{moment, new_store, parse};

fn any_app() -> impl Strategy<Value = AppName> {
    select(vec!["a", "b", "c"]).prop_map(parse)
}

fn any_scope() -> impl Strategy<Value = Scope> {
    prop_oneof![1 => Just(Scope::Global), 3 => any_app().prop_map(Scope::App)]
}

fn any_generation() -> impl Strategy<Value = Generation> {
    select(vec![1, 2, 11, 12, 21, 112]).prop_map(Generation)
}

fn any_domains() -> impl Strategy<Value = Vec<Domain>> {
    prop::collection::vec(
        select(vec!["a.example", "b.example", "*.c.example"]).prop_map(parse),
        0..3,
    )
}

fn any_links() -> impl Strategy<Value = Vec<Link>> {
    prop::collection::vec(select(vec!["db", "postgres:db", "redis"]).prop_map(parse), 0..3)
}

fn any_crash() -> impl Strategy<Value = Crash> {
    let kinds = vec![CrashKind::Ended, CrashKind::Exhausted, CrashKind::Unhealthy];
    (
        select(vec!["web.1", "web.2"]),
        any_generation(),
        select(kinds),
        0..3_u64,
    )
        .prop_map(|(replica, generation, kind, seconds)| Crash {
            replica: parse(replica),
            generation,
            kind,
            at: moment(seconds),
        })
}

fn any_change() -> impl Strategy<Value = StoreChange> {
    let quarantine = (0..9_u64, ".{0,9}").prop_map(|(seconds, cause)| Quarantine {
        cause,
        since: moment(seconds),
    });
    let ports = prop::option::of(select(vec![80_u16, 443]));
    let routed = prop::option::of(prop::collection::btree_set(any_generation(), 0..4));
    prop_oneof![
        3 => any_app().prop_map(StoreChange::CreateApp),
        1 => any_app().prop_map(StoreChange::DestroyApp),
        1 => (any_app(), any_app()).prop_map(|(app, to)| StoreChange::RenameApp { app, to }),
        4 => (any_scope(), any_domains()).prop_map(|(scope, domains)| StoreChange::SetDomains { scope, domains }),
        3 => (any_app(), any_links()).prop_map(|(app, links)| StoreChange::SetLinks { app, links }),
        3 => (any_app(), ports).prop_map(|(app, port)| StoreChange::PublishPort { app, port }),
        4 => (any_app(), routed).prop_map(|(app, routed)| StoreChange::SetRouted { app, routed }),
        4 => (any_app(), any_generation())
            .prop_map(|(app, generation)| StoreChange::ReleaseEndpoint { app, generation }),
        2 => (any_app(), prop::option::of(quarantine))
            .prop_map(|(app, quarantine)| StoreChange::SetQuarantine { app, quarantine }),
        5 => (any_app(), any_crash()).prop_map(|(app, crash)| StoreChange::RecordCrash { app, crash }),
        1 => (any_app(), prop::option::of((0..4_u64).prop_map(moment)))
            .prop_map(|(app, before)| StoreChange::ForgetCrashes { app, before }),
    ]
}

/// What may be asked of a store about this; the generations that still have an endpoint among it.
async fn all_of(store: &dyn Store) -> impl PartialEq + std::fmt::Debug + use<> {
    let apps = store.apps().await.unwrap();
    let mut crashes = Vec::new();
    for app in &apps {
        crashes.push(store.crashes(&app.name).await.unwrap());
    }
    let given = store.reserved_endpoints().await.unwrap();
    let given: BTreeSet<(AppName, Generation)> = given.into_iter().map(|one| (one.app, one.generation)).collect();
    (apps, crashes, given, store.global().await.unwrap())
}

async fn agree(transactions: &[Vec<StoreChange>]) -> Result<(), TestCaseError> {
    let (_folder, sqlite) = new_store();
    let memory = MemoryStore::new(Arc::new(FakeClock::automatic()));
    let subnet = EndpointKind::Address(parse("10.210.0.0/24"));
    let wanted: Vec<(Replica, Generation)> = [1, 11, 21].map(|number| (parse("web.1"), Generation(number))).into();
    let kind = |error: ps_core::store::StoreError| -> StoreErrorKind { error.kind };
    for store in [&sqlite as &dyn Store, &memory] {
        let app: AppName = parse("a");
        store.apply(&[StoreChange::CreateApp(app.clone())]).await.unwrap();
        store.reserve_endpoints(&app, subnet, &wanted, &|_| true).await.unwrap();
    }
    for changes in transactions {
        let (one, other) = (sqlite.apply(changes).await, memory.apply(changes).await);
        prop_assert_eq!(one.map_err(kind), other.map_err(kind), "{:?}", changes);
    }
    prop_assert_eq!(all_of(&sqlite).await, all_of(&memory).await);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_database_and_the_store_in_memory_agree_about_traffic(
        transactions in prop::collection::vec(prop::collection::vec(any_change(), 1..4), 1..20)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(agree(&transactions))?;
    }
}
