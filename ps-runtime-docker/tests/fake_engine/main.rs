//! What the backend makes of engines that misbehave: nobody there, silence, broken connections, odd streams. No engine is
//! needed; a socket of our own answers.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod server;

use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt;
use ps_core::runtime::{
    ContainerFilter, ContainerId, ContainerRuntime, ContainerSpec, EngineAddress, EventFilter, ExitCode, ImageRuntime,
    RegistryCredentials, RuntimeErrorKind, StopOutcome,
};
use ps_runtime_docker::DockerRuntime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use server::{FakeEngine, Reply, short_limits};

fn ok(_: &str) -> Reply {
    Reply::Json(200, "{}")
}

fn id() -> ContainerId {
    ContainerId("7ce9".to_owned())
}

#[tokio::test]
async fn where_nobody_listens_is_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    let kind = async |address| DockerRuntime::connect(&address, short_limits()).await.unwrap_err().kind;
    assert_eq!(
        kind(EngineAddress::Unix(folder.path().join("none"))).await,
        RuntimeErrorKind::Unreachable
    );
    let abandoned = folder.path().join("abandoned");
    drop(UnixListener::bind(&abandoned).unwrap());
    assert_eq!(
        kind(EngineAddress::Unix(abandoned)).await,
        RuntimeErrorKind::Unreachable
    );
    assert_eq!(
        kind(EngineAddress::Tcp("127.0.0.1:1".into())).await,
        RuntimeErrorKind::Unreachable
    );
    assert_eq!(
        kind(EngineAddress::Unix(PathBuf::from("/proc/version"))).await,
        RuntimeErrorKind::Unreachable
    );
}

#[tokio::test]
async fn an_engine_that_does_not_answer_leaves_the_outcome_unknown() {
    for reply in [Reply::Silence, Reply::Hangup, Reply::Headers] {
        let engine = FakeEngine::start(move |_| reply.clone());
        let error = DockerRuntime::connect(&engine.address(), short_limits())
            .await
            .unwrap_err();
        assert_eq!(error.kind, RuntimeErrorKind::OutcomeUnknown);
    }
}

#[tokio::test]
async fn every_call_that_answers_is_bounded_and_a_broken_one_is_unknown() {
    for reply in [Reply::Silence, Reply::Hangup, Reply::Headers] {
        let says_nothing = reply.clone();
        let engine = FakeEngine::start(move |path| {
            if path == "/_ping" {
                ok(path)
            } else {
                says_nothing.clone()
            }
        });
        let docker = engine.connect().await;
        let unknown = RuntimeErrorKind::OutcomeUnknown;
        let spec = ContainerSpec::new("a", "b");
        assert_eq!(docker.create_container(&spec).await.unwrap_err().kind, unknown);
        assert_eq!(
            docker
                .list_containers(&ContainerFilter::default())
                .await
                .unwrap_err()
                .kind,
            unknown
        );
        assert_eq!(docker.inspect_container(&id()).await.unwrap_err().kind, unknown);
        if !matches!(reply, Reply::Headers) {
            // A status without a body is a whole answer to a remove.
            assert_eq!(docker.remove_container(&id()).await.unwrap_err().kind, unknown);
        }
        assert_eq!(
            docker.stop_container(&id(), Duration::ZERO).await.unwrap_err().kind,
            unknown
        );
        assert_eq!(docker.inspect_image("a").await.unwrap_err().kind, unknown);
        let mut pull = docker.pull_image("a", None);
        let pulled = pull.next().await.unwrap();
        assert_eq!(pulled.unwrap_err().kind, unknown);
    }
}

#[tokio::test]
async fn a_stop_may_take_its_timeout_and_a_margin() {
    let engine = FakeEngine::start(|path| {
        if path.contains("/stop") {
            Reply::Silence
        } else {
            ok(path)
        }
    });
    let docker = engine.connect().await;
    let began = std::time::Instant::now();
    docker
        .stop_container(&id(), Duration::from_millis(900))
        .await
        .unwrap_err();
    assert!(
        began.elapsed() >= Duration::from_millis(1300),
        "a second, rounded up, and the margin"
    );
    assert!(
        engine
            .requests
            .lock()
            .unwrap()
            .iter()
            .any(|head| head.starts_with("POST /containers/7ce9/stop?t=1 "))
    );
}

#[tokio::test]
async fn podman_is_left_to_its_own_backend() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 1024]).await;
        let answer = b"HTTP/1.1 200 OK\r\nLibpod-API-Version: 4.3.1\r\nContent-Length: 2\r\n\r\nOK";
        stream.write_all(answer).await.unwrap();
    });
    let error = DockerRuntime::connect(&EngineAddress::Unix(socket), short_limits())
        .await
        .unwrap_err();
    assert_eq!(error.kind, RuntimeErrorKind::Unsupported);
}

#[tokio::test]
async fn a_line_end_in_a_packet_of_its_own_ends_no_stream_with_an_error() {
    const EVENT: &str =
        r#"{"Type":"container","Action":"start","Actor":{"ID":"7ce9","Attributes":{"name":"a"}},"timeNano":1}"#;
    let engine = FakeEngine::start(|path| match path {
        _ if path.starts_with("/events") => Reply::Pieces(&[EVENT, "\r\n", EVENT, "\r\n"]),
        _ if path.starts_with("/images/create") => Reply::Pieces(&["{\"status\":\"sha256:12\"}", "\r", "\n"]),
        _ => ok(path),
    });
    let docker = engine.connect().await;
    let events: Vec<_> = docker.follow_events(&EventFilter::default()).collect().await;
    assert_eq!(events.iter().filter(|event| event.is_ok()).count(), 2);
    assert!(events.iter().all(Result::is_ok), "{events:?}");
    let archive = futures_util::stream::empty().boxed();
    assert_eq!(docker.import_image(archive, "a:b", &[]).await.unwrap().0, "sha256:12");
}

#[tokio::test]
async fn credentials_go_out_in_the_alphabet_that_engines_read() {
    let engine = FakeEngine::start(ok);
    let docker = engine.connect().await;
    let credentials = RegistryCredentials {
        server: "r.example".into(),
        username: "u".into(),
        password: "?>~?>~?>~".into(),
    };
    let _: Vec<_> = docker.pull_image("r.example/a", Some(&credentials)).collect().await;
    let requests = engine.requests.lock().unwrap();
    let pull = requests.last().unwrap();
    assert!(
        pull.starts_with("POST /images/create?fromImage=r.example%2Fa&tag=latest&"),
        "{pull}"
    );
    let header = pull
        .lines()
        .find_map(|line| line.strip_prefix("x-registry-auth: "))
        .unwrap();
    assert!(!header.contains(['+', '/']) && header.contains(['-', '_']), "{header}");
}

#[tokio::test]
async fn exit_codes_and_not_modified_are_answers() {
    let engine = FakeEngine::start(|path| match path {
        _ if path.contains("/wait") => Reply::Json(200, r#"{"StatusCode":137,"Error":{"Message":"killed"}}"#),
        _ if path.contains("/stop") => Reply::Json(304, ""),
        _ => ok(path),
    });
    let docker = engine.connect().await;
    assert_eq!(docker.wait_container(&id()).await.unwrap(), ExitCode(137));
    assert_eq!(
        docker.stop_container(&id(), Duration::ZERO).await.unwrap(),
        StopOutcome::AlreadyStopped
    );
}

#[tokio::test]
async fn a_quiet_wait_is_not_cut_and_a_dropped_one_closes_its_connection() {
    let engine = FakeEngine::start(|path| if path == "/_ping" { ok(path) } else { Reply::Silence });
    let docker = engine.connect().await;
    let waiting = tokio::time::timeout(Duration::from_millis(700), docker.wait_container(&id())).await;
    assert!(waiting.is_err(), "{waiting:?}");
    let mut events = docker.follow_events(&EventFilter::default());
    let event = tokio::time::timeout(Duration::from_millis(700), events.next()).await;
    assert!(event.is_err(), "{event:?}");
    drop(events);
    let closed = async {
        while engine
            .requests
            .lock()
            .unwrap()
            .iter()
            .filter(|line| *line == "closed")
            .count()
            < 2
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), closed)
        .await
        .expect("both connections are closed");
}
