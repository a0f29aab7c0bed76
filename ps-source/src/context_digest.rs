//! What a build context comes to in one number. Invariant: two contexts have the same digest when they hold the same names, kinds,
//! permissions, contents and link targets, and the same file is the Dockerfile; owners and times do not count.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

use sha2::{Digest, Sha256};

use crate::context_walk::{ContextEntry, WalkError};

/// The first field: another way of counting gets another number.
const VERSION: &[u8] = b"psctl context 1";

/// SHA-256 over the Dockerfile's name, and then, for each entry in the order it is sent: a letter for its kind, its name, its
/// permissions, and the SHA-256 of its content or target. Each field has its length before it.
#[derive(Debug)]
pub(crate) struct ContextDigest(Sha256);

impl ContextDigest {
    pub(crate) fn new(dockerfile: &str) -> Self {
        let mut digest = Self(Sha256::new());
        digest.field(VERSION);
        digest.field(dockerfile.as_bytes());
        digest
    }

    fn field(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// Adds an entry; reads a file's content.
    pub(crate) fn add(&mut self, entry: &ContextEntry) -> Result<(), WalkError> {
        let unreadable = |source| WalkError::Unreadable {
            path: entry.name.clone(),
            source,
        };
        let metadata = &entry.metadata;
        let mut content = Sha256::new();
        let kind = if metadata.is_dir() {
            b"d"
        } else if metadata.is_symlink() {
            let target = fs::read_link(&entry.path).map_err(unreadable)?;
            content.update(target.as_os_str().as_bytes());
            b"l"
        } else {
            let mut file = entry.open().map_err(unreadable)?;
            io::copy(&mut file, &mut Hasher(&mut content)).map_err(unreadable)?;
            b"f"
        };
        self.field(kind);
        self.field(entry.name.as_os_str().as_bytes());
        self.field(&(metadata.mode() & 0o7777).to_le_bytes());
        self.field(&content.finalize());
        Ok(())
    }

    /// 64 hexadecimal digits.
    pub(crate) fn finish(self) -> String {
        hexadecimal(&self.0.finalize())
    }
}

/// Two digits a byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing into a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Takes what is copied into it.
pub(crate) struct Hasher<'a>(pub(crate) &'a mut Sha256);

impl io::Write for Hasher<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
