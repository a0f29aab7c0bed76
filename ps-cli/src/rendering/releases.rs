//! An app's releases as a table of at most 80 columns, and as the document `psctl.releases/1`.
//!
//! Invariant: pure; a line is shortened rather than wrapped.

use std::time::SystemTime;

use ps_core::operations::{ListedRelease, ReleaseList, ReleaseState};
use ps_core::release::Source;
use ps_core::release_history::PastRelease;
use serde::Serialize;
use serde_json::Value;

use super::columns::{columns, shortened};
use super::moment::{ago, rfc3339};

/// The most letters of a user's name.
const USER_WIDTH: usize = 12;

/// What a state is called.
pub const fn state_word(state: ReleaseState) -> &'static str {
    match state {
        ReleaseState::Current => "current",
        ReleaseState::Kept => "kept",
        ReleaseState::Removed => "removed",
    }
}

/// The header over the table.
pub fn title(list: &ReleaseList) -> String {
    let kept = match list.kept {
        1 => "only the current one is kept".to_owned(),
        count => format!("the last {count} are kept"),
    };
    format!("{} releases, {kept}", list.app)
}

/// The titles of the columns, then one line a release. Empty when there is none.
pub fn table(list: &ReleaseList, now: SystemTime) -> Vec<String> {
    if list.releases.is_empty() {
        return Vec::new();
    }
    let titles = ["release", "when", "by", "state", "cause", "source"].map(str::to_owned);
    let rows = list.releases.iter().map(|listed| cells(listed, now));
    columns(&std::iter::once(titles).chain(rows).collect::<Vec<_>>())
}

fn cells(listed: &ListedRelease, now: SystemTime) -> [String; 6] {
    let release = &listed.release;
    [
        release.number.to_string(),
        ago(release.created_at, now),
        shortened(release.by.as_deref().unwrap_or("-"), USER_WIDTH),
        state_word(listed.state).to_owned(),
        release.cause.clone(),
        source_text(release),
    ]
}

/// The source; of a git repository with the beginning of the commit.
fn source_text(release: &PastRelease) -> String {
    let commit = release.revision.as_deref().and_then(|revision| revision.get(..7));
    match (&release.source, commit) {
        (Source::Git { .. }, Some(commit)) => format!("{} at {commit}", release.source),
        _ => release.source.to_string(),
    }
}

/// `psctl.releases/1`
#[derive(Debug, Serialize)]
pub struct ReleasesView<'a> {
    schema: &'static str,
    app: &'a str,
    keep: usize,
    releases: Vec<ReleaseView<'a>>,
}

#[derive(Debug, Serialize)]
struct ReleaseView<'a> {
    release: u32,
    state: &'static str,
    created_at: String,
    by: Option<&'a str>,
    cause: &'a str,
    source: String,
    revision: Option<&'a str>,
    image: &'a str,
}

impl<'a> ReleasesView<'a> {
    /// The releases of an app, newest first.
    pub fn new(list: &'a ReleaseList) -> Self {
        let releases = list.releases.iter().map(|listed| ReleaseView {
            release: listed.release.number.0,
            state: state_word(listed.state),
            created_at: rfc3339(listed.release.created_at),
            by: listed.release.by.as_deref(),
            cause: &listed.release.cause,
            source: listed.release.source.to_string(),
            revision: listed.release.revision.as_deref(),
            image: &listed.release.image.0,
        });
        Self {
            schema: "psctl.releases/1",
            app: list.app.as_str(),
            keep: list.kept,
            releases: releases.collect(),
        }
    }

    /// The document.
    pub fn document(&self) -> Value {
        // Text, numbers and lists only: they always serialise.
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ps_core::release::ReleaseNumber;
    use ps_core::runtime::ImageId;

    use super::*;

    fn listed(number: u32, by: Option<&str>, source: &str) -> ListedRelease {
        ListedRelease {
            release: PastRelease {
                number: ReleaseNumber(number),
                image: ImageId("sha256:1".to_owned()),
                source: Source::Directory(source.into()),
                revision: None,
                cause: "ps:rollback v1000".to_owned(),
                by: by.map(str::to_owned),
                created_at: SystemTime::UNIX_EPOCH,
                has_served: true,
                is_kept: true,
            },
            state: ReleaseState::Current,
        }
    }

    #[test]
    fn no_line_is_longer_than_80_columns() {
        let long = format!("/srv/{}/shop", "deep/".repeat(40));
        let list = ReleaseList {
            app: "shop".parse().unwrap(),
            kept: 5,
            releases: vec![
                listed(1001, Some("a-user-with-a-long-name"), &long),
                listed(1, None, "/srv"),
            ],
        };
        let lines = table(&list, SystemTime::UNIX_EPOCH + Duration::from_secs(60 * 86_400));
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
        assert!(
            lines[1].contains("directory …") && lines[1].ends_with("/shop"),
            "{lines:#?}"
        );
        assert!(lines[2].ends_with("directory /srv"), "{lines:#?}");
    }
}
