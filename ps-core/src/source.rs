//! The port that turns a source into what the core needs, so that the core knows no file formats.

use std::error::Error;
use std::fmt::{self, Debug};
use std::path::Path;

use async_trait::async_trait;

use crate::manifest::{EnvRequests, Manifest};
use crate::names::AppName;
use crate::release::{Processes, Source};
use crate::runtime::{ByteStream, RegistryCredentials};
use crate::source_files::{DeclaredApp, ImageFiles};

/// Where files lie in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePaths {
    /// The Procfile, relative to the source's root.
    pub procfile: String,
    /// The app.json, relative to the source's root.
    pub app_json: String,
}

/// A build context that can be opened as often as needed.
pub trait BuildContext: Debug + Send + Sync {
    /// Path of the Dockerfile inside the context.
    fn dockerfile(&self) -> String;

    /// The context as a tar stream.
    fn open(&self) -> ByteStream;
}

/// A source that was read and found valid, before anything is built.
#[derive(Debug)]
pub struct PreparedSource {
    /// What to build.
    pub context: Box<dyn BuildContext>,
    /// The commands.
    pub processes: Processes,
    /// What else the source says.
    pub manifest: Manifest,
    /// The variables it asks for.
    pub env: EnvRequests,
    /// Things worth saying that stop nothing: sentences, and whole diagnostics of several lines.
    pub warnings: Vec<String>,
    /// Which state of the source this is: the commit of a git repository, the SHA-256 of an archive, or of what a directory
    /// sends. Equal revisions of one source build the same.
    pub revision: Option<String>,
}

/// What kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceErrorKind {
    /// The directory or file is not there, or cannot be read.
    Unreadable,
    /// There is nothing to build: no Dockerfile.
    NoDockerfile,
    /// A Procfile, app.json, CHECKS or `DOKKU_SCALE` is invalid.
    InvalidFile,
    /// Something in the source is refused: a link that leads outside, a device.
    Refused,
}

/// A source that cannot be used. Nothing was changed.
#[derive(Debug)]
pub struct SourceError {
    /// What kind of failure.
    pub kind: SourceErrorKind,
    /// This layer's message; for `InvalidFile` the whole diagnostic, several lines.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The next layer.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for SourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Reads sources, and keeps what is needed to read them again. What is kept is kept for an app; the caller holds the app's
/// lock whenever something is kept or forgotten.
#[async_trait]
pub trait SourceReader: Debug + Send + Sync {
    /// Makes a source one that can be read again: of an archive without a digest a copy is kept, and the digest set.
    /// Every other source is returned as it is.
    async fn keep(&self, app: &AppName, source: &Source) -> Result<Source, SourceError>;

    /// Reads and validates a source without building. Of a git repository the newest commit of the reference is fetched.
    /// What was read stays as it is until the answer is dropped. An image is not read: that is refused.
    async fn read(&self, app: &AppName, source: &Source, paths: &SourcePaths) -> Result<PreparedSource, SourceError>;

    /// Removes what is kept for an app, but for what these sources need.
    async fn forget(&self, app: &AppName, needed: &[&Source]) -> Result<(), SourceError>;

    /// Keeps for an app what is kept for another one too, which is about to take its name.
    async fn keep_for(&self, app: &AppName, other: &AppName) -> Result<(), SourceError>;

    /// Opens an archive of images, which is neither kept nor looked into. What cannot be read later comes through the stream.
    async fn open_image_archive(&self, file: &Path) -> Result<ByteStream, SourceError>;

    /// Reads and validates the files that were taken out of an image's working directory.
    fn read_image_files(&self, files: &ImageFiles, paths: &SourcePaths) -> Result<DeclaredApp, SourceError>;

    /// The credentials for an image's registry from the user's usual files; `None` when there are none.
    async fn registry_credentials(&self, image: &str) -> Result<Option<RegistryCredentials>, SourceError>;
}
