//! Checks on engines whose containers the host cannot reach, or whose processes it cannot see.

use ps_core::testing::{Behaviour, FakeAnswer};

use crate::bench::{Bench, procfile};
use crate::checks::{SECOND, command, deploy, listening, path_with, set_checks, told, warn_only};

#[tokio::test]
async fn where_only_ports_are_reached_a_checked_worker_gets_one() {
    let bench = Bench::with_capabilities(|engine| engine.host_reaches_containers = false);
    let status = path_with(|asked| asked.port = Some(9000));
    set_checks(&bench, [("worker", vec![status])]);
    bench.prober.answer("/health", FakeAnswer::Status(200));
    bench.deploy().await;
    bench.scale(&["worker=2"]).await;
    let record = bench.record().await;
    let workers = record
        .serving
        .iter()
        .filter(|(replica, _)| !replica.process_type().is_web());
    let endpoints: Vec<_> = workers.map(|(_, serving)| serving.endpoint.unwrap()).collect();
    let probed = bench.prober.probes().into_iter().map(|probe| {
        assert!(probe.address.ip().is_loopback());
        ps_core::addresses::Endpoint::LoopbackPort(probe.address.port())
    });
    let (mut probed, mut endpoints): (Vec<_>, Vec<_>) = (probed.collect(), endpoints);
    probed.sort_by_key(|endpoint| format!("{endpoint:?}"));
    endpoints.sort_by_key(|endpoint| format!("{endpoint:?}"));
    assert_eq!((probed.len(), probed), (2, endpoints));
}

#[tokio::test]
async fn a_check_of_a_port_that_cannot_be_reached_is_refused_before_anything_is_done() {
    let bench = Bench::with_capabilities(|engine| engine.host_reaches_containers = false);
    let lines = [("web", "serve"), ("release", "migrate")];
    bench.source.add_directory("/src", procfile(&lines));
    bench
        .engine
        .on_start("shop.release.*", Behaviour::ExitsAfter(SECOND, 0));
    set_checks(&bench, [("web", vec![path_with(|asked| asked.port = Some(9000))])]);
    let text = told(deploy(&bench).await.0);
    assert!(text.contains("asks port 9000, and only port 5000"), "{text}");
    assert!(bench.engine.calls_of("create_container").is_empty());
}

#[tokio::test]
async fn where_processes_are_not_seen_listening_is_not_asked() {
    let blind = || Bench::with_capabilities(|engine| engine.host_sees_processes = false);
    let bench = blind();
    set_checks(&bench, [("web", vec![listening(None)])]);
    let text = told(deploy(&bench).await.0);
    assert!(text.contains("cannot be seen"), "{text}");
    let bench = blind();
    set_checks(&bench, [("web", vec![command(&["true"]), warn_only(listening(None))])]);
    let (result, after) = deploy(&bench).await;
    assert!(result.is_ok() && after < 100, "{result:?} {after} ms");
    let bench = blind();
    let (result, after) = deploy(&bench).await;
    assert!(result.is_ok() && after >= 10_000, "{result:?} {after} ms");
    assert!(bench.events.warnings().is_empty());
}
