//! Restores bring back what served and nothing else, app by app, whatever the engine, the proxy and the sources are like by then.

use std::path::PathBuf;
use std::time::Duration;

use ps_core::crashes::Quarantine;
use ps_core::names::AppName;
use ps_core::operations::{OperationError, RestoreOutcome, RestoreReport, RestoreSelection};
use ps_core::planning::RestoreSkip;
use ps_core::policies::Property;
use ps_core::proxy::{ProxyErrorKind, ProxyPresence, SiteChange};
use ps_core::release::Source;
use ps_core::runtime::{ImageRuntime, RuntimeErrorKind};
use ps_core::store::{LockKind, Scope, Store, StoreChange};
use ps_core::testing::{Behaviour, Fault, FaultEffect};

use crate::bench::{Bench, procfile, shop};

pub(crate) async fn restore(bench: &Bench) -> RestoreReport {
    let report = bench.operations.restore(&RestoreSelection::All, 1).await;
    report.unwrap()
}

/// `shop: 2 started, 1 kept`, a line an app.
pub(crate) fn told(report: &RestoreReport) -> Vec<String> {
    let line = |app: &ps_core::operations::RestoredApp| {
        let what = match &app.outcome {
            RestoreOutcome::CameBack { started, kept } => format!("{} started, {} kept", started.len(), kept.len()),
            RestoreOutcome::Redeployed {
                release,
                missing,
                is_image_new,
            } => {
                let image = if *is_image_new { " with a new image" } else { "" };
                format!("{release}{image}, {} missing", missing.len())
            }
            RestoreOutcome::Skipped(skip) => format!("skipped, {skip}"),
            RestoreOutcome::Busy(_) => "busy".to_owned(),
            RestoreOutcome::Failed(error) => format!("failed, {error}"),
        };
        let proxy = app.without_proxy.as_ref().map(|note| format!("; {note}"));
        format!("{}: {what}{}", app.app, proxy.unwrap_or_default())
    };
    report.apps.iter().map(line).collect()
}

fn app(name: &str) -> AppName {
    name.parse().unwrap()
}

/// Deploys an app of that name.
async fn deploy(bench: &Bench, name: &str) {
    let source = Source::Directory(PathBuf::from("/src"));
    bench.operations.deploy(&app(name), Some(source)).await.unwrap();
}

async fn set(bench: &Bench, name: &str, property: Property, value: &str) {
    let change = StoreChange::SetProperty {
        scope: Scope::App(app(name)),
        property,
        value: Some(value.to_owned()),
    };
    bench.store.apply(&[change]).await.unwrap();
}

/// A shop with two replicas of `web` and one worker that a proxy serves.
pub(crate) async fn served_shop() -> Bench {
    let bench = Bench::new();
    bench.proxy.set_presence(ProxyPresence::Ready);
    bench.source.set_revision("/src", "first");
    bench.deploy().await;
    bench.scale(&["web=2", "worker=1"]).await;
    bench
}

fn upstreams(bench: &Bench) -> Vec<String> {
    let site = bench.proxy.site(&shop()).unwrap();
    let upstreams = site.upstreams.iter();
    upstreams.map(|upstream| upstream.replica.to_string()).collect()
}

async fn lose_image(bench: &Bench) {
    let id = bench.record().await.release.unwrap().image.id;
    for name in ["psctl/shop:v1", "psctl/shop:v2", &id.0] {
        let _ = bench.engine.remove_image(name).await;
    }
    assert!(bench.engine.inspect_image(&id.0).await.is_err());
}

#[tokio::test]
async fn what_runs_is_left_alone_and_keeps_its_file() {
    let bench = served_shop().await;
    bench.engine.forget_calls();
    let site = bench.proxy.site(&shop()).unwrap();
    let changes = bench.proxy.changes().len();
    let report = restore(&bench).await;
    assert_eq!(told(&report), ["shop: 0 started, 3 kept"]);
    assert!(report.cleared.is_empty());
    // The proxy does nothing for a file that is as it should be.
    let changes = bench.proxy.changes().split_off(changes);
    assert_eq!(changes, [vec![SiteChange::Serve(site)]]);
    for method in ["start_container", "create_container", "update_restart_policy"] {
        assert!(bench.engine.calls_of(method).is_empty(), "{method}");
    }
}

#[tokio::test]
async fn after_a_reboot_everything_is_started_and_gets_requests_again() {
    let bench = served_shop().await;
    let before = bench.existing().await;
    bench.engine.reboot();
    assert!(bench.running().await.is_empty());
    let changes = bench.proxy.changes().len();
    let report = restore(&bench).await;
    assert_eq!(told(&report), ["shop: 3 started, 0 kept"]);
    assert_eq!(report.cleared, [shop()]);
    assert_eq!(bench.running().await, before);
    assert_eq!(upstreams(&bench), ["web.1", "web.2"]);
    let changes = bench.proxy.changes().split_off(changes);
    assert_eq!(changes.len(), 2);
    assert!(matches!(&changes[0][..], [SiteChange::Serve(site)] if site.upstreams.is_empty()));
    let again = restore(&bench).await;
    assert_eq!(told(&again), ["shop: 0 started, 3 kept"]);
}

#[tokio::test]
async fn no_check_is_made_of_what_is_intact() {
    let bench = served_shop().await;
    bench.engine.reboot();
    let before = bench.engine.clock().clone();
    let begun = ps_core::host::Clock::monotonic(&before);
    restore(&bench).await;
    let took = ps_core::host::Clock::monotonic(&before).saturating_sub(begun);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn the_files_of_all_apps_are_cleared_in_one_change_before_anything_starts() {
    let bench = served_shop().await;
    for name in ["blog", "api"] {
        deploy(&bench, name).await;
    }
    bench.engine.reboot();
    let changes = bench.proxy.changes().len();
    let report = restore(&bench).await;
    assert_eq!(report.cleared, [app("api"), app("blog"), shop()]);
    let first = &bench.proxy.changes()[changes];
    assert_eq!(first.len(), 3);
}

#[tokio::test]
async fn a_missing_container_redeploys_the_whole_app_from_its_image() {
    let bench = served_shop().await;
    bench.engine.reboot();
    assert!(bench.engine.vanish("shop.web.2"));
    bench
        .source
        .fail_directory("/src", ps_core::source::SourceErrorKind::Unreadable);
    bench.engine.forget_calls();
    let report = restore(&bench).await;
    assert_eq!(told(&report), ["shop: v1, 1 missing"]);
    assert!(bench.engine.calls_of("build_image").is_empty());
    assert_eq!(bench.engine.calls_of("create_container").len(), 3);
    assert_eq!(bench.running().await, ["shop.web.1", "shop.web.2", "shop.worker.1"]);
    assert_eq!(upstreams(&bench), ["web.1", "web.2"]);
    bench.operations.retire(&shop()).await.unwrap();
}

#[tokio::test]
async fn a_container_that_only_seems_to_run_counts_as_missing() {
    let bench = served_shop().await;
    assert!(bench.engine.lose_process("shop.web.2"));
    assert_eq!(bench.running().await.len(), 3);
    let report = restore(&bench).await;
    assert_eq!(report.cleared, [shop()]);
    assert_eq!(told(&report), ["shop: v1, 1 missing"]);
    bench.engine.clock().advance(Duration::from_secs(61));
    bench.operations.retire(&shop()).await.unwrap();
    assert_eq!(bench.existing().await, ["shop.web.1", "shop.web.2", "shop.worker.1"]);
    assert_eq!(told(&restore(&bench).await), ["shop: 0 started, 3 kept"]);
}

#[tokio::test]
async fn where_the_host_sees_no_processes_the_engine_is_believed() {
    let bench = Bench::with_capabilities(|capabilities| capabilities.host_sees_processes = false);
    bench.deploy().await;
    assert!(bench.engine.lose_process("shop.web.1"));
    assert_eq!(told(&restore(&bench).await), ["shop: 0 started, 1 kept"]);
}

#[tokio::test]
async fn a_lost_image_is_built_again_from_the_same_state_of_its_source() {
    let bench = served_shop().await;
    for name in ["shop.web.1", "shop.web.2", "shop.worker.1"] {
        assert!(bench.engine.vanish(name));
    }
    lose_image(&bench).await;
    let report = restore(&bench).await;
    assert_eq!(told(&report), ["shop: v2 with a new image, 3 missing"]);
    let release = bench.record().await.release.unwrap();
    assert_eq!((release.number.0, release.cause.as_str()), (2, "ps:restore"));
    assert_eq!(bench.running().await, ["shop.web.1", "shop.web.2", "shop.worker.1"]);
}

#[tokio::test]
async fn a_boot_never_ships_newer_code() {
    let bench = served_shop().await;
    for name in ["shop.web.1", "shop.web.2", "shop.worker.1"] {
        assert!(bench.engine.vanish(name));
    }
    lose_image(&bench).await;
    bench.source.set_revision("/src", "second");
    let report = restore(&bench).await;
    assert_eq!(
        told(&report),
        ["shop: failed, the image of v1 of shop is gone, and the directory /src changed since"]
    );
    assert!(bench.existing().await.is_empty());
    assert_eq!(bench.record().await.release.unwrap().number.0, 1);
    bench.source.set_revision("/src", "first");
    assert_eq!(told(&restore(&bench).await), ["shop: v2 with a new image, 3 missing"]);
}

#[tokio::test]
async fn what_is_left_of_an_app_that_cannot_be_redeployed_is_started() {
    let bench = served_shop().await;
    bench.engine.reboot();
    assert!(bench.engine.vanish("shop.web.2"));
    bench
        .engine
        .on_start("shop.web.*.upcoming-*", Behaviour::ExitsAfter(Duration::ZERO, 1));
    let report = restore(&bench).await;
    assert!(
        told(&report)[0].starts_with("shop: failed, shop.web."),
        "{:?}",
        told(&report)
    );
    assert_eq!(bench.running().await, ["shop.web.1", "shop.worker.1"]);
    assert_eq!(upstreams(&bench), ["web.1"]);
}

#[tokio::test]
async fn a_proxy_that_is_down_keeps_no_app_down() {
    let bench = served_shop().await;
    deploy(&bench, "blog").await;
    bench.engine.reboot();
    assert!(bench.engine.vanish("blog.web.1"));
    bench.proxy.set_presence(ProxyPresence::Down);
    let report = restore(&bench).await;
    let down = "; nginx does not run";
    assert_eq!(
        told(&report),
        [
            format!("blog: v1, 1 missing{down}"),
            format!("shop: 3 started, 0 kept{down}")
        ]
    );
    assert_eq!(report.not_back().count(), 0);
    bench.proxy.set_presence(ProxyPresence::Ready);
    let report = restore(&bench).await;
    assert_eq!(told(&report), ["blog: 0 started, 1 kept", "shop: 0 started, 3 kept"]);
    assert_eq!(upstreams(&bench), ["web.1", "web.2"]);
}

#[tokio::test]
async fn a_proxy_that_refuses_a_file_is_a_failure_of_that_app_and_its_containers_run() {
    let bench = served_shop().await;
    bench.engine.reboot();
    // The first change clears.
    bench.proxy.fail_next(ProxyErrorKind::Failed);
    bench.proxy.fail_next(ProxyErrorKind::OutcomeUnknown);
    let report = restore(&bench).await;
    assert_eq!(
        told(&report),
        ["shop: failed, could not send requests for shop to its containers"]
    );
    assert_eq!(bench.running().await.len(), 3);
    assert_eq!(told(&restore(&bench).await), ["shop: 0 started, 3 kept"]);
    assert_eq!(upstreams(&bench), ["web.1", "web.2"]);
}

#[tokio::test]
async fn one_app_that_fails_does_not_stop_the_others() {
    let bench = served_shop().await;
    for name in ["blog", "api"] {
        deploy(&bench, name).await;
    }
    bench.engine.reboot();
    let fault = Fault::new(FaultEffect::Fail(RuntimeErrorKind::Unexpected));
    bench
        .engine
        .inject(fault.on_method("start_container").on_subject("blog.web.1"));
    let report = restore(&bench).await;
    assert_eq!(
        told(&report),
        [
            "api: 1 started, 0 kept",
            "blog: failed, could not start blog.web.1",
            "shop: 3 started, 0 kept"
        ]
    );
    let not_back: Vec<&AppName> = report.not_back().map(|restored| &restored.app).collect();
    assert_eq!(not_back, [&app("blog")]);
}

#[tokio::test]
async fn lower_priorities_come_first_and_then_names() {
    let bench = Bench::new();
    for name in ["api", "blog", "shop"] {
        deploy(&bench, name).await;
    }
    set(&bench, "shop", Property::RestorePriority, "-5").await;
    set(&bench, "api", Property::RestorePriority, "7").await;
    bench.engine.reboot();
    bench.engine.forget_calls();
    restore(&bench).await;
    let started: Vec<String> = bench
        .engine
        .calls_of("start_container")
        .into_iter()
        .map(|call| call.subject)
        .collect();
    assert_eq!(started, ["shop.web.1", "blog.web.1", "api.web.1"]);
}

#[tokio::test]
async fn what_its_operator_stopped_what_is_quarantined_and_what_is_not_to_be_restored_stays() {
    let bench = Bench::new();
    for name in ["loop", "off", "stopped"] {
        deploy(&bench, name).await;
    }
    bench.store.apply(&[StoreChange::CreateApp(app("new"))]).await.unwrap();
    bench.operations.stop(&app("stopped")).await.unwrap();
    set(&bench, "off", Property::Restore, "false").await;
    let quarantine = Quarantine {
        cause: "web.1 failed 11 times in 10 minutes".to_owned(),
        since: std::time::SystemTime::UNIX_EPOCH,
    };
    let change = StoreChange::SetQuarantine {
        app: app("loop"),
        quarantine: Some(quarantine),
    };
    bench.store.apply(&[change]).await.unwrap();
    bench.engine.reboot();
    bench.engine.forget_calls();
    let report = restore(&bench).await;
    let skips = [
        RestoreSkip::Quarantined,
        RestoreSkip::NeverDeployed,
        RestoreSkip::RestoreOff,
        RestoreSkip::StoppedByOperator,
    ];
    let names = ["loop", "new", "off", "stopped"];
    let expected: Vec<String> = names
        .iter()
        .zip(skips)
        .map(|(name, skip)| format!("{name}: skipped, {skip}"))
        .collect();
    assert_eq!(told(&report), expected);
    assert!(bench.running().await.is_empty());
    assert!(bench.store.app(&app("loop")).await.unwrap().quarantine.is_some());
    assert_eq!(report.not_back().count(), 0);
}

#[tokio::test]
async fn an_app_that_is_worked_on_is_reported_and_holds_nobody_up() {
    let bench = served_shop().await;
    deploy(&bench, "blog").await;
    bench.engine.reboot();
    let lock = bench
        .store
        .lock_app(&app("blog"), LockKind::Change, "deploy", Duration::ZERO)
        .await
        .unwrap();
    let report = restore(&bench).await;
    assert_eq!(told(&report), ["blog: busy", "shop: 3 started, 0 kept"]);
    assert_eq!(report.cleared, [shop()]);
    drop(lock);
    assert_eq!(told(&restore(&bench).await)[0], "blog: 1 started, 0 kept");
}

#[tokio::test]
async fn one_app_is_restored_alone_and_an_unknown_one_is_an_error() {
    let bench = served_shop().await;
    deploy(&bench, "blog").await;
    bench.engine.reboot();
    let only = RestoreSelection::Apps(vec![app("blog")]);
    let report = bench.operations.restore(&only, 1).await.unwrap();
    assert_eq!(told(&report), ["blog: 1 started, 0 kept"]);
    assert_eq!(bench.running().await, ["blog.web.1"]);
    assert_eq!(upstreams(&bench), ["web.1", "web.2"]);
    let unknown = RestoreSelection::Apps(vec![app("nobody")]);
    let error = bench.operations.restore(&unknown, 1).await.unwrap_err();
    assert!(matches!(error, OperationError::Store(_)), "{error}");
}

#[tokio::test]
async fn a_dry_run_tells_what_a_restore_then_does() {
    let bench = served_shop().await;
    deploy(&bench, "blog").await;
    bench.engine.reboot();
    assert!(bench.engine.vanish("blog.web.1"));
    let before = (
        bench.existing().await,
        bench.store.applied().len(),
        bench.proxy.changes().len(),
    );
    let dry = bench.dry.restore(&RestoreSelection::All, 1).await.unwrap();
    let after = (
        bench.existing().await,
        bench.store.applied().len(),
        bench.proxy.changes().len(),
    );
    assert_eq!(before, after);
    assert!(bench.running().await.is_empty());
    let planned: Vec<String> = dry.apps[1].work.plans.iter().map(ToString::to_string).collect();
    assert!(
        planned.concat().contains("start shop.web.2 (it is stopped)"),
        "{planned:?}"
    );
    let done = restore(&bench).await;
    assert_eq!(told(&dry), told(&done));
    assert_eq!(dry.cleared, done.cleared);
}

#[tokio::test]
async fn a_restore_that_is_killed_at_any_call_is_completed_by_the_next() {
    for is_missing in [false, true] {
        for calls in 1.. {
            let bench = Bench::new();
            bench.proxy.set_presence(ProxyPresence::Ready);
            bench.deploy().await;
            bench.scale(&["worker=1"]).await;
            bench.engine.reboot();
            if is_missing {
                assert!(bench.engine.vanish("shop.worker.1"));
            }
            bench.engine.forget_calls();
            bench.engine.set_latency(Duration::from_millis(1));
            let is_over = kill_amid_restore(&bench, calls).await;
            let report = restore(&bench).await;
            assert_eq!(report.not_back().count(), 0, "{calls}: {:?}", told(&report));
            bench.engine.clock().advance(Duration::from_secs(61));
            bench.operations.retire(&shop()).await.unwrap();
            let all = ["shop.web.1", "shop.worker.1"];
            assert_eq!(bench.existing().await, all, "{calls}");
            assert_eq!(bench.running().await, all, "{calls}");
            assert_eq!(upstreams(&bench), ["web.1"], "{calls}");
            if is_over {
                assert!(calls > 8, "it was over after {calls} calls");
                break;
            }
        }
    }
}

/// Drops a restore amid its so-manieth call; whether it was over before.
async fn kill_amid_restore(bench: &Bench, calls: usize) -> bool {
    let again = bench.again();
    let mut restore = Box::pin(again.restore(&RestoreSelection::All, 1));
    while bench.engine.calls().len() < calls {
        if futures_util::poll!(&mut restore).is_ready() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

#[tokio::test]
async fn what_was_only_scaled_on_paper_is_neither_missing_nor_started() {
    let bench = served_shop().await;
    let change = ps_core::formation::parse_scale(&["web=4", "worker=0"]).unwrap();
    bench.operations.scale(&shop(), &change, true).await.unwrap();
    bench.engine.reboot();
    assert_eq!(told(&restore(&bench).await), ["shop: 2 started, 0 kept"]);
    assert_eq!(bench.running().await, ["shop.web.1", "shop.web.2"]);
}

#[tokio::test]
async fn a_release_that_was_only_recorded_is_not_shipped_by_a_boot() {
    let bench = Bench::new();
    bench.deploy().await;
    set(&bench, "shop", Property::SkipDeploy, "true").await;
    bench.source.add_dockerfile(
        "/src",
        procfile(&[("web", "serve --port $PORT --new")]),
        "FROM scratch\nENV NEW=1\n",
    );
    bench.deploy().await;
    assert_eq!(bench.record().await.release.unwrap().number.0, 2);
    bench.engine.reboot();
    assert!(bench.engine.vanish("shop.web.1"));
    assert_eq!(told(&restore(&bench).await), ["shop: v1, 1 missing"]);
    let record = bench.record().await;
    assert_eq!(record.serving.values().next().unwrap().release.0, 1);
    assert_eq!(record.release.unwrap().number.0, 2);
}
