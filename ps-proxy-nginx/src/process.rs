//! Programs that psctl runs. Invariant: each gets its words as they are, no shell, nothing to read, and an end.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

/// The most that is read of what a program says, in bytes.
const MOST_SAID: u64 = 64 << 10;

/// How long the rest of what was said is waited for once the program has ended; what it left running may hold on to the pipe.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    status: ExitStatus,
    /// What it wrote to its standard error and output, line by line.
    pub(crate) said: Vec<String>,
}

impl Ended {
    /// Whether it says that it did what it should.
    pub(crate) fn is_success(&self) -> bool {
        self.status.success()
    }

    /// How it ended, in words.
    pub(crate) fn in_words(&self) -> String {
        match self.status.code() {
            Some(code) => format!("ended with {code}"),
            None => "was ended by a signal".to_owned(),
        }
    }
}

/// nginx, with no environment but the search path: what psctl's own holds is not for a process that stays.
pub(crate) fn nginx_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir("/");
    let path = std::env::var_os("PATH");
    command.env("PATH", path.as_deref().unwrap_or(OsStr::new("/usr/bin:/bin")));
    // nginx writes its title over its arguments and its environment: with little of both it would be cut off.
    command.env("PSCTL_ROOM", "-".repeat(64));
    command
}

/// Runs a command to its end; an error when it cannot be started or takes longer than the limit.
pub(crate) async fn run(mut command: Command, limit: Duration) -> io::Result<Ended> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    let errors = tokio::spawn(read_said(child.stderr.take()));
    let output = tokio::spawn(read_said(child.stdout.take()));
    let Ok(status) = tokio::time::timeout(limit, child.wait()).await else {
        let message = format!("not done within {} s", limit.as_secs());
        return Err(io::Error::new(io::ErrorKind::TimedOut, message));
    };
    let mut said = Vec::new();
    for part in [errors, output] {
        let ending = part.abort_handle();
        if let Ok(Ok(lines)) = tokio::time::timeout(LAST_WORDS, part).await {
            said.extend(lines);
        }
        ending.abort();
    }
    Ok(Ended { status: status?, said })
}

async fn read_said<R: AsyncRead + Unpin>(stream: Option<R>) -> Vec<String> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What was read until an error is worth telling.
        let _ = stream.take(MOST_SAID).read_to_end(&mut bytes).await;
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().map(|line| line.trim_end().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}
