//! The listener when the connection to the engine, or the engine itself, goes away.

use std::time::Duration;

use ps_core::proxy::ProxyPresence;
use ps_core::runtime::{ContainerRuntime, EngineDetail, EngineIdentity, ImageRuntime, RuntimeErrorKind};
use ps_core::testing::{Behaviour, Fault, FaultEffect};

use crate::bench::{Bench, shop};
use crate::listener::while_listening;

#[tokio::test]
async fn fifty_lost_streams_lose_no_exit() {
    let bench = Bench::unchecked("always").await;
    let ears = while_listening(&bench, async |_| {
        for round in 1..=50 {
            bench.engine.break_streams();
            bench.until_running("shop.web.1").await;
            assert!(bench.engine.crash("shop.web.1", 1));
            // Not so often that it would be too often.
            bench.pause(130).await;
            assert_eq!(bench.crashes().await, round);
        }
    })
    .await;
    assert_eq!(ears.figures().losses, 50);
    assert_eq!(ears.comparisons(), 51);
    assert_eq!(ears.figures().quarantined, 0);
}

#[tokio::test]
async fn exits_of_a_gap_do_not_count_again_when_the_listener_is_restarted() {
    let bench = Bench::unchecked("always").await;
    while_listening(&bench, async |_| {
        bench.engine.die();
        for _ in 0..6 {
            assert!(bench.engine.crash("shop.web.1", 1));
            bench.pause(20).await;
        }
        bench.engine.revive();
        bench.pause(70).await;
        assert_eq!(bench.crashes().await, 6);
    })
    .await;
    while_listening(&bench, async |_| {
        assert_eq!(bench.crashes().await, 6, "nothing counts twice");
        bench.crash("shop.web.1", 1).await;
        bench.until_running("shop.web.1").await;
        bench.pause(1).await;
    })
    .await;
    assert_eq!((bench.crashes().await, bench.quarantine().await), (7, None));
}

#[tokio::test]
async fn a_move_while_nobody_hears_is_found_after_the_gap() {
    let bench = Bench::new();
    bench.proxy.set_presence(ProxyPresence::Ready);
    bench.deploy().await;
    let ears = while_listening(&bench, async |_| {
        bench.engine.break_streams();
        assert!(bench.engine.reconnect("shop.web.1", "10.210.9.9".parse().unwrap()));
        bench.pause(5).await;
        let site = bench.proxy.site(&shop()).unwrap();
        assert_eq!(site.upstreams[0].address.ip().to_string(), "10.210.9.9");
    })
    .await;
    assert_eq!(ears.figures().reroutes, 1);
}

#[tokio::test]
async fn a_lost_stream_restarts_nothing_that_runs() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.scale(&["worker=1"]).await;
    let before = bench.record().await.serving;
    let ears = while_listening(&bench, async |_| {
        bench.engine.break_streams();
        bench.pause(60).await;
    })
    .await;
    assert_eq!(bench.record().await.serving, before);
    assert_eq!((ears.figures().restores, bench.crashes().await), (0, 0));
}

#[tokio::test]
async fn an_app_comes_back_after_the_engine_was_gone() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.scale(&["worker=1"]).await;
    let ears = while_listening(&bench, async |_| {
        bench.engine.die();
        bench.pause(200).await;
        bench.engine.reboot();
        bench.pause(200).await;
        assert_eq!(bench.running().await, ["shop.web.1", "shop.worker.1"]);
    })
    .await;
    assert_eq!(ears.figures().restores, 1);
    assert!(
        ears.lines()
            .iter()
            .any(|line| line.contains("lost the engine's events"))
    );
}

#[tokio::test]
async fn an_app_that_ends_at_once_after_the_engine_was_gone_is_started_once() {
    let bench = Bench::unchecked("no").await;
    // So that it has ended when it is looked at after its start.
    bench.engine.set_latency(Duration::from_millis(10));
    let ears = while_listening(&bench, async |_| {
        let ends = Behaviour::ExitsAfter(Duration::ZERO, 1);
        bench.engine.on_next_starts(1000, "shop.web.1*", ends);
        bench.engine.die();
        bench.pause(10).await;
        bench.engine.reboot();
        bench.engine.forget_calls();
        bench.pause(3600).await;
    })
    .await;
    assert_eq!(bench.engine.calls_of("start_container").len(), 1);
    let told = "failed shop: is not back after the engine was gone: shop.web.1 ended right after its start";
    let lines = ears.lines();
    let failed: Vec<&String> = lines.iter().filter(|line| line.starts_with("failed")).collect();
    assert_eq!(failed, [told]);
    assert_eq!((ears.figures().restores, ears.figures().failures), (0, 1));
}

#[tokio::test]
async fn an_app_whose_image_and_source_are_gone_is_not_built_again_and_again() {
    let bench = Bench::new();
    bench.source.set_revision("/src", "first");
    bench.deploy().await;
    let image = bench.record().await.release.unwrap().image.id;
    let ears = while_listening(&bench, async |_| {
        bench.engine.die();
        bench.pause(10).await;
        bench.engine.reboot();
        assert!(bench.engine.vanish("shop.web.1"));
        for name in ["psctl/shop:v1", &image.0] {
            let _ = bench.engine.remove_image(name).await;
        }
        bench.source.set_revision("/src", "second");
        bench.pause(3600).await;
    })
    .await;
    let failed = ears.lines().into_iter().filter(|line| line.starts_with("failed"));
    let told = "failed shop: is not back after the engine was gone: \
                the image of v1 of shop is gone, and the directory /src changed since";
    assert_eq!(failed.collect::<Vec<_>>(), [told]);
    assert_eq!(ears.figures().failures, 1);
}

#[tokio::test]
async fn an_app_that_its_operator_stopped_stays_stopped_after_the_engine_was_gone() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.operations.stop(&shop()).await.unwrap();
    let ears = while_listening(&bench, async |_| {
        bench.engine.die();
        bench.pause(10).await;
        bench.engine.reboot();
        bench.pause(200).await;
    })
    .await;
    assert_eq!(bench.running().await, Vec::<String>::new());
    assert_eq!(ears.figures().restores, 0);
}

#[tokio::test]
async fn the_pause_between_connections_grows_to_a_minute() {
    let bench = Bench::new();
    bench.deploy().await;
    while_listening(&bench, async |_| {
        bench.engine.die();
        bench.engine.forget_calls();
        bench.pause(600).await;
        let asked = bench.engine.calls_of("list_containers").len();
        assert!((10..20).contains(&asked), "{asked}");
        bench.engine.revive();
        bench.pause(120).await;
    })
    .await;
}

#[tokio::test]
async fn nothing_is_rebuilt_on_another_engine_that_answers() {
    for has_other_id in [true, false] {
        let bench = Bench::new();
        let here = EngineDetail {
            storage: Some("/here".into()),
            ..EngineDetail::default()
        };
        bench.engine.set_detail(here);
        bench.deploy().await;
        let ears = while_listening(&bench, async |_| {
            let (identity, detail) = (bench.engine.identity(), bench.engine.inspect_engine().await.unwrap());
            bench.engine.die();
            bench.pause(10).await;
            // Another one, without any container.
            if has_other_id {
                let id = "OTHER".to_owned();
                bench.engine.set_identity(EngineIdentity { id, ..identity.clone() });
            } else {
                let storage = Some("/elsewhere".into());
                bench.engine.set_detail(EngineDetail {
                    storage,
                    ..detail.clone()
                });
            }
            bench.engine.reboot();
            assert!(bench.engine.vanish("shop.web.1"));
            bench.engine.forget_calls();
            bench.pause(3600).await;
            assert_eq!(bench.engine.calls_of("create_container"), []);
            assert_eq!(bench.engine.calls_of("inspect_container"), []);
            bench.engine.set_identity(identity);
            bench.engine.set_detail(detail);
            bench.pause(120).await;
        })
        .await;
        assert_eq!(bench.running().await, ["shop.web.1"], "on its own engine it is");
        assert_eq!(ears.figures().restores, 1);
        let lines = ears.lines();
        let is_other =
            |line: &&String| line.contains("another engine answers") || line.contains("another storage than before");
        let told: Vec<&String> = lines.iter().filter(is_other).collect();
        assert_eq!(told.len(), 1, "{lines:?}");
    }
}

#[tokio::test]
async fn a_look_that_fails_is_made_again() {
    let bench = Bench::unchecked("on-failure:1").await;
    let ears = while_listening(&bench, async |_| {
        bench.crash("shop.web.1", 1).await;
        bench.until_running("shop.web.1").await;
        let fails = Fault::new(FaultEffect::Fail(RuntimeErrorKind::Unexpected));
        bench.engine.inject(fails.on_method("inspect_container").nth(1));
        assert!(bench.engine.crash("shop.web.1", 1));
        bench.pause(60).await;
    })
    .await;
    assert_eq!(ears.figures().redeploys, 1, "{:?}", ears.lines());
}
