//! Waiting until a replica is ready: its checks are made side by side, and its death ends them all at once. What is checked is data
//! ([`Readiness`]); this only carries it out.

mod attempts;
mod command;
mod failure;
mod http;
mod last_lines;
mod listening;
mod uptime;

use std::time::Duration;

use futures_util::future::{Either, select, try_join_all};
use futures_util::pin_mut;

pub use failure::{CheckFailure, NotReady};
pub(crate) use last_lines::last_lines;

use super::deaths::{Deaths, Notice};
use super::events::OperationEvent;
use super::execute::ExecutionPorts;
use crate::addresses::Endpoint;
use crate::checks::CheckWeight;
use crate::names::{AppName, Replica};
use crate::plan::{Readiness, StartupCheck, StartupKind};
use crate::runtime::{ContainerId, ContainerState, RuntimeErrorKind};

/// How often a port is looked at; the engine is not asked.
const TICK: Duration = Duration::from_millis(100);

/// How often the engine is asked when its event stream is lost.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// The replica that is waited for.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) ports: &'a ExecutionPorts<'a>,
    pub(crate) app: &'a AppName,
    pub(crate) replica: Option<&'a Replica>,
    pub(crate) id: &'a ContainerId,
    /// Where HTTP requests reach it.
    pub(crate) endpoint: Option<Endpoint>,
    /// How long it had run when the wait began.
    pub(crate) age: Duration,
}

/// A candidate that was found running.
#[derive(Clone, Copy)]
struct Alive<'a> {
    candidate: Candidate<'a>,
    pid: Option<u32>,
    restart_count: u32,
    /// When the wait began, by the clock that never goes back.
    since: Duration,
}

/// Waits until all checks have passed. What failed and is only to be said comes back as text.
pub(crate) async fn wait_until_ready(
    candidate: Candidate<'_>,
    deaths: &Deaths,
    readiness: &Readiness,
) -> Result<Vec<String>, NotReady> {
    let alive = look(candidate, None).await?;
    let checks = readiness.checks.iter().map(|check| run_check(alive, check));
    let (passed, dead) = (try_join_all(checks), until_dead(alive, deaths));
    pin_mut!(passed, dead);
    let warnings = match select(dead, passed).await {
        Either::Left((not_ready, _)) => return Err(not_ready),
        Either::Right((passed, _)) => passed,
    };
    // Whatever failed, a process that ended is the better reason.
    look(candidate, Some(alive.restart_count)).await?;
    match warnings {
        Ok(warnings) => Ok(warnings.into_iter().flatten().collect()),
        Err(failed) => Err(NotReady::CheckFailed {
            check: failed.check,
            attempts: failed.attempts,
            last_lines: last_lines(candidate.ports.engine, candidate.id).await,
            reason: failed.reason,
        }),
    }
}

/// A required check that failed for good.
struct FailedCheck {
    check: String,
    attempts: u32,
    reason: CheckFailure,
}

/// Makes one check; what is only to be said comes back as text.
async fn run_check(alive: Alive<'_>, check: &StartupCheck) -> Result<Option<String>, FailedCheck> {
    let clock = alive.candidate.ports.clock;
    let result = match &check.kind {
        StartupKind::Uptime(uptime) => {
            uptime::run(alive, check, *uptime).await;
            Ok(None)
        }
        StartupKind::UptimeOrListening { uptime, port } => {
            Ok(uptime::run_or_listen(alive, check, *uptime, *port).await)
        }
        kind => {
            clock.sleep(check.initial_delay.saturating_sub(alive.age())).await;
            match kind {
                StartupKind::Http(asked) => attempts::run(alive, check, || http::attempt(alive, check, asked)).await,
                StartupKind::Command(asked) => {
                    attempts::run(alive, check, || command::attempt(alive, check, asked)).await
                }
                StartupKind::Listening(port) => listening::run(alive, check, *port).await,
                StartupKind::Uptime(_) | StartupKind::UptimeOrListening { .. } => Ok(()),
            }
            .map(|()| None)
        }
    };
    let attempts = check.tries();
    match (result, check.weight) {
        (Ok(warning), _) => Ok(warning),
        (Err(reason), CheckWeight::WarnOnly) => Ok(Some(failure::warning(&check.label(), attempts, &reason))),
        (Err(reason), CheckWeight::Required) => Err(FailedCheck {
            check: check.label(),
            attempts,
            reason,
        }),
    }
}

impl Alive<'_> {
    /// How long the container runs.
    fn age(&self) -> Duration {
        let waited = self.candidate.ports.clock.monotonic().saturating_sub(self.since);
        self.candidate.age.saturating_add(waited)
    }

    /// Whether the container listens on a port now.
    async fn listens(&self, port: u16) -> bool {
        let Some(pid) = self.pid else { return false };
        let open = self.candidate.ports.host.listening_ports(pid).await;
        open.is_some_and(|open| open.contains(&port))
    }

    /// Tells that an attempt begins.
    fn tell(&self, check: &StartupCheck, attempt: u32, at_most: Duration) {
        self.candidate.ports.events.emit(OperationEvent::Checking {
            app: self.candidate.app.clone(),
            replica: self.candidate.replica.cloned(),
            check: check.to_string(),
            attempt,
            attempts: check.tries(),
            at_most,
        });
    }
}

/// Ends when the container has died, or was restarted.
async fn until_dead(alive: Alive<'_>, deaths: &Deaths) -> NotReady {
    let candidate = alive.candidate;
    loop {
        match deaths.notice(candidate.id).await {
            Notice::Died { exit_code } => return died(candidate, exit_code).await,
            Notice::StreamLost => {
                candidate.ports.clock.sleep(ASK_EVERY).await;
                if let Err(not_ready) = look(candidate, Some(alive.restart_count)).await {
                    return not_ready;
                }
            }
        }
    }
}

/// Looks at the container: it must run, and not have been restarted.
async fn look(candidate: Candidate<'_>, restarts: Option<u32>) -> Result<Alive<'_>, NotReady> {
    let ports = candidate.ports;
    let detail = match ports.engine.inspect_container(candidate.id).await {
        Ok(detail) => detail,
        Err(error) if error.kind == RuntimeErrorKind::NotFound => return Err(NotReady::Gone),
        Err(error) => return Err(NotReady::Unknown(error)),
    };
    let was_restarted = restarts.is_some_and(|restarts| detail.restart_count != restarts);
    if detail.state != ContainerState::Running || was_restarted {
        return Err(NotReady::Died {
            exit_code: detail.exit_code,
            last_lines: last_lines(ports.engine, candidate.id).await,
        });
    }
    Ok(Alive {
        candidate,
        pid: detail.pid,
        restart_count: detail.restart_count,
        since: ports.clock.monotonic(),
    })
}

/// What there is to tell of a death.
async fn died(candidate: Candidate<'_>, exit_code: Option<i64>) -> NotReady {
    match candidate.ports.engine.inspect_container(candidate.id).await {
        Ok(detail) => NotReady::Died {
            exit_code: exit_code.or(detail.exit_code),
            last_lines: last_lines(candidate.ports.engine, candidate.id).await,
        },
        Err(error) if error.kind == RuntimeErrorKind::NotFound => NotReady::Gone,
        Err(error) => NotReady::Unknown(error),
    }
}
