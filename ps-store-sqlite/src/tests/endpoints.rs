//! Addresses and ports.

use std::collections::BTreeSet;

use ps_core::addresses::Endpoint;
use ps_core::names::{Generation, Replica};
use ps_core::store::{EndpointKind, ReservedEndpoint, Store, StoreChange, StoreErrorKind};

use super::{parse, shop, store_with_shop};
use crate::SqliteStore;

fn addresses() -> EndpointKind {
    EndpointKind::Address(parse("10.210.0.0/28"))
}

fn wanted(generations: std::ops::RangeInclusive<u64>) -> Vec<(Replica, Generation)> {
    generations.map(|number| (parse("web.1"), Generation(number))).collect()
}

async fn reserve(store: &SqliteStore, kind: EndpointKind, generations: std::ops::RangeInclusive<u64>) -> Vec<String> {
    let wanted = wanted(generations);
    let given = store
        .reserve_endpoints(&shop(), kind, &wanted, &|_| true)
        .await
        .unwrap();
    given.iter().map(ToString::to_string).collect()
}

async fn give_back(store: &SqliteStore, generation: u64) {
    let change = StoreChange::ReleaseEndpoint {
        app: shop(),
        generation: Generation(generation),
    };
    store.apply(&[change]).await.unwrap();
}

#[tokio::test]
async fn addresses_go_round_before_one_comes_back() {
    let (_folder, store) = store_with_shop().await;
    assert_eq!(reserve(&store, addresses(), 1..=2).await, ["10.210.0.2", "10.210.0.3"]);
    give_back(&store, 1).await;
    give_back(&store, 1).await;
    assert_eq!(reserve(&store, addresses(), 3..=3).await, ["10.210.0.4"]);
    let rest = reserve(&store, addresses(), 4..=11).await;
    assert_eq!((rest[6].as_str(), rest[7].as_str()), ("10.210.0.11", "10.210.0.2"));
}

#[tokio::test]
async fn when_all_are_given_out_nothing_is_kept_of_the_call() {
    let (_folder, store) = store_with_shop().await;
    reserve(&store, addresses(), 1..=9).await;
    let error = store
        .reserve_endpoints(&shop(), addresses(), &wanted(10..=11), &|_| true)
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NoEndpointLeft);
    assert_eq!(store.reserved_endpoints().await.unwrap().len(), 9);
    assert_eq!(reserve(&store, addresses(), 10..=10).await, ["10.210.0.11"]);
}

#[tokio::test]
async fn a_container_that_has_an_endpoint_keeps_it() {
    let (_folder, store) = store_with_shop().await;
    for kind in [addresses(), EndpointKind::LoopbackPort] {
        let first = reserve(&store, kind, 1..=2).await;
        assert_eq!(reserve(&store, kind, 1..=2).await, first);
        give_back(&store, 1).await;
        give_back(&store, 2).await;
    }
}

#[tokio::test]
async fn reservations_say_whose_they_are() {
    let (_folder, store) = store_with_shop().await;
    reserve(&store, addresses(), 7..=7).await;
    let expected = ReservedEndpoint {
        app: shop(),
        replica: parse("web.1"),
        generation: Generation(7),
        endpoint: Endpoint::Address("10.210.0.2".parse().unwrap()),
    };
    assert_eq!(store.reserved_endpoints().await.unwrap(), [expected]);
}

#[tokio::test]
async fn unusable_ports_are_passed_over() {
    let (_folder, store) = store_with_shop().await;
    let is_even = |endpoint: Endpoint| matches!(endpoint, Endpoint::LoopbackPort(port) if port % 2 == 0);
    let kind = EndpointKind::LoopbackPort;
    let given = store
        .reserve_endpoints(&shop(), kind, &wanted(1..=50), &is_even)
        .await
        .unwrap();
    assert!(given.iter().all(|endpoint| is_even(*endpoint)));
    assert_eq!(given.iter().collect::<BTreeSet<_>>().len(), 50);
    let never = store
        .reserve_endpoints(&shop(), kind, &wanted(51..=51), &|_| false)
        .await
        .unwrap_err();
    assert_eq!(never.kind, StoreErrorKind::NoEndpointLeft);
}

#[tokio::test]
async fn a_port_is_given_out_or_published_and_never_both() {
    let (_folder, store) = store_with_shop().await;
    let after = |port: u16| if port == 29_999 { 20_000 } else { port + 1 };
    let give = async |number| {
        let wanted = wanted(number..=number);
        let given = store
            .reserve_endpoints(&shop(), EndpointKind::LoopbackPort, &wanted, &|_| true)
            .await;
        match given.unwrap()[..] {
            [Endpoint::LoopbackPort(port)] => port,
            ref other => panic!("{other:?}"),
        }
    };
    let publish = |port| StoreChange::PublishPort {
        app: shop(),
        port: Some(port),
    };
    let first = give(1).await;
    let error = store.apply(&[publish(first)]).await.unwrap_err();
    let by = shop();
    assert_eq!(error.kind, StoreErrorKind::PortTaken { port: first, by });
    store.apply(&[publish(after(first))]).await.unwrap();
    assert_eq!(give(2).await, after(after(first)));
}

#[tokio::test]
async fn ports_go_round_from_a_place_of_the_stores_own() {
    let (_folder, store) = store_with_shop().await;
    let port = |word: &str| word.rsplit(':').next().unwrap().parse::<u32>().unwrap() - 20_000;
    let token = store.owner().await.unwrap();
    let start = u32::from_str_radix(&token.as_str()[..8], 16).unwrap() % 10_000;
    let first = reserve(&store, EndpointKind::LoopbackPort, 1..=1).await;
    assert_eq!(port(&first[0]), start);
    give_back(&store, 1).await;
    let rest = reserve(&store, EndpointKind::LoopbackPort, 2..=10_001).await;
    assert_eq!(port(&rest[0]), (start + 1) % 10_000);
    assert_eq!(port(&rest[9_999]), start);
    assert_eq!(rest.iter().collect::<BTreeSet<_>>().len(), 10_000);
}

#[tokio::test]
async fn an_app_that_is_not_there_gets_none() {
    let (_folder, store) = store_with_shop().await;
    for kind in [addresses(), EndpointKind::LoopbackPort] {
        let nobody = parse("nobody");
        let error = store
            .reserve_endpoints(&nobody, kind, &wanted(1..=1), &|_| true)
            .await
            .unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::NoSuchApp(nobody));
    }
}
