//! One change at a time in a state directory. Invariant: the file is never removed, and the kernel frees the lock of a dead process.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use ps_core::proxy::{ProxyError, ProxyErrorKind};
use tokio::time::Instant;

use crate::durable_file::cannot;

/// How long a change waits for the one before it. That one is bounded itself.
const PATIENCE: Duration = Duration::from_secs(90);

/// How often a waiting one looks again.
const POLL: Duration = Duration::from_millis(20);

/// Held until it is dropped.
#[derive(Debug)]
pub(crate) struct ChangeLock {
    _file: File,
}

impl ChangeLock {
    /// Takes the lock, waiting for others.
    pub(crate) async fn take(path: &Path) -> Result<Self, ProxyError> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|error| cannot("open the lock", path, error))?;
        let end = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::Error(error)) => return Err(cannot("take the lock", path, error)),
                Err(TryLockError::WouldBlock) if Instant::now() < end => tokio::time::sleep(POLL).await,
                Err(TryLockError::WouldBlock) => {
                    let message = format!("another psctl has held {} for too long", path.display());
                    return Err(ProxyError::new(ProxyErrorKind::Failed, message));
                }
            }
        }
    }
}
