//! `checks:run`: the checks of what runs, without changing anything.

use std::time::Duration;

use ps_core::host::Clock;
use ps_core::operations::{CheckOutcome, CheckReport, OperationError};
use ps_core::store::{Store, StoreChange};
use ps_core::testing::{Behaviour, FakeAnswer};

use crate::bench::{Bench, shop};
use crate::checks::{path, set_checks};

fn told(reports: &[CheckReport]) -> Vec<String> {
    let line = |report: &CheckReport| {
        let outcome = match &report.outcome {
            CheckOutcome::Passed => "passed".to_owned(),
            CheckOutcome::Warned(text) => format!("warned: {text}"),
            CheckOutcome::Failed(not_ready) => format!("failed: {not_ready}"),
        };
        format!("{} {} {outcome}", report.replica, report.check)
    };
    reports.iter().map(line).collect()
}

async fn bench() -> Bench {
    let bench = Bench::new();
    bench
        .engine
        .on_start("shop.web.*", Behaviour::ListensAfter(Duration::ZERO, 5000));
    set_checks(&bench, [("web", vec![path("/health"), path("/up")])]);
    bench.prober.answer("/health", FakeAnswer::Status(200));
    bench.prober.answer("/up", FakeAnswer::Status(200));
    bench.deploy().await;
    bench.scale(&["web=2", "worker=1"]).await;
    bench
}

#[tokio::test]
async fn every_check_of_every_replica_is_reported_and_nothing_is_changed() {
    let bench = bench().await;
    let (record, existing) = (bench.record().await, bench.existing().await);
    bench.prober.answer("/up", FakeAnswer::Status(500));
    let began = bench.engine.clock().monotonic();
    let reports = bench.operations.run_checks(&shop(), &[]).await.unwrap();
    let wanted = [
        "web.1 GET /health passed",
        "web.1 GET /up failed: the check GET /up failed after 3 attempts",
        "web.2 GET /health passed",
        "web.2 GET /up failed: the check GET /up failed after 3 attempts",
        "worker.1 uptime 10 s passed",
    ];
    assert_eq!(told(&reports), wanted);
    let after = bench.engine.clock().monotonic().saturating_sub(began).as_millis();
    assert!((10_000..=10_100).contains(&after), "{after} ms");
    assert_eq!((bench.record().await, bench.existing().await), (record, existing));
}

#[tokio::test]
async fn words_select_what_is_checked() {
    let bench = bench().await;
    let run = async |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let reports = bench.operations.run_checks(&shop(), &words).await;
        reports.map(|reports| told(&reports))
    };
    // The worker has run for its uptime already: nothing is waited for.
    assert_eq!(run(&["worker"]).await.unwrap(), ["worker.1 uptime 10 s passed"]);
    let two = run(&["web.2", "worker.1"]).await.unwrap();
    assert_eq!(two.len(), 3, "{two:?}");
    for word in ["nosuch", "web.3", "worker.0"] {
        let error = run(&[word]).await.unwrap_err();
        assert!(matches!(error, OperationError::NoSuchProcess { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_replica_that_does_not_run_fails_its_checks() {
    let bench = bench().await;
    bench.engine.vanish("shop.worker.1");
    let reports = bench
        .operations
        .run_checks(&shop(), &["worker".to_owned()])
        .await
        .unwrap();
    assert_eq!(told(&reports), ["worker.1 uptime 10 s failed: it does not run"]);
    assert!(reports.iter().all(CheckReport::is_failure));
}

#[tokio::test]
async fn an_app_that_was_never_deployed_has_nothing_to_check() {
    let bench = bench().await;
    let blog: ps_core::names::AppName = "blog".parse().unwrap();
    bench
        .store
        .apply(&[StoreChange::CreateApp(blog.clone())])
        .await
        .unwrap();
    let error = bench.operations.run_checks(&blog, &[]).await.unwrap_err();
    assert!(matches!(error, OperationError::NeverDeployed { .. }), "{error:?}");
}
