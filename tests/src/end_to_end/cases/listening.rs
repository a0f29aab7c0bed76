//! The listener as a process of its own.

use std::process::Command;

use rustix::process::Signal;

use super::super::{Ground, Running};
use crate::conformance::{Failure, Verdict};

/// A listener that ends with the case.
pub(super) struct Listener(Running);

impl Listener {
    /// Starts it, with these words too, and waits until it listens.
    pub(super) fn start(ground: &Ground, words: &[&str]) -> Result<Self, Failure> {
        Self::start_prepared(ground, ground.command(&[&["events:listen"], words].concat()))
    }

    /// The same with a command of the caller's.
    pub(super) fn start_prepared(ground: &Ground, command: Command) -> Result<Self, Failure> {
        let listener = Self(ground.start_prepared(command)?);
        listener.says(ground, "Listening")?;
        Ok(listener)
    }

    /// What it has said.
    pub(super) fn err(&self) -> Result<String, Failure> {
        self.0.err()
    }

    /// Waits until it says this.
    pub(super) fn says(&self, ground: &Ground, text: &str) -> Verdict {
        self.says_times(ground, text, 1)
    }

    /// Waits until it has said this so often.
    pub(super) fn says_times(&self, ground: &Ground, text: &str, times: usize) -> Verdict {
        let what = format!("the listener says {text} {times} times");
        let says = || Ok((self.0.err()?.matches(text).count() >= times).then_some(()));
        ground
            .eventually(&what, says)
            .map_err(|failure| format!("{failure}\n{}", self.0.err().unwrap_or_default()).into())
    }

    /// Ends it as systemd would.
    pub(super) fn end(mut self) -> Verdict {
        self.0.signal(Signal::TERM)?;
        self.0.wait(|| {})?.code_is(0)?;
        Ok(())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.0.is_running().unwrap_or(false) {
            let _ = self.0.signal(Signal::KILL);
            let _ = self.0.wait(|| {});
        }
    }
}
