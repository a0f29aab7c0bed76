//! What the fake has beyond real engines: scripts, its clock, faults, the log of calls. The engine's rules themselves are cases
//! of the conformance suite.

use futures_util::StreamExt;
use futures_util::future::{Either, join_all, select};

use super::*;
use crate::runtime::{
    ContainerEventKind, ContainerFilter, ContainerRuntime, ContainerSpec, EventFilter, ExitCode, LogOptions,
    RuntimeErrorKind as Kind, StartOutcome, StopOutcome,
};

fn engine() -> FakeEngine {
    let engine = FakeEngine::new(&FakeClock::automatic());
    engine.add_image("busybox", ImageDetail::default());
    engine
}

fn spec(app: &str, name: &str) -> ContainerSpec {
    let mut spec = ContainerSpec::new(name, "busybox");
    spec.labels.insert(crate::labels::APP.to_owned(), app.to_owned());
    spec
}

async fn started(engine: &FakeEngine, spec: &ContainerSpec) -> ContainerId {
    let id = engine.create_container(spec).await.unwrap();
    assert_eq!(engine.start_container(&id).await.unwrap(), StartOutcome::Started);
    id
}

#[tokio::test]
async fn a_crash_loop_ends_with_its_limit_without_waiting() {
    let engine = engine();
    engine.on_start("shop.web.*", Behaviour::ExitsAfter(Duration::from_secs(1), 7));
    let mut spec = spec("shop", "shop.web.1");
    spec.restart_policy = RestartPolicy::on_failure(10);
    let id = started(&engine, &spec).await;
    assert_eq!(engine.wait_container(&id).await.unwrap(), ExitCode(7));
    let detail = engine.inspect_container(&id).await.unwrap();
    assert_eq!((detail.restart_count, detail.state), (10, ContainerState::Exited));
    assert!(engine.clock().monotonic() > Duration::from_secs(60));
}

#[tokio::test]
async fn followers_see_what_happens_while_they_wait() {
    let engine = engine();
    engine.on_start("*", Behaviour::ExitsAfter(Duration::from_secs(5), 3));
    started(&engine, &spec("shop", "shop.web.1")).await;
    let filter = EventFilter {
        since: Some(engine.clock().now() - Duration::from_secs(1)),
        ..EventFilter::default()
    };
    let events: Vec<ContainerEventKind> = engine
        .follow_events(&filter)
        .take(3)
        .map(|event| event.unwrap().kind)
        .collect()
        .await;
    let died = ContainerEventKind::Died { exit_code: Some(3) };
    assert_eq!(events, [ContainerEventKind::Created, ContainerEventKind::Started, died]);
}

#[tokio::test]
async fn calls_made_side_by_side_are_counted() {
    let engine = engine();
    let specs = ["a.web.1", "a.web.2", "b.web.1"].map(|name| spec(&name[..1], name));
    join_all(specs.iter().map(|spec| started(&engine, spec))).await;
    assert_eq!((engine.peak_concurrency(), engine.peak_apps()), (3, 2));
    assert_eq!(engine.calls_of("start_container").len(), 3);
    engine.forget_calls();
    for container in engine.list_containers(&ContainerFilter::default()).await.unwrap() {
        engine.stop_container(&container.id, Duration::ZERO).await.unwrap();
    }
    assert_eq!((engine.peak_concurrency(), engine.peak_apps()), (1, 1));
}

#[tokio::test]
async fn a_lost_answer_has_its_effect() {
    let engine = engine();
    engine.inject(Fault::new(FaultEffect::LoseAnswer).on_method("create_container").nth(2));
    engine.create_container(&spec("shop", "shop.web.1")).await.unwrap();
    let error = engine.create_container(&spec("shop", "shop.web.2")).await.unwrap_err();
    assert_eq!(error.kind, Kind::OutcomeUnknown);
    assert!(engine.container_named("shop.web.2").is_some());
    let outcomes: Vec<_> = engine.calls().into_iter().map(|call| call.outcome.unwrap()).collect();
    assert_eq!(outcomes, [Ok(()), Err(Kind::OutcomeUnknown)]);
}

#[tokio::test]
async fn faults_hit_the_calls_they_name() {
    let engine = engine();
    let id = started(&engine, &spec("shop", "shop.web.1")).await;
    engine.inject(
        Fault::new(FaultEffect::Fail(Kind::Unexpected))
            .on_subject("shop.web.*")
            .nth(1),
    );
    engine.inject(Fault::new(FaultEffect::Vanish).on_method("stop_container"));
    assert_eq!(engine.inspect_container(&id).await.unwrap_err().kind, Kind::Unexpected);
    engine.inspect_container(&id).await.unwrap();
    let stop = engine.stop_container(&id, Duration::ZERO).await;
    assert_eq!(stop.unwrap_err().kind, Kind::NotFound);
}

#[tokio::test]
async fn a_call_that_hangs_can_be_given_up() {
    let engine = engine();
    engine.inject(Fault::new(FaultEffect::Hang));
    let filter = ContainerFilter::default();
    let limit = engine.clock().sleep(Duration::from_secs(30));
    let first = select(engine.list_containers(&filter), limit).await;
    assert!(matches!(first, Either::Right(_)));
    let error = engine.list_containers(&filter).await.unwrap_err();
    assert_eq!(error.kind, Kind::OutcomeUnknown);
}

#[tokio::test]
async fn an_engine_that_dies_breaks_streams_and_keeps_its_containers() {
    let engine = engine();
    let id = started(&engine, &spec("shop", "shop.web.1")).await;
    let mut events = engine.follow_events(&EventFilter::default());
    let other = engine.clone();
    let (event, ()) = futures_util::future::join(events.next(), async move { other.die() }).await;
    assert_eq!(event.unwrap().unwrap_err().kind, Kind::Unreachable);
    assert!(events.next().await.is_none());
    assert_eq!(engine.inspect_container(&id).await.unwrap_err().kind, Kind::Unreachable);
    engine.revive();
    assert!(engine.inspect_container(&id).await.unwrap().state.is_running());
}

#[tokio::test]
async fn a_process_that_ignores_the_signal_is_killed_after_the_timeout() {
    let engine = engine();
    engine.on_start("*", Behaviour::IgnoresTerm);
    let id = started(&engine, &spec("shop", "shop.web.1")).await;
    let stopped = engine.stop_container(&id, Duration::from_millis(29_500)).await;
    assert_eq!(stopped.unwrap(), StopOutcome::Stopped);
    assert_eq!(engine.clock().monotonic(), Duration::from_secs(30));
    assert_eq!(engine.inspect_container(&id).await.unwrap().exit_code, Some(137));
}

#[tokio::test]
async fn a_reboot_revives_what_its_policy_says() {
    let engine = engine();
    let mut ids = Vec::new();
    for (name, policy) in [("a", RestartPolicy::Always), ("b", RestartPolicy::on_failure(10))] {
        let mut spec = spec("shop", name);
        spec.restart_policy = policy;
        ids.push(started(&engine, &spec).await);
    }
    engine.reboot();
    let is_running = async |id| engine.inspect_container(id).await.unwrap().state.is_running();
    assert!(is_running(&ids[0]).await);
    assert!(!is_running(&ids[1]).await);
}

#[tokio::test]
async fn the_host_sees_ports_when_the_process_listens() {
    use crate::host::Host;
    let engine = engine();
    let host = FakeHost::new(&engine);
    engine.on_start("*", Behaviour::ListensAfter(Duration::from_secs(2), 5000));
    let id = started(&engine, &spec("shop", "shop.web.1")).await;
    let pid = engine.inspect_container(&id).await.unwrap().pid.unwrap();
    assert!(host.listening_ports(pid).await.unwrap().is_empty());
    engine.clock().sleep(Duration::from_secs(3)).await;
    assert!(host.listening_ports(pid).await.unwrap().contains(&5000));
    engine.crash("shop.web.1", 1);
    assert_eq!(host.listening_ports(pid).await, None);
}

#[tokio::test]
async fn followed_logs_end_with_the_container() {
    let engine = engine();
    let line = |text: &'static str| ProcessStep::Print(crate::runtime::OutputChannel::Out, text.into());
    let wait = ProcessStep::Wait(Duration::from_secs(9));
    engine.on_start("*", Script::new([line("a\n"), wait, line("b\n")]));
    let id = started(&engine, &spec("shop", "shop.web.1")).await;
    let options = LogOptions {
        follow: true,
        tail: None,
    };
    let lines: Vec<_> = engine
        .read_logs(&id, options)
        .map(|chunk| chunk.unwrap().bytes)
        .collect()
        .await;
    assert_eq!(lines, ["a\n", "b\n"]);
}
