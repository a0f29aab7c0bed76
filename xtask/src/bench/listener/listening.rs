//! A running `psctl events:listen`, and what it tells the service manager.

use std::os::unix::net::UnixDatagram;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::bench::listener::guard::Guard;
use crate::demo::Query;
use crate::failure::{Failure, Outcome, WhileDoing};
use crate::program::last_lines;

/// How long the first comparison may take.
const LIMIT: Duration = Duration::from_secs(300);

const PATIENCE: Duration = Duration::from_millis(200);

/// How long it may take to end.
const GRACE: Duration = Duration::from_secs(30);

/// Ends with its value.
#[derive(Debug)]
pub(super) struct Listening {
    child: Child,
    status: String,
    /// Holds the socket and what the listener writes.
    _folder: TempDir,
    _notes: UnixDatagram,
}

impl Listening {
    /// Starts one, and waits until it is ready and knows that all of `containers` run.
    pub(super) fn start(query: &Query, guard: &Guard, containers: usize) -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("psctl-listener-").tempdir();
        let folder = folder.while_doing(|| "make a temporary folder".to_owned())?;
        let socket = folder.path().join("notes.sock");
        let notes = UnixDatagram::bind(&socket).and_then(|notes| {
            notes.set_read_timeout(Some(PATIENCE))?;
            Ok(notes)
        });
        let notes = notes.while_doing(|| "make a socket for the notes".to_owned())?;
        let log = folder.path().join("log");
        let file = std::fs::File::create(&log).while_doing(|| "make a file".to_owned())?;
        let mut command = query.command(&["events:listen"]);
        command.env("NOTIFY_SOCKET", &socket);
        command.stdout(Stdio::null()).stderr(file);
        let child = command.spawn().while_doing(|| "run psctl events:listen".to_owned())?;
        let mut listening = Self {
            child,
            status: String::new(),
            _folder: folder,
            _notes: notes.try_clone().while_doing(|| "keep the socket".to_owned())?,
        };
        let waited = listening.wait(&notes, guard, containers);
        waited.map_err(|failure| {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            Failure::new(format!("{failure}\n{}", last_lines(&text, 15)))
        })?;
        Ok(listening)
    }

    fn wait(&mut self, notes: &UnixDatagram, guard: &Guard, containers: usize) -> Outcome<()> {
        let deadline = Instant::now() + LIMIT;
        let wanted = format!("{containers} of {containers} replicas");
        let (mut is_ready, mut buffer) = (false, [0; 4096]);
        while !is_ready || !self.status.starts_with(&wanted) {
            guard.check()?;
            if let Some(status) = self.child.try_wait().while_doing(|| "see psctl".to_owned())? {
                return Err(Failure::new(format!("psctl events:listen ended with {status}")));
            }
            if Instant::now() >= deadline {
                return Err(Failure::new(format!(
                    "the listener was not ready after {} s; its status: {}",
                    LIMIT.as_secs(),
                    self.status
                )));
            }
            // Nothing came in time: look at the rest again.
            let Ok(length) = notes.recv(&mut buffer) else {
                continue;
            };
            let note = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
            for line in note.lines() {
                is_ready |= line == "READY=1";
                if let Some(status) = line.strip_prefix("STATUS=") {
                    status.clone_into(&mut self.status);
                }
            }
        }
        Ok(())
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it; answers what it told of itself last, before it was idle.
    pub(super) fn end(mut self) -> Outcome<String> {
        if let Some(status) = self.child.try_wait().while_doing(|| "see psctl".to_owned())? {
            return Err(Failure::new(format!("psctl events:listen ended with {status}")));
        }
        Ok(std::mem::take(&mut self.status))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        super::end_child(&mut self.child, GRACE);
    }
}
