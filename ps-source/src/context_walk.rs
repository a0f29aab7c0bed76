//! Walks a build context in a fixed order. Invariant: names come sorted by their bytes, a directory before what is in it; no
//! link is followed.

use std::fs::{self, DirEntry, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ps_core::source::SourceError;
use rustix::fs::OFlags;

use crate::dockerignore::{DockerIgnore, Taken};
use crate::refusal::{refused, unreadable};

/// Something that goes into the context: a file, a directory or a link.
#[derive(Debug)]
pub(crate) struct ContextEntry {
    /// Relative to the root.
    pub(crate) name: PathBuf,
    /// Where it is read.
    pub(crate) path: PathBuf,
    /// Of itself, not of a link's target.
    pub(crate) metadata: Metadata,
}

/// Why a context cannot be walked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WalkError {
    #[error("cannot read {}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{} is a device or a pipe, which no build context can hold", name.display())]
    Special { name: PathBuf },
}

impl From<WalkError> for SourceError {
    fn from(error: WalkError) -> Self {
        let message = error.to_string();
        match error {
            WalkError::Unreadable { source, .. } => unreadable(message, source),
            WalkError::Special { .. } => refused(message, "remove it, or name it in .dockerignore"),
        }
    }
}

impl From<WalkError> for io::Error {
    fn from(error: WalkError) -> Self {
        let kind = match &error {
            WalkError::Unreadable { source, .. } => source.kind(),
            WalkError::Special { .. } => io::ErrorKind::Unsupported,
        };
        Self::new(kind, error)
    }
}

impl ContextEntry {
    /// Opens the file that was looked at; one that came into its place meanwhile is an error, and no link is followed.
    pub(crate) fn open(&self) -> io::Result<File> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&self.path)?;
        let opened = file.metadata()?;
        if (opened.dev(), opened.ino()) == (self.metadata.dev(), self.metadata.ino()) {
            Ok(file)
        } else {
            Err(io::Error::other("it was replaced while the context was read"))
        }
    }
}

/// What is done with each entry.
type Visit<'a> = dyn FnMut(&ContextEntry) -> Result<(), WalkError> + 'a;

/// Visits everything below `root` that is not left out. An excluded directory is visited when something below it is brought
/// back. Sockets are passed over, as Docker does.
pub(crate) fn walk_context(root: &Path, ignore: &DockerIgnore, visit: &mut Visit<'_>) -> Result<(), WalkError> {
    let mut walk = Walk {
        ignore,
        visit,
        waiting: Vec::new(),
    };
    walk.directory(root, Path::new(""), "", &Taken::default())
}

struct Walk<'a, 'v> {
    ignore: &'a DockerIgnore,
    visit: &'a mut Visit<'v>,
    /// Excluded directories on the way down that have not been visited yet.
    waiting: Vec<ContextEntry>,
}

impl Walk<'_, '_> {
    /// `matched` is the directory's name as patterns see it.
    fn directory(&mut self, path: &Path, name: &Path, matched: &str, taken: &Taken) -> Result<(), WalkError> {
        let unreadable = |source| WalkError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let mut entries: Vec<DirEntry> = fs::read_dir(path).and_then(Iterator::collect).map_err(unreadable)?;
        entries.sort_unstable_by_key(DirEntry::file_name);
        for entry in entries {
            let file_name = entry.file_name();
            let separator = if matched.is_empty() { "" } else { "/" };
            let matched = format!("{matched}{separator}{}", file_name.to_string_lossy());
            let taken = self.ignore.take(&matched, taken);
            let is_excluded = self.ignore.is_excluded(&taken);
            let path = entry.path();
            let metadata = entry.metadata().map_err(|source| WalkError::Unreadable {
                path: path.clone(),
                source,
            })?;
            let entry = ContextEntry {
                name: name.join(&file_name),
                path,
                metadata,
            };
            match (entry.metadata.is_dir(), is_excluded) {
                (true, false) => {
                    self.show(&entry)?;
                    self.directory(&entry.path, &entry.name, &matched, &taken)?;
                }
                (true, true) if self.ignore.may_bring_back_below(&matched) => {
                    self.excluded_directory(entry, &matched, &taken)?;
                }
                (false, false) => self.show(&entry)?,
                (_, true) => {}
            }
        }
        Ok(())
    }

    fn excluded_directory(&mut self, entry: ContextEntry, matched: &str, taken: &Taken) -> Result<(), WalkError> {
        let (path, name) = (entry.path.clone(), entry.name.clone());
        self.waiting.push(entry);
        self.directory(&path, &name, matched, taken)?;
        // It is still there only when nothing below it was shown.
        self.waiting.pop_if(|waiting| waiting.name == name);
        Ok(())
    }

    fn show(&mut self, entry: &ContextEntry) -> Result<(), WalkError> {
        let file_type = entry.metadata.file_type();
        if file_type.is_socket() {
            return Ok(());
        }
        if !file_type.is_file() && !file_type.is_dir() && !file_type.is_symlink() {
            return Err(WalkError::Special {
                name: entry.name.clone(),
            });
        }
        for directory in std::mem::take(&mut self.waiting) {
            (self.visit)(&directory)?;
        }
        (self.visit)(entry)
    }
}
