//! Deploy, scale, restart, stop and start as they should go.

use ps_core::policies::{Property, RestartPolicy};
use ps_core::runtime::{ContainerRuntime, ContainerState, ImageRuntime, RuntimeErrorKind};
use ps_core::testing::{Fault, FaultEffect};

use crate::bench::{Bench, shop};

#[tokio::test]
async fn a_deploy_starts_one_web_and_no_worker() {
    let bench = Bench::new();
    bench.deploy().await;
    assert_eq!(bench.running().await, ["shop.web.1"]);
    assert_eq!(bench.record().await.formation.to_string(), "web=1 worker=0");
}

#[tokio::test]
async fn scaling_leaves_running_replicas_alone() {
    let bench = Bench::new();
    bench.deploy().await;
    let before = bench.engine.container_named("shop.web.1");
    bench.scale(&["web=5"]).await;
    assert_eq!(
        bench.running().await,
        ["shop.web.1", "shop.web.2", "shop.web.3", "shop.web.4", "shop.web.5"]
    );
    assert_eq!(bench.engine.container_named("shop.web.1"), before);
    bench.scale(&["web=2"]).await;
    bench.operations.retire(&shop()).await.unwrap();
    assert_eq!(bench.existing().await, ["shop.web.1", "shop.web.2"]);
    let stopped: Vec<String> = bench
        .engine
        .calls_of("stop_container")
        .into_iter()
        .map(|call| call.subject)
        .collect();
    assert_eq!(stopped.len(), 3, "{stopped:?}");
}

#[tokio::test]
async fn scaling_to_the_same_formation_asks_nothing_of_the_engine() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.operations.retire(&shop()).await.unwrap();
    bench.engine.forget_calls();
    let outcome = bench.scale(&["web=1"]).await;
    assert!(!outcome.is_change(), "{:?}", outcome.plans);
}

#[tokio::test]
async fn a_restart_replaces_containers_and_the_old_ones_retire_once() {
    let bench = Bench::new();
    bench.deploy().await;
    let before = bench.engine.container_named("shop.web.1").unwrap();
    let outcome = bench.operations.restart(&shop(), None).await.unwrap();
    assert!(outcome.has_retirements);
    assert_ne!(bench.engine.container_named("shop.web.1").unwrap(), before);
    assert_eq!(bench.existing().await.len(), 2);
    // Whoever comes next does it.
    let next = bench.again();
    next.retire(&shop()).await.unwrap();
    assert_eq!(bench.existing().await, ["shop.web.1"]);
    assert!(bench.record().await.retirements.is_empty());
    assert!(!next.retire(&shop()).await.unwrap().is_change());
}

#[tokio::test]
async fn one_replica_can_be_restarted() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.scale(&["web=2", "worker=1"]).await;
    let ids = |names: [&str; 3]| names.map(|name| bench.engine.container_named(name).unwrap());
    let before = ids(["shop.web.1", "shop.web.2", "shop.worker.1"]);
    bench.operations.restart(&shop(), Some("web.2")).await.unwrap();
    let after = ids(["shop.web.1", "shop.web.2", "shop.worker.1"]);
    assert_eq!((&before[0], &before[2]), (&after[0], &after[2]));
    assert_ne!(before[1], after[1]);
    for word in ["nosuch", "web.3", "web.0", "x.1"] {
        let error = bench.operations.restart(&shop(), Some(word)).await.unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[tokio::test]
async fn stop_and_start_keep_the_containers_and_the_policy() {
    let bench = Bench::new();
    bench.deploy().await;
    let id = bench.engine.container_named("shop.web.1").unwrap();
    bench.operations.stop(&shop()).await.unwrap();
    let detail = bench.engine.inspect_container(&id).await.unwrap();
    assert_eq!(
        (detail.state, detail.restart_policy),
        (ContainerState::Exited, RestartPolicy::No)
    );
    assert!(bench.record().await.stopped_by_operator);
    assert!(!bench.operations.stop(&shop()).await.unwrap().is_change());
    bench.operations.start(&shop()).await.unwrap();
    let detail = bench.engine.inspect_container(&id).await.unwrap();
    assert_eq!(
        (detail.state, detail.restart_policy),
        (ContainerState::Running, RestartPolicy::on_failure(10))
    );
    assert!(!bench.operations.start(&shop()).await.unwrap().is_change());
}

#[tokio::test]
async fn start_replaces_what_is_missing() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.scale(&["web=2"]).await;
    assert!(bench.engine.vanish("shop.web.2"));
    bench.operations.start(&shop()).await.unwrap();
    assert_eq!(bench.running().await, ["shop.web.1", "shop.web.2"]);
}

#[tokio::test]
async fn where_a_policy_would_revive_it_a_stopped_container_is_removed() {
    let bench = Bench::with_capabilities(|capabilities| {
        capabilities.updates_restart_policy = false;
        capabilities.revives_stopped_containers = true;
    });
    bench.deploy().await;
    bench
        .operations
        .set_property(&shop(), Property::RestartPolicy, Some("always".to_owned()))
        .await
        .unwrap();
    bench.operations.restart(&shop(), None).await.unwrap();
    bench.operations.retire(&shop()).await.unwrap();
    bench.operations.stop(&shop()).await.unwrap();
    assert_eq!(bench.existing().await, Vec::<String>::new());
    bench.operations.start(&shop()).await.unwrap();
    assert_eq!(bench.running().await, ["shop.web.1"]);
}

#[tokio::test]
async fn apps_that_were_never_deployed_are_no_error() {
    use ps_core::store::{Store, StoreChange};
    let bench = Bench::new();
    bench.store.apply(&[StoreChange::CreateApp(shop())]).await.unwrap();
    for outcome in [
        bench.operations.start(&shop()).await.unwrap(),
        bench.operations.stop(&shop()).await.unwrap(),
        bench.operations.restart(&shop(), None).await.unwrap(),
    ] {
        assert!(outcome.notice.is_some());
        assert!(!outcome.is_change());
    }
    bench.scale(&["web=3"]).await;
    assert_eq!(bench.record().await.formation.to_string(), "web=3");
}

#[tokio::test]
async fn a_config_change_makes_a_release_and_rolls_it_out() {
    use ps_core::operations::ConfigEdit;
    let bench = Bench::new();
    bench.deploy().await;
    let mut edit = ConfigEdit::default();
    edit.set.set("GREETING", "hello").unwrap();
    let outcome = bench.operations.configure(&shop(), &edit, true).await.unwrap();
    assert_eq!(outcome.release.unwrap().to_string(), "v2");
    let id = bench.engine.container_named("shop.web.1").unwrap();
    let env = bench.engine.inspect_container(&id).await.unwrap().env;
    assert!(
        env.iter()
            .any(|variable| variable.name == "GREETING" && variable.value == "hello")
    );
    assert!(
        !bench
            .operations
            .configure(&shop(), &edit, true)
            .await
            .unwrap()
            .is_change()
    );
    let undo = ConfigEdit {
        unset: vec!["GREETING".to_owned()],
        ..ConfigEdit::default()
    };
    bench.operations.configure(&shop(), &undo, false).await.unwrap();
    assert_eq!(bench.record().await.release.unwrap().number.to_string(), "v2");
    let restarted = bench.operations.restart(&shop(), None).await.unwrap();
    assert_eq!(restarted.release.unwrap().to_string(), "v3");
}

#[tokio::test]
async fn a_destroyed_app_leaves_nothing() {
    use ps_core::store::Store;
    let bench = Bench::new();
    bench.deploy().await;
    bench.scale(&["web=2", "worker=1"]).await;
    bench.operations.destroy_app(&shop()).await.unwrap();
    assert_eq!(bench.existing().await, Vec::<String>::new());
    assert!(bench.store.apps().await.unwrap().is_empty());
    assert!(bench.store.reserved_endpoints().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_renamed_app_runs_under_its_new_name() {
    let bench = Bench::new();
    bench.deploy().await;
    bench
        .operations
        .rename_app(&shop(), &"store".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(bench.running().await, ["store.web.1"]);
}

#[tokio::test]
async fn a_report_of_any_number_of_apps_is_one_list_call() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.scale(&["web=3"]).await;
    bench.engine.forget_calls();
    let reports = bench.operations.report(&[]).await.unwrap();
    let calls: Vec<&str> = bench.engine.calls().into_iter().map(|call| call.method).collect();
    assert_eq!(calls, ["list_containers"]);
    assert_eq!(reports[0].processes, 3);
    assert_eq!(reports[0].running, ps_core::report::Running::All);
}

#[tokio::test]
async fn an_image_that_is_in_use_for_a_moment_goes_with_its_app() {
    let bench = Bench::new();
    bench.deploy().await;
    let in_use = FaultEffect::Fail(RuntimeErrorKind::Conflict);
    bench.engine.inject(Fault::new(in_use).on_method("remove_image").nth(1));
    bench.operations.destroy_app(&shop()).await.unwrap();
    assert_eq!(bench.engine.calls_of("remove_image").len(), 2);
    assert!(bench.engine.inspect_image("psctl/shop:v1").await.is_err());
}

#[tokio::test]
async fn an_image_that_cannot_go_is_told_and_does_not_keep_the_app() {
    use ps_core::store::Store;
    let bench = Bench::new();
    bench.deploy().await;
    let in_use = FaultEffect::Fail(RuntimeErrorKind::Conflict);
    bench.engine.inject(Fault::new(in_use).on_method("remove_image"));
    let error = bench.operations.destroy_app(&shop()).await.unwrap_err();
    assert!(error.to_string().contains("psctl/shop:v1"), "{error}");
    assert!(bench.store.apps().await.unwrap().is_empty());
    assert_eq!(bench.existing().await, Vec::<String>::new());
}
