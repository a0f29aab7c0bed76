//! How a replica is checked before it serves: the source's checks with every default filled in, else an uptime. Invariant: what
//! cannot be asked on this engine is refused here, before anything is done.

use std::time::Duration;

use crate::checks::{CheckKind, CheckMoment, CheckWeight, HealthCheck, PathCheck};
use crate::formation::Formation;
use crate::names::ProcessType;
use crate::plan::{CommandCheck, HttpCheck, Readiness, StartupCheck, StartupKind};
use crate::planning::Situation;
use crate::planning::launch::{LaunchError, has_command, web_port};
use crate::release::Release;

/// Attempts, timeout and pause of the listening check that `web` gets by itself: those of app.json.
const ATTEMPTS: u32 = 3;
const TIMEOUT: Duration = Duration::from_secs(5);
const WAIT: Duration = Duration::from_secs(5);

/// When a replica of a type counts as ready, whether its type is checked or not.
///
/// Without checks of its own: it ran for the `default-wait`, and for `web` it passes early once its process has listened for a
/// second. With checks: all of them; `web` is also warned about when nothing listens on its port.
///
/// # Errors
/// When a check cannot be made on this engine.
pub fn readiness_of(
    situation: &Situation,
    release: &Release,
    process_type: &ProcessType,
) -> Result<Readiness, LaunchError> {
    let sees_ports = situation.capabilities.host_sees_processes;
    let mut checks = Vec::new();
    for check in release.manifest.checks_of(process_type, CheckMoment::Startup) {
        if let Some(kind) = startup_kind(situation, release, process_type, check)? {
            checks.push(startup_check(check, kind));
        }
    }
    let port = if process_type.is_web() && sees_ports {
        Some(web_port(release)?)
    } else {
        None
    };
    if checks.is_empty() {
        let uptime = situation.policies.default_wait;
        let kind = port.map_or(StartupKind::Uptime(uptime), |port| StartupKind::UptimeOrListening {
            uptime,
            port,
        });
        checks.push(by_default(kind, CheckWeight::Required));
    } else if let Some(port) = port.filter(|port| !checks.iter().any(|check| proves_listening(check, *port))) {
        checks.push(by_default(StartupKind::Listening(port), CheckWeight::WarnOnly));
    }
    Ok(Readiness { checks })
}

/// How a replica of a type is checked while it serves: the liveness checks of its source, none that only wait.
///
/// # Errors
/// When a check cannot be made on this engine.
pub fn liveness_of(
    situation: &Situation,
    release: &Release,
    process_type: &ProcessType,
) -> Result<Vec<StartupCheck>, LaunchError> {
    let mut checks = Vec::new();
    for check in release.manifest.checks_of(process_type, CheckMoment::Liveness) {
        if matches!(check.kind, CheckKind::Uptime(_)) {
            continue;
        }
        if let Some(kind) = startup_kind(situation, release, process_type, check)? {
            checks.push(startup_check(check, kind));
        }
    }
    Ok(checks)
}

fn startup_check(check: &HealthCheck, kind: StartupKind) -> StartupCheck {
    StartupCheck {
        name: check.name.clone(),
        kind,
        initial_delay: check.initial_delay,
        attempts: check.attempts.max(1),
        timeout: check.timeout,
        wait: check.wait,
        weight: check.weight,
    }
}

fn by_default(kind: StartupKind, weight: CheckWeight) -> StartupCheck {
    StartupCheck {
        name: None,
        kind,
        initial_delay: Duration::ZERO,
        attempts: ATTEMPTS,
        timeout: TIMEOUT,
        wait: WAIT,
        weight,
    }
}

/// Whether a check that passes shows that something listens on a port.
fn proves_listening(check: &StartupCheck, port: u16) -> bool {
    match &check.kind {
        StartupKind::Http(asked) => asked.port == port,
        StartupKind::Listening(asked) => *asked == port,
        _ => false,
    }
}

/// What a check of the source asks here; `None` when it would only warn, and cannot be made.
fn startup_kind(
    situation: &Situation,
    release: &Release,
    process_type: &ProcessType,
    check: &HealthCheck,
) -> Result<Option<StartupKind>, LaunchError> {
    let own_port = |port: Option<u16>| port.map_or_else(|| web_port(release), Ok);
    Ok(Some(match &check.kind {
        CheckKind::Path(path) => {
            let port = own_port(path.port)?;
            check_reachable(situation, release, process_type, port)?;
            StartupKind::Http(http_check(path, port))
        }
        CheckKind::Command(command) => StartupKind::Command(CommandCheck {
            entrypoint: release.image.detail.entrypoint.clone(),
            command: command.clone(),
        }),
        CheckKind::Listening { port } if situation.capabilities.host_sees_processes => {
            StartupKind::Listening(own_port(*port)?)
        }
        CheckKind::Listening { .. } if check.weight == CheckWeight::WarnOnly => return Ok(None),
        CheckKind::Listening { .. } => {
            return Err(LaunchError::ListeningUnseen {
                process_type: process_type.clone(),
            });
        }
        CheckKind::Uptime(uptime) => StartupKind::Uptime(*uptime),
    }))
}

fn http_check(path: &PathCheck, port: u16) -> HttpCheck {
    let is_host = |name: &str| name.eq_ignore_ascii_case("host");
    let host = path.headers.iter().find(|(name, _)| is_host(name));
    HttpCheck {
        scheme: path.scheme,
        port,
        path: path.path.clone(),
        host: host.map(|(_, value)| value.clone()),
        headers: path
            .headers
            .iter()
            .filter(|(name, _)| !is_host(name))
            .cloned()
            .collect(),
        content: path.content.clone(),
    }
}

/// Where containers are reached by one published port, requests can be sent to that one only.
fn check_reachable(
    situation: &Situation,
    release: &Release,
    process_type: &ProcessType,
    port: u16,
) -> Result<(), LaunchError> {
    match published_port(release, process_type)?.filter(|_| situation.network.is_none()) {
        Some(published) if published != port => Err(LaunchError::PortNotPublished {
            process_type: process_type.clone(),
            port,
            published,
        }),
        _ => Ok(()),
    }
}

/// The one port of a type that is published where the host cannot reach containers: that of `web`, and of another type the one
/// its first path check asks. `None` where nobody connects to it.
pub(crate) fn published_port(release: &Release, process_type: &ProcessType) -> Result<Option<u16>, LaunchError> {
    if process_type.is_web() {
        return web_port(release).map(Some);
    }
    let mut checks = release.manifest.checks.get(process_type).into_iter().flatten();
    let first = checks.find_map(|check| match &check.kind {
        CheckKind::Path(path) => Some(path.port),
        _ => None,
    });
    first.map(|port| port.map_or_else(|| web_port(release), Ok)).transpose()
}

/// Finds what a rollout of a release would refuse, before anything else of it is done.
///
/// # Errors
/// When a type that has replicas cannot be checked as its source says.
pub(crate) fn check_release(
    situation: &Situation,
    release: &Release,
    formation: &Formation,
) -> Result<(), LaunchError> {
    let wanted = formation.iter().filter(|(_, quantity)| *quantity > 0);
    for (process_type, _) in wanted.filter(|(process_type, _)| has_command(situation, release, process_type)) {
        readiness_of(situation, release, process_type)?;
    }
    Ok(())
}
