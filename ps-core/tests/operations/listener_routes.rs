//! The listener and the proxy's files: what was left out of one gets requests again.

use std::time::Duration;

use ps_core::operations::{DomainEdit, RestoreSelection};
use ps_core::proxy::{ProxyPresence, Site};
use ps_core::runtime::{ContainerRuntime, RuntimeErrorKind};
use ps_core::testing::{Fault, FaultEffect};

use crate::bench::{Bench, shop};
use crate::listener::while_listening;

async fn served() -> Bench {
    let bench = Bench::new();
    bench.proxy.set_presence(ProxyPresence::Ready);
    bench.deploy().await;
    bench
}

fn site(bench: &Bench) -> Site {
    bench.proxy.site(&shop()).unwrap()
}

#[tokio::test]
async fn a_web_that_was_away_when_its_file_was_written_gets_requests_again() {
    let bench = served().await;
    let before = site(&bench).upstreams;
    let ears = while_listening(&bench, async |_| {
        assert!(bench.engine.crash("shop.web.1", 1));
        let domains = DomainEdit::Set(vec!["shop.example".parse().unwrap()]);
        bench.operations.edit_domains(&shop(), &domains).await.unwrap();
        assert_eq!(site(&bench).upstreams, []);
        bench.until_running("shop.web.1").await;
        bench.pause(2).await;
        assert_eq!(site(&bench).upstreams, before);
    })
    .await;
    assert_eq!(ears.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_that_was_written_without_a_web_is_mended_when_a_listener_starts() {
    let bench = served().await;
    let before = site(&bench).upstreams;
    assert!(bench.engine.crash("shop.web.1", 1));
    let domains = DomainEdit::Set(vec!["shop.example".parse().unwrap()]);
    bench.operations.edit_domains(&shop(), &domains).await.unwrap();
    bench.until_running("shop.web.1").await;
    while_listening(&bench, async |_| bench.pause(2).await).await;
    assert_eq!(site(&bench).upstreams, before);
}

#[tokio::test]
async fn a_restore_without_the_proxy_leaves_the_files_and_the_listener_writes_those_that_changed() {
    let bench = served().await;
    let before = site(&bench).upstreams;
    let whole = RestoreSelection::All;
    bench.engine.reboot();
    bench.proxy.set_presence(ProxyPresence::Down);
    let report = bench.operations.restore(&whole, 1).await.unwrap();
    assert_eq!((report.not_back().count(), report.cleared.len()), (0, 0));
    assert_eq!(site(&bench).upstreams, before);
    assert!(bench.engine.vanish("shop.web.1"));
    bench.operations.restore(&whole, 1).await.unwrap();
    let ears = while_listening(&bench, async |_| {
        bench.pause(300).await;
        bench.proxy.set_presence(ProxyPresence::Ready);
        bench.pause(61).await;
        assert_eq!(site(&bench).upstreams.len(), 1);
        assert_ne!(site(&bench).upstreams, before);
    })
    .await;
    // Said once, however often it was tried.
    assert_eq!(ears.lines().len(), 1, "{:?}", ears.lines());
}

#[tokio::test]
async fn restarts_of_long_ago_do_not_count_when_the_first_look_of_a_listener_fails() {
    let bench = Bench::unchecked("always").await;
    for _ in 0..15 {
        bench.crash("shop.web.1", 1).await;
        bench.pause(3600).await;
    }
    let fails = Fault::new(FaultEffect::Fail(RuntimeErrorKind::Unexpected));
    bench.engine.inject(fails.on_method("inspect_container").nth(1));
    let ears = while_listening(&bench, async |_| bench.pause(60).await).await;
    assert_eq!(ears.figures().failures, 1, "the first look fails");
    assert_eq!((bench.crashes().await, ears.figures().quarantined), (0, 0));
}

#[tokio::test]
async fn a_proxy_that_is_down_starts_nothing_that_is_stopped() {
    let bench = served().await;
    bench.scale(&["worker=1"]).await;
    bench.engine.reboot();
    bench.proxy.set_presence(ProxyPresence::Down);
    assert!(bench.engine.vanish("shop.web.1"));
    bench.operations.restore(&RestoreSelection::All, 1).await.unwrap();
    while_listening(&bench, async |_| {
        let worker = bench.engine.container_named("shop.worker.1").unwrap();
        bench.engine.stop_container(&worker, Duration::ZERO).await.unwrap();
        bench.pause(300).await;
        assert_eq!(bench.running().await, ["shop.web.1"]);
    })
    .await;
}
