//! Docker 26.1 and Podman 5.4 (Debian 13 packages) beside the machine's own engines, in a root tree of their own.
//!
//! Every mount is made inside a private mount namespace, so none is left when the last process in it ends. dockerd has a
//! network namespace of its own too: a second dockerd in this machine's would fight over `docker0`, even with
//! `--bridge none`. Its unix socket, in a folder bound into the tree, is reachable all the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::engines::daemon::{daemon_command, start};
use crate::engines::packages::{self, ensure_installed, write_policy};
use crate::engines::places::Places;
use crate::engines::podman::CONTAINERS_CONF;
use crate::failure::{Failure, Outcome, WhileDoing};
use crate::process::ProcessIdentity;
use crate::program::{clean_command, run_quietly};
use crate::say;

const SUITE: &str = "trixie";
const INCLUDED: &str = "ca-certificates,iptables,iproute2,procps";
const PACKAGES: &str = "docker.io podman crun runc netavark aardvark-dns nftables fuse-overlayfs";
/// Written last, with the recipe as its content: a tree without it is half made, one with another recipe is outdated.
const MARKER: &str = "psctl-complete";
const TRIES: u32 = 2;
const LIMIT: Duration = Duration::from_secs(60);

/// Installs packages in the tree `$0`.
const INSTALL: &str = r#"set -e
for folder in proc sys dev; do mount --rbind /$folder "$0/$folder"; done
exec chroot "$0" sh -c "apt-get -q update && apt-get -q -y -o Acquire::Retries=3 install --no-install-recommends $1""#;

/// Becomes `$2…` with the tree `$0` as a real root and the folder `$1` as its `/mnt`: unpacking images fails in a plain
/// chroot. A network namespace of its own needs a sysfs of its own.
const ENTER: &str = r#"set -e
root=$0; shared=$1; shift
mount --bind "$root" "$root"
mount --rbind /proc "$root/proc"
mount -t sysfs sys "$root/sys"
mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
mount --rbind /dev "$root/dev"
mount --bind "$shared" "$root/mnt"
cd "$root"; mkdir -p .outside; pivot_root . .outside; cd /
umount -l /.outside
ip link set lo up
exec "$@""#;

/// Whether dockerd or Podman is wanted of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Newer {
    /// `dockerd`, in a network namespace of its own.
    Docker,
    /// `podman system service`, in this machine's network namespace.
    Podman,
}

impl Newer {
    fn word(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    /// The socket, as seen from outside the tree.
    pub(crate) fn socket(self, places: &Places) -> Outcome<PathBuf> {
        Ok(places.newer_sockets()?.join(format!("{}.sock", self.word())))
    }

    /// Starts it in the tree, which is built when missing.
    pub(crate) fn start(self, places: &Places) -> Outcome<(PathBuf, ProcessIdentity)> {
        let root = places.newer_root()?;
        ensure_tree(&root)?;
        configure_podman(&root)?;
        let shared = places.newer_sockets()?;
        let (root, shared) = (
            root.to_string_lossy().into_owned(),
            shared.to_string_lossy().into_owned(),
        );
        let mut words = vec!["unshare", "--mount", "--propagation", "private"];
        if self == Self::Docker {
            words.push("--net");
            remove_leftovers(Path::new(&root));
        }
        words.extend(["bash", "-c", ENTER, &root, &shared]);
        words.extend(match self {
            Self::Docker => &DOCKERD[..],
            Self::Podman => &PODMAN[..],
        });
        let socket = self.socket(places)?;
        let log = places.log(&format!("{}-newer", self.word()))?;
        let process = start(daemon_command("/root", &words), &socket, &log, LIMIT)?;
        Ok((socket, process))
    }
}

const DOCKERD: [&str; 9] = [
    "dockerd",
    "--data-root",
    "/var/lib/docker-newer",
    "--exec-root",
    "/run/docker-newer",
    "--pidfile",
    "/run/docker-newer.pid",
    "--host",
    "unix:///mnt/docker.sock",
];
const PODMAN: [&str; 5] = ["podman", "system", "service", "--time=0", "unix:///mnt/podman.sock"];

/// Pid files of an earlier run. The caller knows that no dockerd of this tree answers.
fn remove_leftovers(root: &Path) {
    for file in ["run/docker-newer.pid", "run/docker-newer/containerd/containerd.pid"] {
        // A file that is not there is what we want.
        drop(fs::remove_file(root.join(file)));
    }
}

fn recipe() -> String {
    format!("{SUITE} {INCLUDED} {PACKAGES}\n")
}

fn ensure_tree(root: &Path) -> Outcome<()> {
    if fs::read_to_string(root.join(MARKER)).is_ok_and(|text| text == recipe()) {
        return Ok(());
    }
    ensure_installed(&packages::NEWER)?;
    let begun = Instant::now();
    let mut attempt = 1;
    loop {
        say(&format!(
            "engines: building a {SUITE} root tree for the newer engines (about 50 s)"
        ));
        match build_tree(root) {
            Err(failure) if attempt < TRIES => say(&format!("engines: try {attempt} of {TRIES}: {failure}")),
            Err(failure) => return Err(failure),
            Ok(()) => break,
        }
        attempt += 1;
    }
    say(&format!("engines: built in {} s", begun.elapsed().as_secs()));
    Ok(())
}

fn build_tree(root: &Path) -> Outcome<()> {
    remove_tree(root)?;
    fs::create_dir_all(root).while_doing(|| format!("make {}", root.display()))?;
    let tree = root.to_string_lossy().into_owned();
    let include = format!("--include={INCLUDED}");
    let mut bootstrap = private_mounts();
    bootstrap.args(["debootstrap", "--variant=minbase", &include, SUITE, &tree]);
    bootstrap.args(debian_mirror());
    run_quietly(&mut bootstrap)?;
    write_policy(&root.join("usr/sbin/policy-rc.d"))?;
    copy_network_settings(root)?;
    let mut install = private_mounts();
    install
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["bash", "-c", INSTALL, &tree, PACKAGES]);
    run_quietly(&mut install)?;
    fs::write(root.join(MARKER), recipe()).while_doing(|| format!("mark {tree} complete"))
}

/// Not part of the recipe: a changed configuration needs no new tree.
fn configure_podman(root: &Path) -> Outcome<()> {
    let configuration = root.join("etc/containers");
    fs::create_dir_all(&configuration).while_doing(|| format!("make {}", configuration.display()))?;
    let file = configuration.join("containers.conf");
    fs::write(&file, CONTAINERS_CONF).while_doing(|| format!("write {}", file.display()))
}

fn private_mounts() -> std::process::Command {
    let mut command = clean_command("unshare", "/root");
    command.args(["--mount", "--propagation", "private"]);
    command
}

/// Removes a tree, but never through a mount: behind one there may be the machine's own `/dev`.
fn remove_tree(root: &Path) -> Outcome<()> {
    if !root.exists() {
        return Ok(());
    }
    let mounts = mounts_below(root)?;
    if let Some(mount) = mounts.first() {
        return Err(Failure::new(format!(
            "{} is mounted: run `cargo xtask engines down` first",
            mount.display()
        )));
    }
    say(&format!(
        "engines: removing the unfinished or outdated tree {}",
        root.display()
    ));
    fs::remove_dir_all(root).while_doing(|| format!("remove {}", root.display()))
}

/// Mounts of this namespace at or below `folder`, the deepest first.
pub(crate) fn mounts_below(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let table = fs::read_to_string("/proc/self/mountinfo").while_doing(|| "read the mount table".to_owned())?;
    Ok(parse_mounts(&table, folder))
}

fn parse_mounts(table: &str, folder: &Path) -> Vec<PathBuf> {
    let points = table.lines().filter_map(|line| line.split(' ').nth(4));
    let mut below: Vec<PathBuf> = points
        .map(PathBuf::from)
        .filter(|point| point.starts_with(folder))
        .collect();
    below.reverse();
    below
}

/// The mirror this machine installs from, so that a local one is used for the tree too.
fn debian_mirror() -> Option<String> {
    let sources = fs::read_to_string("/etc/apt/sources.list.d/debian.sources").unwrap_or_default();
    let list = fs::read_to_string("/etc/apt/sources.list").unwrap_or_default();
    parse_mirror(&format!("{sources}\n{list}"))
}

fn parse_mirror(text: &str) -> Option<String> {
    let words = text
        .lines()
        .filter(|line| line.starts_with("URIs:") || line.starts_with("deb "));
    let mut addresses = words
        .flat_map(str::split_whitespace)
        .filter(|word| word.starts_with("http"));
    addresses
        .find(|word| word.trim_end_matches('/').ends_with("/debian"))
        .map(str::to_owned)
}

fn copy_network_settings(root: &Path) -> Outcome<()> {
    fs::copy("/etc/resolv.conf", root.join("etc/resolv.conf")).while_doing(|| "copy /etc/resolv.conf".to_owned())?;
    let Ok(entries) = fs::read_dir("/etc/apt/apt.conf.d") else {
        return Ok(());
    };
    for file in entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
    {
        if let Some(name) = file.file_name() {
            let to = root.join("etc/apt/apt.conf.d").join(name);
            fs::copy(&file, &to).while_doing(|| format!("copy {}", file.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_own_mirror_is_used() {
        let sources = "Types: deb\n# http://old/debian\nURIs: http://near.example/debian\nSuites: bookworm\n";
        assert_eq!(parse_mirror(sources).as_deref(), Some("http://near.example/debian"));
        let list = "deb http://x/debian-security s main\ndeb [arch=amd64] https://y/debian/ bookworm main\n";
        assert_eq!(parse_mirror(list).as_deref(), Some("https://y/debian/"));
        assert_eq!(parse_mirror(""), None);
    }

    #[test]
    fn mounts_at_and_below_a_folder_are_found_deepest_first() {
        let table = "1 0 0:1 / / rw - x x x\n2 1 0:2 / /t/root rw - x\n3 2 0:3 / /t/root/dev rw - x\n4 1 0:4 / /t/rootless rw - x\n";
        let expected = [PathBuf::from("/t/root/dev"), PathBuf::from("/t/root")];
        assert_eq!(parse_mounts(table, Path::new("/t/root")), expected);
    }

    #[test]
    fn a_tree_without_its_marker_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        remove_tree(&root).unwrap();
        assert!(!root.exists());
        remove_tree(&root).unwrap();
    }
}
