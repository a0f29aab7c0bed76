//! Domains, links, published ports, what the proxy may name, quarantines and crashes.

use std::collections::BTreeSet;
use std::time::UNIX_EPOCH;

use ps_core::crashes::{Crash, CrashKind, Quarantine};
use ps_core::domains::Domain;
use ps_core::links::Link;
use ps_core::names::{AppName, Generation, Replica};
use ps_core::store::{EndpointKind, Scope, Store, StoreChange, StoreErrorKind};

use super::{moment, parse, refused, shop, store_with_shop};
use crate::SqliteStore;

fn blog() -> AppName {
    parse("blog")
}

fn domains(scope: Scope, names: &[&str]) -> StoreChange {
    StoreChange::SetDomains {
        scope,
        domains: names.iter().map(|name| parse(name)).collect(),
    }
}

fn links(words: &[&str]) -> StoreChange {
    StoreChange::SetLinks {
        app: shop(),
        links: words.iter().map(|word| parse(word)).collect(),
    }
}

fn publish(app: AppName, port: Option<u16>) -> StoreChange {
    StoreChange::PublishPort { app, port }
}

fn routed(generations: &[u64]) -> StoreChange {
    StoreChange::SetRouted {
        app: shop(),
        routed: Some(generations.iter().copied().map(Generation).collect()),
    }
}

fn crash(seconds: u64, generation: u64, kind: CrashKind) -> Crash {
    Crash {
        replica: parse("web.1"),
        generation: Generation(generation),
        kind,
        at: moment(seconds),
    }
}

fn crashed(crash: &Crash) -> StoreChange {
    StoreChange::RecordCrash {
        app: shop(),
        crash: crash.clone(),
    }
}

/// With a second app.
async fn two_apps() -> (tempfile::TempDir, SqliteStore) {
    let (folder, store) = store_with_shop().await;
    store.apply(&[StoreChange::CreateApp(blog())]).await.unwrap();
    (folder, store)
}

fn words(domains: &[Domain]) -> Vec<&str> {
    domains.iter().map(Domain::as_str).collect()
}

#[tokio::test]
async fn domains_keep_their_order_and_repeated_ones_count_once() {
    let (_folder, store) = store_with_shop().await;
    let names = ["z.example", "a.example", "*.b.example", "z.example"];
    let kept = ["z.example", "a.example", "*.b.example"];
    store
        .apply(&[domains(Scope::App(shop()), &names), domains(Scope::Global, &names)])
        .await
        .unwrap();
    assert_eq!(words(&store.app(&shop()).await.unwrap().domains), kept);
    assert_eq!(words(&store.apps().await.unwrap()[0].domains), kept);
    assert_eq!(words(&store.global().await.unwrap().domains), kept);
    store
        .apply(&[domains(Scope::App(shop()), &kept[1..]), domains(Scope::Global, &[])])
        .await
        .unwrap();
    assert_eq!(words(&store.app(&shop()).await.unwrap().domains), kept[1..]);
    assert!(store.global().await.unwrap().domains.is_empty());
}

#[tokio::test]
async fn a_domain_belongs_to_one_app() {
    let (_folder, store) = two_apps().await;
    let of = |app: AppName| domains(Scope::App(app), &["a.example", "b.example"]);
    store.apply(&[of(shop())]).await.unwrap();
    let kind = refused(&store, &[domains(Scope::App(blog()), &["c.example"]), of(blog())]).await;
    let (domain, by) = (parse("a.example"), shop());
    assert_eq!(kind, StoreErrorKind::DomainTaken { domain, by });
    assert!(store.app(&blog()).await.unwrap().domains.is_empty());
    // All apps together may have it, and one transaction may hand it on.
    let give_up = domains(Scope::App(shop()), &[]);
    store
        .apply(&[domains(Scope::Global, &["a.example"]), give_up, of(blog())])
        .await
        .unwrap();
    assert_eq!(store.app(&blog()).await.unwrap().domains.len(), 2);
}

#[tokio::test]
async fn what_an_app_has_follows_its_name_and_goes_with_it() {
    let (_folder, store) = two_apps().await;
    let crash = crash(1, 1, CrashKind::Ended);
    let all = [
        domains(Scope::App(shop()), &["a.example"]),
        links(&["postgres:db"]),
        publish(shop(), Some(80)),
        routed(&[3]),
        crashed(&crash),
    ];
    store.apply(&all).await.unwrap();
    let to: AppName = parse("boutique");
    let rename = StoreChange::RenameApp {
        app: shop(),
        to: to.clone(),
    };
    store.apply(&[rename]).await.unwrap();
    let app = store.app(&to).await.unwrap();
    assert_eq!(words(&app.domains), ["a.example"]);
    assert_eq!(app.links, [parse::<Link>("postgres:db")]);
    assert_eq!(app.published_port, Some(80));
    assert_eq!(app.routed, Some(BTreeSet::from([Generation(3)])));
    assert_eq!(store.crashes(&to).await.unwrap(), [crash]);
    // What a gone app had is free for others.
    let taken = [
        StoreChange::DestroyApp(to.clone()),
        domains(Scope::App(blog()), &["a.example"]),
        publish(blog(), Some(80)),
        StoreChange::CreateApp(to.clone()),
    ];
    store.apply(&taken).await.unwrap();
    assert_eq!(store.crashes(&to).await.unwrap(), []);
    assert_eq!(store.app(&to).await.unwrap().links, []);
}

#[tokio::test]
async fn links_keep_their_order_and_an_alias_is_given_once() {
    let (_folder, store) = store_with_shop().await;
    let kept = ["redis", "postgres:db", "amqp"];
    store.apply(&[links(&kept)]).await.unwrap();
    let read = store.app(&shop()).await.unwrap().links;
    let read: Vec<String> = read.iter().map(ToString::to_string).collect();
    assert_eq!(read, kept);
    assert_eq!(
        refused(&store, &[links(&["one:db", "other:db"])]).await,
        StoreErrorKind::Failed
    );
    assert_eq!(store.app(&shop()).await.unwrap().links.len(), 3);
    store.apply(&[links(&[])]).await.unwrap();
    assert_eq!(store.app(&shop()).await.unwrap().links, []);
}

#[tokio::test]
async fn an_outside_port_belongs_to_one_app() {
    let (_folder, store) = two_apps().await;
    let change = publish(shop(), Some(443));
    store.apply(&[change.clone(), change]).await.unwrap();
    assert_eq!(
        refused(&store, &[publish(blog(), Some(443))]).await,
        StoreErrorKind::PortTaken { port: 443, by: shop() }
    );
    // Any number of apps has none.
    let changes = [
        publish(shop(), None),
        publish(blog(), None),
        publish(blog(), Some(65_535)),
    ];
    store.apply(&changes).await.unwrap();
    assert_eq!(store.app(&shop()).await.unwrap().published_port, None);
    assert_eq!(store.app(&blog()).await.unwrap().published_port, Some(65_535));
}

#[tokio::test]
async fn an_endpoint_that_the_proxy_may_name_is_not_given_back() {
    let (_folder, store) = store_with_shop().await;
    let subnet = EndpointKind::Address(parse("10.210.0.0/28"));
    let wanted: Vec<(Replica, Generation)> = [1, 2, 11, 21].map(|number| (parse("web.1"), Generation(number))).into();
    store
        .reserve_endpoints(&shop(), subnet, &wanted, &|_| true)
        .await
        .unwrap();
    let left = || async {
        let given = store.reserved_endpoints().await.unwrap();
        given
            .iter()
            .map(|endpoint| endpoint.generation.0)
            .collect::<BTreeSet<_>>()
    };
    let release = |generation: u64| StoreChange::ReleaseEndpoint {
        app: shop(),
        generation: Generation(generation),
    };
    // A number is not a part of another one.
    store.apply(&[routed(&[2, 11, 21]), release(1)]).await.unwrap();
    assert_eq!(left().await, BTreeSet::from([2, 11, 21]));
    for generation in [2, 11, 21] {
        store.apply(&[release(generation)]).await.unwrap();
    }
    assert_eq!(left().await, BTreeSet::from([2, 11, 21]));
    store.apply(&[routed(&[1]), release(11), release(21)]).await.unwrap();
    assert_eq!(left().await, BTreeSet::from([2]));
    store.apply(&[routed(&[]), release(2)]).await.unwrap();
    assert_eq!(left().await, BTreeSet::new());
}

#[tokio::test]
async fn a_file_that_names_nothing_is_not_the_same_as_no_file() {
    let (_folder, store) = store_with_shop().await;
    assert_eq!(store.app(&shop()).await.unwrap().routed, None);
    store.apply(&[routed(&[12, 3])]).await.unwrap();
    let kept = store.app(&shop()).await.unwrap().routed;
    assert_eq!(kept, Some(BTreeSet::from([Generation(3), Generation(12)])));
    store.apply(&[routed(&[])]).await.unwrap();
    assert_eq!(store.app(&shop()).await.unwrap().routed, Some(BTreeSet::new()));
    let no_file = StoreChange::SetRouted {
        app: shop(),
        routed: None,
    };
    store.apply(&[no_file]).await.unwrap();
    assert_eq!(store.app(&shop()).await.unwrap().routed, None);
}

#[tokio::test]
async fn a_quarantine_is_kept_with_its_cause_and_is_over_when_it_is_cleared() {
    let (_folder, store) = store_with_shop().await;
    let set = |quarantine| StoreChange::SetQuarantine {
        app: shop(),
        quarantine,
    };
    let quarantine = Quarantine {
        cause: "web.1 ended 11 times within 10 minutes".to_owned(),
        since: moment(5),
    };
    store.apply(&[set(Some(quarantine.clone()))]).await.unwrap();
    assert_eq!(store.app(&shop()).await.unwrap().quarantine, Some(quarantine));
    store.apply(&[set(None)]).await.unwrap();
    assert_eq!(store.app(&shop()).await.unwrap().quarantine, None);
}

#[tokio::test]
async fn the_same_crash_counts_once_and_they_come_oldest_first() {
    let (_folder, store) = store_with_shop().await;
    let kinds = [
        crash(7, 2, CrashKind::Exhausted),
        crash(7, 2, CrashKind::Ended),
        crash(3, 9, CrashKind::Unhealthy),
        crash(7, 1, CrashKind::Unhealthy),
    ];
    let twice: Vec<StoreChange> = kinds.iter().chain(&kinds).map(crashed).collect();
    store.apply(&twice).await.unwrap();
    let same_moment = Crash {
        replica: parse("web.2"),
        ..kinds[0].clone()
    };
    store.apply(&[crashed(&same_moment)]).await.unwrap();
    let [exhausted, ended, oldest, unhealthy] = kinds;
    assert_eq!(
        store.crashes(&shop()).await.unwrap(),
        [oldest, unhealthy, ended, exhausted]
    );
}

#[tokio::test]
async fn crashes_are_forgotten_up_to_a_moment_or_all() {
    let (_folder, store) = store_with_shop().await;
    let all = [1, 2, 3].map(|seconds| crash(seconds, 1, CrashKind::Ended));
    store.apply(&all.iter().map(crashed).collect::<Vec<_>>()).await.unwrap();
    let forget = |before| StoreChange::ForgetCrashes { app: shop(), before };
    store.apply(&[forget(Some(UNIX_EPOCH))]).await.unwrap();
    assert_eq!(store.crashes(&shop()).await.unwrap(), all);
    store.apply(&[forget(Some(moment(2)))]).await.unwrap();
    assert_eq!(store.crashes(&shop()).await.unwrap(), all[1..]);
    store.apply(&[forget(None)]).await.unwrap();
    assert_eq!(store.crashes(&shop()).await.unwrap(), []);
}

#[tokio::test]
async fn a_missing_app_has_no_crashes() {
    let (_folder, store) = store_with_shop().await;
    let error = store.crashes(&blog()).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NoSuchApp(blog()));
}
