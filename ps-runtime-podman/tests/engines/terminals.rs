//! Commands in containers, and a container's own terminal.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use ps_core::runtime::RuntimeErrorKind as Kind;
use ps_core::runtime::*;

use crate::bench::{Bench, eventually, kind, one_piece, output};
use crate::{Case, Outcome, case};

pub(crate) const CASES: &[Case] = &[
    case!(a_command_gets_input_and_gives_output_and_exit_code),
    case!(a_command_without_input_ends_by_itself),
    case!(a_commands_terminal_has_a_size),
    case!(a_command_needs_a_running_container),
    case!(an_attached_container_misses_nothing),
    case!(an_attached_terminal_has_a_size),
];

const LIMIT: Duration = Duration::from_secs(10);

fn exec(script: &str, terminal: bool) -> ExecSpec {
    ExecSpec {
        command: ["sh", "-c", script].map(str::to_owned).to_vec(),
        terminal,
        env: vec![EnvVar {
            name: "A".to_owned(),
            value: "b c".to_owned(),
        }],
    }
}

fn silence() -> ByteStream {
    stream::pending().boxed()
}

async fn a_command_gets_input_and_gives_output_and_exit_code(bench: &Bench) -> Outcome {
    let podman = &bench.podman;
    let container = bench.started(&bench.spec("a", "sleep 60")).await?;
    let id = podman
        .create_exec(&container, &exec("echo \"$A\" >&2; cat; exit 9", false))
        .await?;
    assert_eq!(podman.exec_exit_code(&id).await?, None);
    let chunks = podman.start_exec(&id, false, one_piece("in\n")).await?;
    let text = tokio::time::timeout(LIMIT, output(chunks)).await??;
    assert_eq!(text, ("in\n".to_owned(), "b c\n".to_owned()));
    assert_eq!(podman.exec_exit_code(&id).await?, Some(ExitCode(9)));
    assert_eq!(kind(podman.start_exec(&id, false, silence()).await), Kind::NotFound);
    assert_eq!(
        kind(podman.exec_exit_code(&ExecId("none".to_owned())).await),
        Kind::NotFound
    );
    Ok(())
}

async fn a_command_without_input_ends_by_itself(bench: &Bench) -> Outcome {
    let podman = &bench.podman;
    let container = bench.started(&bench.spec("a", "sleep 60")).await?;
    let id = podman.create_exec(&container, &exec("echo done", false)).await?;
    let chunks = podman.start_exec(&id, false, silence()).await?;
    let text = tokio::time::timeout(LIMIT, output(chunks)).await??;
    assert_eq!(text.0, "done\n");
    assert_eq!(podman.exec_exit_code(&id).await?, Some(ExitCode(0)));
    Ok(())
}

async fn a_commands_terminal_has_a_size(bench: &Bench) -> Outcome {
    let podman = &bench.podman;
    let container = bench.started(&bench.spec("a", "sleep 60")).await?;
    let script = "while [ \"$(stty size 2>&1)\" != '33 77' ]; do sleep 0.05; done; echo fits";
    let id = podman.create_exec(&container, &exec(script, true)).await?;
    let chunks = podman.start_exec(&id, true, silence()).await?;
    let size = TerminalSize { rows: 33, columns: 77 };
    eventually("resized", LIMIT, || {
        podman.resize_exec(&id, size).map(|resized| resized.is_ok())
    })
    .await;
    let text = tokio::time::timeout(LIMIT, output(chunks)).await??;
    assert_eq!(text, ("fits\r\n".to_owned(), String::new()));
    Ok(())
}

async fn a_command_needs_a_running_container(bench: &Bench) -> Outcome {
    let id = bench.podman.create_container(&bench.spec("a", "sleep 60")).await?;
    assert_eq!(
        kind(bench.podman.create_exec(&id, &exec("x", false)).await),
        Kind::Conflict
    );
    bench.podman.start_container(&id).await?;
    let missing = ExecSpec {
        command: vec!["/no/such/program".to_owned()],
        terminal: false,
        env: Vec::new(),
    };
    let exec_id = bench.podman.create_exec(&id, &missing).await?;
    let chunks = bench.podman.start_exec(&exec_id, false, silence()).await?;
    let (_, err) = tokio::time::timeout(LIMIT, output(chunks)).await??;
    assert!(err.contains("no such file or directory"), "{err}");
    assert_eq!(bench.podman.exec_exit_code(&exec_id).await?, Some(ExitCode(127)));
    let none = ContainerId(bench.name("none"));
    assert_eq!(
        kind(bench.podman.create_exec(&none, &exec("x", false)).await),
        Kind::NotFound
    );
    Ok(())
}

async fn an_attached_container_misses_nothing(bench: &Bench) -> Outcome {
    let podman = &bench.podman;
    let spec = ContainerSpec {
        terminal: TerminalMode::Input,
        ..bench.spec("a", "echo first; echo err >&2; cat; exit 4")
    };
    let id = podman.create_container(&spec).await?;
    let chunks = podman
        .attach_container(&id, TerminalMode::Input, one_piece("in\n"))
        .await?;
    assert_eq!(podman.start_container(&id).await?, StartOutcome::Started);
    let text = tokio::time::timeout(LIMIT, output(chunks)).await??;
    assert_eq!(text, ("first\nin\n".to_owned(), "err\n".to_owned()));
    assert_eq!(podman.wait_container(&id).await?, ExitCode(4));
    let none = ContainerId(bench.name("none"));
    assert_eq!(
        kind(podman.attach_container(&none, TerminalMode::Input, silence()).await),
        Kind::NotFound
    );
    Ok(())
}

async fn an_attached_terminal_has_a_size(bench: &Bench) -> Outcome {
    let podman = &bench.podman;
    let spec = ContainerSpec {
        terminal: TerminalMode::Terminal,
        ..bench.spec(
            "a",
            "read word; while [ \"$(stty size 2>&1)\" != '33 77' ]; do sleep 0.05; done; echo got $word",
        )
    };
    let id = podman.create_container(&spec).await?;
    let typed = one_piece("hey\n").chain(silence()).boxed();
    let chunks = podman.attach_container(&id, TerminalMode::Terminal, typed).await?;
    podman.start_container(&id).await?;
    let size = TerminalSize { rows: 33, columns: 77 };
    eventually("resized", LIMIT, || {
        podman.resize_container(&id, size).map(|resized| resized.is_ok())
    })
    .await;
    let text = tokio::time::timeout(LIMIT, output(chunks)).await??;
    assert!(text.0.ends_with("got hey\r\n"), "{text:?}");
    Ok(())
}
