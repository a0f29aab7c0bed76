//! Brings a commit into a bare repository of our own. Invariant: only what leads to that commit is fetched, without its history
//! where the other side can do so; a commit that is there already needs no connection.

use std::fs;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ps_core::repository::{GitReference, Repository};
use ps_core::source::SourceError;

use super::program::{GitCommand, GitProgram, Settings};
use super::refusals::{FetchFault, fetch_failed, no_such_reference, not_run};

/// The longest that a fetch may take. One that stands still ends after a minute.
const FETCH_LIMIT: Duration = Duration::from_secs(15 * 60);

/// The longest for anything that asks nobody.
const LOCAL_LIMIT: Duration = Duration::from_secs(60);

/// What the fetched commit is called; that keeps git from clearing it away.
const FETCHED: &str = "refs/psctl/fetched";

/// What a fetch that was killed may leave; the caller holds the app's lock, so nobody else is at work.
const LOCK_FILES: [&str; 4] = [
    "shallow.lock",
    "packed-refs.lock",
    "config.lock",
    "refs/psctl/fetched.lock",
];

/// The commit of a reference and its time.
pub(super) async fn fetch(
    git: &GitProgram,
    (repository, reference): (&Repository, Option<&GitReference>),
    cache: &Path,
) -> Result<(String, u64), SourceError> {
    make_cache(git, cache).await?;
    let whole = reference.filter(|reference| reference.is_whole_commit());
    if let Some(commit) = whole
        && let Some(found) = find_commit(git, cache, commit.as_str()).await?
    {
        return Ok(found);
    }
    let name = reference.map_or("HEAD", GitReference::as_str);
    let wanted = [format!("+{name}:{FETCHED}")];
    let fault = match fetch_into(git, repository, cache, &["--depth=1"], &wanted).await? {
        Err((FetchFault::NoShallow, _)) => fetch_into(git, repository, cache, &[], &wanted).await?,
        outcome => outcome,
    };
    let found = match fault {
        Ok(()) => find_commit(git, cache, FETCHED).await?,
        // The first digits of a commit, or one that is given out only with its branch.
        Err((FetchFault::NoSuchReference, _)) if reference.is_some_and(GitReference::may_be_commit) => {
            fetch_all(git, repository, cache).await?;
            find_commit(git, cache, name).await?
        }
        Err((FetchFault::NoSuchReference, _)) => None,
        Err((_, errors)) => return Err(fetch_failed(repository, &errors)),
    };
    found.ok_or_else(|| no_such_reference(repository, reference))
}

async fn make_cache(git: &GitProgram, cache: &Path) -> Result<(), SourceError> {
    for name in LOCK_FILES {
        // As a rule there is none.
        let _ = fs::remove_file(cache.join(name));
    }
    if cache.join("HEAD").is_file() {
        return Ok(());
    }
    let words = ["init", "--quiet", "--bare", "--template="];
    let init = git.on(cache, Settings::None).words(words);
    let finished = init
        .run(LOCAL_LIMIT)
        .await
        .map_err(|cause| not_run("make a repository", cause))?;
    if finished.is_success {
        return Ok(());
    }
    Err(not_run(
        "make a repository",
        std::io::Error::other(finished.errors.trim().to_owned()),
    ))
}

/// The commit that a name stands for in the cache.
async fn find_commit(git: &GitProgram, cache: &Path, name: &str) -> Result<Option<(String, u64)>, SourceError> {
    let revision = format!("{name}^{{commit}}");
    let words = ["log", "-1", "--no-show-signature", "--format=%H %ct", &revision, "--"];
    let log = git.on(cache, Settings::None).words(words);
    let finished = log
        .run(LOCAL_LIMIT)
        .await
        .map_err(|cause| not_run("look up a commit", cause))?;
    let text = String::from_utf8_lossy(&finished.output);
    let found = text.trim().split_once(' ').filter(|_| finished.is_success);
    Ok(found.and_then(|(commit, time)| Some((commit.to_owned(), time.parse().ok()?))))
}

/// All branches and tags with their history.
async fn fetch_all(git: &GitProgram, repository: &Repository, cache: &Path) -> Result<(), SourceError> {
    let all = ["refs/heads/*", "refs/tags/*"].map(|names| format!("+{names}:refs/psctl/all/{names}"));
    let history: &[&str] = if cache.join("shallow").is_file() {
        &["--unshallow"]
    } else {
        &[]
    };
    let outcome = fetch_into(git, repository, cache, history, &all).await?;
    outcome.map_err(|(_, errors)| fetch_failed(repository, &errors))
}

async fn fetch_into(
    git: &GitProgram,
    repository: &Repository,
    cache: &Path,
    depth: &[&str],
    wanted: &[String],
) -> Result<Result<(), (FetchFault, String)>, SourceError> {
    let command = git
        .on(cache, Settings::OfUser)
        .setting("remote.psctl.url", repository.without_credentials())
        // One file for each fetch, not one for each object.
        .setting("fetch.unpackLimit", "1")
        .setting("http.lowSpeedLimit", "1")
        .setting("http.lowSpeedTime", "60");
    let command = with_ssh(git, cache, with_credentials(command, repository)).await?;
    let words = [
        "fetch",
        "--quiet",
        "--force",
        "--no-tags",
        "--no-recurse-submodules",
        "--no-write-fetch-head",
        "--update-shallow",
    ];
    let command = command.words(words).words(depth).words(["psctl"]).words(wanted);
    let doing = format!("fetch from {repository}");
    let finished = command.run(FETCH_LIMIT).await.map_err(|cause| not_run(&doing, cause))?;
    Ok(if finished.is_success {
        Ok(())
    } else {
        Err((FetchFault::of(&finished.errors), finished.errors))
    })
}

/// Name and password as a header for that host, so that they are in no process's arguments.
fn with_credentials(command: GitCommand, repository: &Repository) -> GitCommand {
    let Some((user, password)) = repository.credentials() else {
        return command;
    };
    let pair = [user, b":".to_vec(), password].concat();
    let address = repository.without_credentials();
    let host: String = address.split_inclusive('/').take(3).collect();
    let header = format!("Authorization: Basic {}", STANDARD.encode(pair));
    command.setting(format!("http.{host}.extraHeader"), header)
}

/// An ssh that fails where it would ask, unless the user has said which one to run.
async fn with_ssh(git: &GitProgram, cache: &Path, command: GitCommand) -> Result<GitCommand, SourceError> {
    if git.has_ssh_command() {
        return Ok(command);
    }
    let look = git
        .on(cache, Settings::OfUser)
        .words(["config", "--get", "core.sshCommand"]);
    let look = look
        .run(LOCAL_LIMIT)
        .await
        .map_err(|cause| not_run("read its settings", cause))?;
    Ok(if look.is_success {
        command
    } else {
        command.variable("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=30")
    })
}
