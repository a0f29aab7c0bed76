//! Podman's API service as a child of ours, for hosts that have only the `podman` program. It ends by itself when it
//! is idle, so an orphan never stays.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use ps_core::runtime::{EngineAddress, RuntimeError, RuntimeErrorKind};
use tokio::process::{Child, Command};

use crate::classify_error::RUNTIME;
use crate::probe::probe;

const OPERATION: &str = "start its API service on";

/// What a private service is started with.
#[derive(Debug)]
pub struct PrivateServiceSpec {
    /// The `podman` program.
    pub program: PathBuf,
    /// Where it shall listen. The folder must be there and belong to the user; an old socket file is replaced.
    pub socket: PathBuf,
    /// It ends after this time without a connection (whole seconds, at least 1).
    pub idle: Duration,
    /// Where its output goes; nowhere when `None`.
    pub log: Option<File>,
    /// How long it may take until it answers.
    pub start_limit: Duration,
}

/// A running `podman system service`, in a process group of its own, so that a Ctrl-C meant for us does not reach it.
///
/// Dropping this leaves it running until it is idle, for the next command to use; [`PrivateService::end`] ends it now.
#[derive(Debug)]
pub struct PrivateService {
    child: Child,
    address: EngineAddress,
}

impl PrivateService {
    /// Starts it and waits until it answers. Fails with `Unsupported` when the program cannot be run, and with
    /// `Unreachable` when it ends, or does not answer in time; it is not left running then.
    pub async fn start(spec: PrivateServiceSpec) -> Result<Self, RuntimeError> {
        let address = EngineAddress::Unix(spec.socket.clone());
        let child = spawn(spec.program.as_path(), &address, spec.idle, spec.log)
            .map_err(|error| failed(RuntimeErrorKind::Unsupported, &address).because(error))?;
        let mut service = Self { child, address };
        match service.wait_until_it_answers(spec.start_limit).await {
            Ok(()) => Ok(service),
            Err(error) => {
                service.end().await;
                Err(error)
            }
        }
    }

    /// Where it listens.
    pub fn address(&self) -> &EngineAddress {
        &self.address
    }

    /// Its process id; `None` when it has ended.
    pub fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends it now. Containers go on.
    pub async fn end(mut self) {
        // It may have ended by itself.
        let _ = self.child.kill().await;
    }

    async fn wait_until_it_answers(&mut self, limit: Duration) -> Result<(), RuntimeError> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Err(error) = probe(&self.address, left).await else {
                return Ok(());
            };
            if let Ok(Some(status)) = self.child.try_wait() {
                let error = failed(RuntimeErrorKind::Unreachable, &self.address);
                return Err(error.because(format!("it ended at once with {status}")));
            }
            if left.is_zero() {
                return Err(failed(RuntimeErrorKind::Unreachable, &self.address).because(error));
            }
            tokio::time::sleep(Duration::from_millis(20).min(left)).await;
        }
    }
}

fn failed(kind: RuntimeErrorKind, address: &EngineAddress) -> RuntimeError {
    RuntimeError::new(kind, RUNTIME, OPERATION, address.to_string())
}

fn spawn(program: &Path, address: &EngineAddress, idle: Duration, log: Option<File>) -> std::io::Result<Child> {
    let (out, err) = match log {
        Some(file) => (Stdio::from(file.try_clone()?), Stdio::from(file)),
        None => (Stdio::null(), Stdio::null()),
    };
    Command::new(program)
        .args(["system", "service"])
        // 0 would mean for ever.
        .arg(format!("--time={}", idle.as_secs().max(1)))
        .arg(address.to_string())
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .process_group(0)
        .spawn()
}
