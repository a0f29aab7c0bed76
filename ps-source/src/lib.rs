//! Reads sources for the core: a directory with its Dockerfile and Procfile, a Procfile out of an image, and the credentials for
//! a registry. Invariant: nothing outside the given directory is read through it, and every input is bounded. Start reading
//! at [`FileSourceReader`].

mod build_context;
mod commands;
mod context_tar;
mod context_walk;
mod credential_helper;
mod dockerignore;
mod environment;
mod glob_pattern;
mod refusal;
mod registry_accounts;
mod registry_name;
mod source_root;

use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use ps_core::release::Processes;
use ps_core::runtime::RegistryCredentials;
use ps_core::source::{PreparedSource, ReadProcfile, SourceError, SourcePaths, SourceReader};

use crate::build_context::DirectoryContext;
use crate::source_root::SourceRoot;

pub use dockerignore::{DockerIgnore, DockerIgnoreError};
pub use environment::Environment;

/// Name of the Procfile where nothing else is set.
const DEFAULT_PROCFILE: &str = "Procfile";

/// Reads directories and the user's registry files.
///
/// ```
/// use ps_source::{Environment, FileSourceReader};
///
/// let reader = FileSourceReader::new(Environment::read(|name| std::env::var_os(name)));
/// ```
#[derive(Debug, Clone)]
pub struct FileSourceReader {
    environment: Environment,
}

impl FileSourceReader {
    /// A reader that finds the user's registry files through this environment.
    #[must_use]
    pub const fn new(environment: Environment) -> Self {
        Self { environment }
    }
}

#[async_trait]
impl SourceReader for FileSourceReader {
    async fn read_directory(&self, directory: &Path, paths: &SourcePaths) -> Result<PreparedSource, SourceError> {
        let (directory, paths) = (directory.to_owned(), paths.clone());
        let reading = tokio::task::spawn_blocking(move || prepare(&directory, &paths));
        reading
            .await
            .map_err(|stopped| refusal::unreadable("reading the source was cut short", stopped))?
    }

    fn read_procfile_archive(&self, archive: &Bytes, path: &str) -> Result<ReadProcfile, SourceError> {
        commands::read_procfile_archive(archive, path)
    }

    async fn registry_credentials(&self, image: &str) -> Result<Option<RegistryCredentials>, SourceError> {
        registry_accounts::find_credentials(&self.environment, image).await
    }
}

fn prepare(directory: &Path, paths: &SourcePaths) -> Result<PreparedSource, SourceError> {
    let root = SourceRoot::open(directory)?;
    let procfile = root.read_file(&paths.procfile)?;
    let mut warnings = Vec::new();
    if procfile.is_none() && paths.procfile != DEFAULT_PROCFILE {
        warnings.push(format!(
            "there is no `{}` in the source, so the app has no Procfile; a `{DEFAULT_PROCFILE}` is not looked at either",
            paths.procfile
        ));
    }
    let processes = match procfile {
        Some(bytes) => {
            let procfile = commands::read_procfile(&bytes, &paths.procfile)?;
            warnings.extend(procfile.warnings);
            procfile.processes
        }
        None => Processes::ImageDefault,
    };
    let context = DirectoryContext::check(root)?;
    Ok(PreparedSource {
        context: Box::new(context),
        processes,
        warnings,
    })
}
