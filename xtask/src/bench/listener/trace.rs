//! The system calls of a process, as strace sees them.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::failure::{Outcome, WhileDoing};
use crate::program::{clean_command, is_installed};
use crate::say;

const GRACE: Duration = Duration::from_secs(5);

/// Calls that are about a socket whatever their words are.
const SOCKET_CALLS: [&str; 10] = [
    "socket", "connect", "accept", "accept4", "sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg",
];

/// How strace shows a descriptor that is a socket.
const SOCKETS: [&str; 5] = ["<socket:[", "<UNIX", "<TCP", "<UDP", "<NETLINK"];

/// What was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Calls {
    /// All of them.
    pub(super) all: usize,
    /// Those about a socket.
    pub(super) to_sockets: usize,
}

/// A trace under way; nothing where strace is missing. Ends with its value.
#[derive(Debug)]
pub(super) struct Trace(Option<Strace>);

#[derive(Debug)]
struct Strace {
    child: Child,
    file: PathBuf,
    _folder: TempDir,
}

impl Trace {
    /// Traces all threads of a process.
    pub(super) fn of(pid: u32) -> Outcome<Self> {
        if !is_installed("strace") {
            say("strace is not installed: system calls are not counted");
            return Ok(Self(None));
        }
        let folder = tempfile::Builder::new().prefix("psctl-trace-").tempdir();
        let folder = folder.while_doing(|| "make a temporary folder".to_owned())?;
        let file = folder.path().join("calls");
        let mut command = clean_command("strace", "/");
        command.args(["-f", "-yy", "-p", &pid.to_string(), "-o"]).arg(&file);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().while_doing(|| "run strace".to_owned())?;
        Ok(Self(Some(Strace {
            child,
            file,
            _folder: folder,
        })))
    }

    /// Now.
    pub(super) fn mark(&self) -> u64 {
        let size = |strace: &Strace| std::fs::metadata(&strace.file).map_or(0, |file| file.len());
        self.0.as_ref().map_or(0, size)
    }

    /// What was called since then; `None` when it was not traced.
    pub(super) fn since(mut self, mark: u64) -> Outcome<Option<Calls>> {
        let Some(strace) = &mut self.0 else {
            return Ok(None);
        };
        let has_ended = strace.child.try_wait().while_doing(|| "see strace".to_owned())?;
        // The calls that it found under way are written at once; without any it never saw the process.
        if has_ended.is_some() || mark == 0 {
            say("strace may not trace here: system calls are not counted");
            return Ok(None);
        }
        let mut text = String::new();
        let read = File::open(&strace.file).and_then(|mut file| {
            file.seek(SeekFrom::Start(mark))?;
            file.read_to_string(&mut text)
        });
        read.while_doing(|| "read what strace wrote".to_owned())?;
        Ok(Some(counted(&text)))
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        super::end_child(&mut self.child, GRACE);
    }
}

/// The calls that began in these lines.
fn counted(text: &str) -> Calls {
    let mut calls = Calls { all: 0, to_sockets: 0 };
    for line in text.lines() {
        let call = line
            .trim_start_matches(|letter: char| letter.is_ascii_digit())
            .trim_start();
        let name = call.split('(').next().unwrap_or_default();
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if name.is_empty() || name == call || !name.chars().all(is_name) {
            continue;
        }
        calls.all += 1;
        // A wait for what may come on a socket names none in its first word.
        let subject = call.split([',', ')']).next().unwrap_or_default();
        if SOCKET_CALLS.contains(&name) || SOCKETS.iter().any(|socket| subject.contains(socket)) {
            calls.to_sockets += 1;
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "71 epoll_wait(3<anon_inode:[eventpoll]>,  <unfinished ...>\n\
        72 futex(0x7f, FUTEX_WAIT_PRIVATE, 1, NULL) = 0\n\
        71 <... epoll_wait resumed>[{events=EPOLLIN}], 1024, -1) = 1\n\
        71 read(9<UNIX-STREAM:[1->2]>, \"\", 8) = 0\n\
        71 writev(9<socket:[12]>, [{iov_base=\"GET /\", iov_len=5}], 1) = 5\n\
        71 socket(AF_UNIX, SOCK_STREAM, 0) = 10\n\
        71 --- SIGTERM {si_signo=SIGTERM} ---\n\
        71 write(2</dev/pts/0>, \"<TCP\", 4) = 4\n\
        72 +++ exited with 0 +++\n";

    #[test]
    fn calls_count_once_and_those_to_a_socket_are_told_apart() {
        assert_eq!(counted(LINES), Calls { all: 6, to_sockets: 3 });
        assert_eq!(counted(""), Calls { all: 0, to_sockets: 0 });
    }
}
