//! The system's Docker Engine on its usual socket.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::engines::daemon::{answers, daemon_command, start};
use crate::engines::places::Places;
use crate::failure::{Failure, Outcome};
use crate::process::{ProcessIdentity, remove_stale_pid_file};
use crate::program::is_installed;
use crate::say;

/// The socket every Docker client looks at.
pub(crate) const SOCKET: &str = "/var/run/docker.sock";

const PID_FILE: &str = "/var/run/docker.pid";
/// dockerd waits for a containerd that this file names, even when the pid has become another program's.
const CONTAINERD_PID_FILE: &str = "/var/run/docker/containerd/containerd.pid";
const LIMIT: Duration = Duration::from_secs(60);

/// What somebody else's start of dockerd came to.
pub(crate) enum DockerStart {
    /// We started it.
    Ours(ProcessIdentity),
    /// Somebody else was just starting it.
    Theirs,
}

/// Starts dockerd, or waits for one that is being started.
pub(crate) fn start_docker(places: &Places) -> Outcome<(PathBuf, DockerStart)> {
    let socket = PathBuf::from(SOCKET);
    if remove_stale_pid_file(Path::new(PID_FILE), "dockerd") {
        say(&format!("engines: removed {PID_FILE} of a dockerd that is gone"));
    }
    if Path::new(PID_FILE).exists() {
        wait_for_other(&socket)?;
        return Ok((socket, DockerStart::Theirs));
    }
    remove_stale_pid_file(Path::new(CONTAINERD_PID_FILE), "containerd");
    if !is_installed("dockerd") {
        return Err(Failure::new("there is no dockerd: install docker.io"));
    }
    let host = format!("unix://{SOCKET}");
    let command = daemon_command("/root", &["dockerd", "-H", &host, "--pidfile", PID_FILE]);
    let process = start(command, &socket, &places.log("docker")?, LIMIT)?;
    Ok((socket, DockerStart::Ours(process)))
}

fn wait_for_other(socket: &Path) -> Outcome<()> {
    let deadline = Instant::now() + LIMIT;
    while !answers(socket) {
        if Instant::now() >= deadline {
            let limit = LIMIT.as_secs();
            return Err(Failure::new(format!(
                "the dockerd that {PID_FILE} names did not answer within {limit} s"
            )));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}
