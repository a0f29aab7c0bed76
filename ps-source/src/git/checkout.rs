//! Writes the files of a commit. Invariant: they are as the repository keeps them: no filter runs, no hook, no setting of the user
//! counts; and there are not more of them than any source may have.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use ps_core::source::SourceError;

use super::program::{GitProgram, Settings};
use super::refusals::not_run;
use crate::refusal::unreadable;
use crate::source_root::SourceRoot;
use crate::unpack::TreeLimits;

/// The longest that it may take.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// The mode of a submodule.
const SUBMODULE: &str = "160000";

/// Writes them into `tree`, which is made; `scratch` takes what git notes meanwhile. Returns what is not as one would expect.
pub(super) async fn check_out(
    git: &GitProgram,
    cache: &Path,
    commit: &str,
    scratch: &Path,
    tree: &Path,
) -> Result<Vec<String>, SourceError> {
    let submodules = look_through(git, cache, commit, TreeLimits::USUAL).await?;
    fs::create_dir(tree).map_err(|cause| unreadable("a directory for the source cannot be made", cause))?;
    let words: [&[&str]; 2] = [
        &["read-tree", commit],
        &["checkout-index", "--all", "--force", "--quiet"],
    ];
    for words in words {
        let command = git
            .on(cache, Settings::None)
            .variable("GIT_WORK_TREE", tree)
            .variable("GIT_INDEX_FILE", scratch.join("index"))
            .words(words);
        let doing = "write the files of the commit";
        let finished = command.run(LIMIT).await.map_err(|cause| not_run(doing, cause))?;
        if !finished.is_success {
            let said = finished.errors.trim().replace('\n', "; ");
            return Err(not_run(doing, std::io::Error::other(said)));
        }
    }
    let mut warnings = Vec::new();
    if !submodules.is_empty() {
        let names = submodules.join(", ");
        warnings.push(format!(
            "submodules are not fetched, their directories are empty: {names}"
        ));
    }
    let attributes = SourceRoot::open(tree)?.read_file(".gitattributes").ok().flatten();
    if attributes.is_some_and(|text| String::from_utf8_lossy(&text).contains("filter=lfs")) {
        warnings.push("files kept in Git LFS are not fetched, only the pointers to them are there".to_owned());
    }
    Ok(warnings)
}

/// Counts files and bytes before anything is written, and finds the submodules: a commit of a few kilobytes can stand for more
/// files than a disk holds.
async fn look_through(
    git: &GitProgram,
    cache: &Path,
    commit: &str,
    limits: TreeLimits,
) -> Result<Vec<String>, SourceError> {
    // Sizes are looked up one by one, so names are counted first.
    let names = list(git, cache, &["ls-tree", "-r", "-z", commit], limits).await?;
    if names.split_terminator('\0').count() > limits.entries {
        return Err(limits.too_many());
    }
    let rows = list(git, cache, &["ls-tree", "-r", "-z", "--long", commit], limits).await?;
    let (mut bytes, mut submodules) = (0_u64, Vec::new());
    for row in rows.split_terminator('\0') {
        let (facts, path) = row.split_once('\t').unwrap_or((row, ""));
        let mut facts = facts.split_ascii_whitespace();
        if facts.next() == Some(SUBMODULE) {
            submodules.push(path.replace(char::is_control, "\u{fffd}"));
        }
        let size = facts.nth(2).and_then(|size| size.parse().ok()).unwrap_or(0_u64);
        bytes = bytes.saturating_add(size);
    }
    if bytes > limits.bytes {
        return Err(limits.too_large());
    }
    Ok(submodules)
}

/// What git lists of a commit.
async fn list(git: &GitProgram, cache: &Path, words: &[&str], limits: TreeLimits) -> Result<String, SourceError> {
    let doing = "read the commit";
    let finished = match git.on(cache, Settings::None).words(words).run(LIMIT).await {
        Err(cause) if cause.kind() == ErrorKind::FileTooLarge => return Err(limits.too_many()),
        outcome => outcome.map_err(|cause| not_run(doing, cause))?,
    };
    if finished.is_success {
        return Ok(String::from_utf8_lossy(&finished.output).into_owned());
    }
    let said = finished.errors.trim().replace('\n', "; ");
    Err(not_run(doing, std::io::Error::other(said)))
}
