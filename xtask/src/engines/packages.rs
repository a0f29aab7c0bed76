//! Installs the packages the engines need, and only when a program of theirs is missing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::failure::{Failure, Outcome, WhileDoing};
use crate::program::{clean_command, is_installed, is_root, run_quietly};
use crate::say;

/// A Debian package and a program that shows it is there (a name on the path, or a whole path).
type Package = (&'static str, &'static str);

/// For the engines of this machine and what the tests use beside them.
pub(crate) const STANDARD: [Package; 15] = [
    ("docker.io", "dockerd"),
    ("podman", "podman"),
    ("runc", "runc"),
    ("crun", "crun"),
    ("netavark", "/usr/lib/podman/netavark"),
    ("aardvark-dns", "/usr/lib/podman/aardvark-dns"),
    ("slirp4netns", "slirp4netns"),
    ("uidmap", "newuidmap"),
    ("fuse-overlayfs", "fuse-overlayfs"),
    ("busybox-static", "busybox"),
    ("iptables", "iptables"),
    ("nginx-light", "nginx"),
    ("systemd", "systemd-analyze"),
    ("dbus-daemon", "dbus-daemon"),
    ("strace", "strace"),
];

/// For building the root tree of the newer engines.
pub(crate) const NEWER: [Package; 1] = [("debootstrap", "debootstrap")];

const TRIES: u32 = 3;

/// Installs what is missing of `wanted`; says what a person has to do when we may not.
pub(crate) fn ensure_installed(wanted: &[Package]) -> Outcome<()> {
    let missing = missing_packages(wanted, |program| is_installed(program) || Path::new(program).is_file());
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !is_root() {
        return Err(Failure::new(format!(
            "missing packages: {list}\n  install them as root, or run this task as root"
        )));
    }
    if !is_installed("apt-get") {
        return Err(Failure::new(format!(
            "missing packages: {list}\n  there is no apt-get here: install them by hand"
        )));
    }
    say(&format!("engines: installing {list}"));
    let begun = Instant::now();
    let _quiet = ServicesHeldBack::new()?;
    install(&missing)?;
    say(&format!("engines: installed in {} s", begun.elapsed().as_secs()));
    Ok(())
}

fn missing_packages(wanted: &[Package], is_there: impl Fn(&str) -> bool) -> Vec<&'static str> {
    wanted
        .iter()
        .filter(|(_, program)| !is_there(program))
        .map(|(package, _)| *package)
        .collect()
}

/// Mirrors and locks fail now and then, so the whole of it is tried again.
fn install(packages: &[&str]) -> Outcome<()> {
    let mut attempt = 1;
    loop {
        match apt(&["update"]).and_then(|()| {
            let mut words = vec!["install", "-y", "--no-install-recommends"];
            words.extend(packages);
            apt(&words)
        }) {
            Err(failure) if attempt < TRIES => say(&format!("engines: try {attempt} of {TRIES}: {failure}")),
            other => return other,
        }
        attempt += 1;
    }
}

fn apt(words: &[&str]) -> Outcome<()> {
    let mut command = clean_command("apt-get", "/root");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
        .args(["-q", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=120"])
        .args(words);
    run_quietly(&mut command).map(|_| ())
}

/// While it lives, package scripts start no service: dockerd and nginx are started by us and by tests.
struct ServicesHeldBack {
    ours: Option<PathBuf>,
}

impl ServicesHeldBack {
    fn new() -> Outcome<Self> {
        let file = PathBuf::from("/usr/sbin/policy-rc.d");
        if file.exists() {
            return Ok(Self { ours: None });
        }
        write_policy(&file)?;
        Ok(Self { ours: Some(file) })
    }
}

impl Drop for ServicesHeldBack {
    fn drop(&mut self) {
        if let Some(file) = &self.ours {
            // A left-over file only keeps later packages from starting services; nothing better can be done here.
            drop(fs::remove_file(file));
        }
    }
}

/// Writes the script that tells package scripts to start nothing (Debian policy, `invoke-rc.d`: 101 is "not allowed").
pub(crate) fn write_policy(file: &Path) -> Outcome<()> {
    fs::write(file, "#!/bin/sh\nexit 101\n").while_doing(|| format!("write {}", file.display()))?;
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(file, executable).while_doing(|| format!("make {} executable", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packages_whose_program_is_missing_are_wanted() {
        let missing = missing_packages(&STANDARD, |program| program != "dockerd" && program != "nginx");
        assert_eq!(missing, ["docker.io", "nginx-light"]);
        assert!(missing_packages(&STANDARD, |_| true).is_empty());
    }
}
