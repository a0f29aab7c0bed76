//! Types whose checks are disabled make way: the old one is gone before the new one starts, and comes back when that one fails.

use std::time::Duration;

use ps_core::app::CheckMode;
use ps_core::operations::{ConfigEdit, OperationError};
use ps_core::runtime::{ContainerId, ContainerRuntime};
use ps_core::store::{Store, StoreChange};
use ps_core::testing::{Behaviour, Fault, FaultEffect};

use crate::bench::{Bench, shop};

/// An app with a web and a worker, which makes way.
async fn bench() -> Bench {
    let bench = Bench::new();
    bench.deploy().await;
    bench.scale(&["worker=1"]).await;
    let disabled = StoreChange::SetCheckMode {
        app: shop(),
        process_type: "worker".parse().unwrap(),
        mode: CheckMode::Disabled,
    };
    bench.store.apply(&[disabled]).await.unwrap();
    bench.engine.forget_calls();
    bench
}

fn id_of(bench: &Bench, name: &str) -> ContainerId {
    bench.engine.container_named(name).unwrap()
}

/// The position of a call of a method on a subject among all calls.
fn position(bench: &Bench, method: &str, subject: &str) -> Option<usize> {
    let calls = bench.engine.calls();
    calls
        .iter()
        .position(|call| call.method == method && call.subject.starts_with(subject))
}

#[tokio::test]
async fn the_old_worker_is_stopped_before_the_new_one_starts_and_after_web_is_ready() {
    let config = |bench: &Bench| {
        let mut edit = ConfigEdit::default();
        edit.set.set("NAME", "value").unwrap();
        let operations = bench.again();
        async move { operations.configure(&shop(), &edit, true).await.map(drop) }
    };
    for verb in ["deploy", "restart", "config"] {
        let bench = bench().await;
        match verb {
            "deploy" => drop(bench.deploy().await),
            "restart" => drop(bench.operations.restart(&shop(), None).await.unwrap()),
            _ => config(&bench).await.unwrap(),
        }
        let stopped = position(&bench, "stop_container", "shop.worker.1").unwrap();
        let started = position(&bench, "start_container", "shop.worker.1.upcoming").unwrap();
        let web = position(&bench, "start_container", "shop.web.1.upcoming").unwrap();
        assert!(web < stopped && stopped < started, "{verb}: {web} {stopped} {started}");
        let calls = bench.engine.calls();
        let (web, stopped) = (calls[web].at, calls[stopped].at);
        assert!(
            stopped.saturating_sub(web) >= Duration::from_secs(10),
            "{verb}: web was not ready yet"
        );
        assert_eq!(
            bench.running().await,
            ["shop.web.1", "shop.web.1.retiring-1", "shop.worker.1"],
            "{verb}"
        );
    }
}

#[tokio::test]
async fn a_new_worker_that_fails_brings_the_old_one_back() {
    let fails = [Behaviour::NotExecutable, Behaviour::ExitsAfter(Duration::ZERO, 1)];
    for fails in fails {
        let bench = bench().await;
        let before = (id_of(&bench, "shop.web.1"), id_of(&bench, "shop.worker.1"));
        bench.engine.on_start("shop.worker.1.upcoming-*", fails.clone());
        let error = bench.operations.deploy(&shop(), None).await.unwrap_err();
        let OperationError::Step(step) = &error else {
            panic!("{fails:?}: {error:?}")
        };
        assert!(step.still_serves && step.is_mended, "{fails:?}");
        assert!(
            position(&bench, "stop_container", "shop.worker.1").is_some(),
            "{fails:?}"
        );
        assert_eq!(bench.running().await, ["shop.web.1", "shop.worker.1"], "{fails:?}");
        assert_eq!(
            before,
            (id_of(&bench, "shop.web.1"), id_of(&bench, "shop.worker.1")),
            "{fails:?}"
        );
        let detail = bench.engine.inspect_container(&before.1).await.unwrap();
        assert_eq!(detail.restart_policy.to_string(), "on-failure:10", "{fails:?}");
    }
}

#[tokio::test]
async fn a_web_that_fails_leaves_the_worker_alone() {
    let bench = bench().await;
    bench.engine.on_start(
        "shop.web.1.upcoming-*",
        Behaviour::ExitsAfter(Duration::from_secs(1), 1),
    );
    bench.operations.deploy(&shop(), None).await.unwrap_err();
    assert_eq!(position(&bench, "stop_container", "shop.worker.1"), None);
    assert_eq!(bench.running().await, ["shop.web.1", "shop.worker.1"]);
}

#[tokio::test]
async fn a_worker_that_made_way_comes_back_with_the_next_command() {
    let bench = bench().await;
    let before = id_of(&bench, "shop.worker.1");
    // The engine is gone for the rest of the command, and mending cannot reach it either.
    let gone = FaultEffect::Fail(ps_core::runtime::RuntimeErrorKind::Unreachable);
    for method in ["start_container", "remove_container", "list_containers"] {
        bench.engine.inject(Fault::new(gone).on_method(method));
    }
    drop(bench.again().restart(&shop(), Some("worker")).await.unwrap_err());
    bench.engine.clear_faults();
    bench.operations.restart(&shop(), Some("worker")).await.unwrap();
    assert_ne!(id_of(&bench, "shop.worker.1"), before);

    bench.engine.inject(Fault::new(gone).on_method("start_container"));
    drop(bench.again().restart(&shop(), Some("worker")).await.unwrap_err());
    bench.engine.clear_faults();
    assert_eq!(bench.running().await, ["shop.web.1"]);
    let before = id_of(&bench, "shop.worker.1");
    bench.scale(&["web=2"]).await;
    assert_eq!(bench.running().await, ["shop.web.1", "shop.web.2", "shop.worker.1"]);
    assert_eq!(id_of(&bench, "shop.worker.1"), before);
}

#[tokio::test]
async fn so_many_replicas_start_at_once_as_app_json_says() {
    let bench = Bench::new();
    let mut manifest = ps_core::manifest::Manifest::default();
    let entry = ps_core::manifest::FormationEntry {
        quantity: Some(5),
        max_parallel: std::num::NonZeroU16::new(2),
    };
    manifest.formation.insert("web".parse().unwrap(), entry);
    bench
        .source
        .set_manifest("/src", manifest, ps_core::manifest::EnvRequests::new());
    bench
        .engine
        .on_start("shop.web.*", Behaviour::ListensAfter(Duration::from_secs(1), 5000));
    bench.deploy().await;
    let starts = bench.engine.calls_of("start_container");
    let first = starts[0].at;
    let seconds: Vec<u64> = starts
        .iter()
        .map(|call| call.at.saturating_sub(first).as_secs())
        .collect();
    assert_eq!(seconds, [0, 0, 2, 2, 4]);
}
