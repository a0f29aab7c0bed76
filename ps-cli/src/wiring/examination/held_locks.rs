//! Which locks are held, as the kernel lists them: nothing is opened or locked for it.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The files that somebody holds a `flock` on, by device and inode.
#[derive(Debug, Default)]
pub(super) struct HeldLocks {
    held: BTreeSet<(u32, u32, u64)>,
}

impl HeldLocks {
    /// Those of this moment; none where the kernel does not tell.
    pub(super) fn read() -> Self {
        Self::parse(&std::fs::read_to_string("/proc/locks").unwrap_or_default())
    }

    /// Lines such as `1: FLOCK  ADVISORY  WRITE 812 fd:01:1054 0 EOF`.
    fn parse(text: &str) -> Self {
        let held = |line: &str| {
            let mut words = line.split_whitespace().skip(1);
            if words.next() != Some("FLOCK") || words.nth(1) != Some("WRITE") {
                return None;
            }
            let mut place = words.nth(1)?.split(':');
            let major = u32::from_str_radix(place.next()?, 16).ok()?;
            let minor = u32::from_str_radix(place.next()?, 16).ok()?;
            Some((major, minor, place.next()?.parse().ok()?))
        };
        Self {
            held: text.lines().filter_map(held).collect(),
        }
    }

    /// Whether somebody holds a lock on a file. Some file systems show another device here than there; they all have major 0.
    pub(super) fn holds(&self, path: &Path) -> bool {
        let Ok(meta) = path.symlink_metadata() else {
            return false;
        };
        let (major, minor) = (rustix::fs::major(meta.dev()), rustix::fs::minor(meta.dev()));
        let is_it = |(its_major, its_minor, inode): &(u32, u32, u64)| {
            *inode == meta.ino() && *its_major == major && (*its_minor == minor || major == 0)
        };
        self.held.iter().any(is_it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exclusive_locks_of_whole_files_count() {
        let text = "1: FLOCK  ADVISORY  WRITE 812 fd:01:1054 0 EOF\n\
                    2: POSIX  ADVISORY  WRITE 812 fd:01:1055 0 EOF\n\
                    3: FLOCK  ADVISORY  READ 812 fd:01:1056 0 EOF\n\
                    3: -> FLOCK  ADVISORY  WRITE 812 fd:01:1057 0 EOF\n";
        let held: Vec<_> = HeldLocks::parse(text).held.into_iter().collect();
        assert_eq!(held, [(0xfd, 1, 1054)]);
    }

    #[test]
    fn a_lock_is_seen_while_it_is_held() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(!HeldLocks::read().holds(file.path()));
        file.as_file().lock().unwrap();
        assert!(HeldLocks::read().holds(file.path()));
        file.as_file().unlock().unwrap();
        assert!(!HeldLocks::read().holds(file.path()));
    }
}
