//! Containers, their logs and events, and networks.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use ps_core::policies::RestartPolicy;
use ps_core::runtime::{
    ContainerEventKind, ContainerFilter, ContainerId, ContainerRuntime, ContainerSpec, ContainerState, EnvVar,
    EventFilter, ExitCode, KillOutcome, LogOptions, NetworkAttachment, OutputChannel, PublishedPort, RemoveOutcome,
    RuntimeErrorKind, Signal, StartOutcome, StopOutcome,
};

use crate::bench::{Bench, text};

pub(crate) async fn observing(bench: Bench) {
    let docker = &bench.docker;
    let identity = docker.identity();
    assert_eq!((identity.kind.as_str(), identity.id.is_empty()), ("docker", false));
    let network = NetworkAttachment {
        network: bench.prefix.clone(),
        address: Some(bench.address(5)),
    };
    let spec = ContainerSpec {
        env: vec![EnvVar {
            name: "GREETING".into(),
            value: "a=b c".into(),
        }],
        restart_policy: RestartPolicy::on_failure(7),
        stop_timeout: Some(Duration::from_secs(4)),
        network: Some(network),
        log_max_bytes: Some(1 << 20),
        ..bench.spec("one", &["sleep", "600"])
    };
    let id = docker.create_container(&spec).await.unwrap();
    let created = docker.inspect_container(&id).await.unwrap();
    assert_eq!(
        (created.state, created.exit_code, created.started_at),
        (ContainerState::Created, None, None)
    );
    assert_eq!(
        created.addresses,
        BTreeMap::from([(bench.prefix.clone(), bench.address(5))])
    );

    assert_eq!(docker.start_container(&id).await.unwrap(), StartOutcome::Started);
    assert_eq!(docker.start_container(&id).await.unwrap(), StartOutcome::AlreadyRunning);
    let detail = docker.inspect_container(&id).await.unwrap();
    assert_eq!(
        (detail.name.as_str(), detail.restart_policy),
        (spec.name.as_str(), spec.restart_policy)
    );
    assert!(detail.pid.is_some() && detail.exit_code.is_none());
    assert!(detail.started_at.unwrap() <= SystemTime::now() + Duration::from_secs(60));
    assert!(detail.env.contains(&spec.env[0]));
    assert!(detail.labels.iter().eq(&spec.labels));
    // A field that no model of ours knows.
    assert!(detail.document.get("GraphDriver").is_some());
    let host = detail.document.get("HostConfig").unwrap();
    assert_eq!(
        host.get("LogConfig")
            .unwrap()
            .get("Config")
            .unwrap()
            .get("max-size")
            .unwrap()
            .as_text(),
        Some("1048576")
    );
}

pub(crate) async fn listing(bench: Bench) {
    let docker = &bench.docker;
    let id = docker
        .create_container(&bench.spec("one", &["sleep", "600"]))
        .await
        .unwrap();
    docker.start_container(&id).await.unwrap();
    let listed = docker.list_containers(&bench.filter()).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0].id, &listed[0].state), (&id, &ContainerState::Running));
    assert!(
        docker
            .list_containers(&ContainerFilter::with_label("dev.psctl.test", "x y\"z"))
            .await
            .unwrap()
            .is_empty()
    );
    let top = docker.list_processes(&id).await.unwrap();
    assert!(top.processes.iter().all(|row| row.len() == top.titles.len()));
    assert!(top.processes.iter().flatten().any(|cell| cell.contains("sleep 600")));
}

pub(crate) async fn changing(bench: Bench) {
    let docker = &bench.docker;
    let id = docker
        .create_container(&bench.spec("one", &["sleep", "600"]))
        .await
        .unwrap();
    docker.start_container(&id).await.unwrap();
    docker.update_restart_policy(&id, RestartPolicy::Always).await.unwrap();
    docker.update_restart_policy(&id, RestartPolicy::No).await.unwrap();
    assert_eq!(
        docker.inspect_container(&id).await.unwrap().restart_policy,
        RestartPolicy::No
    );
    docker.rename_container(&id, &bench.name("two")).await.unwrap();
    let taken = docker.create_container(&bench.spec("two", &["sh"])).await.unwrap_err();
    assert_eq!(taken.kind, RuntimeErrorKind::NameInUse);
}

pub(crate) async fn ending(bench: Bench) {
    let docker = &bench.docker;
    let id = docker
        .create_container(&bench.spec("one", &["sleep", "600"]))
        .await
        .unwrap();
    docker.start_container(&id).await.unwrap();
    assert_eq!(
        docker.stop_container(&id, Duration::from_millis(1500)).await.unwrap(),
        StopOutcome::Stopped
    );
    assert_eq!(
        docker.stop_container(&id, Duration::ZERO).await.unwrap(),
        StopOutcome::AlreadyStopped
    );
    assert_eq!(
        docker.kill_container(&id, Signal::Term).await.unwrap(),
        KillOutcome::NotRunning
    );
    assert_eq!(docker.wait_container(&id).await.unwrap(), ExitCode(143));
    assert_eq!(
        docker.list_processes(&id).await.unwrap_err().kind,
        RuntimeErrorKind::Conflict
    );
    assert_eq!(docker.inspect_container(&id).await.unwrap().exit_code, Some(143));

    assert_eq!(docker.start_container(&id).await.unwrap(), StartOutcome::Started);
    assert_eq!(
        docker.kill_container(&id, Signal::Kill).await.unwrap(),
        KillOutcome::Signalled
    );
    assert_eq!(docker.wait_container(&id).await.unwrap(), ExitCode(137));
    let (one, other) = tokio::join!(docker.remove_container(&id), docker.remove_container(&id));
    assert!([one.unwrap(), other.unwrap()].contains(&RemoveOutcome::Removed));
    assert_eq!(docker.remove_container(&id).await.unwrap(), RemoveOutcome::AlreadyGone);
}

pub(crate) async fn refusals(bench: Bench) {
    let docker = &bench.docker;
    let missing = ContainerSpec {
        image: "psctl-nosuch:1".into(),
        ..bench.spec("a", &["sh"])
    };
    assert_eq!(
        docker.create_container(&missing).await.unwrap_err().kind,
        RuntimeErrorKind::ImageMissing
    );
    let empty = ContainerSpec {
        entrypoint: Some(vec![]),
        ..bench.spec("-/", &["sh"])
    };
    assert_eq!(
        docker.create_container(&empty).await.unwrap_err().kind,
        RuntimeErrorKind::Invalid
    );
    for command in ["nosuchcommand", "/no/such", "/bin"] {
        let spec = ContainerSpec {
            init: false,
            ..bench.spec("b", &[command])
        };
        let id = docker.create_container(&spec).await.unwrap();
        let error = docker.start_container(&id).await.unwrap_err();
        assert_eq!(error.kind, RuntimeErrorKind::Invalid, "{command}: {error:?}");
        docker.remove_container(&id).await.unwrap();
    }
    for word in ["psctl-nosuch", "../images/x", ""] {
        let id = ContainerId(word.to_owned());
        let missing = RuntimeErrorKind::NotFound;
        assert_eq!(docker.inspect_container(&id).await.unwrap_err().kind, missing);
        assert_eq!(docker.start_container(&id).await.unwrap_err().kind, missing);
        assert_eq!(
            docker.stop_container(&id, Duration::ZERO).await.unwrap_err().kind,
            missing
        );
        assert_eq!(
            docker.kill_container(&id, Signal::Term).await.unwrap_err().kind,
            missing
        );
        assert_eq!(docker.wait_container(&id).await.unwrap_err().kind, missing);
        let mut logs = docker.read_logs(&id, LogOptions::default());
        assert_eq!(logs.next().await.unwrap().unwrap_err().kind, missing);
    }
}

pub(crate) async fn taken(bench: Bench) {
    let docker = &bench.docker;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let host_port = listener.local_addr().unwrap().port();
    let port = PublishedPort {
        host_address: Ipv4Addr::LOCALHOST.into(),
        host_port,
        container_port: 5000,
    };
    let with_port = |word| ContainerSpec {
        published_ports: vec![port],
        ..bench.spec(word, &["sleep", "600"])
    };
    let first = docker.create_container(&with_port("a")).await.unwrap();
    let second = docker.create_container(&with_port("b")).await.unwrap();
    assert_eq!(
        docker.start_container(&first).await.unwrap_err().kind,
        RuntimeErrorKind::AddressInUse
    );
    drop(listener);
    docker.start_container(&first).await.unwrap();
    std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, host_port)).expect("the port is published");
    assert_eq!(
        docker.start_container(&second).await.unwrap_err().kind,
        RuntimeErrorKind::AddressInUse
    );

    let network = NetworkAttachment {
        network: bench.prefix.clone(),
        address: Some(bench.address(9)),
    };
    let with_address = |word| ContainerSpec {
        network: Some(network.clone()),
        ..bench.spec(word, &["sleep", "600"])
    };
    let third = docker.create_container(&with_address("c")).await.unwrap();
    let fourth = docker.create_container(&with_address("d")).await.unwrap();
    docker.start_container(&third).await.unwrap();
    assert_eq!(
        docker.start_container(&fourth).await.unwrap_err().kind,
        RuntimeErrorKind::AddressInUse
    );
}

pub(crate) async fn logs(bench: Bench) {
    let docker = &bench.docker;
    let id = bench
        .started("a", "echo one; echo two >&2; sleep 0.5; echo three; exit 3")
        .await;
    let followed = text(docker.read_logs(
        &id,
        LogOptions {
            follow: true,
            tail: None,
        },
    ))
    .await;
    let mut lines: Vec<&str> = followed.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["one", "three", "two"]);
    assert_eq!(docker.wait_container(&id).await.unwrap(), ExitCode(3));
    assert_eq!(
        text(docker.read_logs(
            &id,
            LogOptions {
                follow: false,
                tail: Some(1)
            }
        ))
        .await,
        "three\n"
    );
    let chunks: Vec<_> = docker
        .read_logs(&id, LogOptions::default())
        .map(Result::unwrap)
        .collect()
        .await;
    let errors = chunks.iter().filter(|chunk| chunk.channel == OutputChannel::Err);
    assert_eq!(errors.map(|chunk| chunk.bytes.as_ref()).collect::<Vec<_>>(), [b"two\n"]);
}

pub(crate) async fn events(bench: Bench) {
    use ContainerEventKind::{Created, Died, Other, Removed, Renamed, Started};
    let docker = &bench.docker;
    let before = SystemTime::now() - Duration::from_secs(1);
    let id = bench.started("a", "exit 4").await;
    docker.wait_container(&id).await.unwrap();
    let filter = EventFilter {
        labels: bench.filter().labels,
        since: Some(before),
        ..EventFilter::default()
    };
    let mut events = docker.follow_events(&filter);
    let mut seen = Vec::new();
    while !matches!(seen.last(), Some(Died { .. })) {
        let event = events.next().await.unwrap().unwrap();
        assert_eq!((&event.container, &event.name), (&id, &bench.name("a")));
        assert!(event.at >= before && event.labels == bench.filter().labels);
        seen.push(event.kind);
    }
    seen.retain(|kind| !matches!(kind, Other(_)));
    assert_eq!(seen, [Created, Started, Died { exit_code: Some(4) }]);
    docker.rename_container(&id, &bench.name("b")).await.unwrap();
    docker.remove_container(&id).await.unwrap();
    let rest: Vec<_> = events.take(2).map(|event| event.unwrap().kind).collect().await;
    assert_eq!(rest, [Renamed, Removed]);
}
