//! What `/info` said, kept for a few minutes in a file: Podman asks the package manager of its host each time, which takes a third of a
//! second on Debian.
//!
//! Invariant: it is believed only of the same socket, made at the same moment, behind which the same version answers. A file that cannot
//! be read or written is as good as none.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ps_core::runtime::EngineAddress;
use serde::{Deserialize, Serialize};

use crate::answers::Info;

/// A service that was started anew on a socket of systemd's may be set up otherwise.
const BELIEVED_FOR: Duration = Duration::from_secs(5 * 60);

/// A socket of this host, and which version answers behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answering {
    socket: PathBuf,
    device: u64,
    inode: u64,
    made_at: (i64, i64),
    version: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    answering: Answering,
    /// Seconds since 1970.
    asked_at: u64,
    info: Info,
}

impl Answering {
    /// `None` for an engine elsewhere: nothing tells that it is another one now.
    pub(crate) fn at(address: &EngineAddress, version: String) -> Option<Self> {
        let EngineAddress::Unix(socket) = address else {
            return None;
        };
        let metadata = fs::metadata(socket).ok()?;
        Some(Self {
            socket: socket.clone(),
            device: metadata.dev(),
            inode: metadata.ino(),
            made_at: (metadata.ctime(), metadata.ctime_nsec()),
            version,
        })
    }

    /// What the file says of it, when that is recent.
    pub(crate) fn recall(&self, file: &Path, now: SystemTime) -> Option<Info> {
        let remembered: Remembered = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
        let age = seconds(now).checked_sub(remembered.asked_at)?;
        let is_it = remembered.answering == *self && age < BELIEVED_FOR.as_secs();
        is_it.then_some(remembered.info)
    }

    /// Writes it down, whole or not at all.
    pub(crate) fn remember(self, info: &Info, file: &Path, now: SystemTime) {
        let remembered = Remembered {
            answering: self,
            asked_at: seconds(now),
            info: info.clone(),
        };
        let draft = file.with_extension(std::process::id().to_string());
        let written = serde_json::to_vec(&remembered).is_ok_and(|json| fs::write(&draft, json).is_ok());
        if !(written && fs::rename(&draft, file).is_ok()) {
            let _ = fs::remove_file(&draft);
        }
    }
}

fn seconds(moment: SystemTime) -> u64 {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_the_same_socket_and_version_are_believed_and_not_for_long() {
        let folder = tempfile::tempdir().unwrap();
        let (socket, file) = (folder.path().join("s"), folder.path().join("info.json"));
        let address = EngineAddress::Unix(socket.clone());
        let answering = |version: &str| Answering::at(&address, version.to_owned());
        assert_eq!(answering("4.3.1"), None, "no socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let first = answering("4.3.1").unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert!(first.recall(&file, now).is_none(), "no file");
        let mut info = Info::default();
        info.store.graph_root = "/srv/storage".to_owned();
        info.host.security.rootless = true;
        first.clone().remember(&info, &file, now);
        let recalled = first.recall(&file, now + BELIEVED_FOR / 2).unwrap();
        assert_eq!(recalled.store.graph_root, "/srv/storage");
        assert!(recalled.host.security.rootless);
        assert!(first.recall(&file, now + BELIEVED_FOR).is_none(), "too old");
        assert!(first.recall(&file, now - BELIEVED_FOR).is_none(), "from the future");
        assert!(
            answering("5.4.0").unwrap().recall(&file, now).is_none(),
            "another version"
        );
        drop(listener);
        fs::remove_file(&socket).unwrap();
        let _other = UnixListener::bind(&socket).unwrap();
        assert!(
            answering("4.3.1").unwrap().recall(&file, now).is_none(),
            "another socket"
        );
        fs::write(&file, "{").unwrap();
        assert!(first.recall(&file, now).is_none(), "damaged");
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        let _listener = UnixListener::bind(&socket).unwrap();
        let answering = Answering::at(&EngineAddress::Unix(socket), String::new()).unwrap();
        answering.remember(
            &Info::default(),
            &folder.path().join("gone/info.json"),
            SystemTime::now(),
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
