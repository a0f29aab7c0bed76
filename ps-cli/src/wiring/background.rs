//! The detached one-shot that stops and removes old containers after a command has returned.
//!
//! Invariant: its arguments are an app's name and where state and engine are; never a config value.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::process::{Command, Stdio};

use ps_core::names::AppName;

use super::Session;

/// Whether a listener works on a state directory: it holds the lock of `listener.lock` as long as it lives, and does what is due.
pub fn listener_runs(state_directory: &Path) -> bool {
    let Ok(file) = File::open(state_directory.join("listener.lock")) else {
        return false;
    };
    // Where it can be had it is let go again at once, with the file.
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Starts `psctl ps:retire --when-due <app>` in a process group of its own, so that a Ctrl-C at the terminal does not reach it. None is
/// started where a listener runs.
pub fn retire_in_background(session: &Session, app: &AppName) -> std::io::Result<()> {
    use std::os::unix::process::CommandExt;
    let directory = session
        .state_directory()
        .map_err(|error| std::io::Error::other(error.error))?;
    if listener_runs(&directory) {
        return Ok(());
    }
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--state-dir").arg(directory);
    if let Some(host) = &session.options().host {
        command.arg("--host").arg(host.to_string());
    }
    command.args(["ps:retire", "--when-due", app.as_str()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0).spawn().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_known_by_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!listener_runs(folder.path()));
        let held = File::create(folder.path().join("listener.lock")).unwrap();
        assert!(!listener_runs(folder.path()));
        held.lock().unwrap();
        assert!(listener_runs(folder.path()));
        drop(held);
        assert!(!listener_runs(folder.path()));
    }
}
