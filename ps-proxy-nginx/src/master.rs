//! The nginx process that runs. Invariant: a process id out of a file is believed only when that process calls itself nginx.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// A master process that is alive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Master {
    pid: Pid,
}

impl Master {
    /// The one whose id is in the file. With a configuration it has to be the one that was started with it.
    pub(crate) fn of(pid_file: &Path, configuration: Option<&Path>) -> Option<Self> {
        let pid: i32 = fs::read_to_string(pid_file).ok()?.trim().parse().ok()?;
        let pid = Pid::from_raw(pid)?;
        let title = title(pid)?;
        let is_nginx = match configuration {
            Some(configuration) => title.starts_with("nginx: master process") && names(&title, configuration.to_str()?),
            // Without a master process it has no title of its own.
            None => title.contains("nginx"),
        };
        is_nginx.then_some(Self { pid })
    }

    /// Asks it to read its configuration again.
    pub(crate) fn reload(self) -> io::Result<()> {
        Ok(kill_process(self.pid, Signal::HUP)?)
    }

    /// The processes that take new connections; empty where that cannot be seen.
    pub(crate) fn workers(self) -> BTreeSet<i32> {
        let pid = self.pid.as_raw_nonzero();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|child| child.parse().ok());
        children.filter(|child| is_taking_connections(*child)).collect()
    }
}

/// Whether a title has a path, be it only the beginning of it at its end: a title has no more room than its process had at first.
fn names(title: &str, path: &str) -> bool {
    let title = title.trim_end();
    let is_cut_in = |word: &str| word.starts_with('/') && path.starts_with(word);
    title.contains(path) || title.rsplit(' ').next().is_some_and(is_cut_in)
}

/// Whether a worker is there and has not been told to end.
pub(crate) fn is_taking_connections(worker: i32) -> bool {
    let title = Pid::from_raw(worker).and_then(title);
    title.is_some_and(|title| title.starts_with("nginx: worker process") && !title.contains("worker process is"))
}

/// Asks a worker to end once its requests are answered, when its master is gone; whether it was asked.
pub(crate) fn end_orphan(worker: i32) -> bool {
    let is_orphan = || {
        let status = fs::read_to_string(format!("/proc/{worker}/stat")).ok()?;
        let (_, rest) = status.rsplit_once(") ")?;
        let parent = Pid::from_raw(rest.split(' ').nth(1)?.parse().ok()?)?;
        Some(!title(parent).is_some_and(|title| title.starts_with("nginx")))
    };
    let pid = Pid::from_raw(worker).filter(|_| is_taking_connections(worker) && is_orphan() == Some(true));
    pid.is_some_and(|pid| kill_process(pid, Signal::QUIT).is_ok())
}

fn title(pid: Pid) -> Option<String> {
    let bytes = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).ok()?;
    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_that_is_cut_off_still_names_its_configuration() {
        let path = "/srv/psctl/nginx/nginx.conf";
        for (title, is_named) in [
            (
                "nginx: master process nginx -c /srv/psctl/nginx/nginx.conf -g daemon off;",
                true,
            ),
            ("nginx: master process nginx -c /srv/psctl/ng  ", true),
            ("nginx: master process nginx -c /srv/other/nginx.conf", false),
            ("nginx: master process nginx", false),
        ] {
            assert_eq!(names(title, path), is_named, "{title}");
        }
    }
}
