//! Waiting until a replica is ready: it runs, was never restarted, and for a type with a port has listened on it for a second
//! or has run for its whole uptime. The rule is data ([`Readiness`]); this only watches.

use std::time::Duration;

use futures_util::StreamExt;

use super::deaths::Deaths;
use super::execute::ExecutionPorts;
use crate::plan::Readiness;
use crate::runtime::{ContainerId, ContainerRuntime, ContainerState, LogOptions, RuntimeError};

/// How often the port is looked at; the engine is not asked.
const TICK: Duration = Duration::from_millis(100);

/// How long a port must have been listened on.
const LISTENING_FOR: Duration = Duration::from_secs(1);

/// How often the engine is asked when its event stream is lost.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Log lines shown of a replica that is not ready.
const LOG_LINES: u32 = 20;

/// Why a replica counts as ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// It listens on its port.
    Listening,
    /// It ran for its uptime.
    Uptime,
    /// It ran for its uptime, and never listened on its port.
    NeverListened(u16),
}

/// Why a replica is not ready.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// Its process ended.
    #[error("its process ended{}", .exit_code.map(|code| format!(" with exit code {code}")).unwrap_or_default())]
    Died {
        /// The exit code, where it is known.
        exit_code: Option<i64>,
        /// The last lines it wrote.
        last_lines: Vec<String>,
    },
    /// The container is gone.
    #[error("its container is gone")]
    Gone,
    /// The engine could not be asked.
    #[error("the engine could not be asked about it")]
    Unknown(#[source] RuntimeError),
}

impl NotReady {
    /// The last lines the replica wrote.
    pub fn last_lines(&self) -> &[String] {
        match self {
            Self::Died { last_lines, .. } => last_lines,
            Self::Gone | Self::Unknown(_) => &[],
        }
    }
}

/// Waits.
pub(crate) async fn wait_until_ready(
    ports: &ExecutionPorts<'_>,
    deaths: &Deaths,
    id: &ContainerId,
    readiness: Readiness,
) -> Result<Ready, NotReady> {
    let clock = ports.clock;
    let began = clock.monotonic();
    let first = check_alive(ports, id, None).await?;
    let sees_ports = ports.engine.capabilities().host_sees_processes;
    let watched = readiness.port.filter(|_| sees_ports).zip(first.pid);
    let (mut listening_since, mut ever_listened, mut asked_at) = (None, false, began);
    loop {
        let now = clock.monotonic();
        match deaths.has_died(id) {
            Some(true) => return Err(died(ports, id).await),
            None if now.saturating_sub(asked_at) >= ASK_EVERY => {
                check_alive(ports, id, Some(first.restart_count)).await?;
                asked_at = now;
            }
            Some(false) | None => {}
        }
        if let Some((port, pid)) = watched {
            let listens = ports
                .host
                .listening_ports(pid)
                .await
                .is_some_and(|open| open.contains(&port));
            listening_since = listening_since.filter(|_| listens).or_else(|| listens.then_some(now));
            ever_listened |= listens;
        }
        let listened = listening_since.is_some_and(|since| now.saturating_sub(since) >= LISTENING_FOR);
        if listened || now.saturating_sub(began) >= readiness.uptime {
            check_alive(ports, id, Some(first.restart_count)).await?;
            return Ok(match watched {
                Some(_) if listened => Ready::Listening,
                Some((port, _)) if !ever_listened => Ready::NeverListened(port),
                _ => Ready::Uptime,
            });
        }
        let left = readiness.uptime.saturating_sub(now.saturating_sub(began));
        clock.sleep(TICK.min(left)).await;
    }
}

struct Alive {
    pid: Option<u32>,
    restart_count: u32,
}

async fn check_alive(ports: &ExecutionPorts<'_>, id: &ContainerId, restarts: Option<u32>) -> Result<Alive, NotReady> {
    let detail = match ports.engine.inspect_container(id).await {
        Ok(detail) => detail,
        Err(error) if error.kind == crate::runtime::RuntimeErrorKind::NotFound => return Err(NotReady::Gone),
        Err(error) => return Err(NotReady::Unknown(error)),
    };
    let was_restarted = restarts.is_some_and(|restarts| detail.restart_count != restarts);
    if detail.state != ContainerState::Running || was_restarted {
        let last_lines = last_lines(ports.engine, id).await;
        return Err(NotReady::Died {
            exit_code: detail.exit_code,
            last_lines,
        });
    }
    Ok(Alive {
        pid: detail.pid,
        restart_count: detail.restart_count,
    })
}

async fn died(ports: &ExecutionPorts<'_>, id: &ContainerId) -> NotReady {
    match ports.engine.inspect_container(id).await {
        Ok(detail) => NotReady::Died {
            exit_code: detail.exit_code,
            last_lines: last_lines(ports.engine, id).await,
        },
        Err(error) if error.kind == crate::runtime::RuntimeErrorKind::NotFound => NotReady::Gone,
        Err(error) => NotReady::Unknown(error),
    }
}

/// The last lines that a container wrote, both streams together; empty when they cannot be had.
pub(crate) async fn last_lines<R: ContainerRuntime + ?Sized>(runtime: &R, id: &ContainerId) -> Vec<String> {
    let mut logs = runtime.read_logs(
        id,
        LogOptions {
            follow: false,
            tail: Some(LOG_LINES),
        },
    );
    let mut bytes = Vec::new();
    while let Some(Ok(chunk)) = logs.next().await {
        bytes.extend_from_slice(&chunk.bytes);
    }
    String::from_utf8_lossy(&bytes)
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}
