//! The labels that make a container ours. Name, labels and owner token must all agree; everything else is a stranger.

use std::collections::BTreeMap;

use crate::links::Link;
use crate::names::{AppName, Generation, OneOffKind, OwnerToken, Replica};
use crate::release::ReleaseNumber;

/// The app's name.
pub const APP: &str = "dev.psctl.app";
/// The process type.
pub const PROCESS_TYPE: &str = "dev.psctl.process-type";
/// The replica's number.
pub const REPLICA: &str = "dev.psctl.replica";
/// The release's number, without `v`.
pub const RELEASE: &str = "dev.psctl.release";
/// The container's generation.
pub const GENERATION: &str = "dev.psctl.generation";
/// The owner token of the state directory.
pub const OWNER: &str = "dev.psctl.owner";
/// The kind of a one-off container.
pub const ONE_OFF: &str = "dev.psctl.one-off";
/// When a `run` container has to be gone, in seconds since 1970.
pub const DEADLINE: &str = "dev.psctl.deadline";
/// What a `run` container was asked to run, for people.
pub const COMMAND: &str = "dev.psctl.command";
/// The links that the app had when the container was made, separated by commas; missing without any.
pub const LINKS: &str = "dev.psctl.links";

/// The label of links, where there are any.
pub fn links_label(links: &[Link]) -> Option<(String, String)> {
    let words: Vec<String> = links.iter().map(ToString::to_string).collect();
    (!words.is_empty()).then(|| (LINKS.to_owned(), words.join(",")))
}

/// The labels of a replica's container.
pub fn replica_labels(
    owner: &OwnerToken,
    app: &AppName,
    replica: &Replica,
    release: ReleaseNumber,
    generation: Generation,
) -> BTreeMap<String, String> {
    labels([
        (APP, app.to_string()),
        (PROCESS_TYPE, replica.process_type().to_string()),
        (REPLICA, replica.index().to_string()),
        (RELEASE, release.0.to_string()),
        (GENERATION, generation.to_string()),
        (OWNER, owner.as_str().to_owned()),
    ])
}

/// The labels of a one-off container.
pub fn one_off_labels(
    owner: &OwnerToken,
    app: &AppName,
    kind: OneOffKind,
    generation: Generation,
) -> BTreeMap<String, String> {
    labels([
        (APP, app.to_string()),
        (ONE_OFF, kind.to_string()),
        (GENERATION, generation.to_string()),
        (OWNER, owner.as_str().to_owned()),
    ])
}

fn labels<const N: usize>(labels: [(&str, String); N]) -> BTreeMap<String, String> {
    labels
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
