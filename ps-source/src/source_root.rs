//! The root of a source, and files found in it by name. Invariant: a file is read only when its real place, all links
//! followed, lies inside the root.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

use ps_core::source::SourceError;

use crate::refusal::{invalid_file, refused, unreadable, unusable};

/// The most that is read of a Procfile or another small file.
pub(crate) const FILE_LIMIT: usize = 1024 * 1024;

/// A directory by its real path.
#[derive(Debug, Clone)]
pub(crate) struct SourceRoot {
    path: PathBuf,
    shown: String,
}

impl SourceRoot {
    /// Finds the directory; it may itself be reached through links.
    pub(crate) fn open(directory: &Path) -> Result<Self, SourceError> {
        let path = directory
            .canonicalize()
            .map_err(|cause| unreadable(format!("cannot read the directory {}", directory.display()), cause))?;
        if !path.is_dir() {
            let hint = "give the directory that holds the Dockerfile";
            return Err(unusable(format!("{} is not a directory", directory.display()), hint));
        }
        let shown = path.display().to_string();
        Ok(Self { path, shown })
    }

    /// Calls it so in messages: where an archive was unpacked says nothing to anybody.
    pub(crate) fn shown_as(self, shown: String) -> Self {
        Self { shown, ..self }
    }

    /// What it is called.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The real place of a file relative to the root; `None` when there is nothing of that name.
    pub(crate) fn find_file(&self, name: &str) -> Result<Option<PathBuf>, SourceError> {
        let is_plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if name.is_empty() || !Path::new(name).components().all(is_plain) {
            return Err(refused(
                format!("`{name}` leads out of the source"),
                "use a path inside the source",
            ));
        }
        let path = self.path.join(name);
        match path.symlink_metadata() {
            Ok(_) => {}
            Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(cause) => return Err(unreadable(format!("cannot read `{name}`"), cause)),
        }
        let real = path
            .canonicalize()
            .map_err(|cause| unreadable(format!("cannot follow the link `{name}`"), cause))?;
        let Ok(inside) = real.strip_prefix(&self.path) else {
            let hint = "put a copy of the file into the source";
            return Err(refused(
                format!("`{name}` is a link that leads out of the source"),
                hint,
            ));
        };
        if !real.is_file() {
            return Err(refused(
                format!("`{name}` is not a regular file"),
                "replace it by a regular file",
            ));
        }
        Ok(Some(inside.to_owned()))
    }

    /// The content of a file; `None` when there is nothing of that name.
    pub(crate) fn read_file(&self, name: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(place) = self.find_file(name)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        File::open(self.path.join(place))
            .and_then(|file| read_bounded(file, &mut bytes))
            .map_err(|cause| unreadable(format!("cannot read `{name}`"), cause))?;
        check_size(&bytes, name)?;
        Ok(Some(bytes))
    }
}

/// Reads at most one byte more than allowed, so that [`check_size`] can tell.
pub(crate) fn read_bounded(source: impl Read, bytes: &mut Vec<u8>) -> std::io::Result<usize> {
    let limit = u64::try_from(FILE_LIMIT).unwrap_or(u64::MAX);
    source.take(limit.saturating_add(1)).read_to_end(bytes)
}

/// Refuses what is larger than 1 MiB.
pub(crate) fn check_size(bytes: &[u8], name: &str) -> Result<(), SourceError> {
    match bytes.len() {
        0..=FILE_LIMIT => Ok(()),
        _ => Err(invalid_file(format!("{name}: the file is larger than 1 MiB"))),
    }
}
