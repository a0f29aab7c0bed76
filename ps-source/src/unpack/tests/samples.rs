//! Archives out of lists of entries, with no check of any kind. Invariant: what is written is what was asked for.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use ps_core::source::SourceError;
use tar::EntryType;

use crate::unpack::{TreeLimits, unpack};

pub(super) const FEW: TreeLimits = TreeLimits {
    entries: 20,
    bytes: 10_000,
};

/// A folder with nothing in it but the place that an archive is unpacked to.
pub(super) struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tree")).unwrap();
        std::fs::write(folder.path().join("outside"), "untouched").unwrap();
        Self { folder }
    }

    pub(super) fn tree(&self) -> PathBuf {
        self.folder.path().join("tree")
    }

    pub(super) fn unpack(&self, archive: &[u8]) -> Result<PathBuf, SourceError> {
        let mut file: File = tempfile::tempfile().unwrap();
        file.write_all(archive).unwrap();
        file.rewind().unwrap();
        let outcome = unpack(file, &self.tree(), FEW);
        assert_eq!(std::fs::read(self.folder.path().join("outside")).unwrap(), b"untouched");
        assert_eq!(std::fs::read_dir(self.folder.path()).unwrap().count(), 2);
        outcome
    }
}

/// The message of a refusal.
pub(super) fn refusal(archive: &[u8]) -> String {
    let ground = Ground::new();
    let error = ground.unpack(archive).unwrap_err();
    assert!(error.hint.is_some(), "{error}");
    error.to_string()
}

/// What is at a place.
pub(super) fn content(root: &Path, name: &str) -> String {
    std::fs::read_to_string(root.join(name)).unwrap()
}

/// An entry of a tar archive.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) kind: EntryType,
    pub(super) name: &'a [u8],
    pub(super) target: &'a [u8],
    pub(super) mode: u32,
    pub(super) content: &'a [u8],
    /// In the place of the content's own.
    pub(super) size: Option<u64>,
}

pub(super) const fn entry(kind: EntryType, name: &[u8]) -> Entry<'_> {
    Entry {
        kind,
        name,
        target: b"",
        mode: 0o755,
        content: b"",
        size: None,
    }
}

pub(super) const fn file<'a>(name: &'a [u8], content: &'a [u8]) -> Entry<'a> {
    Entry {
        content,
        mode: 0o644,
        ..entry(EntryType::Regular, name)
    }
}

pub(super) const fn directory(name: &[u8]) -> Entry<'_> {
    entry(EntryType::Directory, name)
}

pub(super) const fn link<'a>(name: &'a [u8], target: &'a [u8]) -> Entry<'a> {
    Entry {
        target,
        ..entry(EntryType::Symlink, name)
    }
}

pub(super) const fn hard_link<'a>(name: &'a [u8], target: &'a [u8]) -> Entry<'a> {
    Entry {
        target,
        ..entry(EntryType::Link, name)
    }
}

pub(super) fn tar(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..entry.name.len()].copy_from_slice(entry.name);
        header.as_old_mut().linkname[..entry.target.len()].copy_from_slice(entry.target);
        header.set_entry_type(entry.kind);
        header.set_mode(entry.mode);
        header.set_mtime(1_700_000_000);
        header.set_size(entry.size.unwrap_or(entry.content.len() as u64));
        header.set_cksum();
        bytes.extend(header.as_bytes());
        bytes.extend(entry.content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.extend([0; 1024]);
    bytes
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An entry of a zip archive: its name, its Unix mode with the bits of its kind, its content.
pub(super) type ZipEntry<'a> = (&'a [u8], u32, &'a [u8]);

fn number(number: usize) -> u32 {
    number.try_into().unwrap()
}

fn short(number: usize) -> u16 {
    number.try_into().unwrap()
}

pub(super) fn zip(entries: &[ZipEntry<'_>]) -> Vec<u8> {
    let (mut bytes, mut index) = (Vec::new(), Vec::new());
    for (name, mode, content) in entries {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        let packed = encoder.finish().unwrap();
        let mut sum = flate2::Crc::new();
        sum.update(content);
        let at = bytes.len();
        // Version, flags (UTF-8 or not does not matter: bytes are kept), method, time, date.
        let mut facts: Vec<u8> = [20_u16, 0, 8, 0, 0x2821]
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        for fact in [sum.sum(), number(packed.len()), number(content.len())] {
            facts.extend(fact.to_le_bytes());
        }
        facts.extend(short(name.len()).to_le_bytes());
        facts.extend([0, 0]);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&facts);
        bytes.extend(*name);
        bytes.extend(packed);
        index.extend(b"PK\x01\x02\x14\x03");
        index.extend(&facts);
        index.extend([0; 6]);
        index.extend((mode << 16).to_le_bytes());
        index.extend(number(at).to_le_bytes());
        index.extend(*name);
    }
    let at = number(bytes.len());
    bytes.extend(&index);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    let count = short(entries.len());
    bytes.extend([count, count].iter().flat_map(|count| count.to_le_bytes()));
    bytes.extend(number(index.len()).to_le_bytes());
    bytes.extend(at.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}
