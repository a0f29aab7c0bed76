//! Why a step is done. The only place that puts causes into words.

use std::fmt;

use crate::names::{Generation, OneOffKind};
use crate::release::ReleaseNumber;
use crate::runtime::ContainerState;

/// Why a step is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The formation asks for more.
    ScaledUp,
    /// The formation asks for less.
    ScaledDown,
    /// A release replaces what runs.
    Deploys {
        /// The new release.
        release: ReleaseNumber,
        /// The one that serves, if any.
        replaces: Option<ReleaseNumber>,
    },
    /// A release puts an earlier one back.
    RollsBack {
        /// The new release.
        release: ReleaseNumber,
        /// The earlier one, which it copies.
        to: ReleaseNumber,
    },
    /// Too many newer releases are there.
    NotKept {
        /// The number of the release, or of its image.
        number: ReleaseNumber,
    },
    /// A one-off's deadline has passed.
    Expired,
    /// A restart was asked for.
    Restarted,
    /// The replica should run and has no container.
    Missing,
    /// The replica should run and is stopped.
    Stopped,
    /// The replica should run, and its container is in a state from which it is not started.
    Unusable {
        /// The state.
        state: ContainerState,
    },
    /// The operator stops the app.
    StoppedByOperator,
    /// The type's checks are disabled: the old one is stopped before the new one starts.
    StopFirst,
    /// The operator starts the app.
    StartedByOperator,
    /// The operator has the checks made.
    CheckedByOperator,
    /// An interrupted command left it.
    Leftover,
    /// It was replaced, or scaled away.
    Retired {
        /// Its generation.
        generation: Generation,
    },
    /// The app is destroyed.
    Destroyed,
    /// The app gets another name.
    Renamed,
    /// A setting was changed.
    SettingChanged,
    /// The app is linked with it.
    Linked,
    /// The app's links are not what its containers were made with.
    LinksChanged,
    /// The app is no longer linked with it.
    Unlinked,
    /// Where requests go was asked for anew.
    Routed,
    /// Nobody types a command: the host or the engine started.
    Restored,
    /// A replica failed by itself.
    Crashed,
    /// A command that belongs to a deploy.
    Phase {
        /// Which.
        kind: OneOffKind,
        /// Of which release.
        release: ReleaseNumber,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ScaledUp => f.write_str("scaled up"),
            Self::ScaledDown => f.write_str("scaled down"),
            Self::Deploys {
                release,
                replaces: None,
            } => write!(f, "release {release}"),
            Self::Deploys {
                release,
                replaces: Some(old),
            } => write!(f, "release {release} replaces {old}"),
            Self::RollsBack { release, to } => write!(f, "release {release} puts {to} back"),
            Self::NotKept { number } => write!(f, "{number} is not kept"),
            Self::Expired => f.write_str("its deadline has passed"),
            Self::Restarted => f.write_str("restarted"),
            Self::Missing => f.write_str("its container is missing"),
            Self::Stopped => f.write_str("it is stopped"),
            Self::Unusable { state } => write!(f, "its container is {state}"),
            Self::StoppedByOperator => f.write_str("stopped by the operator"),
            Self::StopFirst => f.write_str("checks are disabled, so it makes way first"),
            Self::StartedByOperator => f.write_str("started by the operator"),
            Self::CheckedByOperator => f.write_str("checked by the operator"),
            Self::Leftover => f.write_str("left by an interrupted command"),
            Self::Retired { generation } => write!(f, "generation {generation} is retired"),
            Self::Destroyed => f.write_str("the app is destroyed"),
            Self::Renamed => f.write_str("the app is renamed"),
            Self::SettingChanged => f.write_str("the setting was changed"),
            Self::Linked => f.write_str("the app is linked with it"),
            Self::LinksChanged => f.write_str("the links were changed"),
            Self::Unlinked => f.write_str("no longer linked"),
            Self::Routed => f.write_str("where requests go is written anew"),
            Self::Restored => f.write_str("restored"),
            Self::Crashed => f.write_str("it failed by itself"),
            Self::Phase { kind, release } => write!(f, "{kind} phase of {release}"),
        }
    }
}
