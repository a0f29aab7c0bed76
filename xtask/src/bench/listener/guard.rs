//! Ctrl-C ends this program at once, and what it made would stay. So the work is done by a second process of the same program that no
//! terminal's Ctrl-C reaches: it sees that the first one has ended, and cleans up.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome, WhileDoing};
use crate::process::ProcessIdentity;
use crate::program::{command_line, last_lines};

/// Set for the second process.
const SECOND: &str = "PSCTL_BENCH_SECOND";

const STEP: Duration = Duration::from_millis(50);

/// How long psctl may take to mend what it was doing.
const GRACE: Duration = Duration::from_secs(60);

/// Tells whether the first process is still there.
#[derive(Debug)]
pub(super) struct Guard(Arc<AtomicBool>);

/// Does `work` in the second process; it has to return soon after the guard says that the first has ended.
pub(super) fn run_guarded(work: impl FnOnce(&Guard) -> Outcome<()>) -> Outcome<()> {
    if std::env::var_os(SECOND).is_some() {
        return work(&Guard::of_input());
    }
    let program = std::env::current_exe().while_doing(|| "find this program".to_owned())?;
    let mut second = Command::new(program);
    second.args(std::env::args_os().skip(1)).env(SECOND, "1");
    let spawned = second.process_group(0).stdin(Stdio::piped()).spawn();
    let mut second = spawned.while_doing(|| "start the second process".to_owned())?;
    // Its end is what the second process waits for, so it has to stay open until that has ended.
    let input = second.stdin.take();
    let status = second.wait().while_doing(|| "wait for the second process".to_owned())?;
    drop(input);
    if status.success() {
        Ok(())
    } else {
        Err(Failure::already_told())
    }
}

impl Guard {
    fn of_input() -> Self {
        let has_ended = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&has_ended);
        std::thread::spawn(move || {
            let mut nothing = Vec::new();
            drop(std::io::stdin().read_to_end(&mut nothing));
            told.store(true, Ordering::Relaxed);
        });
        Self(has_ended)
    }

    /// Fails once the first process has ended.
    pub(super) fn check(&self) -> Outcome<()> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Failure::new("interrupted"));
        }
        Ok(())
    }

    /// Waits so long.
    pub(super) fn pause(&self, time: Duration) -> Outcome<()> {
        let deadline = Instant::now() + time;
        while Instant::now() < deadline {
            self.check()?;
            std::thread::sleep(STEP);
        }
        Ok(())
    }

    /// Runs to the end; a failure carries the end of what the program wrote. Asks the program to end when the first process has ended.
    pub(super) fn run(&self, command: &mut Command) -> Outcome<()> {
        self.check()?;
        let line = command_line(command);
        let mut log = tempfile::tempfile().while_doing(|| "make a temporary file".to_owned())?;
        let copy = || log.try_clone().while_doing(|| "open a temporary file".to_owned());
        command.stdin(Stdio::null());
        command.stdout(copy()?).stderr(copy()?);
        let mut child = command.spawn().while_doing(|| format!("run `{line}`"))?;
        let status = loop {
            if let Some(status) = child.try_wait().while_doing(|| format!("wait for `{line}`"))? {
                break status;
            }
            if self.check().is_err()
                && let Some(process) = ProcessIdentity::of(child.id())
            {
                process.end(GRACE)?;
            }
            std::thread::sleep(STEP);
        };
        self.check()?;
        if status.success() {
            return Ok(());
        }
        let mut text = String::new();
        let read = std::io::Seek::rewind(&mut log).and_then(|()| log.read_to_string(&mut text));
        drop(read);
        Err(Failure::new(format!(
            "`{line}` ended with {status}:\n{}",
            last_lines(&text, 15)
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_first_process_ends_the_work() {
        let guard = Guard(Arc::new(AtomicBool::new(false)));
        assert!(guard.run(&mut Command::new("true")).is_ok());
        let failure = guard.run(Command::new("sh").args(["-c", "echo why >&2; exit 3"]));
        assert!(failure.unwrap_err().to_string().ends_with("    why"));
        guard.0.store(true, Ordering::Relaxed);
        assert!(guard.run(&mut Command::new("true")).is_err());
        assert!(guard.pause(Duration::from_secs(600)).is_err());
    }
}
