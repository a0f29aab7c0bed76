//! Runs the `git` program. Invariant: without a shell, a terminal or a question, bounded in time and output, away from the
//! variables of a git that may have started psctl; when nobody waits any more, it is killed with all that it started.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use ps_core::source::SourceError;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use crate::environment::Environment;
use crate::program_search::find_program;
use crate::refusal::unusable;

/// The most that it may say; then it is killed.
const OUTPUT_LIMIT: u64 = 64 * 1024 * 1024;

/// The protocols that are spoken, whatever the user's settings allow.
const PROTOCOLS: &str = "file:git:http:https:ssh";

/// Variables that would lead it to another repository, ask a question, or make it talk.
const REMOVED: [&str; 26] = [
    "GIT_DIR",
    "GIT_COMMON_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_TEMPLATE_DIR",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_QUARANTINE_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "GIT_TRACE",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_TRACE2_PERF",
    "GIT_TRACE_PACKET",
    "GIT_TRACE_SETUP",
    "GIT_TRACE_CURL",
    "GIT_CURL_VERBOSE",
];

/// The program.
#[derive(Debug)]
pub(super) struct GitProgram {
    path: PathBuf,
    has_ssh_command: bool,
}

/// Whose settings are read beside those that are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settings {
    /// The user's and the machine's: how to reach a host and who to be there.
    OfUser,
    /// Nobody's: what is written depends on the commit alone.
    None,
}

/// How it ended.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) is_success: bool,
    /// Standard output.
    pub(super) output: Vec<u8>,
    /// Standard error as text.
    pub(super) errors: String,
}

impl GitProgram {
    /// Looks for it in PATH.
    pub(super) fn find(environment: &Environment) -> Result<Self, SourceError> {
        let found = find_program(environment, "git");
        let missing = || {
            let hint = "install git (`apt install git`, `dnf install git`), or deploy an archive with git:from-archive";
            unusable("the program git, which fetches repositories, is not in PATH", hint)
        };
        Ok(Self {
            path: found.ok_or_else(missing)?,
            has_ssh_command: environment.has_ssh_command,
        })
    }

    /// A command on a bare repository.
    pub(super) fn on(&self, repository: &Path, settings: Settings) -> GitCommand {
        let mut command = Command::new(&self.path);
        for name in REMOVED {
            command.env_remove(name);
        }
        command
            .env("GIT_DIR", repository)
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("SSH_ASKPASS_REQUIRE", "never")
            .env("GCM_INTERACTIVE", "never")
            .env("GIT_ALLOW_PROTOCOL", PROTOCOLS)
            .env("GIT_PROTOCOL_FROM_USER", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if settings == Settings::None {
            command
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_CONFIG_NOSYSTEM", "1");
        }
        let command = GitCommand {
            command,
            settings: Vec::new(),
        };
        command
            .setting("core.hooksPath", "/dev/null")
            .setting("core.attributesFile", "/dev/null")
            .setting("core.fsmonitor", "false")
            .setting("gc.autoDetach", "false")
            .setting("maintenance.autoDetach", "false")
    }

    /// Whether ssh is run as the user's environment says.
    pub(super) const fn has_ssh_command(&self) -> bool {
        self.has_ssh_command
    }
}

/// One run of it.
#[derive(Debug)]
pub(super) struct GitCommand {
    command: Command,
    settings: Vec<(String, String)>,
}

impl GitCommand {
    /// A setting that counts more than any file's. It goes through the environment, which only the user can read.
    pub(super) fn setting(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((key.into(), value.into()));
        self
    }

    pub(super) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(super) fn words<W: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.command.args(words);
        self
    }

    /// Runs it to its end, and kills it at the limit: [`io::ErrorKind::TimedOut`], or when it says too much:
    /// [`io::ErrorKind::FileTooLarge`].
    pub(super) async fn run(mut self, limit: Duration) -> io::Result<Finished> {
        self.command.env("GIT_CONFIG_COUNT", self.settings.len().to_string());
        for (number, (key, value)) in self.settings.iter().enumerate() {
            self.command.env(format!("GIT_CONFIG_KEY_{number}"), key);
            self.command.env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        let mut child = self.command.spawn()?;
        let mut group = Group(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)));
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let talk = async {
            let (output, errors) = tokio::try_join!(read(stdout), read(stderr))?;
            let status = child.wait().await?;
            Ok::<_, io::Error>(Finished {
                is_success: status.success(),
                output,
                errors: String::from_utf8_lossy(&errors).into_owned(),
            })
        };
        let outcome = tokio::time::timeout(limit, talk).await;
        let late = || {
            io::Error::new(
                io::ErrorKind::TimedOut,
                format!("it was not done in {} s", limit.as_secs()),
            )
        };
        let finished = outcome.map_err(|_| late())??;
        // It has ended; the number may soon be somebody else's.
        group.0 = None;
        Ok(finished)
    }
}

/// A process with all that it started; killed when nobody waits for it any more.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            // It may have ended by itself.
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

/// Reads to the end, within the limit.
async fn read(source: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(source) = source {
        let mut source = source.take(OUTPUT_LIMIT + 1);
        source.read_to_end(&mut bytes).await?;
        if source.limit() == 0 {
            let text = format!("it said more than {} MiB", OUTPUT_LIMIT / (1024 * 1024));
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
        }
    }
    Ok(bytes)
}
