//! The service manager of this machine: systemd, asked through its own `systemctl`.
//!
//! Invariant: no shell, and no config value among the words.

use std::fmt::Debug;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use tokio::process::Command;

/// How long it may take; stopping a service waits for it.
const LIMIT: Duration = Duration::from_secs(300);

/// What runs services. Tests bring their own.
#[async_trait]
pub trait Systemd: Debug + Send + Sync {
    /// Whether it runs.
    fn is_running(&self) -> bool;

    /// Whether the services of a user run when that user is not logged in.
    fn lingers(&self, user: &str) -> bool;

    /// Runs `systemctl` with these words. An error says what it said.
    async fn systemctl(&self, words: &[String]) -> std::io::Result<()>;
}

/// That of this machine.
#[derive(Debug)]
pub struct LocalSystemd;

#[async_trait]
impl Systemd for LocalSystemd {
    /// As `sd_booted(3)` looks.
    fn is_running(&self) -> bool {
        Path::new("/run/systemd/system").is_dir()
    }

    /// As logind remembers it.
    fn lingers(&self, user: &str) -> bool {
        Path::new("/var/lib/systemd/linger").join(user).exists()
    }

    async fn systemctl(&self, words: &[String]) -> std::io::Result<()> {
        let mut command = Command::new("systemctl");
        command.args(words).stdin(Stdio::null()).kill_on_drop(true);
        // Without a login session the variable is missing; the directory is there all the same when the user lingers.
        let runtime_dir = format!("/run/user/{}", rustix::process::geteuid().as_raw());
        if std::env::var_os("XDG_RUNTIME_DIR").is_none() && Path::new(&runtime_dir).is_dir() {
            command.env("XDG_RUNTIME_DIR", runtime_dir);
        }
        let output = tokio::time::timeout(LIMIT, command.output());
        let output = output.await.map_err(|_| {
            let message = format!("it did not end within {} s", LIMIT.as_secs());
            std::io::Error::new(std::io::ErrorKind::TimedOut, message)
        })??;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(std::io::Error::other(if said.is_empty() {
            output.status.to_string()
        } else {
            said
        }))
    }
}
