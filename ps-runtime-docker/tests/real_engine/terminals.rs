//! Commands in containers, terminals and their input.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use ps_core::runtime::{
    ByteStream, ContainerRuntime, ContainerSpec, EnvVar, ExecSpec, ExitCode, OutputChannel, RuntimeErrorKind, Signal,
    TerminalMode, TerminalRuntime, TerminalSize,
};

use crate::bench::{Bench, bytes, eventually, text};

fn command(words: &[&str], terminal: bool) -> ExecSpec {
    let env = vec![EnvVar {
        name: "GREETING".into(),
        value: "hello".into(),
    }];
    ExecSpec {
        command: words.iter().map(|word| (*word).to_owned()).collect(),
        terminal,
        env,
    }
}

/// Input that never ends.
fn silence() -> ByteStream {
    stream::pending().boxed()
}

pub(crate) async fn exec(bench: Bench) {
    let docker = &bench.docker;
    let id = bench.started("a", "sleep 600").await;
    let script = "cat; echo $GREETING; echo bad >&2; exit 5";
    let exec = docker
        .create_exec(&id, &command(&["sh", "-c", script], false))
        .await
        .unwrap();
    let input = [b"typed\n".as_slice(), &vec![b'x'; 200_000], b"\n"].concat();
    let output = docker.start_exec(&exec, false, bytes(&input)).await.unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    for chunk in output.map(Result::unwrap).collect::<Vec<_>>().await {
        let to = if chunk.channel == OutputChannel::Out {
            &mut out
        } else {
            &mut err
        };
        to.extend_from_slice(&chunk.bytes);
    }
    assert_eq!((out, err), ([input.as_slice(), b"hello\n"].concat(), b"bad\n".to_vec()));
    assert_eq!(docker.exec_exit_code(&exec).await.unwrap(), Some(ExitCode(5)));

    let running = docker.create_exec(&id, &command(&["sleep", "1"], false)).await.unwrap();
    let output = docker.start_exec(&running, false, silence()).await.unwrap();
    assert_eq!(docker.exec_exit_code(&running).await.unwrap(), None);
    assert_eq!(text(output).await, "");
    assert_eq!(docker.exec_exit_code(&running).await.unwrap(), Some(ExitCode(0)));

    let missing = docker
        .create_exec(&id, &command(&["nosuchcommand"], false))
        .await
        .unwrap();
    let message = text(docker.start_exec(&missing, false, silence()).await.unwrap()).await;
    assert!(message.contains("nosuchcommand"), "{message}");
    assert!(matches!(
        docker.exec_exit_code(&missing).await.unwrap(),
        Some(ExitCode(126 | 127))
    ));

    docker.kill_container(&id, Signal::Kill).await.unwrap();
    docker.wait_container(&id).await.unwrap();
    let stopped = docker.create_exec(&id, &command(&["sh"], false)).await.unwrap_err();
    assert_eq!(stopped.kind, RuntimeErrorKind::Conflict);
}

pub(crate) async fn exec_terminal(bench: Bench) {
    let docker = &bench.docker;
    let id = bench.started("a", "sleep 600").await;
    let script = "printf '\\001\\002'; read line; stty size; exit 6";
    let exec = docker
        .create_exec(&id, &command(&["sh", "-c", script], true))
        .await
        .unwrap();
    let (keys, typed) = futures_channel();
    let mut output = docker.start_exec(&exec, true, typed).await.unwrap();
    let first = output.next().await.unwrap().unwrap();
    assert!(first.bytes.starts_with(b"\x01"), "{first:?}");
    docker
        .resize_exec(&exec, TerminalSize { rows: 33, columns: 77 })
        .await
        .unwrap();
    keys.send(Bytes::from_static(b"go\n")).await.unwrap();
    let rest = text(output).await;
    assert!(rest.contains("33 77"), "{rest:?}");
    assert_eq!(docker.exec_exit_code(&exec).await.unwrap(), Some(ExitCode(6)));
}

pub(crate) async fn attach(bench: Bench) {
    let docker = &bench.docker;
    let spec = |word, script| bench.spec(word, &["sh", "-c", script]);
    let reads = ContainerSpec {
        terminal: TerminalMode::Input,
        ..spec("a", "echo first; cat; echo last >&2; exit 3")
    };
    let id = docker.create_container(&reads).await.unwrap();
    let output = docker
        .attach_container(&id, TerminalMode::Input, bytes(b"piped\n"))
        .await
        .unwrap();
    docker.start_container(&id).await.unwrap();
    let seen = text(output).await;
    // The two channels may overtake each other.
    let mut lines: Vec<&str> = seen.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["first", "last", "piped"]);
    assert_eq!(docker.wait_container(&id).await.unwrap(), ExitCode(3));

    let asks = ContainerSpec {
        terminal: TerminalMode::Terminal,
        ..spec("b", "read x; stty size")
    };
    let id = docker.create_container(&asks).await.unwrap();
    let (keys, typed) = futures_channel();
    let output = docker
        .attach_container(&id, TerminalMode::Terminal, typed)
        .await
        .unwrap();
    let size = TerminalSize { rows: 21, columns: 55 };
    assert_eq!(
        docker.resize_container(&id, size).await.unwrap_err().kind,
        RuntimeErrorKind::Conflict
    );
    docker.start_container(&id).await.unwrap();
    eventually(Duration::from_secs(10), async || {
        docker.resize_container(&id, size).await.is_ok()
    })
    .await;
    keys.send(Bytes::from_static(b"go\n")).await.unwrap();
    let seen = text(output).await;
    assert!(seen.contains("21 55"), "{seen:?}");
}

fn futures_channel() -> (tokio::sync::mpsc::Sender<Bytes>, ByteStream) {
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    let next = async |mut receiver: tokio::sync::mpsc::Receiver<Bytes>| Some((Ok(receiver.recv().await?), receiver));
    (sender, stream::unfold(receiver, next).boxed())
}
