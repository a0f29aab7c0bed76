//! The few files that nginx begins to read from. Invariant: each is replaced whole, and what was there before can be put back.

use std::path::{Path, PathBuf};

use ps_core::proxy::ProxyError;

use crate::durable_file::{read, remove, replace};

/// Files that have to have other texts.
#[derive(Debug)]
pub(crate) struct Swap {
    files: Vec<SwappedFile>,
}

#[derive(Debug)]
struct SwappedFile {
    path: PathBuf,
    mode: u32,
    new: String,
    old: Option<String>,
}

impl Swap {
    /// Looks which of these files have to change. They are replaced in this order.
    pub(crate) fn to(wanted: Vec<(PathBuf, String, u32)>) -> Result<Self, ProxyError> {
        let mut files = Vec::new();
        for (path, new, mode) in wanted {
            let old = read(&path)?;
            if old.as_ref() != Some(&new) {
                files.push(SwappedFile { path, mode, new, old });
            }
        }
        Ok(Self { files })
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Replaces the files; on failure they are as they were.
    pub(crate) fn make(&self) -> Result<(), ProxyError> {
        for file in &self.files {
            if let Err(error) = replace(&file.path, &file.new, file.mode) {
                self.undo_but(None)?;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Puts everything back, in the other order, but the file at one path.
    pub(crate) fn undo_but(&self, kept: Option<&Path>) -> Result<(), ProxyError> {
        for file in self.files.iter().rev().filter(|file| Some(file.path.as_path()) != kept) {
            match &file.old {
                Some(old) if read(&file.path)?.as_ref() == Some(old) => {}
                Some(old) => replace(&file.path, old, file.mode)?,
                None => remove(&file.path)?,
            }
        }
        Ok(())
    }
}
