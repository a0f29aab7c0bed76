//! Processes by identity. A pid alone names whoever has it now, so a process is remembered with its start time and
//! the machine's boot, and nothing is ever signalled unless all three still agree.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::failure::{Outcome, WhileDoing};

/// One process of this machine's present boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProcessIdentity {
    /// Its pid.
    pub(crate) pid: u32,
    /// When it started, in clock ticks since boot (field 22 of `/proc/<pid>/stat`).
    start_ticks: u64,
    boot: String,
}

impl ProcessIdentity {
    /// The live process that has `pid` now.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let (state, start_ticks, _) = stat(pid)?;
        (state != 'Z').then(|| Self {
            pid,
            start_ticks,
            boot: boot(),
        })
    }

    /// Whether this very process still runs.
    pub(crate) fn is_running(&self) -> bool {
        Self::of(self.pid).is_some_and(|now| now == *self)
    }

    /// Asks it to end, waits up to `grace`, then kills it. One that has ended already is fine.
    pub(crate) fn end(&self, grace: Duration) -> Outcome<()> {
        self.signal(Signal::TERM)?;
        if !self.ended_within(grace) {
            self.signal(Signal::KILL)?;
            self.ended_within(Duration::from_secs(5));
        }
        Ok(())
    }

    /// Kills it. One that has ended already is fine.
    pub(crate) fn kill(&self) -> Outcome<()> {
        self.signal(Signal::KILL)
    }

    fn signal(&self, signal: Signal) -> Outcome<()> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return Ok(());
        };
        if !self.is_running() {
            return Ok(());
        }
        match kill_process(pid, signal) {
            Err(rustix::io::Errno::SRCH) => Ok(()),
            other => other.while_doing(|| format!("signal process {}", self.pid)),
        }
    }

    fn ended_within(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.is_running() {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        true
    }

    /// As kept in a record file.
    pub(crate) fn to_json(&self) -> Value {
        json!({ "pid": self.pid, "start_ticks": self.start_ticks, "boot": self.boot })
    }

    /// From a record file; `None` when it is not one.
    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        Some(Self {
            pid: u32::try_from(value.get("pid")?.as_u64()?).ok()?,
            start_ticks: value.get("start_ticks")?.as_u64()?,
            boot: value.get("boot")?.as_str()?.to_owned(),
        })
    }
}

/// All processes below `pid`, children before grandchildren.
pub(crate) fn descendants(pid: u32) -> Vec<ProcessIdentity> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let parents: Vec<(u32, u32)> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter_map(|child| Some((child, stat(child)?.2)))
        .collect();
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(
            parents
                .iter()
                .filter(|(_, above)| *above == parent)
                .map(|(child, _)| *child),
        );
        next += 1;
    }
    found.into_iter().skip(1).filter_map(ProcessIdentity::of).collect()
}

/// All processes in the namespace of process numbers that `pid` is in.
pub(crate) fn namespace_members(pid: u32) -> Vec<ProcessIdentity> {
    let namespace = |pid: u32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let Some(wanted) = namespace(pid) else {
        return Vec::new();
    };
    let pids = std::fs::read_dir("/proc").into_iter().flatten();
    let pids = pids.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|member| namespace(*member).as_ref() == Some(&wanted))
        .filter_map(ProcessIdentity::of)
        .collect()
}

/// The short name of the program that runs as `pid`; one that has ended runs no more, even when nobody has reaped it.
pub(crate) fn program_name(pid: u32) -> Option<String> {
    ProcessIdentity::of(pid)?;
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim_end().to_owned())
}

/// Removes a pid file that names no live `program`: a daemon refuses to start while one names *any* live process.
pub(crate) fn remove_stale_pid_file(file: &Path, program: &str) -> bool {
    let Ok(text) = std::fs::read_to_string(file) else {
        return false;
    };
    let named = text.trim().parse::<u32>().ok().and_then(program_name);
    if named.is_some_and(|name| name == program) {
        return false;
    }
    std::fs::remove_file(file).is_ok()
}

/// State, start time and parent out of `/proc/<pid>/stat`.
fn stat(pid: u32) -> Option<(char, u64, u32)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name stands in parentheses and may itself hold spaces and parentheses.
    let (_, after_name) = text.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    Some((
        fields.first()?.chars().next()?,
        fields.get(19)?.parse().ok()?,
        fields.get(1)?.parse().ok()?,
    ))
}

fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_process_is_recognised_until_it_ends() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let identity = ProcessIdentity::of(child.id()).unwrap();
        assert!(identity.is_running());
        assert_eq!(ProcessIdentity::from_json(&identity.to_json()), Some(identity.clone()));
        identity.end(Duration::from_secs(5)).unwrap();
        assert!(!identity.is_running());
        child.wait().unwrap();
    }

    #[test]
    fn a_reused_pid_is_never_signalled() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let real = ProcessIdentity::of(child.id()).unwrap();
        let earlier = ProcessIdentity {
            start_ticks: real.start_ticks - 1,
            ..real.clone()
        };
        let other_boot = ProcessIdentity {
            boot: "another".into(),
            ..real.clone()
        };
        earlier.end(Duration::ZERO).unwrap();
        other_boot.end(Duration::ZERO).unwrap();
        assert!(real.is_running());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn descendants_are_found() {
        let mut child = Command::new("sh")
            .args(["-c", "sleep 60 & echo ready; wait"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0_u8; 6];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
        let below = descendants(child.id());
        assert_eq!(below.len(), 1);
        for process in below {
            process.end(Duration::from_secs(5)).unwrap();
        }
        child.wait().unwrap();
    }

    #[test]
    fn a_process_is_a_member_of_its_own_namespace() {
        let own = ProcessIdentity::of(std::process::id()).unwrap();
        assert!(namespace_members(own.pid).contains(&own));
        assert!(namespace_members(u32::MAX).is_empty());
    }

    #[test]
    fn a_pid_file_goes_only_when_its_program_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        std::fs::write(&file, child.id().to_string()).unwrap();
        while program_name(child.id()).as_deref() != Some("sleep") {}
        assert!(!remove_stale_pid_file(&file, "sleep"));
        assert!(remove_stale_pid_file(&file, "dockerd"));
        assert!(!file.exists());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_program_that_has_ended_and_is_not_reaped_runs_no_more() {
        let mut child = Command::new("true")
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // Its output closes when it ends; the zombie is there a moment later.
        std::io::Read::read_to_end(child.stdout.as_mut().unwrap(), &mut Vec::new()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        while program_name(child.id()).is_some() {
            assert!(Instant::now() < deadline, "still said to run");
        }
        assert!(stat(child.id()).is_some());
        child.wait().unwrap();
    }
}
