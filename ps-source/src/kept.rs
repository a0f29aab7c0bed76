//! What is kept for apps in the state directory: copies of archives, caches of repositories, and the trees of a command at work.
//! Invariant: everything of an app is in one private directory, in which only the holder of the app's lock writes.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ps_core::names::AppName;
use ps_core::release::Source;
use ps_core::repository::Repository;
use ps_core::source::SourceError;
use sha2::{Digest, Sha256};
use tempfile::{Builder, TempDir};

use crate::context_digest::hexadecimal;
use crate::refusal::{refused, unreadable, unusable};

/// The largest archive that is kept.
const ARCHIVE_LIMIT: u64 = 4 * 1024 * 1024 * 1024;

/// The beginning of the names of trees at work.
const SCRATCH: &str = "scratch-";

/// How much of a file is read at a time.
const CHUNK: usize = 128 * 1024;

/// Whether the state directory may be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// There is none: nothing is kept, and trees are unpacked where the system keeps temporary files.
    Nowhere,
    /// What is kept there is read, and nothing is changed.
    Reading(PathBuf),
    /// What is needed again is kept there.
    Writing(PathBuf),
}

impl Keeping {
    /// The directory of an app, when there is a state directory.
    fn of_app(&self, app: &AppName) -> Option<PathBuf> {
        match self {
            Self::Nowhere => None,
            Self::Reading(state) | Self::Writing(state) => Some(state.join("sources").join(app.as_str())),
        }
    }

    /// The same to write in; it is made when it is missing.
    fn writable(&self, app: &AppName) -> Result<Option<PathBuf>, SourceError> {
        let Some(directory) = self.of_app(app).filter(|_| matches!(self, Self::Writing(_))) else {
            return Ok(None);
        };
        let made = DirBuilder::new().mode(0o700).recursive(true).create(&directory);
        made.map_err(|cause| unreadable(format!("cannot make {}", directory.display()), cause))?;
        Ok(Some(directory))
    }

    /// An empty private directory for a tree; it goes when it is dropped.
    pub(crate) fn scratch(&self, app: &AppName) -> Result<TempDir, SourceError> {
        let mut builder = Builder::new();
        builder.permissions(fs::Permissions::from_mode(0o700));
        let made = match self.writable(app)? {
            Some(directory) => builder.prefix(SCRATCH).tempdir_in(directory),
            None => builder.prefix("psctl-").tempdir(),
        };
        made.map_err(|cause| unreadable("cannot make a directory for the source", cause))
    }

    /// Where a repository is cached; without a place to keep it, in the scratch directory.
    pub(crate) fn cache_of(
        &self,
        app: &AppName,
        repository: &Repository,
        scratch: &Path,
    ) -> Result<PathBuf, SourceError> {
        let place = self.writable(app)?;
        Ok(place.unwrap_or_else(|| scratch.to_owned()).join(cache_name(repository)))
    }

    /// Where the kept copy of an archive is.
    pub(crate) fn archive_of(&self, app: &AppName, digest: &str) -> Result<PathBuf, SourceError> {
        let place = self.of_app(app).map(|directory| directory.join(archive_name(digest)));
        place.filter(|path| path.is_file()).ok_or_else(|| {
            let hint = "deploy the archive again with git:from-archive";
            unusable(format!("the copy that was kept of the archive of {app} is gone"), hint)
        })
    }

    /// Keeps a copy of an archive, and returns its digest; `None` where nothing is kept. Blocks.
    pub(crate) fn keep_archive(&self, app: &AppName, file: &Path) -> Result<Option<String>, SourceError> {
        let Some(directory) = self.writable(app)? else {
            return Ok(None);
        };
        let failed = |cause| unreadable("cannot keep a copy of the archive", cause);
        let source = open_archive(file)?;
        let scratch = self.scratch(app)?;
        let copy = scratch.path().join("archive");
        let mut options = OpenOptions::new();
        let mut target = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&copy)
            .map_err(failed)?;
        let digest = copy_hashed(source, &mut target, file)?;
        target.sync_all().map_err(failed)?;
        fs::rename(&copy, directory.join(archive_name(&digest))).map_err(failed)?;
        File::open(&directory)
            .and_then(|directory| directory.sync_all())
            .map_err(failed)?;
        Ok(Some(digest))
    }

    /// Removes what these sources do not need. Blocks.
    pub(crate) fn forget(&self, app: &AppName, needed: &[Source]) -> Result<(), SourceError> {
        let Some(directory) = self.of_app(app).filter(|_| matches!(self, Self::Writing(_))) else {
            return Ok(());
        };
        let names: Vec<String> = needed.iter().filter_map(kept_name).collect();
        let outcome = clear(&directory, |name| names.iter().any(|kept| kept == name));
        let outcome = outcome.and_then(|()| {
            if names.is_empty() {
                fs::remove_dir(&directory)
            } else {
                Ok(())
            }
        });
        match outcome {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                Err(unreadable(format!("cannot tidy {}", directory.display()), cause))
            }
            _ => Ok(()),
        }
    }

    /// Gives an app the archives of another one too. Blocks.
    pub(crate) fn share(&self, app: &AppName, other: &AppName) -> Result<(), SourceError> {
        let Some(from) = self.of_app(other).filter(|directory| directory.is_dir()) else {
            return Ok(());
        };
        let Some(to) = self.writable(app)? else {
            return Ok(());
        };
        let share = || {
            for entry in fs::read_dir(&from)? {
                let entry = entry?;
                let name = entry.file_name();
                if !name.to_string_lossy().ends_with(".archive") {
                    continue;
                }
                match fs::hard_link(entry.path(), to.join(name)) {
                    Err(cause) if cause.kind() != ErrorKind::AlreadyExists => return Err(cause),
                    _ => {}
                }
            }
            File::open(&to)?.sync_all()
        };
        share().map_err(|cause: io::Error| unreadable(format!("cannot keep the archives of {other} for {app}"), cause))
    }
}

fn archive_name(digest: &str) -> String {
    format!("{digest}.archive")
}

/// Not the address itself: it may have a password in it, and letters that no file name has.
fn cache_name(repository: &Repository) -> String {
    let digest = Sha256::digest(repository.with_credentials().as_bytes());
    format!("{}.git", hexadecimal(&digest).get(..32).unwrap_or_default())
}

/// The name of what is kept of a source.
fn kept_name(source: &Source) -> Option<String> {
    match source {
        Source::Archive {
            digest: Some(digest), ..
        } => Some(archive_name(digest)),
        Source::Git { repository, .. } => Some(cache_name(repository)),
        Source::Archive { digest: None, .. }
        | Source::Directory(_)
        | Source::Image(_)
        | Source::ImageArchive { .. } => None,
    }
}

/// Removes all entries but those.
fn clear(directory: &Path, stays: impl Fn(&str) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if stays(&entry.file_name().to_string_lossy()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Opens an archive where the user has it.
pub(crate) fn open_archive(file: &Path) -> Result<File, SourceError> {
    let opened = File::open(file).and_then(|opened| Ok((opened.metadata()?.is_dir(), opened)));
    match opened {
        Ok((false, opened)) => Ok(opened),
        Ok((true, _)) => {
            let hint = "`psctl deploy <app> <dir>` deploys a directory";
            Err(unusable(format!("{} is a directory, no archive", file.display()), hint))
        }
        Err(cause) => Err(unreadable(format!("cannot read the archive {}", file.display()), cause)),
    }
}

/// Copies an archive, and returns the SHA-256 of what was copied.
pub(crate) fn copy_hashed(mut source: impl Read, target: &mut File, file: &Path) -> Result<String, SourceError> {
    let unread = |cause| unreadable(format!("cannot read the archive {}", file.display()), cause);
    let mut digest = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    let mut size = 0_u64;
    loop {
        let count = match source.read(&mut buffer) {
            Err(cause) if cause.kind() == ErrorKind::Interrupted => continue,
            read => read.map_err(unread)?,
        };
        let chunk = buffer.get(..count).unwrap_or_default();
        if chunk.is_empty() {
            return Ok(hexadecimal(&digest.finalize()));
        }
        size = size.saturating_add(chunk.len() as u64);
        if size > ARCHIVE_LIMIT {
            let message = format!(
                "{} is larger than {} MiB",
                file.display(),
                ARCHIVE_LIMIT / (1024 * 1024)
            );
            return Err(refused(message, "leave out what the build does not need"));
        }
        digest.update(chunk);
        let written = target.write_all(chunk);
        written.map_err(|cause| unreadable("cannot keep a copy of the archive", cause))?;
    }
}
