//! `psctl` as a process. Invariant: a process that was started here has ended, or was killed, when its [`Running`] is dropped.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::ensure;
use crate::conformance::{Failure, Verdict};

/// The longest that a command may take.
const LIMIT: Duration = Duration::from_secs(90);

/// Where the binary under test is.
#[derive(Debug, Clone)]
pub struct Program(PathBuf);

impl Program {
    /// The `psctl` of the same build as the running test.
    pub fn beside_the_test() -> Result<Self, Failure> {
        let test = std::env::current_exe()?;
        let folders = test.ancestors().skip(1).take(2);
        let found = folders.map(|folder| folder.join("psctl")).find(|path| path.is_file());
        let found = found.ok_or("psctl is not built: run `cargo build -p ps-cli` first")?;
        Ok(Self(found))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A command that has not been started.
    pub fn command(&self) -> Command {
        Command::new(&self.0)
    }
}

/// How a command ended.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The words, for messages.
    pub words: String,
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Finished {
    /// Fails unless it ended with this code.
    pub fn code_is(self, code: i32) -> Result<Self, Failure> {
        ensure(self.code == Some(code), || {
            format!("not the exit code {code}: {}", self.told())
        })?;
        Ok(self)
    }

    /// Fails unless it is a clear error: this code, a cause and a hint, nothing on standard output.
    pub fn is_error(&self, code: i32, words: &[&str]) -> Verdict {
        ensure(self.code == Some(code), || {
            format!("not the exit code {code}: {}", self.told())
        })?;
        for word in ["error:"].iter().chain(words) {
            ensure(self.err.contains(word), || {
                format!("`{word}` is missing: {}", self.told())
            })?;
        }
        ensure(self.out.is_empty(), || format!("an error has data: {}", self.told()))
    }

    /// The same, with a hint.
    pub fn is_error_with_hint(&self, code: i32, words: &[&str]) -> Verdict {
        self.is_error(code, words)?;
        ensure(self.err.contains("hint:"), || format!("no hint: {}", self.told()))
    }

    /// Fails unless standard output has all of these.
    pub fn shows(&self, words: &[&str]) -> Verdict {
        let missing = words.iter().find(|word| !self.out.contains(**word));
        ensure(missing.is_none(), || {
            format!("`{}` is missing: {}", missing.unwrap_or(&""), self.told())
        })
    }

    /// The whole of it, for messages.
    pub fn told(&self) -> String {
        let Self { words, code, out, err } = self;
        format!("psctl {words} ended with {code:?}\n--- out\n{out}--- err\n{err}---")
    }
}

/// A command that was started.
#[derive(Debug)]
pub struct Running {
    words: String,
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    /// Starts a command whose output goes to two files with this path as the beginning of their names.
    pub(super) fn start(mut command: Command, input: &str, files: &Path) -> Result<Self, Failure> {
        let (out, err) = (files.with_extension("out"), files.with_extension("err"));
        command.stdout(File::create(&out)?).stderr(File::create(&err)?);
        command.stdin(Stdio::piped());
        let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
        let words = words.collect::<Vec<_>>().join(" ");
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that reads nothing may have closed it.
            let _ = stdin.write_all(input.as_bytes());
        }
        Ok(Self { words, child, out, err })
    }

    /// What it has written to standard error so far.
    pub fn err(&self) -> Result<String, Failure> {
        Ok(String::from_utf8_lossy(&std::fs::read(&self.err)?).into_owned())
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> Result<bool, Failure> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> Verdict {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// Waits for its end.
    pub fn wait(&mut self, mut meanwhile: impl FnMut()) -> Result<Finished, Failure> {
        let end = Instant::now() + LIMIT;
        let status = loop {
            meanwhile();
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            ensure(Instant::now() < end, || format!("psctl {} does not end", self.words))?;
            std::thread::sleep(Duration::from_millis(5));
        };
        let read = |path: &Path| std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(Finished {
            words: self.words.clone(),
            code: status.code(),
            out: read(&self.out)?,
            err: read(&self.err)?,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
