//! What is said when git fails. Invariant: no credentials: addresses are shown as [`Repository`] shows them, and git's own words
//! lose what is hidden there. Git says what went wrong in words only, read here and nowhere else, in the language that
//! psctl tells it to speak.

use std::io;

use ps_core::redaction::Redactor;
use ps_core::repository::{GitReference, Repository};
use ps_core::source::SourceError;

use crate::refusal::{unreadable, unusable};

/// How many of git's last lines are passed on.
const LINES: usize = 4;

/// Why a fetch failed, as far as psctl does something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FetchFault {
    /// The other side has no such branch or tag, or does not give out that commit.
    NoSuchReference,
    /// The other side cannot leave out the history.
    NoShallow,
    /// Anything else.
    Other,
}

impl FetchFault {
    /// Reads git's words.
    pub(super) fn of(errors: &str) -> Self {
        let says = |words: &[&str]| words.iter().any(|word| errors.contains(word));
        if says(&["couldn't find remote ref", "unadvertised object", "not our ref"]) {
            Self::NoSuchReference
        } else if says(&["does not support shallow", "shallow capabilities"]) {
            Self::NoShallow
        } else {
            Self::Other
        }
    }
}

/// There is no such branch, tag or commit.
pub(super) fn no_such_reference(repository: &Repository, reference: Option<&GitReference>) -> SourceError {
    let message = match reference {
        Some(reference) => format!("there is no branch, tag or commit `{reference}` in {repository}"),
        None => format!("there is no commit in {repository}"),
    };
    unusable(message, format!("`git ls-remote {repository}` shows what there is"))
}

/// The fetch failed.
pub(super) fn fetch_failed(repository: &Repository, errors: &str) -> SourceError {
    let says = |word: &str| errors.contains(word);
    let hint = if says("dubious ownership") {
        "the repository belongs to another user: `git config --global --add safe.directory <path>` trusts it".to_owned()
    } else if says("Host key verification failed") {
        "the host is not known to ssh yet: connect to it once by hand".to_owned()
    } else if says("could not read Username")
        || says("could not read Password")
        || says("Authentication failed")
        || says("Permission denied")
    {
        "psctl never asks for a password: set up an ssh key or a credential helper of git, or write https://<user>:<token>@…"
            .to_owned()
    } else {
        format!("`git ls-remote {repository}` tries the same by hand")
    };
    SourceError {
        hint: Some(hint),
        ..unreadable(
            format!("git could not fetch from {repository}"),
            io::Error::other(told(repository, errors)),
        )
    }
}

/// Git could not be run, or took too long.
pub(super) fn not_run(doing: &str, cause: io::Error) -> SourceError {
    unreadable(format!("git could not {doing}"), cause)
}

/// Git's last lines in one, without credentials.
fn told(repository: &Repository, errors: &str) -> String {
    let redacted = errors
        .replace(repository.with_credentials(), &repository.to_string())
        .replace(&repository.without_credentials(), &repository.to_string());
    let (user, password) = repository.credentials().unwrap_or_default();
    let written = repository
        .with_credentials()
        .split_once("://")
        .and_then(|(_, rest)| rest.split('/').next()?.rsplit_once('@'))
        .map(|(credentials, _)| credentials.to_owned())
        .filter(|_| repository.to_string() != repository.with_credentials());
    let written_password = written.as_deref().and_then(|written| written.split_once(':'));
    let secrets = [
        Some(String::from_utf8_lossy(&password).into_owned()),
        Some(String::from_utf8_lossy(&user).into_owned()),
        written_password.map(|(_, password)| password.to_owned()),
        written.clone(),
    ];
    let redacted = Redactor::new(secrets.into_iter().flatten())
        .redact(&redacted)
        .into_owned();
    let lines: Vec<&str> = redacted
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let last = lines.iter().rev().take(LINES).rev().copied().collect::<Vec<_>>();
    let text = last.join("; ").replace(char::is_control, " ");
    if text.is_empty() {
        "it did not say why".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_credentials_are_in_what_git_said() {
        for (url, secrets) in [
            (
                "https://alice:hunter%402x@host.example/x",
                &["hunter%402x", "hunter@2x"][..],
            ),
            ("https://ghp_longtoken@host.example/x", &["ghp_longtoken"]),
            ("ssh://git:sekret99@host.example/x", &["sekret99"]),
        ] {
            let repository: Repository = url.parse().unwrap();
            let echoes = secrets.iter().map(|secret| format!("fatal: {secret} is wrong\n"));
            let errors = format!(
                "fatal: unable to access '{url}/': {} {}",
                repository.without_credentials(),
                echoes.collect::<String>()
            );
            let error = fetch_failed(&repository, &errors);
            let text = format!("{error} {} {:?}", error.source.as_ref().unwrap(), error.hint);
            assert!(text.contains("unable to access"), "{text}");
            for secret in secrets {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }

    #[test]
    fn a_hint_says_what_to_do() {
        let repository: Repository = "git@host.example:x".parse().unwrap();
        let hint = |errors: &str| fetch_failed(&repository, errors).hint.unwrap();
        assert!(hint("fatal: detected dubious ownership in repository").contains("safe.directory"));
        assert!(hint("Host key verification failed.").contains("ssh"));
        assert!(hint("git@host: Permission denied (publickey).").contains("ssh key"));
        assert!(hint("fatal: could not read Username for 'https://x'").contains("credential helper"));
        assert!(hint("anything").contains("git ls-remote git@host.example:x"));
    }
}
