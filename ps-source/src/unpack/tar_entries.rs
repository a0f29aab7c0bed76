//! The entries of a tar archive, ustar, GNU or pax. Invariant: headers are read with a bound on their size, since names come in
//! entries of their own; what is neither a file, a directory nor a link is refused.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use ps_core::source::SourceError;
use tar::{Entry, EntryType, PaxExtensions};

use super::tree_writer::{Attributes, TreeWriter, shown};
use crate::refusal::{refused, unreadable, unusable};

/// The most that an entry's long name, or its further attributes, may take.
const HEADER_LIMIT: u64 = 1024 * 1024;

/// What entries said of the one that follows them.
#[derive(Debug, Default)]
struct Announced {
    name: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
    is_sparse: bool,
}

/// What an entry may take beside its content: its header, headers before it, and what fills its last block.
const BESIDE_CONTENT: u64 = 4096;

/// Writes all entries. An archive may also be large without holding anything; reading it ends where the largest one would.
pub(super) fn read_tar(reader: impl Read, tree: &mut TreeWriter<'_>) -> Result<(), SourceError> {
    let limits = tree.limits();
    let entries = u64::try_from(limits.entries).unwrap_or(u64::MAX);
    let most = limits.bytes.saturating_add(entries.saturating_mul(BESIDE_CONTENT));
    let mut archive = tar::Archive::new(reader.take(most.saturating_add(HEADER_LIMIT)));
    let outcome = read_entries(&mut archive, tree);
    match archive.into_inner().limit() {
        0 => Err(limits.too_large()),
        _ => outcome,
    }
}

fn read_entries(archive: &mut tar::Archive<impl Read>, tree: &mut TreeWriter<'_>) -> Result<(), SourceError> {
    let mut announced = Announced::default();
    let entries = archive.entries().map_err(broken)?.raw(true);
    for entry in entries {
        let mut entry = entry.map_err(broken)?;
        match entry.header().entry_type() {
            EntryType::GNULongName => announced.name = Some(long_name(&mut entry)?),
            EntryType::GNULongLink => announced.target = Some(long_name(&mut entry)?),
            EntryType::XHeader => announced.read_pax(&bounded(&mut entry)?)?,
            // Says things of the whole archive, such as the commit it was made of.
            EntryType::XGlobalHeader => drop(bounded(&mut entry)?),
            _ => take(entry, &std::mem::take(&mut announced), tree)?,
        }
    }
    Ok(())
}

/// The parser's own errors repeat what it found, which may be any file's content: they are not passed on.
fn broken(cause: std::io::Error) -> SourceError {
    let hint = "psctl takes tar, tar.gz and zip archives";
    if cause.kind() == std::io::ErrorKind::Other {
        return unusable("the file is no archive, or a damaged one", hint);
    }
    SourceError {
        hint: Some(hint.to_owned()),
        ..unreadable("the archive cannot be read", cause)
    }
}

fn bounded<R: Read>(entry: &mut Entry<'_, R>) -> Result<Vec<u8>, SourceError> {
    if entry.size() > HEADER_LIMIT {
        let hint = "make the archive anew, from the app's own files";
        return Err(refused("a header in the archive is larger than 1 MiB", hint));
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(broken)?;
    Ok(bytes)
}

/// It ends with a zero byte.
fn long_name<R: Read>(entry: &mut Entry<'_, R>) -> Result<Vec<u8>, SourceError> {
    let mut bytes = bounded(entry)?;
    let end = bytes.iter().position(|byte| *byte == 0);
    bytes.truncate(end.unwrap_or(bytes.len()));
    Ok(bytes)
}

impl Announced {
    fn read_pax(&mut self, bytes: &[u8]) -> Result<(), SourceError> {
        for extension in PaxExtensions::new(bytes) {
            let extension = extension.map_err(broken)?;
            let value = extension.value_bytes();
            match extension.key_bytes() {
                b"path" => self.name = Some(value.to_owned()),
                b"linkpath" => self.target = Some(value.to_owned()),
                b"size" => self.size = std::str::from_utf8(value).ok().and_then(|size| size.parse().ok()),
                key if key.starts_with(b"GNU.sparse.") => self.is_sparse = true,
                _ => {}
            }
        }
        Ok(())
    }
}

fn take<R: Read>(entry: Entry<'_, R>, announced: &Announced, tree: &mut TreeWriter<'_>) -> Result<(), SourceError> {
    let header = entry.header();
    let name = announced
        .name
        .clone()
        .unwrap_or_else(|| header.path_bytes().into_owned());
    let attributes = Attributes {
        // Some programs write none.
        mode: header.mode().unwrap_or(0o644),
        modified: header.mtime().ok().and_then(|seconds| i64::try_from(seconds).ok()),
    };
    let target = || {
        let own = header.link_name_bytes().map(std::borrow::Cow::into_owned);
        announced.target.clone().or(own).unwrap_or_default()
    };
    let kind = header.entry_type();
    if announced.is_sparse || kind == EntryType::GNUSparse {
        return Err(refusal(&name, "is a sparse file", "make the archive without --sparse"));
    }
    if announced.size.is_some_and(|size| size != entry.size()) {
        return Err(refusal(
            &name,
            "has two sizes",
            "make the archive anew, from the app's own files",
        ));
    }
    match kind {
        EntryType::Directory => tree.directory(&name, attributes),
        // Before there was a type of their own, directories ended with a slash.
        EntryType::Regular if name.ends_with(b"/") => tree.directory(&name, attributes),
        EntryType::Regular | EntryType::Continuous => tree.file(&name, attributes, entry.size(), entry),
        EntryType::Symlink => tree.symbolic_link(&name, &target(), attributes.modified),
        EntryType::Link => tree.hard_link(&name, &target()),
        _ => Err(refusal(
            &name,
            "is neither a file, a directory nor a link",
            "leave devices, pipes and sockets out of the archive",
        )),
    }
}

fn refusal(name: &[u8], what: &str, hint: &str) -> SourceError {
    let name = shown(Path::new(OsStr::from_bytes(name)));
    refused(format!("`{name}` in the archive {what}"), hint)
}
