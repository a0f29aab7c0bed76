//! `psctl` in a terminal of its own. Invariant: what the command wrote is read all the time, so that it never waits for a reader.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::ensure;
use crate::conformance::{Failure, Verdict};

/// The longest that something may take.
const LIMIT: Duration = Duration::from_secs(30);

/// A command in a terminal.
#[derive(Debug)]
pub struct InTerminal {
    child: Child,
    master: File,
    written: Arc<Mutex<Vec<u8>>>,
}

impl InTerminal {
    /// Starts a command in a new terminal of this size.
    pub fn start(mut command: Command, rows: u16, columns: u16) -> Result<Self, Failure> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        set_size(&master, rows, columns)?;
        let slave = || -> Result<OwnedFd, Failure> {
            Ok(open(
                &name,
                OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
                Mode::empty(),
            )?)
        };
        command.stdin(slave()?).stdout(slave()?).stderr(slave()?);
        let child = command.spawn()?;
        drop(command);
        let master = File::from(master);
        let written = Arc::new(Mutex::new(Vec::new()));
        let (mut reader, sink) = (master.try_clone()?, Arc::clone(&written));
        std::thread::spawn(move || {
            let mut buffer = [0; 1024];
            // It ends with an error once the other side is closed.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
                sink.extend(buffer.iter().take(count));
            }
        });
        Ok(Self { child, master, written })
    }

    /// What it has written so far.
    pub fn written(&self) -> String {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&written).into_owned()
    }

    /// Waits until it has written this.
    pub fn shows(&self, text: &str) -> Verdict {
        let end = Instant::now() + LIMIT;
        while !self.written().contains(text) {
            ensure(Instant::now() < end, || {
                format!("`{text}` does not come: {:?}", self.written())
            })?;
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Types.
    pub fn types(&mut self, keys: &str) -> Verdict {
        Ok(self.master.write_all(keys.as_bytes())?)
    }

    /// Changes the size, as the user's window does.
    pub fn resize(&self, rows: u16, columns: u16) -> Verdict {
        set_size(&self.master, rows, columns)?;
        // It is not the terminal's session, so the kernel tells nobody.
        Ok(kill_process(Pid::from_child(&self.child), Signal::WINCH)?)
    }

    /// Waits for its end; the exit code.
    pub fn code(&mut self) -> Result<Option<i32>, Failure> {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.code());
            }
            ensure(Instant::now() < end, || {
                format!("it does not end: {:?}", self.written())
            })?;
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for InTerminal {
    fn drop(&mut self) {
        // It has ended already, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn set_size(terminal: impl std::os::fd::AsFd, rows: u16, columns: u16) -> Verdict {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    Ok(tcsetwinsize(terminal, size)?)
}
