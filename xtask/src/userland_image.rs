//! Root filesystems with Python or Node, made of this Debian's own packages, as tars that engines import: no registry is needed.
//!
//! The packages are only unpacked, none of their scripts run. A tar that was made stays in the target folder.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tar::Builder;

use crate::busybox_image::busybox_image;
use crate::failure::{Failure, Outcome, WhileDoing};
use crate::program::{clean_command, run_quietly};
use crate::{say, target_folder};

/// What an app is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Userland {
    /// `python:…`
    Python,
    /// `node:…`
    Node,
}

/// Packages that come by way of others and that no app needs: package tools, Perl, documentation.
const LEFT_OUT: [&str; 12] = [
    "perl",
    "libperl",
    "dpkg",
    "debconf",
    "cdebconf",
    "install-info",
    "mailcap",
    "readline-common",
    "tar",
    "libdebian-",
    "libnewt",
    "libtextwrap",
];

/// What this machine has from elsewhere must not stand in for Debian's own.
const NOTHING_INSTALLED: [&str; 2] = ["-o", "Dir::State::status=/dev/null"];

impl Userland {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Python, Self::Node];

    /// The one that a public image's name stands for.
    pub(crate) fn of_image(name: &str) -> Option<Self> {
        let repository = name.split(':').next().unwrap_or(name);
        Self::ALL.into_iter().find(|userland| userland.name() == repository)
    }

    /// The variable that tells tests where its tar is.
    pub(crate) const fn test_variable(self) -> &'static str {
        match self {
            Self::Python => "PSCTL_TEST_PYTHON_ROOT",
            Self::Node => "PSCTL_TEST_NODE_ROOT",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
        }
    }

    const fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Python => &["python3-minimal", "libpython3-stdlib"],
            Self::Node => &["nodejs"],
        }
    }

    /// The tar of a root with the language and busybox's programs; made when it is not there.
    pub(crate) fn ensure_tar(self) -> Outcome<PathBuf> {
        let folder = target_folder().join("images");
        let tar = folder.join(format!("{}.tar", self.name()));
        if tar.is_file() {
            return Ok(tar);
        }
        say(&format!(
            "unpacking this Debian's packages for an image with {}",
            self.name()
        ));
        fs::create_dir_all(&folder).while_doing(|| format!("make {}", folder.display()))?;
        let work = tempfile::tempdir_in(&folder).while_doing(|| "make a temporary folder".to_owned())?;
        let root = work.path().join("root");
        unpack_packages(&closure(self.packages())?, work.path(), &root)?;
        if self == Self::Node && !root.join("usr/bin/node").exists() {
            symlink("nodejs", root.join("usr/bin/node")).while_doing(|| "name node".to_owned())?;
        }
        let unfinished = work.path().join("root.tar");
        write_tar(&root, &unfinished).while_doing(|| format!("write {}", unfinished.display()))?;
        fs::rename(&unfinished, &tar).while_doing(|| format!("write {}", tar.display()))?;
        Ok(tar)
    }
}

/// The packages with all that they depend on, without what is left out.
fn closure(packages: &[&str]) -> Outcome<BTreeSet<String>> {
    let mut command = clean_command("apt-cache", "/root");
    command.args(NOTHING_INSTALLED).args([
        "depends",
        "--recurse",
        "--no-recommends",
        "--no-suggests",
        "--no-conflicts",
        "--no-breaks",
    ]);
    command.args(["--no-replaces", "--no-enhances"]).args(packages);
    let listed = run_quietly(&mut command)?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let is_name = |line: &&str| line.starts_with(|letter: char| letter.is_ascii_alphanumeric());
    let is_wanted = |name: &&str| !LEFT_OUT.iter().any(|prefix| name.starts_with(prefix));
    Ok(listed
        .lines()
        .filter(is_name)
        .filter(is_wanted)
        .map(str::to_owned)
        .collect())
}

fn unpack_packages(packages: &BTreeSet<String>, work: &Path, root: &Path) -> Outcome<()> {
    let mut download = clean_command("apt-get", "/root");
    download.args(NOTHING_INSTALLED).args([
        "-q",
        "-o",
        "Acquire::Retries=3",
        "-o",
        "APT::Sandbox::User=",
        "download",
    ]);
    run_quietly(download.args(packages).current_dir(work))?;
    let unpacked = tar::Archive::new(&*busybox_image()?).unpack(root);
    unpacked.while_doing(|| format!("unpack busybox to {}", root.display()))?;
    let listed = fs::read_dir(work).while_doing(|| format!("list {}", work.display()))?;
    let archives = listed.flatten().map(|entry| entry.path());
    let archives: Vec<PathBuf> = archives
        .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .collect();
    if archives.is_empty() {
        return Err(Failure::new("apt-get downloaded no package"));
    }
    for archive in archives {
        run_quietly(Command::new("dpkg-deb").arg("-x").arg(&archive).arg(root))?;
    }
    for documentation in ["usr/share/doc", "usr/share/man", "usr/share/locale"] {
        // Not every set of packages has all of them.
        let _absent = fs::remove_dir_all(root.join(documentation));
    }
    Ok(())
}

fn write_tar(root: &Path, tar: &Path) -> std::io::Result<()> {
    let mut builder = Builder::new(fs::File::create(tar)?);
    builder.follow_symlinks(false);
    builder.append_dir_all("", root)?;
    builder.into_inner()?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_names_lead_to_their_userland() {
        assert_eq!(Userland::of_image("python:3.13-slim"), Some(Userland::Python));
        assert_eq!(Userland::of_image("node:22-slim"), Some(Userland::Node));
        assert_eq!(Userland::of_image("busybox:1.36"), None);
    }
}
