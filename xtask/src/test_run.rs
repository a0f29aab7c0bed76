//! `cargo xtask test`: every test of the workspace against real engines, and one line that says how it went.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::engines::Engines;
use crate::engines::name::EngineName;
use crate::engines::record::EngineRecord;
use crate::failure::{Failure, Outcome, WhileDoing};
use crate::process::{ProcessIdentity, descendants};
use crate::test_tally::TestTally;
use crate::userland_image::Userland;
use crate::{say, target_folder, tell, workspace_folder};

/// Which tests to run, and how long at most.
#[derive(Debug, Clone)]
pub(crate) struct TestRun {
    /// Also against the newer engines.
    pub(crate) newer: bool,
    /// Only tests with this in their name.
    pub(crate) filter: Option<String>,
    /// After this the run is ended and counts as failed.
    pub(crate) limit: Duration,
}

impl TestRun {
    /// Runs the tests; the last line printed is `N passed, N failed, N skipped`.
    pub(crate) fn run(&self) -> Outcome<()> {
        let ready = Engines::open(&target_folder())?.ensure(&EngineName::selection(self.newer))?;
        let begun = Instant::now();
        let (tally, content) = self.cargo_test(&ready)?;
        let died = tally.died();
        let closed = tally.close(content);
        tell("");
        for record in &ready {
            tell(&format!(
                "{:16} {:16} {}",
                record.name,
                record.version,
                record.socket.display()
            ));
        }
        if died > 0 {
            tell(&format!(
                "{died} test programs ended without a result; each counts as a failure"
            ));
        }
        tell(&format!("tests took {} s", begun.elapsed().as_secs()));
        tell(&closed.to_string());
        if closed.is_good() {
            Ok(())
        } else {
            Err(Failure::already_told())
        }
    }

    fn cargo_test(&self, ready: &[EngineRecord]) -> Outcome<(TestTally, bool)> {
        let mut command = cargo();
        command
            .args(["test", "--workspace", "--locked", "--no-fail-fast"])
            .args(&self.filter);
        command.env("PS_REQUIRE_ENGINES", "1").stdout(Stdio::piped());
        for userland in Userland::ALL {
            command.env(userland.test_variable(), userland.ensure_tar()?);
        }
        for record in ready {
            command.env(record.name.test_variable(), &record.socket);
            if let Some(pid) = record.netns_pid {
                command.env(format!("{}_NETNS_PID", record.name.test_variable()), pid.to_string());
            }
        }
        let mut child = command.spawn().while_doing(|| "start cargo test".to_owned())?;
        let output = child
            .stdout
            .take()
            .ok_or_else(|| Failure::new("cargo test has no output"))?;
        let mut tally = TestTally::default();
        let in_time = follow(&lines_of(output), Instant::now() + self.limit, &mut tally);
        if !in_time {
            say(&format!(
                "test: not done within {} min, ending it",
                self.limit.as_secs() / 60
            ));
            end_with_descendants(&child)?;
        }
        let status = child.wait().while_doing(|| "wait for cargo test".to_owned())?;
        Ok((tally, in_time && status.success()))
    }
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace_folder()).stdin(Stdio::null());
    command
}

fn lines_of(output: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Repeats and counts lines until the output ends; `false` when the deadline came first.
fn follow(lines: &Receiver<String>, deadline: Instant, tally: &mut TestTally) -> bool {
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                tally.read_line(&line);
                tell(&line);
            }
            Err(RecvTimeoutError::Disconnected) => return true,
            Err(RecvTimeoutError::Timeout) => return false,
        }
    }
}

/// Test programs first: cargo alone would leave them running.
fn end_with_descendants(child: &Child) -> Outcome<()> {
    for process in descendants(child.id()).iter().rev() {
        process.end(Duration::from_secs(2))?;
    }
    ProcessIdentity::of(child.id()).map_or(Ok(()), |process| process.end(Duration::from_secs(2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> (Child, Receiver<String>) {
        let mut child = Command::new("sh")
            .args(["-c", script])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        (child, lines)
    }

    #[test]
    fn output_is_counted_until_it_ends() {
        let (mut child, lines) = shell("echo 'running 1 test'; echo 'test result: ok. 1 passed; 0 failed; 0 ignored;'");
        let mut tally = TestTally::default();
        assert!(follow(&lines, Instant::now() + Duration::from_secs(20), &mut tally));
        assert_eq!(tally.close(true).passed, 1);
        child.wait().unwrap();
    }

    #[test]
    fn a_run_that_hangs_is_ended_with_all_below_it() {
        let (mut child, lines) = shell("echo begun; sleep 60 & sleep 60; wait");
        assert_eq!(lines.recv().unwrap(), "begun");
        assert!(!follow(
            &lines,
            Instant::now() + Duration::from_millis(200),
            &mut TestTally::default()
        ));
        end_with_descendants(&child).unwrap();
        assert!(descendants(child.id()).is_empty());
        child.wait().unwrap();
    }
}
