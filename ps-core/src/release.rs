//! A release: an image, the commands it was made with, and the config at that moment. Immutable and numbered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::SystemTime;

use crate::config::Config;
use crate::manifest::Manifest;
use crate::names::ProcessType;
use crate::repository::{GitReference, Repository};
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

/// Why a word is no release number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no release: write v and its number, for example v3")]
pub struct ReleaseNumberError {
    /// The word as given.
    pub word: String,
}

impl FromStr for ReleaseNumber {
    type Err = ReleaseNumberError;

    /// Reads `v3`, and `3` too.
    ///
    /// ```
    /// use ps_core::release::ReleaseNumber;
    /// assert_eq!("v3".parse(), Ok(ReleaseNumber(3)));
    /// assert_eq!("3".parse(), Ok(ReleaseNumber(3)));
    /// assert!("v0".parse::<ReleaseNumber>().is_err());
    /// ```
    fn from_str(word: &str) -> Result<Self, ReleaseNumberError> {
        let digits = word.strip_prefix('v').unwrap_or(word);
        let is_number = digits.bytes().all(|b| b.is_ascii_digit());
        let number = digits.parse().ok().filter(|number| is_number && *number > 0);
        let malformed = || ReleaseNumberError { word: word.to_owned() };
        number.map(Self).ok_or_else(malformed)
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
    /// A tar or zip archive of such a directory.
    Archive {
        /// Where it was given, by its absolute path.
        file: PathBuf,
        /// SHA-256 of the copy that is kept of it, in hexadecimal digits; `None` before one is kept.
        digest: Option<String>,
    },
    /// A git repository of such a directory.
    Git {
        /// Where it is.
        repository: Repository,
        /// What is deployed of it: the newest commit of a branch or tag. `None` is the repository's own choice.
        reference: Option<GitReference>,
    },
    /// An image by name.
    Image(String),
    /// The one image in an archive that `docker save` wrote. Only the engine keeps it: what is repeated is that image.
    ImageArchive {
        /// Where the archive was given, by its absolute path.
        file: PathBuf,
        /// The image that it held; `None` before it is loaded.
        image: Option<ImageId>,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(f, "directory {}", path.display()),
            Self::Archive { file, .. } => write!(f, "archive {}", file.display()),
            Self::Git {
                repository,
                reference: None,
            } => write!(f, "git repository {repository}"),
            Self::Git {
                repository,
                reference: Some(reference),
            } => write!(f, "{reference} of git repository {repository}"),
            Self::Image(image) => write!(f, "image {image}"),
            Self::ImageArchive { file, .. } => write!(f, "image archive {}", file.display()),
        }
    }
}

/// What the containers of a release run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Processes {
    /// The Procfile's commands by type, as written.
    Procfile(BTreeMap<ProcessType, String>),
    /// There is no Procfile: the image's default command serves `web`.
    #[default]
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
    /// What else its source said.
    pub manifest: Manifest,
    /// The environment: global and app config at that moment.
    pub config: Config,
    /// Where the image came from.
    pub source: Source,
    /// Which state of the source it was: see [`crate::source::PreparedSource::revision`].
    pub revision: Option<String>,
    /// What made it, in a few words: `deploy`, `config:set`.
    pub cause: String,
    /// Who ran that command; `None` where nobody said so.
    pub by: Option<String>,
    /// When.
    pub created_at: SystemTime,
}
