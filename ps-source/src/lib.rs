//! Reads sources for the core: directories, archives and git repositories with their Dockerfile, Procfile and app.json, the same
//! files out of an image, and the credentials for a registry. Invariant: nothing outside the given source is read through it,
//! nothing in it is run, and every input is bounded. Start reading at [`FileSourceReader`].

mod build_context;
mod commands;
mod context_digest;
mod context_tar;
mod context_walk;
mod credential_helper;
mod dockerignore;
mod environment;
mod git;
mod glob_pattern;
mod image_archive;
mod image_files;
mod kept;
mod manifest_values;
mod program_search;
mod refusal;
mod registry_accounts;
mod registry_name;
mod source_files;
mod source_root;
mod unpack;

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use ps_core::names::AppName;
use ps_core::release::Source;
use ps_core::repository::{GitReference, Repository};
use ps_core::runtime::{ByteStream, RegistryCredentials};
use ps_core::source::{PreparedSource, SourceError, SourcePaths, SourceReader};
use ps_core::source_files::{DeclaredApp, ImageFiles};

use crate::build_context::DirectoryContext;
use crate::kept::{Keeping, copy_hashed, open_archive};
use crate::source_root::SourceRoot;
use crate::unpack::{TreeLimits, unpack};

pub use dockerignore::{DockerIgnore, DockerIgnoreError};
pub use environment::Environment;

/// Reads directories, archives, git repositories and the user's registry files.
///
/// ```
/// use ps_source::{Environment, FileSourceReader};
///
/// let environment = Environment::read(|name| std::env::var_os(name));
/// let reader = FileSourceReader::new(environment).keeping_in("/var/lib/psctl");
/// ```
#[derive(Debug, Clone)]
pub struct FileSourceReader {
    environment: Environment,
    keeping: Keeping,
}

impl FileSourceReader {
    /// A reader that finds the user's registry files and programs through this environment, and keeps nothing: an archive is
    /// read where it is, a repository fetched anew each time.
    #[must_use]
    pub const fn new(environment: Environment) -> Self {
        Self {
            environment,
            keeping: Keeping::Nowhere,
        }
    }

    /// Keeps archives and caches of repositories in the directory `sources` of a state directory.
    #[must_use]
    pub fn keeping_in(mut self, state_directory: impl Into<PathBuf>) -> Self {
        self.keeping = Keeping::Writing(state_directory.into());
        self
    }

    /// Reads what is kept there, and changes nothing, as a dry run wants it.
    #[must_use]
    pub fn looking_in(mut self, state_directory: impl Into<PathBuf>) -> Self {
        self.keeping = Keeping::Reading(state_directory.into());
        self
    }

    async fn read_git(
        &self,
        app: &AppName,
        wanted: (&Repository, Option<&GitReference>),
        shown: String,
        paths: SourcePaths,
    ) -> Result<PreparedSource, SourceError> {
        let scratch = self.keeping.scratch(app)?;
        let cache = self.keeping.cache_of(app, wanted.0, scratch.path())?;
        let read = git::read_repository(&self.environment, wanted, &cache, scratch.path()).await?;
        blocking(move || {
            let root = SourceRoot::open(&read.tree)?.shown_as(shown);
            let (context, found) = look_into(root, &paths)?;
            Ok(PreparedSource {
                context: Box::new(context.modified_at(read.time).holding(scratch)),
                processes: found.processes,
                manifest: found.manifest,
                env: found.env,
                warnings: [read.warnings, found.warnings].concat(),
                revision: Some(read.commit),
            })
        })
        .await
    }
}

#[async_trait]
impl SourceReader for FileSourceReader {
    async fn keep(&self, app: &AppName, source: &Source) -> Result<Source, SourceError> {
        let Source::Archive { file, digest: None } = source.clone() else {
            return Ok(source.clone());
        };
        let (keeping, app) = (self.keeping.clone(), app.clone());
        blocking(move || {
            let digest = keeping.keep_archive(&app, &file)?;
            Ok(Source::Archive { file, digest })
        })
        .await
    }

    async fn read(&self, app: &AppName, source: &Source, paths: &SourcePaths) -> Result<PreparedSource, SourceError> {
        let (keeping, paths, shown) = (self.keeping.clone(), paths.clone(), source.to_string());
        match source {
            Source::Directory(directory) => {
                let directory = directory.clone();
                blocking(move || read_directory(&directory, &paths)).await
            }
            Source::Archive { file, digest } => {
                let (app, file, digest) = (app.clone(), file.clone(), digest.clone());
                blocking(move || {
                    let archive = (file.as_path(), digest);
                    read_archive(&keeping, &app, archive, shown, &paths)
                })
                .await
            }
            Source::Git { repository, reference } => {
                let wanted = (repository, reference.as_ref());
                self.read_git(app, wanted, shown, paths).await
            }
            Source::Image(_) | Source::ImageArchive { .. } => {
                let hint = "`psctl git:from-image <app> <image>` deploys an image";
                Err(refusal::refused(format!("{shown} has no files to build"), hint))
            }
        }
    }

    async fn forget(&self, app: &AppName, needed: &[&Source]) -> Result<(), SourceError> {
        let (keeping, app) = (self.keeping.clone(), app.clone());
        let needed: Vec<Source> = needed.iter().copied().cloned().collect();
        blocking(move || keeping.forget(&app, &needed)).await
    }

    async fn keep_for(&self, app: &AppName, other: &AppName) -> Result<(), SourceError> {
        let (keeping, app, other) = (self.keeping.clone(), app.clone(), other.clone());
        blocking(move || keeping.share(&app, &other)).await
    }

    async fn open_image_archive(&self, file: &Path) -> Result<ByteStream, SourceError> {
        let file = file.to_owned();
        let opened = blocking(move || open_archive(&file)).await?;
        Ok(image_archive::stream_of(opened))
    }

    fn read_image_files(&self, files: &ImageFiles, paths: &SourcePaths) -> Result<DeclaredApp, SourceError> {
        image_files::declared_by_image(files, paths)
    }

    async fn registry_credentials(&self, image: &str) -> Result<Option<RegistryCredentials>, SourceError> {
        registry_accounts::find_credentials(&self.environment, image).await
    }
}

/// Work on files, away from the threads that wait for engines.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    let working = tokio::task::spawn_blocking(work);
    working
        .await
        .map_err(|stopped| refusal::unreadable("reading the source was cut short", stopped))?
}

fn read_directory(directory: &Path, paths: &SourcePaths) -> Result<PreparedSource, SourceError> {
    let (context, found) = look_into(SourceRoot::open(directory)?, paths)?;
    let revision = Some(context.digest()?);
    Ok(PreparedSource {
        context: Box::new(context),
        processes: found.processes,
        manifest: found.manifest,
        env: found.env,
        warnings: found.warnings,
        revision,
    })
}

/// Unpacks the kept copy of an archive, or where there is none a copy made now, so that it cannot change meanwhile.
fn read_archive(
    keeping: &Keeping,
    app: &AppName,
    (file, digest): (&Path, Option<String>),
    shown: String,
    paths: &SourcePaths,
) -> Result<PreparedSource, SourceError> {
    let scratch = keeping.scratch(app)?;
    let failed = |cause| refusal::unreadable("cannot make a directory for the source", cause);
    let (opened, revision) = if let Some(digest) = digest {
        (open_archive(&keeping.archive_of(app, &digest)?)?, digest)
    } else {
        let copy = scratch.path().join("archive");
        let mut options = OpenOptions::new();
        let mut target = options.write(true).create_new(true).open(&copy).map_err(failed)?;
        let digest = copy_hashed(open_archive(file)?, &mut target, file)?;
        (open_archive(&copy)?, digest)
    };
    let tree = scratch.path().join("tree");
    fs::create_dir(&tree).map_err(failed)?;
    let root = unpack(opened, &tree, TreeLimits::USUAL)?;
    let (context, found) = look_into(SourceRoot::open(&root)?.shown_as(shown), paths)?;
    Ok(PreparedSource {
        context: Box::new(context.holding(scratch)),
        processes: found.processes,
        manifest: found.manifest,
        env: found.env,
        warnings: found.warnings,
        revision: Some(revision),
    })
}

fn look_into(root: SourceRoot, paths: &SourcePaths) -> Result<(DirectoryContext, DeclaredApp), SourceError> {
    let declared = source_files::declared_app(paths, |file| root.read_file(paths.of(file)))?;
    Ok((DirectoryContext::check(root)?, declared))
}
