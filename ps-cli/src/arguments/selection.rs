//! What a command acts on: one app or all, globally or one app, a process type or one replica.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use clap::Args;
use ps_core::names::{AppName, NameError, ProcessType, Replica};
use ps_core::store::Scope;

/// One app, or all of them.
#[derive(Debug, Clone, Args)]
pub struct ManyApps {
    /// Name of the app
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub app: Option<AppName>,
    /// All apps; one that fails does not stop the others
    #[arg(long)]
    pub all: bool,
    /// How many apps at a time; -1 is the number of CPUs
    #[arg(
        long,
        value_name = "N",
        default_value = "0",
        hide_default_value = true,
        allow_negative_numbers = true
    )]
    pub parallel: Parallelism,
}

/// All apps.
#[derive(Debug, Clone, Args)]
pub struct EveryApp {
    /// How many apps at a time; -1 is the number of CPUs
    #[arg(
        long,
        value_name = "N",
        default_value = "0",
        hide_default_value = true,
        allow_negative_numbers = true
    )]
    pub parallel: Parallelism,
}

/// The app that is named, or all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppSelection {
    /// This one.
    One(AppName),
    /// All, so many at a time.
    All(Parallelism),
}

impl ManyApps {
    /// Which apps are meant. clap has seen to it that it is either.
    pub fn selection(&self) -> AppSelection {
        self.app
            .clone()
            .map_or(AppSelection::All(self.parallel), AppSelection::One)
    }
}

/// How many apps are worked on at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parallelism {
    /// So many.
    Apps(NonZeroUsize),
    /// As many as there are CPUs.
    Cpus,
}

impl Parallelism {
    /// The number, given that of the CPUs.
    pub fn apps_at_once(self, cpus: usize) -> NonZeroUsize {
        match self {
            Self::Apps(count) => count,
            Self::Cpus => NonZeroUsize::new(cpus).unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// Why a word is no parallelism.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("use a number of apps from 0 (one at a time) up, or -1 for the number of CPUs")]
pub struct ParallelismError;

impl FromStr for Parallelism {
    type Err = ParallelismError;

    fn from_str(word: &str) -> Result<Self, ParallelismError> {
        if word == "-1" {
            return Ok(Self::Cpus);
        }
        let count: u16 = word.parse().map_err(|_| ParallelismError)?;
        Ok(Self::Apps(NonZeroUsize::new(count.into()).unwrap_or(NonZeroUsize::MIN)))
    }
}

/// A process type, or one of its replicas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplicaSelection {
    /// All replicas of a type: `web`.
    Type(ProcessType),
    /// One: `web.2`.
    Replica(Replica),
}

impl ReplicaSelection {
    /// Whether the replica is meant.
    pub fn includes(&self, replica: &Replica) -> bool {
        match self {
            Self::Type(process_type) => replica.process_type() == process_type,
            Self::Replica(one) => replica == one,
        }
    }
}

impl FromStr for ReplicaSelection {
    type Err = NameError;

    fn from_str(word: &str) -> Result<Self, NameError> {
        if word.contains('.') {
            word.parse().map(Self::Replica)
        } else {
            word.parse().map(Self::Type)
        }
    }
}

impl fmt::Display for ReplicaSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(process_type) => process_type.fmt(f),
            Self::Replica(replica) => replica.fmt(f),
        }
    }
}

/// Why no scope could be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// Neither an app nor `--global`.
    #[error("no app is named")]
    Missing,
    /// The first word is no app.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// Splits the words of a command that takes `--global` in the place of an app.
pub fn split_scope(is_global: bool, words: &[String]) -> Result<(Scope, &[String]), ScopeError> {
    if is_global {
        return Ok((Scope::Global, words));
    }
    let (app, rest) = words.split_first().ok_or(ScopeError::Missing)?;
    Ok((Scope::App(app.parse()?), rest))
}
