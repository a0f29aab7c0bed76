//! Lifecycle, observing, logs and events.

use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use ps_core::policies::{RestartPolicy, Ulimit};
use ps_core::runtime::RuntimeErrorKind as Kind;
use ps_core::runtime::*;

use crate::bench::{Bench, eventually, kind, output};
use crate::{Case, Outcome, case};

pub(crate) const CASES: &[Case] = &[
    case!(identity_and_capabilities_are_those_of_the_service),
    case!(a_container_lives_and_repeated_calls_say_so),
    case!(a_never_started_container_has_nothing_to_stop_or_show),
    case!(what_is_missing_is_named_as_missing),
    case!(names_are_unique),
    case!(waiting_gives_the_exit_code),
    case!(waiting_ends_when_the_container_is_removed),
    case!(a_command_that_is_not_there_is_invalid),
    case!(the_spec_reaches_the_engine),
    case!(a_failing_container_is_restarted_as_often_as_its_policy_says),
    case!(logs_come_with_channel_tail_and_follow),
    case!(events_come_live_and_from_the_past),
];

const LONG: &str = "trap 'exit 7' TERM; echo ready; sleep 300 & wait";
const STOP: Duration = Duration::from_secs(10);

/// Waits until the script of `LONG` has set its trap, at this start of it; before that, a signal is lost.
async fn is_ready(bench: &Bench, id: &ContainerId, starts: usize) {
    eventually("it is ready", STOP, || async {
        let logs = output(bench.podman.read_logs(id, LogOptions::default())).await;
        logs.is_ok_and(|(out, _)| out.lines().count() >= starts)
    })
    .await;
}

async fn identity_and_capabilities_are_those_of_the_service(bench: &Bench) -> Outcome {
    let (identity, capabilities) = (bench.podman.identity(), bench.podman.capabilities());
    assert_eq!(identity.kind, "podman");
    assert!(identity.id.starts_with('/') && !identity.version.is_empty());
    assert_eq!(capabilities.host_reaches_containers, !identity.rootless);
    assert!(capabilities.host_sees_processes && capabilities.replays_past_events);
    Ok(())
}

async fn a_container_lives_and_repeated_calls_say_so(bench: &Bench) -> Outcome {
    let podman = &bench.podman;
    let id = podman.create_container(&bench.spec("a", LONG)).await?;
    let created = podman.inspect_container(&id).await?;
    assert_eq!(created.state, ContainerState::Created);
    assert_eq!((created.pid, created.exit_code, created.started_at), (None, None, None));
    assert_eq!(podman.start_container(&id).await?, StartOutcome::Started);
    assert_eq!(podman.start_container(&id).await?, StartOutcome::AlreadyRunning);

    is_ready(bench, &id, 1).await;

    let filter = ContainerFilter {
        labels: bench.labels(),
        ..ContainerFilter::default()
    };
    let listed = podman.list_containers(&filter).await?;
    let rows: Vec<_> = listed
        .iter()
        .map(|row| (&row.id, row.name.as_str(), &row.state))
        .collect();
    assert_eq!(rows, [(&id, bench.name("a").as_str(), &ContainerState::Running)]);
    let none = ContainerFilter::with_label("psctl-test", "*");
    assert!(podman.list_containers(&none).await?.is_empty());

    let running = podman.inspect_container(&id).await?;
    assert_eq!((running.state, running.exit_code), (ContainerState::Running, None));
    assert!(running.pid.is_some() && running.started_at.is_some());
    assert_eq!(
        running.document.get("Id").and_then(Document::as_text),
        Some(id.0.as_str())
    );
    assert_eq!(
        running.image,
        podman.inspect_image(&bench.image).await?.id.expect("an id")
    );
    let table = podman.list_processes(&id).await?;
    assert_eq!(table.titles.len(), table.processes[0].len());

    podman.rename_container(&id, &bench.name("b")).await?;
    assert_eq!(podman.inspect_container(&id).await?.name, bench.name("b"));
    assert_eq!(podman.stop_container(&id, STOP).await?, StopOutcome::Stopped);
    assert_eq!(podman.stop_container(&id, STOP).await?, StopOutcome::AlreadyStopped);
    assert_eq!(podman.kill_container(&id, Signal::Term).await?, KillOutcome::NotRunning);
    assert_eq!(kind(podman.list_processes(&id).await), Kind::Conflict);
    let ended = podman.inspect_container(&id).await?;
    assert_eq!(
        (ended.state, ended.exit_code, ended.pid),
        (ContainerState::Exited, Some(7), None)
    );

    podman.start_container(&id).await?;
    is_ready(bench, &id, 2).await;
    assert_eq!(podman.kill_container(&id, Signal::Term).await?, KillOutcome::Signalled);
    assert_eq!(podman.wait_container(&id).await?, ExitCode(7));
    podman.start_container(&id).await?;
    assert_eq!(podman.remove_container(&id).await?, RemoveOutcome::Removed);
    assert_eq!(podman.remove_container(&id).await?, RemoveOutcome::AlreadyGone);
    Ok(())
}

async fn a_never_started_container_has_nothing_to_stop_or_show(bench: &Bench) -> Outcome {
    let podman = &bench.podman;
    let id = podman.create_container(&bench.spec("a", LONG)).await?;
    assert_eq!(podman.stop_container(&id, STOP).await?, StopOutcome::AlreadyStopped);
    assert_eq!(podman.kill_container(&id, Signal::Kill).await?, KillOutcome::NotRunning);
    assert_eq!(kind(podman.list_processes(&id).await), Kind::Conflict);
    let logs = output(podman.read_logs(&id, LogOptions::default())).await?;
    assert_eq!(logs, (String::new(), String::new()));
    assert_eq!(podman.start_container(&id).await?, StartOutcome::Started);
    Ok(())
}

async fn what_is_missing_is_named_as_missing(bench: &Bench) -> Outcome {
    let (podman, id) = (&bench.podman, ContainerId(bench.name("none")));
    assert_eq!(kind(podman.inspect_container(&id).await), Kind::NotFound);
    assert_eq!(kind(podman.start_container(&id).await), Kind::NotFound);
    assert_eq!(kind(podman.stop_container(&id, STOP).await), Kind::NotFound);
    assert_eq!(kind(podman.kill_container(&id, Signal::Hangup).await), Kind::NotFound);
    assert_eq!(kind(podman.rename_container(&id, "x").await), Kind::NotFound);
    assert_eq!(kind(podman.wait_container(&id).await), Kind::NotFound);
    assert_eq!(kind(podman.list_processes(&id).await), Kind::NotFound);
    assert_eq!(
        kind(output(podman.read_logs(&id, LogOptions::default())).await),
        Kind::NotFound
    );
    assert_eq!(podman.remove_container(&id).await?, RemoveOutcome::AlreadyGone);
    let odd = ContainerId("no such/../container?".to_owned());
    assert_eq!(kind(podman.inspect_container(&odd).await), Kind::NotFound);
    assert_eq!(kind(podman.rename_container(&odd, "x").await), Kind::NotFound);
    for image in [
        format!("{}-none:one", bench.prefix),
        format!("sha256:{}", "a".repeat(64)),
    ] {
        let spec = ContainerSpec::new(bench.name("x"), image);
        assert_eq!(kind(podman.create_container(&spec).await), Kind::ImageMissing);
    }
    Ok(())
}

async fn names_are_unique(bench: &Bench) -> Outcome {
    let podman = &bench.podman;
    podman.create_container(&bench.spec("a", LONG)).await?;
    assert_eq!(
        kind(podman.create_container(&bench.spec("a", LONG)).await),
        Kind::NameInUse
    );
    let other = podman.create_container(&bench.spec("b", LONG)).await?;
    assert_eq!(
        kind(podman.rename_container(&other, &bench.name("a")).await),
        Kind::NameInUse
    );
    Ok(())
}

async fn waiting_gives_the_exit_code(bench: &Bench) -> Outcome {
    let id = bench.started(&bench.spec("a", "sleep 0.3; exit 41")).await?;
    assert_eq!(bench.podman.wait_container(&id).await?, ExitCode(41));
    assert_eq!(bench.podman.wait_container(&id).await?, ExitCode(41));
    Ok(())
}

async fn waiting_ends_when_the_container_is_removed(bench: &Bench) -> Outcome {
    let podman = &bench.podman;
    let id = bench.started(&bench.spec("a", LONG)).await?;
    let waiting = podman.wait_container(&id);
    let removing = async {
        // Gives the other request time to arrive; without it the case proves less, and still passes.
        podman.inspect_container(&id).await?;
        podman.remove_container(&id).await
    };
    let (waited, removed) = tokio::join!(waiting, removing);
    assert_eq!(removed?, RemoveOutcome::Removed);
    match waited {
        Ok(code) => assert_eq!(code, ExitCode(137)),
        Err(error) => assert_eq!(error.kind, Kind::NotFound),
    }
    Ok(())
}

async fn a_command_that_is_not_there_is_invalid(bench: &Bench) -> Outcome {
    for command in ["/no/such/program", "/bin"] {
        let spec = ContainerSpec {
            command: Some(vec![command.to_owned()]),
            ..bench.spec("a", "")
        };
        let id = bench.podman.create_container(&spec).await?;
        assert_eq!(
            kind(bench.podman.start_container(&id).await),
            Kind::Invalid,
            "{command}"
        );
        bench.podman.remove_container(&id).await?;
    }
    Ok(())
}

async fn the_spec_reaches_the_engine(bench: &Bench) -> Outcome {
    let (podman, capabilities) = (&bench.podman, bench.podman.capabilities());
    let env = |name: &str, value: &str| EnvVar {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let limit = |name: &str, soft: u64| Ulimit {
        name: name.to_owned(),
        soft,
        hard: soft + 100,
    };
    let spec = ContainerSpec {
        entrypoint: Some(vec!["/bin/sh".to_owned(), "-c".to_owned()]),
        command: Some(vec!["ulimit -n; echo \"$A\"; sleep 60".to_owned()]),
        env: vec![env("A", "x=y z"), env("EMPTY", "")],
        restart_policy: RestartPolicy::on_failure(4),
        stop_timeout: Some(Duration::from_millis(1500)),
        init: capabilities.has_init,
        // Naming one makes Podman forget its configured default of the other.
        ulimits: vec![limit("nofile", 321), limit("nproc", 4000)],
        log_max_bytes: Some(10_000_000),
        ..bench.spec("a", "")
    };
    let id = bench.started(&spec).await?;
    let seen = podman.inspect_container(&id).await?;
    assert_eq!((seen.restart_policy, &seen.labels), (spec.restart_policy, &spec.labels));
    assert!(seen.env.contains(&env("A", "x=y z")) && seen.env.contains(&env("EMPTY", "")));
    let stop_timeout = seen.document.get("Config").and_then(|config| config.get("StopTimeout"));
    assert_eq!(stop_timeout, Some(&Document::Number("2".to_owned())));
    let log = seen.document.get("HostConfig").and_then(|host| host.get("LogConfig"));
    let size = log.and_then(|log| log.get("Size")).and_then(Document::as_text);
    assert_eq!(size, Some(if capabilities.limits_log_size { "10MB" } else { "0B" }));
    let first = podman.list_processes(&id).await?.processes[0].join(" ");
    assert_eq!(first.contains("init"), capabilities.has_init, "{first}");
    eventually("the output", STOP, || async {
        let logs = output(podman.read_logs(&id, LogOptions::default())).await;
        logs.is_ok_and(|(out, _)| out == "321\nx=y z\n")
    })
    .await;
    for policy in [RestartPolicy::Always, RestartPolicy::on_failure(3), RestartPolicy::No] {
        match podman.update_restart_policy(&id, policy).await {
            Ok(()) => assert_eq!(podman.inspect_container(&id).await?.restart_policy, policy),
            Err(error) if capabilities.updates_restart_policy => return Err(error.into()),
            Err(error) => assert_eq!(error.kind, Kind::Unsupported),
        }
    }
    Ok(())
}

async fn a_failing_container_is_restarted_as_often_as_its_policy_says(bench: &Bench) -> Outcome {
    let spec = ContainerSpec {
        restart_policy: RestartPolicy::on_failure(2),
        ..bench.spec("a", "exit 3")
    };
    let id = bench.started(&spec).await?;
    eventually("two restarts", Duration::from_secs(20), || async {
        let seen = bench.podman.inspect_container(&id).await;
        seen.is_ok_and(|seen| seen.restart_count == 2 && seen.exit_code == Some(3))
    })
    .await;
    Ok(())
}

async fn logs_come_with_channel_tail_and_follow(bench: &Bench) -> Outcome {
    let podman = &bench.podman;
    let id = bench
        .started(&bench.spec("a", "echo one; echo two >&2; sleep 0.5; echo three"))
        .await?;
    let follow = LogOptions {
        follow: true,
        tail: None,
    };
    let followed = tokio::time::timeout(STOP, output(podman.read_logs(&id, follow))).await??;
    assert_eq!(followed, ("one\nthree\n".to_owned(), "two\n".to_owned()));
    let tail = LogOptions {
        follow: false,
        tail: Some(1),
    };
    assert_eq!(output(podman.read_logs(&id, tail)).await?.0, "three\n");

    let terminal = ContainerSpec {
        terminal: TerminalMode::Terminal,
        ..bench.spec("t", "echo one; echo two >&2")
    };
    let id = bench.started(&terminal).await?;
    podman.wait_container(&id).await?;
    let (out, err) = output(podman.read_logs(&id, LogOptions::default())).await?;
    assert_eq!((out.replace('\r', "").as_str(), err.as_str()), ("one\ntwo\n", ""));
    Ok(())
}

async fn events_come_live_and_from_the_past(bench: &Bench) -> Outcome {
    let (podman, started) = (&bench.podman, SystemTime::now());
    let filter = EventFilter {
        labels: bench.labels(),
        since: None,
        ..EventFilter::default()
    };
    let mut live = podman.follow_events(&filter);
    // The engine sends nothing at first, so that only this starts the subscription.
    assert!(
        tokio::time::timeout(Duration::from_millis(300), live.next())
            .await
            .is_err()
    );
    let id = bench.started(&bench.spec("a", "exit 5")).await?;
    podman.wait_container(&id).await?;
    let moment = podman.inspect_container(&id).await?.started_at.expect("it was started");
    podman.remove_container(&id).await?;
    let expected = [
        ContainerEventKind::Created,
        ContainerEventKind::Started,
        ContainerEventKind::Died { exit_code: Some(5) },
        ContainerEventKind::Removed,
    ];
    let since = |since: SystemTime| EventFilter {
        labels: bench.labels(),
        since: Some(since),
        ..EventFilter::default()
    };
    for mut events in [live, podman.follow_events(&since(started))] {
        let mut kinds = Vec::new();
        while kinds.last() != Some(&ContainerEventKind::Removed) {
            let event = tokio::time::timeout(STOP, events.next()).await?.expect("it goes on")?;
            assert_eq!((&event.container, event.name), (&id, bench.name("a")));
            assert_eq!(event.labels, bench.labels());
            kinds.push(event.kind);
        }
        kinds.retain(|kind| !matches!(kind, ContainerEventKind::Other(_)));
        assert_eq!(kinds, expected);
    }
    let mut late = podman.follow_events(&since(moment));
    let first = tokio::time::timeout(STOP, late.next()).await?.expect("one")?;
    assert!(first.at >= moment && first.kind != ContainerEventKind::Created);
    Ok(())
}
