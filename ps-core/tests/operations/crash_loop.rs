//! Replacing what is in a crash loop: an engine may rename nothing that waits for its restart.

use std::time::Duration;

use ps_core::app::CheckMode;
use ps_core::host::Clock;
use ps_core::runtime::{ContainerRuntime, ContainerState};
use ps_core::store::{Store, StoreChange};
use ps_core::testing::Behaviour;

use crate::bench::{Bench, shop};

/// An app whose only process, not checked, waits for its restart under a name.
async fn bench(name: &str) -> Bench {
    let bench = Bench::new();
    let skipped = StoreChange::SetCheckMode {
        app: shop(),
        process_type: "web".parse().unwrap(),
        mode: CheckMode::Skipped,
    };
    bench
        .store
        .apply(&[StoreChange::CreateApp(shop()), skipped])
        .await
        .unwrap();
    if name == "shop.web.1" {
        bench.deploy().await;
        assert!(bench.engine.crash(name, 1));
    } else {
        let ends = Behaviour::ExitsAfter(Duration::ZERO, 1);
        bench.engine.on_next_starts(1, "shop.web.1.*", ends);
        // Between two calls there is time to end.
        bench.engine.set_latency(Duration::from_millis(1));
        bench.deploy().await;
        bench.engine.set_latency(Duration::ZERO);
    }
    assert_eq!(bench.existing().await, [name]);
    assert_eq!(state(&bench, name).await, ContainerState::Restarting);
    bench
}

async fn state(bench: &Bench, name: &str) -> ContainerState {
    let id = bench.engine.container_named(name).unwrap();
    bench.engine.inspect_container(&id).await.unwrap().state
}

/// A container that begins to wait before it has its own name keeps the one it was made under.
const NAMES: [&str; 2] = ["shop.web.1", "shop.web.1.upcoming-1"];

#[tokio::test]
async fn a_deploy_replaces_what_waits_for_its_restart() {
    for name in NAMES {
        let bench = bench(name).await;
        bench.deploy().await;
        assert_eq!(bench.running().await, ["shop.web.1"], "{name}");
        assert_eq!(
            bench.existing().await,
            ["shop.web.1", "shop.web.1.retiring-1"],
            "{name}"
        );
        assert_eq!(state(&bench, "shop.web.1.retiring-1").await, ContainerState::Exited);
        bench.operations.retire(&shop()).await.unwrap();
        assert_eq!(bench.existing().await, ["shop.web.1"], "{name}");
    }
}

#[tokio::test]
async fn what_is_not_replaced_goes_on_waiting() {
    let bench = bench(NAMES[1]).await;
    bench.scale(&["worker=1"]).await;
    assert!(bench.engine.calls_of("stop_container").is_empty());
    // Its restart is the engine's; the next command finds it running and puts its name right.
    bench.engine.clock().sleep(Duration::from_secs(1)).await;
    bench.operations.start(&shop()).await.unwrap();
    assert_eq!(bench.running().await, ["shop.web.1", "shop.worker.1"]);
}

#[tokio::test]
async fn a_deploy_over_a_crash_loop_that_is_killed_at_any_call_is_put_right_by_the_next() {
    for name in NAMES {
        for calls in 1.. {
            let bench = bench(name).await;
            bench.engine.forget_calls();
            bench.engine.set_latency(Duration::from_millis(1));
            let is_over = kill_amid_deploy(&bench, calls).await;
            bench.deploy().await;
            bench.operations.retire(&shop()).await.unwrap();
            assert_eq!(bench.existing().await, ["shop.web.1"], "{name} {calls}");
            assert_eq!(bench.running().await, ["shop.web.1"], "{name} {calls}");
            if is_over {
                assert!(calls > 8, "it was over after {calls} calls");
                break;
            }
        }
    }
}

/// Drops a deploy amid its so-manieth call; whether it was over before.
async fn kill_amid_deploy(bench: &Bench, calls: usize) -> bool {
    let again = bench.again();
    let app = shop();
    let mut deploy = Box::pin(again.deploy(&app, None));
    while bench.engine.calls().len() < calls {
        if futures_util::poll!(&mut deploy).is_ready() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}
