//! The listener's other work: what has to retire, and liveness checks.

use std::time::Duration;

use ps_core::checks::{CheckMoment, HealthCheck};
use ps_core::operations::RunRequest;
use ps_core::proxy::ProxyPresence;
use ps_core::runtime::TerminalMode;
use ps_core::store::Store;
use ps_core::testing::{Behaviour, FakeAnswer};

use crate::bench::{Bench, shop};
use crate::checks::{path, set_checks};
use crate::listener::while_listening;

#[tokio::test]
async fn what_has_to_retire_goes_when_its_time_has_come_and_not_before() {
    let bench = Bench::new();
    bench.proxy.set_presence(ProxyPresence::Ready);
    bench.deploy().await;
    let ears = while_listening(&bench, async |_| {
        bench.operations.restart(&shop(), None).await.unwrap();
        bench.pause(50).await;
        assert_eq!(bench.existing().await, ["shop.web.1", "shop.web.1.retiring-1"]);
        bench.pause(15).await;
        assert_eq!(bench.existing().await, ["shop.web.1"]);
    })
    .await;
    assert_eq!(ears.lines(), ["done shop: removed the containers that had to retire"]);
}

#[tokio::test]
async fn what_was_due_before_anybody_listened_goes_at_once() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.operations.restart(&shop(), None).await.unwrap();
    assert_eq!(bench.existing().await.len(), 2);
    while_listening(&bench, async |_| bench.pause(5).await).await;
    assert_eq!(bench.existing().await, ["shop.web.1"]);
}

#[tokio::test]
async fn a_run_goes_after_its_deadline() {
    let bench = Bench::new();
    bench.deploy().await;
    let request = RunRequest {
        command: vec!["sleep".to_owned()],
        terminal: TerminalMode::Detached,
        time_to_live: Duration::from_secs(600),
    };
    while_listening(&bench, async |_| {
        bench.operations.run_detached(&shop(), &request).await.unwrap();
        bench.pause(500).await;
        assert_eq!(bench.existing().await.len(), 2);
        bench.pause(200).await;
        assert_eq!(bench.existing().await, ["shop.web.1"]);
    })
    .await;
}

fn liveness() -> HealthCheck {
    HealthCheck {
        moment: CheckMoment::Liveness,
        ..path("/alive")
    }
}

async fn with_liveness() -> Bench {
    let bench = Bench::new();
    set_checks(&bench, [("web", vec![liveness()])]);
    bench.prober.answer("/alive", FakeAnswer::Status(200));
    bench
        .engine
        .on_start("shop.web.1*", Behaviour::ListensAfter(Duration::ZERO, 5000));
    bench.deploy().await;
    bench
}

#[tokio::test]
async fn an_unhealthy_replica_is_replaced() {
    let bench = with_liveness().await;
    let first = bench.record().await.serving;
    let ears = while_listening(&bench, async |_| {
        bench.pause(60).await;
        assert!(bench.prober.probes().len() >= 10, "it is asked every few seconds");
        assert_eq!(bench.record().await.serving, first);
        bench.prober.answer("/alive", FakeAnswer::Status(503));
        bench.pause(16).await;
        bench.prober.answer("/alive", FakeAnswer::Status(200));
        bench.pause(60).await;
    })
    .await;
    assert_ne!(bench.record().await.serving, first);
    assert_eq!(ears.figures().replacements, 1);
    assert_eq!(ears.lines()[0], "done shop: replaced web.1: its liveness checks failed");
    assert_eq!(bench.store.crashes(&shop()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_replica_that_stays_unhealthy_uses_the_budget_up() {
    let bench = with_liveness().await;
    while_listening(&bench, async |_| {
        bench.prober.answer("/alive", FakeAnswer::Status(503));
        bench.pause(600).await;
        let quarantine = bench.record().await.quarantine.unwrap();
        assert_eq!(quarantine.cause, "web.1 ended 11 times within 10 minutes");
        let asked = bench.prober.probes().len();
        bench.pause(600).await;
        assert_eq!(bench.prober.probes().len(), asked);
    })
    .await;
    assert_eq!(bench.running().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_unhealthy_replica_whose_replacements_fail_is_asked_again_until_quarantine() {
    let bench = Bench::new();
    set_checks(&bench, [("web", vec![path("/ready"), liveness()])]);
    for asked in ["/ready", "/alive"] {
        bench.prober.answer(asked, FakeAnswer::Status(200));
    }
    bench
        .engine
        .on_start("shop.web.1*", Behaviour::ListensAfter(Duration::ZERO, 5000));
    bench.deploy().await;
    let first = bench.record().await.serving;
    let ears = while_listening(&bench, async |_| {
        for asked in ["/ready", "/alive"] {
            bench.prober.answer(asked, FakeAnswer::Status(503));
        }
        bench.pause(60).await;
        assert_eq!(bench.record().await.serving, first, "it stays");
        bench.pause(600).await;
    })
    .await;
    let quarantine = bench.record().await.quarantine.unwrap();
    assert_eq!(quarantine.cause, "web.1 ended 11 times within 10 minutes");
    assert_eq!((ears.figures().crashes, ears.figures().replacements), (11, 0));
    let told = "failed shop: could not replace web.1, whose liveness checks failed: ";
    assert!(ears.lines()[0].starts_with(told), "{:?}", ears.lines());
}

#[tokio::test]
async fn a_restarted_container_is_asked_again() {
    let bench = with_liveness().await;
    while_listening(&bench, async |_| {
        bench.pause(7).await;
        assert!(bench.engine.crash("shop.web.1", 1));
        bench.pause(10).await;
        let asked = bench.prober.probes().len();
        bench.pause(30).await;
        assert!(bench.prober.probes().len() > asked + 2);
    })
    .await;
}
