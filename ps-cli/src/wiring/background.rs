//! The detached one-shot that stops and removes old containers after a command has returned.
//!
//! Invariant: its arguments are an app's name and where state and engine are; never a config value.

use std::process::{Command, Stdio};

use ps_core::names::AppName;

use super::Session;

/// Starts `psctl ps:retire <app>` in a process group of its own, so that a Ctrl-C at the terminal does not reach it.
pub fn retire_in_background(session: &Session, app: &AppName) -> std::io::Result<()> {
    use std::os::unix::process::CommandExt;
    let directory = session
        .state_directory()
        .map_err(|error| std::io::Error::other(error.error))?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--state-dir").arg(directory);
    if let Some(host) = &session.options().host {
        command.arg("--host").arg(host.to_string());
    }
    command.args(["ps:retire", app.as_str()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0).spawn().map(drop)
}
