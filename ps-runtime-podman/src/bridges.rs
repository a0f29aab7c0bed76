//! Bridges of this host whose hardware address changes. A bridge without an address of its own takes the lowest one of its ports:
//! whenever a container comes or goes it may be another, and what the other containers know of the host is wrong until it expires, so
//! that requests hang for seconds. Podman gives bridges an address of their own since netavark 1.9
//! (<https://github.com/containers/netavark/pull/833>); where they have none, the kernel is told to announce each change.
//!
//! Invariant: best effort. What cannot be read or written here, because the engine is elsewhere or the user is not root, is left.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What the kernel says of an address that somebody has set (`NET_ADDR_SET`).
const SET_BY_SOMEBODY: &str = "3";

/// The bridges of the networks that were seen.
#[derive(Debug)]
pub(crate) struct Bridges {
    seen: Mutex<BTreeSet<String>>,
    root: PathBuf,
}

impl Bridges {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self::below(Path::new("/"))
    }

    fn below(root: &Path) -> Self {
        Self {
            seen: Mutex::default(),
            root: root.to_owned(),
        }
    }

    /// Notes the interface of a network.
    pub(crate) fn see(&self, interface: &str) {
        // It becomes part of a path.
        if !matches!(interface, "" | "." | "..") && !interface.contains('/') {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.insert(interface.to_owned());
        }
    }

    /// Has every change of their addresses announced. A bridge is there only while a container is on it, so this is for before and after
    /// each start.
    pub(crate) fn announce_changes(&self) {
        for bridge in self.seen.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let kind = self.root.join("sys/class/net").join(bridge).join("addr_assign_type");
            let is_fixed = std::fs::read_to_string(kind).map(|kind| kind.trim() == SET_BY_SOMEBODY);
            if is_fixed.is_ok_and(|is_fixed| !is_fixed) {
                let switch = self.root.join("proc/sys/net/ipv4/conf").join(bridge).join("arp_notify");
                let _ = std::fs::write(switch, "1");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_bridges_that_were_seen_and_have_no_address_of_their_own_are_announced() {
        let folder = tempfile::tempdir().unwrap();
        let switch = |name: &str| {
            folder
                .path()
                .join("proc/sys/net/ipv4/conf")
                .join(name)
                .join("arp_notify")
        };
        for (name, kind) in [("podman1", "1\n"), ("podman2", "3\n"), ("podman3", "1\n")] {
            let class = folder.path().join("sys/class/net").join(name);
            fs::create_dir_all(&class).unwrap();
            fs::write(class.join("addr_assign_type"), kind).unwrap();
            fs::create_dir_all(switch(name).parent().unwrap()).unwrap();
            fs::write(switch(name), "0").unwrap();
        }
        let bridges = Bridges::below(folder.path());
        for name in ["podman1", "podman2", "gone0", "../podman3", ""] {
            bridges.see(name);
        }
        bridges.announce_changes();
        let announced = |name: &str| fs::read_to_string(switch(name)).unwrap();
        assert_eq!(["podman1", "podman2", "podman3"].map(announced), ["1", "0", "0"]);
    }
}
