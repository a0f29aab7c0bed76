//! Archives become trees. Invariant: nothing is written outside the given directory, nothing in the tree leads out of it, and
//! neither bytes nor entries pass the limits. The kind of archive is told by its content. Start at [`unpack`].

mod links;
mod tar_entries;
mod tree_writer;
mod zip_entries;

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use ps_core::source::SourceError;

use crate::refusal::{refused, unreadable, unusable};
use crate::unpack::tree_writer::TreeWriter;

/// How much a source may hold once it is unpacked or checked out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TreeLimits {
    /// Files, directories and links.
    pub(crate) entries: usize,
    /// Contents of all files, in bytes.
    pub(crate) bytes: u64,
}

impl TreeLimits {
    /// 200,000 entries and 4 GiB: more than any source, less than a disk.
    pub(crate) const USUAL: Self = Self {
        entries: 200_000,
        bytes: 4 * 1024 * 1024 * 1024,
    };

    /// The error of a source with too many entries.
    pub(crate) fn too_many(&self) -> SourceError {
        let message = format!("the source holds more than {} files and directories", self.entries);
        refused(message, "leave out what the build does not need")
    }

    /// The error of a source with too many bytes.
    pub(crate) fn too_large(&self) -> SourceError {
        let message = format!("the source holds more than {} MiB", self.bytes / (1024 * 1024));
        refused(message, "leave out what the build does not need")
    }
}

/// The first bytes of other archives, with their names.
const FOREIGN: [(&[u8], &str); 5] = [
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7-zip"),
    (b"Rar!", "rar"),
];

/// Unpacks an archive into an empty directory, and returns the root of the source in it: its only entry, when that is a
/// directory, as archives of a release or a branch have it, else the directory itself. Blocks.
pub(crate) fn unpack(file: File, into: &Path, limits: TreeLimits) -> Result<PathBuf, SourceError> {
    let broken = |cause| unreadable("the archive cannot be read", cause);
    let mut tree = TreeWriter::new(into, limits);
    let mut reader = BufReader::new(file);
    let mut start = Vec::new();
    reader.by_ref().take(8).read_to_end(&mut start).map_err(broken)?;
    reader.rewind().map_err(broken)?;
    if start.starts_with(b"PK") {
        zip_entries::read_zip(reader, &mut tree)?;
    } else if start.starts_with(b"\x1f\x8b") {
        tar_entries::read_tar(MultiGzDecoder::new(reader), &mut tree)?;
    } else if let Some((_, name)) = FOREIGN.iter().find(|(magic, _)| start.starts_with(magic)) {
        let message = format!("the archive is packed with {name}");
        return Err(unusable(message, "pack it as tar, tar.gz or zip"));
    } else {
        tar_entries::read_tar(reader, &mut tree)?;
    }
    tree.finish()
}

#[cfg(test)]
mod tests;
