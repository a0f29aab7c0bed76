//! The port that turns a source into what the core needs, so that the core knows no file formats.

use std::error::Error;
use std::fmt::{self, Debug};

use async_trait::async_trait;
use bytes::Bytes;

use crate::release::Processes;
use crate::runtime::{ByteStream, RegistryCredentials};

/// Where files lie in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePaths {
    /// The Procfile, relative to the source's root.
    pub procfile: String,
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
    /// Things worth saying that stop nothing: sentences, and whole diagnostics of several lines.
    pub warnings: Vec<String>,
}

/// A Procfile that was read and found valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadProcfile {
    /// The commands.
    pub processes: Processes,
    /// What is accepted but probably not meant: whole diagnostics, several lines each.
    pub warnings: Vec<String>,
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

/// Reads sources.
#[async_trait]
pub trait SourceReader: Debug + Send + Sync {
    /// Reads and validates a directory without building.
    async fn read_directory(
        &self,
        directory: &std::path::Path,
        paths: &SourcePaths,
    ) -> Result<PreparedSource, SourceError>;

    /// Reads a Procfile that was taken out of an image, as the engine's tar archive of that one file.
    fn read_procfile_archive(&self, archive: &Bytes, path: &str) -> Result<ReadProcfile, SourceError>;

    /// The credentials for an image's registry from the user's usual files; `None` when there are none.
    async fn registry_credentials(&self, image: &str) -> Result<Option<RegistryCredentials>, SourceError>;
}
