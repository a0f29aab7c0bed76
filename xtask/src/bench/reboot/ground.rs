//! The folder of a harness, and the process that removes it. Invariant: the folder, and the control groups named after it, go
//! when this program ends, in whatever way, Ctrl-C and SIGKILL included.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::failure::{Outcome, WhileDoing};
use crate::program::clean_command;

/// Waits until its input closes, which the end of this program does; `$0` is the folder, `$1` its name.
const SWEEP: &str = r#"read -r nothing
for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  find /sys/fs/cgroup -depth -type d -path "*/$1*" -exec rmdir {} \; 2>/dev/null
  rm -rf "$0" 2>/dev/null && [ -z "$(find /sys/fs/cgroup -name "$1")" ] && break
  sleep 0.25
done"#;

/// A temporary folder with a sweeper.
#[derive(Debug)]
pub(crate) struct Ground {
    folder: PathBuf,
    name: String,
    sweeper: Child,
}

impl Ground {
    /// Makes the folder, which everybody may enter.
    pub(crate) fn new() -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("psctl-reboot-").tempdir();
        let folder = folder.while_doing(|| "make a temporary folder".to_owned())?;
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), open).while_doing(|| "open the temporary folder".to_owned())?;
        let name = folder
            .path()
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        // In a session of its own, so that a terminal's Ctrl-C passes it by.
        let mut sweeper = clean_command("setsid", "/");
        sweeper.args(["sh", "-c", SWEEP]).arg(folder.path()).arg(&name);
        sweeper
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let sweeper = sweeper.spawn().while_doing(|| "start the sweeper".to_owned())?;
        Ok(Self {
            folder: folder.keep(),
            name,
            sweeper,
        })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// Its name, that no other has.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A folder below, made when missing.
    pub(crate) fn folder(&self, name: &str) -> Outcome<PathBuf> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).while_doing(|| format!("make {}", folder.display()))?;
        Ok(folder)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        drop(self.sweeper.stdin.take());
        // It ends by itself, after five seconds at most.
        drop(self.sweeper.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_goes_with_its_owner() {
        let ground = Ground::new().unwrap();
        fs::write(ground.folder("below").unwrap().join("file"), "x").unwrap();
        let path = ground.path().to_owned();
        assert!(path.ends_with(ground.name()));
        drop(ground);
        assert!(!path.exists());
    }
}
