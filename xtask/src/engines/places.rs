//! Where everything of the engines stands. All of it is under `target/engines`, but for what another user must read and
//! for sockets whose path would be too long: those are in a short folder of this checkout under `/run`.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::failure::{Outcome, WhileDoing};

/// A unix socket's path holds at most this many bytes (`sun_path` without its closing zero).
const LONGEST_SOCKET_PATH: usize = 107;

/// The folders of one checkout.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    state: PathBuf,
    short: PathBuf,
    tag: String,
}

impl Places {
    /// The places below `target`, cargo's target folder.
    pub(crate) fn below(target: &Path) -> Self {
        let state = target.join("engines");
        let mut hasher = DefaultHasher::new();
        state.hash(&mut hasher);
        let tag = format!("{:08x}", hasher.finish() & 0xffff_ffff);
        Self {
            short: Path::new("/run/psctl-engines").join(&tag),
            state,
            tag,
        }
    }

    /// A word that is this checkout's own, for names outside its folders.
    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    /// Logs and records; made when missing.
    pub(crate) fn state(&self) -> Outcome<&Path> {
        fs::create_dir_all(&self.state).while_doing(|| format!("make {}", self.state.display()))?;
        Ok(&self.state)
    }

    /// The short folder, readable by everyone; made when missing.
    pub(crate) fn short(&self) -> Outcome<&Path> {
        let readable = fs::Permissions::from_mode(0o755);
        let parent = self.short.parent().unwrap_or(&self.short);
        fs::create_dir_all(&self.short).while_doing(|| format!("make {}", self.short.display()))?;
        for folder in [parent, &self.short] {
            fs::set_permissions(folder, readable.clone()).while_doing(|| format!("open {}", folder.display()))?;
        }
        Ok(&self.short)
    }

    /// Where the socket `file` goes: beside the logs, or in the short folder when that path is too long.
    pub(crate) fn socket(&self, file: &str) -> Outcome<PathBuf> {
        let wanted = self.state()?.join(file);
        if wanted.as_os_str().len() <= LONGEST_SOCKET_PATH {
            return Ok(wanted);
        }
        Ok(self.short()?.join(file))
    }

    /// A folder for the sockets of the newer engines, made when missing; it is bound into their root.
    pub(crate) fn newer_sockets(&self) -> Outcome<PathBuf> {
        let wanted = self.state()?.join("newer");
        let fits = wanted.join("share/docker.sock").as_os_str().len() <= LONGEST_SOCKET_PATH;
        let folder = if fits { wanted } else { self.short()?.join("newer") }.join("share");
        fs::create_dir_all(&folder).while_doing(|| format!("make {}", folder.display()))?;
        Ok(folder)
    }

    /// The root tree of the newer engines.
    pub(crate) fn newer_root(&self) -> Outcome<PathBuf> {
        Ok(self.state()?.join("newer/root"))
    }

    /// The log of one daemon.
    pub(crate) fn log(&self, name: &str) -> Outcome<PathBuf> {
        Ok(self.state()?.join(format!("{name}.log")))
    }

    /// The record of all engines.
    pub(crate) fn record(&self) -> Outcome<PathBuf> {
        Ok(self.state()?.join("engines.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_checkout_keeps_its_sockets_with_its_logs() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::below(folder.path());
        assert!(places.socket("podman.sock").unwrap().starts_with(folder.path()));
        assert!(places.newer_sockets().unwrap().starts_with(folder.path()));
    }

    #[test]
    fn two_checkouts_have_two_tags() {
        assert_ne!(
            Places::below(Path::new("/a")).tag(),
            Places::below(Path::new("/b")).tag()
        );
    }

    #[test]
    fn a_deep_checkout_still_gets_a_socket_path_that_fits() {
        if !crate::program::is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("d".repeat(120));
        let places = Places::below(&deep);
        let socket = places.socket("podman.sock").unwrap();
        assert!(socket.as_os_str().len() <= LONGEST_SOCKET_PATH, "{}", socket.display());
        fs::remove_dir_all(places.short().unwrap()).unwrap();
    }
}
