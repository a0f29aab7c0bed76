//! Finding out who answers, and a service of our own. These need the `podman` program, or nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use ps_core::runtime::{ContainerFilter, ContainerId, ContainerRuntime, EngineAddress, RuntimeErrorKind};
use ps_runtime_podman::{CallLimits, PodmanRuntime, PrivateService, PrivateServiceSpec, Probe, probe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::bench::{eventually, kind};

const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn trials() -> Vec<Trial> {
    let program = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|paths| std::env::split_paths(&paths).collect::<Vec<_>>())
        .map(|folder| folder.join("podman"))
        .find(|path| path.is_file());
    let is_required = std::env::var_os("PS_REQUIRE_ENGINES").is_some();
    let private = match program {
        Some(program) => Trial::test("a_private_service_answers_and_ends_when_idle", move || {
            run(private_service(&program))
        }),
        None => Trial::test(
            "a_private_service_answers_and_ends_when_idle (no podman program)",
            || Err(Failed::from("there is no podman program")),
        )
        .with_ignored_flag(!is_required),
    };
    vec![
        private,
        Trial::test("a_program_that_ends_at_once_is_no_service", || run(no_service())),
        Trial::test("a_broken_connection_leaves_the_outcome_unknown", || {
            run(broken_connection())
        }),
        Trial::test("a_silent_listener_is_not_waited_for", || run(silent_listener())),
    ]
}

fn run(case: impl Future<Output = Result<(), Box<dyn std::error::Error>>>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(case).map_err(|error| Failed::from(error.to_string()))
}

fn spec(program: &Path, folder: &Path) -> PrivateServiceSpec {
    PrivateServiceSpec {
        program: program.to_owned(),
        socket: folder.join("podman.sock"),
        idle: Duration::from_secs(1),
        log: None,
        start_limit: LIMIT,
    }
}

async fn private_service(program: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    // What an orphan that was killed has left.
    drop(std::os::unix::net::UnixListener::bind(
        folder.path().join("podman.sock"),
    )?);
    let service = PrivateService::start(spec(program, folder.path())).await?;
    let address = service.address().clone();
    assert!(matches!(probe(&address, LIMIT).await?, Probe::Podman { .. }));
    let podman = PodmanRuntime::connect(&address, CallLimits::default()).await?;
    podman
        .list_containers(&ContainerFilter::with_label("psctl-test", "none"))
        .await?;
    drop(podman);
    let process = PathBuf::from(format!("/proc/{}/stat", service.process_id().expect("it runs")));
    eventually("it ends when idle", LIMIT, || async {
        let stat = std::fs::read_to_string(&process).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    })
    .await;
    service.end().await;
    let gone = probe(&address, LIMIT).await.expect_err("nobody is there");
    assert_eq!(gone.kind, RuntimeErrorKind::Unreachable);
    Ok(())
}

async fn no_service() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let ended = PrivateService::start(spec(Path::new("/bin/false"), folder.path())).await;
    assert_eq!(ended.expect_err("it cannot answer").kind, RuntimeErrorKind::Unreachable);
    let missing = PrivateService::start(spec(Path::new("/no/such/podman"), folder.path())).await;
    assert_eq!(
        missing.expect_err("it is not there").kind,
        RuntimeErrorKind::Unsupported
    );
    Ok(())
}

async fn silent_listener() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = EngineAddress::Tcp(listener.local_addr()?.to_string());
    let asked = probe(&address, Duration::from_millis(200)).await;
    assert_eq!(asked.expect_err("silence").kind, RuntimeErrorKind::OutcomeUnknown);
    drop(listener);
    let asked = PodmanRuntime::connect(&address, CallLimits::default()).await;
    assert_eq!(asked.expect_err("refused").kind, RuntimeErrorKind::Unreachable);
    Ok(())
}

/// An engine that introduces itself, and then hangs up on every request; podman-api's calls and the direct ones agree.
async fn broken_connection() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let socket = folder.path().join("engine.sock");
    let listener = tokio::net::UnixListener::bind(&socket)?;
    let serving = tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = connection.read(&mut request).await.unwrap_or(0);
            let request = String::from_utf8_lossy(request.get(..length).unwrap_or_default()).into_owned();
            if request.contains("/_ping") || request.contains("/info") {
                let answer = b"HTTP/1.1 200 OK\r\nLibpod-API-Version: 9.9.9\r\nContent-Length: 2\r\n\r\n{}";
                let _ = connection.write_all(answer).await;
            }
        }
    });
    let address = EngineAddress::Unix(socket.clone());
    let podman = PodmanRuntime::connect(&address, CallLimits::default()).await?;
    let id = ContainerId("a".to_owned());
    assert_eq!(
        kind(podman.start_container(&id).await),
        RuntimeErrorKind::OutcomeUnknown
    );
    assert_eq!(
        kind(podman.rename_container(&id, "b").await),
        RuntimeErrorKind::OutcomeUnknown
    );
    serving.abort();
    eventually("it is gone", LIMIT, || async {
        tokio::net::UnixStream::connect(&socket).await.is_err()
    })
    .await;
    assert_eq!(kind(podman.start_container(&id).await), RuntimeErrorKind::Unreachable);
    assert_eq!(
        kind(podman.rename_container(&id, "b").await),
        RuntimeErrorKind::Unreachable
    );
    Ok(())
}
