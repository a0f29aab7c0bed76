//! A root filesystem out of the machine's static busybox, as a tar that engines import: no registry is needed.
//!
//! The same busybox gives the same bytes, whatever the day and the machine.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tar::{Builder, EntryType, Header};

use crate::failure::{Failure, Outcome, WhileDoing};
use crate::http::{Address, http_post};
use crate::program::run_quietly;

const BUSYBOX: &str = "/bin/busybox";
const FOLDERS: [&str; 9] = ["bin", "dev", "etc", "home", "proc", "root", "run", "sys", "var"];
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n";
const GROUP: &str = "root:x:0:\nnogroup:x:65534:\n";

/// Which import call an engine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImportCall {
    /// `POST /images/create?fromSrc=-`.
    Docker,
    /// `POST /libpod/images/import`.
    Libpod,
}

/// The tar of a root with `/bin/busybox` and a link for each of its applets.
pub(crate) fn busybox_image() -> Outcome<Vec<u8>> {
    let program = std::fs::read(BUSYBOX).while_doing(|| format!("read {BUSYBOX} (package busybox-static)"))?;
    if names_a_loader(&program) {
        return Err(Failure::new(format!(
            "{BUSYBOX} needs shared libraries: install busybox-static"
        )));
    }
    let listed = run_quietly(Command::new(Path::new(BUSYBOX)).arg("--list"))?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    root_tar(&program, listed.lines()).while_doing(|| "build the busybox image".to_owned())
}

/// Whether the program has an interpreter line of glibc or musl, so that it cannot run alone.
fn names_a_loader(program: &[u8]) -> bool {
    let start = program.get(..4096.min(program.len())).unwrap_or_default();
    start
        .windows(8)
        .any(|window| window == b"/ld-linu" || window == b"/ld-musl")
}

fn root_tar<'a>(program: &[u8], applets: impl Iterator<Item = &'a str>) -> std::io::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    for folder in FOLDERS {
        add(&mut tar, folder, EntryType::Directory, 0o755, &[])?;
    }
    add(&mut tar, "tmp", EntryType::Directory, 0o1777, &[])?;
    add(&mut tar, "etc/group", EntryType::Regular, 0o644, GROUP.as_bytes())?;
    add(&mut tar, "etc/passwd", EntryType::Regular, 0o644, PASSWD.as_bytes())?;
    add(&mut tar, "bin/busybox", EntryType::Regular, 0o755, program)?;
    let mut applets: Vec<&str> = applets.filter(|name| !name.is_empty() && *name != "busybox").collect();
    applets.sort_unstable();
    applets.dedup();
    for applet in applets {
        let mut header = header(EntryType::Symlink, 0o777, 0);
        tar.append_link(&mut header, format!("bin/{applet}"), "busybox")?;
    }
    tar.into_inner()
}

fn add(tar: &mut Builder<Vec<u8>>, path: &str, kind: EntryType, mode: u32, content: &[u8]) -> std::io::Result<()> {
    let mut header = header(kind, mode, content.len() as u64);
    tar.append_data(&mut header, path, content)
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// Gives `tar` to the engine at `address` as the image `name:tag`.
pub(crate) fn import_image(address: &Address, call: ImportCall, name: &str, tag: &str, tar: &[u8]) -> Outcome<()> {
    let path = match call {
        ImportCall::Docker => format!("/images/create?fromSrc=-&repo={name}&tag={tag}"),
        ImportCall::Libpod => format!("/v4.0.0/libpod/images/import?reference={name}:{tag}"),
    };
    let answer = http_post(address, &path, "application/x-tar", tar, Duration::from_secs(60))?;
    let text = answer.text();
    // Docker answers 200 before it has looked at the tar; a failure comes as a line of the stream.
    if answer.status >= 300 || text.contains("\"error\"") {
        let told = text.trim();
        return Err(Failure::new(format!(
            "{address} refused the image {name}:{tag} ({}): {told}",
            answer.status
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_program_gives_the_same_bytes_in_any_applet_order() {
        let first = root_tar(b"program", ["sh", "httpd", "busybox"].into_iter()).unwrap();
        let second = root_tar(b"program", ["httpd", "sh", "sh", ""].into_iter()).unwrap();
        assert_eq!(first, second);
    }

    #[test]
    fn every_applet_is_a_link_to_busybox() {
        let bytes = root_tar(b"program", ["sh"].into_iter()).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let links: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.header().entry_type() == EntryType::Symlink)
            .map(|entry| {
                (
                    entry.path().unwrap().into_owned(),
                    entry.link_name().unwrap().unwrap().into_owned(),
                )
            })
            .collect();
        assert_eq!(links, vec![("bin/sh".into(), "busybox".into())]);
    }

    #[test]
    fn a_program_with_a_loader_is_noticed() {
        assert!(names_a_loader(b"\x7fELF..../lib64/ld-linux-x86-64.so.2"));
        assert!(!names_a_loader(b"\x7fELF static"));
    }
}
