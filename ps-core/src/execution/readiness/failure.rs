//! Why a replica is not ready. Each layer tells its own part; the next one is its source.

use std::error::Error;
use std::time::Duration;

use crate::probe::ProbeError;
use crate::runtime::RuntimeError;

/// Why a replica is not ready.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// Its process ended.
    #[error("its process ended{}", .exit_code.map(|code| format!(" with exit code {code}")).unwrap_or_default())]
    Died {
        /// The exit code, where it is known.
        exit_code: Option<i64>,
        /// The last lines it wrote.
        last_lines: Vec<String>,
    },
    /// A check failed for good.
    #[error("the check {check} failed{}", after(*.attempts))]
    CheckFailed {
        /// The check, in a few words.
        check: String,
        /// How often it was tried.
        attempts: u32,
        /// Why, at the last attempt.
        #[source]
        reason: CheckFailure,
        /// The last lines the replica wrote.
        last_lines: Vec<String>,
    },
    /// There was no process to check.
    #[error("it does not run")]
    NotRunning,
    /// The container is gone.
    #[error("its container is gone")]
    Gone,
    /// The engine could not be asked.
    #[error("the engine could not be asked about it")]
    Unknown(#[source] RuntimeError),
}

impl NotReady {
    /// The last lines the replica wrote.
    pub fn last_lines(&self) -> &[String] {
        match self {
            Self::Died { last_lines, .. } | Self::CheckFailed { last_lines, .. } => last_lines,
            Self::NotRunning | Self::Gone | Self::Unknown(_) => &[],
        }
    }
}

/// Why an attempt of a check failed.
#[derive(Debug, thiserror::Error)]
pub enum CheckFailure {
    /// Its time was over.
    #[error("no answer within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The request was not answered.
    #[error("the request was not answered")]
    NoAnswer(#[source] ProbeError),
    /// The request was answered with another status than 200 to 299.
    #[error("it answered with status {0}")]
    Status(u16),
    /// The body does not contain what it should.
    #[error("the body lacks `{0}`")]
    Lacks(String),
    /// No request can reach the container: it was made without an address.
    #[error("the container has no address that requests can be sent to")]
    NoEndpoint,
    /// The command failed.
    #[error("the command ended with {exit_code}{}", wrote(.last_line))]
    ExitCode {
        /// Its exit code.
        exit_code: i64,
        /// The last line it wrote, shortened; empty when it wrote nothing.
        last_line: String,
    },
    /// The command could not be run.
    #[error("the command could not be run")]
    NoCommand(#[source] RuntimeError),
    /// Nothing listened on the port.
    #[error("nothing listened on port {port} within {} s", .within.as_secs_f64())]
    NotListening {
        /// The port.
        port: u16,
        /// How long it was waited for.
        within: Duration,
    },
}

fn after(attempts: u32) -> String {
    if attempts > 1 {
        format!(" after {attempts} attempts")
    } else {
        String::new()
    }
}

fn wrote(last_line: &str) -> String {
    if last_line.is_empty() {
        String::new()
    } else {
        format!(": {last_line}")
    }
}

/// The whole of a failure as one text, for a check that only warns.
pub(super) fn warning(check: &str, attempts: u32, reason: &CheckFailure) -> String {
    let mut text = format!("the check {check} failed{}: {reason}", after(attempts));
    let mut cause = reason.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
