//! Deploys that go wrong leave the old release serving and nothing of the new one.

use std::path::PathBuf;
use std::time::Duration;

use ps_core::operations::OperationError;
use ps_core::release::Source;
use ps_core::runtime::{ImageDetail, ImageRuntime};
use ps_core::testing::{Behaviour, Fault, FaultEffect};

use crate::bench::{Bench, procfile, shop};

async fn deploy_again(bench: &Bench) -> Result<ps_core::operations::VerbOutcome, OperationError> {
    bench
        .operations
        .deploy(&shop(), Some(Source::Directory(PathBuf::from("/src"))))
        .await
}

#[tokio::test]
async fn a_replica_that_dies_fails_its_deploy_and_the_old_one_serves() {
    let bench = Bench::new();
    bench.deploy().await;
    let before = bench.engine.container_named("shop.web.1");
    bench.engine.on_start(
        "shop.web.1.upcoming-*",
        Behaviour::ExitsAfter(Duration::from_secs(1), 3),
    );
    let error = deploy_again(&bench).await.unwrap_err();
    let OperationError::Step(step) = &error else {
        panic!("{error:?}")
    };
    assert!(step.is_check(), "{error:?}");
    assert!(step.still_serves);
    assert_eq!(bench.existing().await, ["shop.web.1"]);
    assert_eq!(bench.engine.container_named("shop.web.1"), before);
    let record = bench.record().await;
    assert_eq!(record.release.unwrap().number.to_string(), "v1");
}

#[tokio::test]
async fn a_failing_build_changes_nothing() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.engine.inject(
        Fault::new(FaultEffect::Fail(ps_core::runtime::RuntimeErrorKind::BuildFailed)).on_method("build_image"),
    );
    deploy_again(&bench).await.unwrap_err();
    assert_eq!(bench.existing().await, ["shop.web.1"]);
}

#[tokio::test]
async fn a_build_that_meets_a_removal_is_begun_again() {
    let bench = Bench::new();
    let conflict = Fault::new(FaultEffect::Fail(ps_core::runtime::RuntimeErrorKind::Conflict));
    bench.engine.inject(conflict.clone().on_method("build_image").nth(1));
    bench.deploy().await;
    assert_eq!(bench.engine.calls_of("build_image").len(), 2);
    bench.engine.inject(conflict.on_method("build_image"));
    deploy_again(&bench).await.unwrap_err();
    assert_eq!(bench.engine.calls_of("build_image").len(), 5);
}

#[tokio::test]
async fn the_release_process_runs_once_and_its_failure_stops_the_deploy() {
    let bench = Bench::new();
    bench
        .source
        .add_directory("/src", procfile(&[("web", "serve"), ("release", "migrate")]));
    bench
        .engine
        .on_start("shop.release.*", Behaviour::ExitsAfter(Duration::from_secs(1), 0));
    bench.deploy().await;
    assert_eq!(bench.running().await, ["shop.web.1"]);
    assert_eq!(bench.existing().await, ["shop.web.1"]);
    bench
        .engine
        .on_start("shop.release.*", Behaviour::ExitsAfter(Duration::from_secs(1), 4));
    let error = deploy_again(&bench).await.unwrap_err();
    let OperationError::Step(step) = &error else {
        panic!("{error:?}")
    };
    assert!(!step.is_check());
    assert_eq!(bench.existing().await, ["shop.web.1"]);
}

#[tokio::test]
async fn an_app_without_web_starts_what_it_has() {
    let bench = Bench::new();
    bench.source.add_directory("/src", procfile(&[("worker", "work")]));
    bench.deploy().await;
    assert_eq!(bench.running().await, Vec::<String>::new());
    bench.scale(&["worker=2"]).await;
    assert_eq!(bench.running().await, ["shop.worker.1", "shop.worker.2"]);
}

#[tokio::test]
async fn replicas_of_a_type_that_is_gone_retire() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.scale(&["worker=2"]).await;
    bench.source.add_directory("/src", procfile(&[("web", "serve")]));
    bench.deploy().await;
    bench.operations.retire(&shop()).await.unwrap();
    assert_eq!(bench.existing().await, ["shop.web.1"]);
}

#[tokio::test]
async fn an_image_is_deployed_without_building() {
    let bench = Bench::new();
    let detail = ImageDetail {
        command: vec!["serve".to_owned()],
        ..ImageDetail::default()
    };
    bench.engine.add_image("registry.example/shop:1", detail);
    let source = Source::Image("registry.example/shop:1".to_owned());
    bench.operations.deploy(&shop(), Some(source)).await.unwrap();
    assert_eq!(bench.running().await, ["shop.web.1"]);
    assert!(bench.engine.calls_of("build_image").is_empty());
    bench.operations.deploy(&shop(), None).await.unwrap();
    assert_eq!(bench.record().await.release.unwrap().number.to_string(), "v2");
}

#[tokio::test]
async fn a_cancelled_deploy_leaves_nothing_behind() {
    let bench = Bench::new();
    bench.deploy().await;
    let before = bench.engine.container_named("shop.web.1");
    let again = deploy_again(&bench);
    let cancel = async {
        ps_core::host::Clock::sleep(bench.engine.clock(), Duration::from_secs(3)).await;
        bench.cancellation.cancel();
    };
    let (result, ()) = tokio::join!(again, cancel);
    assert!(matches!(result, Err(OperationError::Interrupted { .. })), "{result:?}");
    assert_eq!(bench.existing().await, ["shop.web.1"]);
    assert_eq!(bench.engine.container_named("shop.web.1"), before);
}

#[tokio::test]
async fn an_image_that_is_deleted_before_the_start_fails_the_deploy() {
    let bench = Bench::new();
    bench.deploy().await;
    let before = bench.record().await;
    bench
        .source
        .add_dockerfile("/src", procfile(&[("web", "serve")]), "FROM scratch\nENV NEW=1\n");
    bench.engine.forget_calls();
    let engine = bench.engine.clone();
    let deletes = async {
        // Once the image is built psctl looks again, and only then makes the container.
        while bench.engine.calls_of("list_containers").len() < 2 {
            tokio::task::yield_now().await;
        }
        engine.remove_image("psctl/shop:v2").await.unwrap();
    };
    let (result, ()) = tokio::join!(deploy_again(&bench), deletes);
    let error = result.unwrap_err();
    let OperationError::Step(step) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(step.to_string(), "could not create shop.web.1");
    assert_eq!(bench.existing().await, ["shop.web.1"]);
    assert_eq!(bench.record().await.serving, before.serving);
}

#[tokio::test]
async fn a_container_that_is_removed_while_it_is_checked_fails_the_deploy() {
    let bench = Bench::new();
    bench.deploy().await;
    let before = bench.record().await;
    let removes = async {
        ps_core::host::Clock::sleep(bench.engine.clock(), Duration::from_secs(3)).await;
        let upcoming = bench.existing().await;
        let upcoming = upcoming.iter().find(|name| name.contains("upcoming")).unwrap();
        assert!(bench.engine.vanish(upcoming));
    };
    let (result, ()) = tokio::join!(deploy_again(&bench), removes);
    let error = result.unwrap_err();
    let OperationError::Step(step) = &error else {
        panic!("{error:?}")
    };
    assert!(step.is_check() && step.still_serves, "{error:?}");
    assert_eq!(bench.existing().await, ["shop.web.1"]);
    assert_eq!(bench.record().await.serving, before.serving);
}

#[tokio::test]
async fn twenty_replicas_take_the_time_of_one_check() {
    let bench = Bench::new();
    bench.deploy().await;
    bench
        .engine
        .on_start("shop.web.*", Behaviour::ListensAfter(Duration::from_secs(1), 5000));
    let began = ps_core::host::Clock::monotonic(bench.engine.clock());
    bench.scale(&["web=20"]).await;
    deploy_again(&bench).await.unwrap();
    let took = ps_core::host::Clock::monotonic(bench.engine.clock()).saturating_sub(began);
    // Twice: once for the scale, once for the deploy.
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(bench.record().await.serving.len(), 20);
}

#[tokio::test]
async fn the_first_failure_ends_the_other_checks() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.scale(&["worker=1"]).await;
    bench
        .engine
        .on_start("shop.worker.*", Behaviour::ExitsAfter(Duration::from_secs(1), 1));
    let began = ps_core::host::Clock::monotonic(bench.engine.clock());
    deploy_again(&bench).await.unwrap_err();
    let took = ps_core::host::Clock::monotonic(bench.engine.clock()).saturating_sub(began);
    assert!(took < Duration::from_secs(2), "web was checked to its end: {took:?}");
    assert_eq!(bench.running().await, ["shop.web.1", "shop.worker.1"]);
}
