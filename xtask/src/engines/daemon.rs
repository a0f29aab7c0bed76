//! Starting one engine as a daemon of its own session, and asking an engine whether it answers.
//!
//! A daemon outlives the task that started it: no terminal, no stdin, its output in a log.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome, WhileDoing};
use crate::http::{Address, http_get};
use crate::process::ProcessIdentity;
use crate::program::{clean_command, command_line, last_lines};

const BETWEEN_PINGS: Duration = Duration::from_millis(100);
const PING_LIMIT: Duration = Duration::from_secs(2);

/// Whether an engine answers on `socket`.
pub(crate) fn answers(socket: &Path) -> bool {
    http_get(&Address::Unix(socket.to_owned()), "/_ping", PING_LIMIT).is_ok_and(|answer| answer.status == 200)
}

/// The version that the engine on `socket` tells.
pub(crate) fn version(socket: &Path) -> Outcome<String> {
    let address = Address::Unix(socket.to_owned());
    let answer = http_get(&address, "/version", Duration::from_secs(10))?;
    let value: serde_json::Value = serde_json::from_slice(&answer.body).while_doing(|| format!("read {address}"))?;
    let version = value.get("Version").and_then(serde_json::Value::as_str);
    Ok(version
        .ok_or_else(|| Failure::new(format!("{address} tells no version")))?
        .to_owned())
}

/// A daemon about to start: `setsid` makes it the leader of a session of its own and then becomes the program itself, so
/// the pid stays.
pub(crate) fn daemon_command(home: &str, words: &[&str]) -> Command {
    let mut command = clean_command("setsid", home);
    command.args(words).current_dir("/");
    command
}

/// Starts `command` with its output in `log` and waits until it answers on `socket`.
pub(crate) fn start(mut command: Command, socket: &Path, log: &Path, limit: Duration) -> Outcome<ProcessIdentity> {
    let line = command_line(&command);
    if socket.exists() {
        // Nobody answered on it, and a daemon may refuse a path that exists.
        fs::remove_file(socket).while_doing(|| format!("remove the dead socket {}", socket.display()))?;
    }
    let output = File::create(log).while_doing(|| format!("write {}", log.display()))?;
    let errors = output.try_clone().while_doing(|| format!("write {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(output).stderr(errors);
    let mut child = command.spawn().while_doing(|| format!("start `{line}`"))?;
    let identity = ProcessIdentity::of(child.id());
    let answered = wait_for_answer(&mut child, socket, limit);
    match (answered, identity) {
        (Ok(()), Some(identity)) => Ok(identity),
        (Ok(()), None) => Err(Failure::new(format!("`{line}` ended at once"))),
        (Err(reason), identity) => {
            if let Some(identity) = identity {
                identity.end(Duration::from_secs(5))?;
            }
            let text = fs::read_to_string(log).unwrap_or_default();
            let tail = last_lines(&text, 20);
            Err(Failure::new(format!(
                "`{line}` {reason}; the end of {}:\n{tail}",
                log.display()
            )))
        }
    }
}

fn wait_for_answer(child: &mut Child, socket: &Path, limit: Duration) -> Result<(), String> {
    let deadline = Instant::now() + limit;
    loop {
        if answers(socket) {
            return Ok(());
        }
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!("ended with {status}"));
        }
        if Instant::now() >= deadline {
            return Err(format!(
                "did not answer on {} within {} s",
                socket.display(),
                limit.as_secs()
            ));
        }
        std::thread::sleep(BETWEEN_PINGS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_daemon_that_ends_is_reported_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let (socket, log) = (folder.path().join("s"), folder.path().join("log"));
        let command = daemon_command("/", &["sh", "-c", "echo no such bridge; exit 1"]);
        let failure = start(command, &socket, &log, Duration::from_secs(10))
            .unwrap_err()
            .to_string();
        assert!(failure.contains("ended with exit status: 1"), "{failure}");
        assert!(failure.contains("    no such bridge"), "{failure}");
    }

    #[test]
    fn a_daemon_that_never_answers_is_ended_at_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let (socket, log) = (folder.path().join("s"), folder.path().join("log"));
        let command = daemon_command("/", &["sh", "-c", "echo $$; exec sleep 60"]);
        let failure = start(command, &socket, &log, Duration::from_millis(500))
            .unwrap_err()
            .to_string();
        assert!(failure.contains("did not answer"), "{failure}");
        let pid: u32 = fs::read_to_string(&log).unwrap().trim().parse().unwrap();
        assert!(ProcessIdentity::of(pid).is_none());
    }

    #[test]
    fn an_engine_answers_when_its_ping_is_200() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        assert!(!answers(&socket));
        let listener = UnixListener::bind(&socket).unwrap();
        std::thread::spawn(move || {
            for reply in [
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK",
                "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
            ] {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0_u8; 512]);
                stream.write_all(reply.as_bytes()).unwrap();
            }
        });
        assert!(answers(&socket));
        assert!(!answers(&socket));
    }
}
