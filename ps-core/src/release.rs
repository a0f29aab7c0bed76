//! A release: an image, the commands it was made with, and the config at that moment. Immutable and numbered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::config::Config;
use crate::names::ProcessType;
use crate::runtime::{ImageDetail, ImageId};

/// The number of a release, from 1; shown as `v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReleaseNumber(pub u32);

impl ReleaseNumber {
    /// The first release.
    pub const FIRST: Self = Self(1);

    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for ReleaseNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// Where an app's image comes from; recorded, so that it can be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A directory with a Dockerfile, by its absolute path.
    Directory(PathBuf),
    /// An image by name.
    Image(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(f, "directory {}", path.display()),
            Self::Image(image) => write!(f, "image {image}"),
        }
    }
}

/// What the containers of a release run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Processes {
    /// The Procfile's commands by type, as written.
    Procfile(BTreeMap<ProcessType, String>),
    /// There is no Procfile: the image's default command serves `web`.
    ImageDefault,
}

impl Processes {
    /// The types that have a command, `release` among them.
    pub fn types(&self) -> BTreeSet<ProcessType> {
        match self {
            Self::Procfile(commands) => commands.keys().cloned().collect(),
            Self::ImageDefault => BTreeSet::from([ProcessType::web()]),
        }
    }

    /// The command of a type as the Procfile has it.
    pub fn command(&self, process_type: &ProcessType) -> Option<&str> {
        match self {
            Self::Procfile(commands) => commands.get(process_type).map(String::as_str),
            Self::ImageDefault => None,
        }
    }

    /// The types of the Procfile that can be scaled, `None` when there is none: then any type may be scaled.
    pub fn known_types(&self) -> Option<BTreeSet<ProcessType>> {
        match self {
            Self::Procfile(commands) => Some(
                commands
                    .keys()
                    .filter(|process_type| !process_type.is_release())
                    .cloned()
                    .collect(),
            ),
            Self::ImageDefault => None,
        }
    }
}

/// The image of a release: pinned by id, called by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseImage {
    /// The id that containers are made from.
    pub id: ImageId,
    /// The name it had, for people.
    pub name: String,
    /// What the image says of itself.
    pub detail: ImageDetail,
}

/// One release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its number.
    pub number: ReleaseNumber,
    /// Its image.
    pub image: ReleaseImage,
    /// Its commands.
    pub processes: Processes,
    /// The environment: global and app config at that moment.
    pub config: Config,
    /// Where the image came from.
    pub source: Source,
    /// What made it, in a few words: `deploy`, `config:set`.
    pub cause: String,
    /// When.
    pub created_at: SystemTime,
}
