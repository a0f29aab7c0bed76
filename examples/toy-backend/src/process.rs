//! The life of a container: start, output, end, restart. Invariant: exactly one task follows each process, and it alone says how
//! the process ended.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ps_core::policies::RestartPolicy;
use ps_core::runtime::{
    ContainerEventKind, ContainerSpec, ContainerState, OutputChannel, OutputChunk, RuntimeError, RuntimeErrorKind,
    TerminalMode,
};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use crate::error;
use crate::table::{Container, Table};

/// The pause before a restart; real engines take a longer one each time.
const PAUSE: Duration = Duration::from_millis(100);

/// The command of a container. Limits, and one stream for both outputs, are the shell's work.
fn command(spec: &ContainerSpec) -> Command {
    let mut words: Vec<String> = spec.entrypoint.iter().chain(&spec.command).flatten().cloned().collect();
    let limits = spec.ulimits.iter().map(|limit| {
        let flag = if limit.name == "nofile" { "n" } else { "p" };
        format!("ulimit -S{flag} {} && ulimit -H{flag} {} && ", limit.soft, limit.hard)
    });
    let prelude: String = limits.collect();
    let redirection = if spec.terminal == TerminalMode::Terminal {
        " 2>&1"
    } else {
        ""
    };
    if !prelude.is_empty() || !redirection.is_empty() {
        let line = format!("{prelude}exec \"$@\"{redirection}");
        words.splice(0..0, ["/bin/sh".to_owned(), "-c".to_owned(), line, "sh".to_owned()]);
    }
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().unwrap_or_else(|| "/bin/sh".to_owned()));
    command
        .args(words)
        .envs(spec.env.iter().map(|variable| (&variable.name, &variable.value)));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.process_group(0).kill_on_drop(true);
    command
}

/// Starts a container's process and follows it.
pub(crate) fn start(table: &Arc<Table>, id: &str) -> Result<(), RuntimeError> {
    let mut rows = table.rows();
    let container = rows.get(id, "start")?;
    let spawned = command(&container.spec).spawn();
    let child = spawned.map_err(|cause| error(RuntimeErrorKind::Invalid, "start", id, &cause.to_string()))?;
    container.state = ContainerState::Running;
    container.pid = child.id();
    container.exit_code = None;
    container.started_at = Some(SystemTime::now());
    container.is_stopped_on_request = false;
    rows.tell(id, ContainerEventKind::Started);
    drop(rows);
    // Nothing has changed yet for a follower that looks now.
    table.change(|_| ());
    tokio::spawn(follow(Arc::clone(table), id.to_owned(), child));
    Ok(())
}

async fn follow(table: Arc<Table>, id: String, mut child: Child) {
    let group = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let ended = async {
        let status = child.wait().await;
        // As in a container, nothing outlives the first process. There may be nothing left.
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
        status
    };
    let out = copy(&table, &id, OutputChannel::Out, out);
    let err = copy(&table, &id, OutputChannel::Err, err);
    let (status, (), ()) = tokio::join!(ended, out, err);
    let code = status.map_or(-1, code_of);
    let is_restarted = table.change(|rows| {
        let Some(container) = rows.containers.get_mut(&id) else {
            return false;
        };
        let is_restarted = wants_restart(container, code);
        container.pid = None;
        container.exit_code = Some(code);
        container.state = ContainerState::Exited;
        if is_restarted {
            container.state = ContainerState::Restarting;
        }
        rows.tell(&id, ContainerEventKind::Died { exit_code: Some(code) });
        is_restarted
    });
    if is_restarted {
        tokio::time::sleep(PAUSE).await;
        restart(&table, &id);
    }
}

fn restart(table: &Arc<Table>, id: &str) {
    let is_due = table.change(|rows| {
        let container = rows.containers.get_mut(id);
        let due = container.filter(|container| container.state == ContainerState::Restarting);
        due.map(|container| container.restart_count += 1).is_some()
    });
    if is_due && start(table, id).is_err() {
        table.change(|rows| {
            rows.get(id, "start")
                .map(|container| container.state = ContainerState::Exited)
                .ok()
        });
    }
}

async fn copy(table: &Table, id: &str, channel: OutputChannel, from: Option<impl AsyncRead + Unpin>) {
    let Some(mut from) = from else {
        return;
    };
    let mut buffer = vec![0; 8192];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let bytes = buffer.get(..count).unwrap_or_default().to_vec();
        table.change(|rows| {
            if let Some(container) = rows.containers.get_mut(id) {
                let one_stream = container.spec.terminal == TerminalMode::Terminal;
                let channel = if one_stream { OutputChannel::Out } else { channel };
                let lines = bytes.split_inclusive(|byte| *byte == b'\n');
                container.log.extend(lines.map(|line| OutputChunk {
                    channel,
                    bytes: line.to_vec().into(),
                }));
            }
        });
    }
}

fn code_of(status: ExitStatus) -> i64 {
    let signal = status.signal().map(|signal| 128 + i64::from(signal));
    status.code().map(i64::from).or(signal).unwrap_or(-1)
}

fn wants_restart(container: &Container, code: i64) -> bool {
    let by_policy = match container.policy {
        RestartPolicy::No => false,
        RestartPolicy::Always | RestartPolicy::UnlessStopped => true,
        RestartPolicy::OnFailure { max_retries } => {
            code != 0 && max_retries.is_none_or(|max| container.restart_count < max.get())
        }
    };
    by_policy && !container.is_stopped_on_request
}

/// Sends a signal to a container's first process; whether there was one.
pub(crate) fn signal(container: &Container, signal: Signal) -> bool {
    let pid = container.pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
}
