//! Domains, proxy files and published ports, as use cases.

use std::path::PathBuf;
use std::time::Duration;

use ps_core::domains::Domain;
use ps_core::host::Clock;
use ps_core::names::AppName;
use ps_core::operations::{DomainEdit, OperationError};
use ps_core::plan::{Action, EngineAction, Plan};
use ps_core::policies::Property;
use ps_core::proxy::{ProxyErrorKind, ProxyPresence, SiteChange};
use ps_core::release::Source;
use ps_core::store::{Scope, Store, StoreChange, StoreErrorKind};

use crate::bench::{Bench, shop};

fn app(name: &str) -> AppName {
    name.parse().unwrap()
}

fn domain(name: &str) -> Domain {
    name.parse().unwrap()
}

async fn served(apps: &[&str]) -> Bench {
    let bench = Bench::new();
    bench.proxy.set_presence(ProxyPresence::Ready);
    for name in apps {
        let source = Source::Directory(PathBuf::from("/src"));
        bench.operations.deploy(&app(name), Some(source)).await.unwrap();
    }
    bench
}

#[tokio::test]
async fn many_files_are_one_change_of_the_proxy() {
    let apps = ["shop", "blog", "wiki"];
    let bench = served(&apps).await;
    let names = apps.map(app);
    let before = bench.proxy.changes().len();
    for cleared in [false, true] {
        let results = if cleared {
            bench.operations.clear_proxy_config(&names).await
        } else {
            bench.operations.build_proxy_config(&names).await
        };
        assert!(results.iter().all(|one| one.result.is_ok()));
    }
    let changes = bench.proxy.changes().split_off(before);
    assert_eq!(changes.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
    assert!(bench.proxy.sites().is_empty());
    assert_eq!(bench.record().await.routed, None);
}

#[tokio::test]
async fn a_proxy_that_is_down_is_told_to_whom_it_may_surprise() {
    let deploy = async |presence, choice: Option<&str>| {
        let bench = Bench::new();
        bench.proxy.set_presence(presence);
        bench.store.apply(&[StoreChange::CreateApp(shop())]).await.unwrap();
        if let Some(choice) = choice {
            let choice = Some(choice.to_owned());
            bench
                .operations
                .set_proxy_property(&shop(), Property::Proxy, choice)
                .await
                .unwrap();
        }
        let source = Source::Directory(PathBuf::from("/src"));
        bench.operations.deploy(&shop(), Some(source)).await.unwrap();
        bench
            .events
            .warnings()
            .iter()
            .any(|text| text.contains("proxy:build-config shop"))
    };
    assert!(deploy(ProxyPresence::Down, None).await);
    assert!(!deploy(ProxyPresence::Down, Some("none")).await);
    assert!(!deploy(ProxyPresence::Absent, None).await);
    assert!(!deploy(ProxyPresence::Ready, None).await);
}

#[tokio::test]
async fn one_refused_file_does_not_stop_the_others() {
    let bench = served(&["shop", "blog"]).await;
    bench.proxy.fail_next(ProxyErrorKind::Refused);
    bench.proxy.fail_next(ProxyErrorKind::Refused);
    let none = app("nobody");
    let results = bench.operations.build_proxy_config(&[shop(), none, app("blog")]).await;
    let failed: Vec<bool> = results.iter().map(|one| one.result.is_err()).collect();
    assert_eq!(failed, [true, true, false]);
}

#[tokio::test]
async fn a_domain_of_another_app_is_refused_also_a_default_one() {
    let bench = served(&["shop", "blog"]).await;
    let add = |name: &str| DomainEdit::Add(vec![domain(name)]);
    bench
        .operations
        .edit_domains(&shop(), &add("shop.example"))
        .await
        .unwrap();
    for taken in ["shop.example", "blog.localhost"] {
        let (asks, owner) = match taken {
            "shop.example" => (app("blog"), shop()),
            _ => (shop(), app("blog")),
        };
        let error = bench.operations.edit_domains(&asks, &add(taken)).await.unwrap_err();
        let OperationError::Store(error) = error else {
            panic!("{error}")
        };
        let kind = StoreErrorKind::DomainTaken {
            domain: domain(taken),
            by: owner,
        };
        assert_eq!(error.kind, kind);
    }
    assert_eq!(
        bench.proxy.site(&shop()).unwrap().settings.domains,
        [domain("shop.example")]
    );
    let global = StoreChange::SetDomains {
        scope: Scope::Global,
        domains: vec![domain("apps.example")],
    };
    let before = bench.proxy.changes().len();
    bench.store.apply(&[global]).await.unwrap();
    let results = bench.operations.build_proxy_config(&[app("blog"), shop()]).await;
    assert!(results.iter().all(|one| one.result.is_ok()), "{results:?}");
    let blog = bench.proxy.site(&app("blog")).unwrap().settings.domains;
    assert_eq!(blog, [domain("blog.apps.example"), domain("blog.localhost")]);
    assert_eq!(bench.proxy.changes().len(), before + 1);
}

#[tokio::test]
async fn a_refused_setting_is_not_recorded() {
    let bench = served(&["shop"]).await;
    let before = bench.record().await;
    bench.proxy.fail_next(ProxyErrorKind::Refused);
    let path = Some("/site.conf".to_owned());
    let operations = &bench.operations;
    operations
        .set_proxy_property(&shop(), Property::Template, path)
        .await
        .unwrap_err();
    bench.proxy.fail_next(ProxyErrorKind::Refused);
    let edit = DomainEdit::Set(vec![domain("shop.example")]);
    operations.edit_domains(&shop(), &edit).await.unwrap_err();
    assert_eq!(bench.record().await, before);
}

#[tokio::test]
async fn no_proxy_takes_the_file_away() {
    let bench = served(&["shop"]).await;
    let operations = &bench.operations;
    let set = |value: &str| Some(value.to_owned());
    operations
        .set_proxy_property(&shop(), Property::Proxy, set("none"))
        .await
        .unwrap();
    assert_eq!(bench.proxy.changes().last().unwrap(), &[SiteChange::Remove(shop())]);
    assert_eq!(bench.record().await.routed, None);
    operations.restart(&shop(), None).await.unwrap();
    assert!(bench.proxy.sites().is_empty());
    operations
        .set_proxy_property(&shop(), Property::Proxy, set("nginx"))
        .await
        .unwrap();
    assert_eq!(bench.proxy.site(&shop()).unwrap().upstreams.len(), 1);
}

#[tokio::test]
async fn an_old_web_stays_for_its_time_and_goes_when_it_is_due() {
    let bench = served(&["shop"]).await;
    bench.scale(&["worker=1"]).await;
    bench.operations.restart(&shop(), None).await.unwrap();
    let record = bench.record().await;
    let dues: Vec<_> = record
        .retirements
        .iter()
        .map(|retirement| (retirement.replica.to_string(), retirement.due))
        .collect();
    let due = |replica: &str| dues.iter().find(|(name, _)| name == replica).unwrap().1;
    assert!(due("web.1") >= due("worker.1") + Duration::from_secs(60));
    bench.operations.retire(&shop()).await.unwrap();
    let left = bench.record().await.retirements;
    assert_eq!(left.len(), 1, "the worker goes at once, the web does not");
    let outcome = bench.operations.retire_when_due(&shop()).await.unwrap();
    assert!(!outcome.has_retirements && bench.record().await.retirements.is_empty());
    assert_eq!(bench.existing().await, ["shop.web.1", "shop.worker.1"]);
}

#[tokio::test]
async fn a_published_web_is_alone_and_makes_way() {
    let bench = served(&["shop", "blog"]).await;
    let operations = &bench.operations;
    let plans = bench.dry.publish_port(&shop(), Some(8001)).await.unwrap().plans;
    let created = plans.iter().flat_map(Plan::steps).find_map(|step| match &step.action {
        Action::Engine(EngineAction::Create { spec, .. }) => Some(&spec.published_ports),
        _ => None,
    });
    let port = created.unwrap().first().copied().unwrap();
    assert_eq!((port.host_port, port.container_port), (8001, 5000));
    assert!(port.host_address.is_unspecified());
    operations.publish_port(&shop(), Some(8001)).await.unwrap();
    assert!(
        bench
            .warnings()
            .iter()
            .any(|text| text.starts_with("web of shop was away for "))
    );
    assert_eq!(bench.record().await.published_port, Some(8001));
    let taken = operations.publish_port(&app("blog"), Some(8001)).await.unwrap_err();
    assert_eq!(taken.to_string(), "the port 8001 is published for shop");
    let scale = ps_core::formation::parse_scale(&["web=2"]).unwrap();
    let error = operations.scale(&shop(), &scale, false).await.unwrap_err();
    assert!(matches!(
        error,
        OperationError::PublishedOnce {
            port: 8001,
            replicas: 2,
            ..
        }
    ));
    operations.publish_port(&shop(), None).await.unwrap();
    let record = bench.record().await;
    assert_eq!(record.published_port, None);
    let now = bench.engine.clock().now();
    let last = record.retirements.iter().max_by_key(|old| old.generation).unwrap();
    assert!(last.due <= now, "the port is free at once");
    operations.scale(&shop(), &scale, false).await.unwrap();
    let error = operations.publish_port(&shop(), Some(8001)).await.unwrap_err();
    assert!(matches!(error, OperationError::PublishedOnce { .. }));
}

#[tokio::test]
async fn a_port_that_is_published_while_the_app_is_stopped_counts_from_its_start_on() {
    let bench = served(&["shop"]).await;
    let operations = &bench.operations;
    for port in [Some(8002), None] {
        operations.stop(&shop()).await.unwrap();
        operations.publish_port(&shop(), port).await.unwrap();
        let plans = bench.dry.start(&shop()).await.unwrap().plans;
        let created = plans.iter().flat_map(Plan::steps).find_map(|step| match &step.action {
            Action::Engine(EngineAction::Create { spec, .. }) => Some(&spec.published_ports),
            _ => None,
        });
        let ports: Vec<u16> = created.unwrap().iter().map(|port| port.host_port).collect();
        assert_eq!(ports, Vec::from_iter(port));
        operations.start(&shop()).await.unwrap();
        assert_eq!(bench.running().await, ["shop.web.1"]);
    }
}

#[tokio::test]
async fn a_global_property_reaches_every_app() {
    let bench = served(&["shop"]).await;
    let set = StoreChange::SetProperty {
        scope: Scope::Global,
        property: Property::ClientMaxBodySize,
        value: Some("2m".to_owned()),
    };
    bench.store.apply(&[set]).await.unwrap();
    bench.operations.build_proxy_config(&[shop()]).await;
    assert_eq!(bench.proxy.site(&shop()).unwrap().settings.body_limit, 2 << 20);
}

#[tokio::test]
async fn an_app_that_no_proxy_serves_is_said_and_leaves_no_entry() {
    let bench = Bench::new();
    bench.proxy.set_presence(ProxyPresence::Down);
    let notice = async || {
        let entries = bench.store.read_audit(None, 0, 99).await.unwrap().len();
        let results = bench.operations.build_proxy_config(&[shop()]).await;
        let outcome = results.into_iter().next().unwrap().result.unwrap();
        assert!(!outcome.is_change());
        assert_eq!(bench.store.read_audit(None, 0, 99).await.unwrap().len(), entries);
        outcome.notice.unwrap()
    };
    bench.store.apply(&[StoreChange::CreateApp(shop())]).await.unwrap();
    assert_eq!(notice().await, "is left alone: it was never deployed");
    let source = Source::Directory(PathBuf::from("/src"));
    bench.operations.deploy(&shop(), Some(source)).await.unwrap();
    assert_eq!(
        notice().await,
        "is left alone: no proxy serves it, for nginx does not run; start it and run `psctl proxy:build-config shop` again"
    );
    bench.proxy.set_presence(ProxyPresence::Absent);
    assert_eq!(
        notice().await,
        "is left alone: no proxy serves it, for there is none on this host"
    );
    let none = Some("none".to_owned());
    let operations = &bench.operations;
    operations
        .set_proxy_property(&shop(), Property::Proxy, none)
        .await
        .unwrap();
    assert_eq!(
        notice().await,
        "is left alone: no proxy serves it; `psctl proxy:set shop nginx` changes that"
    );
}

#[tokio::test]
async fn a_domain_that_is_not_the_apps_own_is_said_and_not_removed() {
    let bench = served(&["shop"]).await;
    let operations = &bench.operations;
    let edit = DomainEdit::Add(vec![domain("shop.example"), domain("www.shop.example")]);
    operations.edit_domains(&shop(), &edit).await.unwrap();
    let entries = async || bench.store.read_audit(None, 0, 99).await.unwrap();
    let before = entries().await.len();
    let default = DomainEdit::Remove(vec![domain("shop.localhost")]);
    let outcome = operations.edit_domains(&shop(), &default).await.unwrap();
    assert!(
        outcome
            .notice
            .unwrap()
            .starts_with("has no shop.localhost of its own to remove; `psctl domains:set shop")
    );
    assert_eq!(entries().await.len(), before);
    let both = DomainEdit::Remove(vec![domain("shop.localhost"), domain("shop.example")]);
    let outcome = operations.edit_domains(&shop(), &both).await.unwrap();
    assert!(outcome.notice.is_some());
    assert!(
        entries()
            .await
            .iter()
            .any(|entry| entry.entry.text == "removed shop.example")
    );
    assert_eq!(bench.record().await.domains, [domain("www.shop.example")]);
}
