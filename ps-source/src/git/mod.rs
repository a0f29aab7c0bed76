//! Git repositories as sources. Invariant: nothing of a repository is run on this machine: no hook, no filter, no program that
//! an address names. Start at [`read_repository`].

mod checkout;
mod fetch;
mod program;
mod refusals;

use std::fs;
use std::path::{Path, PathBuf};

use ps_core::repository::{GitReference, Repository};
use ps_core::source::{SourceError, SourceErrorKind};

use crate::environment::Environment;
use crate::git::program::GitProgram;
use crate::refusal::unreadable;

/// A commit in a directory of its own.
#[derive(Debug)]
pub(crate) struct CheckedOut {
    /// The commit, all digits.
    pub(crate) commit: String,
    /// When it was made, in seconds since 1970.
    pub(crate) time: u64,
    /// Where its files are.
    pub(crate) tree: PathBuf,
    /// What is not as the repository has it, complete lines.
    pub(crate) warnings: Vec<String>,
}

/// Fetches the newest commit of a reference into `cache`, a bare repository that is made when it is missing, and writes its
/// files below the empty directory `scratch`. A commit that the cache has is not asked for again. A cache that is broken is
/// thrown away and made anew.
pub(crate) async fn read_repository(
    environment: &Environment,
    (repository, reference): (&Repository, Option<&GitReference>),
    cache: &Path,
    scratch: &Path,
) -> Result<CheckedOut, SourceError> {
    let git = GitProgram::find(environment)?;
    let had_cache = cache.is_dir();
    let first = scratch.join("first");
    match attempt(&git, (repository, reference), cache, &first).await {
        Err(Attempt::CacheBroken(_)) if had_cache => {
            let cleared = fs::remove_dir_all(cache);
            cleared.map_err(|cause| unreadable("a broken cache of the repository cannot be removed", cause))?;
            let second = scratch.join("second");
            let outcome = attempt(&git, (repository, reference), cache, &second).await;
            outcome.map_err(Attempt::into_error)
        }
        outcome => outcome.map_err(Attempt::into_error),
    }
}

/// Why an attempt failed.
enum Attempt {
    /// The files of a commit that was fetched cannot be read, or git names a file of the cache as what is wrong.
    CacheBroken(SourceError),
    /// Anything else.
    Failed(SourceError),
}

impl Attempt {
    fn into_error(self) -> SourceError {
        let (Self::CacheBroken(error) | Self::Failed(error)) = self;
        error
    }
}

async fn attempt(
    git: &GitProgram,
    wanted: (&Repository, Option<&GitReference>),
    cache: &Path,
    scratch: &Path,
) -> Result<CheckedOut, Attempt> {
    let made = fs::create_dir(scratch);
    made.map_err(|cause| Attempt::Failed(unreadable("a directory for the source cannot be made", cause)))?;
    let (commit, time) = fetch::fetch(git, wanted, cache).await.map_err(|error| {
        let said = error.source.as_ref().map(ToString::to_string).unwrap_or_default();
        match cache.to_str() {
            Some(place) if said.contains(place) => Attempt::CacheBroken(error),
            _ => Attempt::Failed(error),
        }
    })?;
    let tree = scratch.join("tree");
    let checked_out = checkout::check_out(git, cache, &commit, scratch, &tree).await;
    let warnings = checked_out.map_err(|error| match error.kind {
        SourceErrorKind::Unreadable => Attempt::CacheBroken(error),
        _ => Attempt::Failed(error),
    })?;
    Ok(CheckedOut {
        commit,
        time,
        tree,
        warnings,
    })
}
