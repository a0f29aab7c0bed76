//! Sources that tests describe: a place (a directory, an archive's file, a repository) stands for its processes and its Dockerfile.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use crate::manifest::{EnvRequests, Manifest};
use crate::names::AppName;
use crate::release::{Processes, Source};
use crate::runtime::fake::{image_archive, tar_file, tar_files};
use crate::runtime::{ByteStream, RegistryCredentials};
use crate::source::{BuildContext, PreparedSource, SourceError, SourceErrorKind, SourcePaths, SourceReader};
use crate::source_files::{DeclaredApp, ImageFiles, SourceFile};

#[derive(Debug, Clone)]
struct Directory {
    processes: Processes,
    manifest: Manifest,
    env: EnvRequests,
    dockerfile: String,
    warnings: Vec<String>,
    revision: Option<String>,
}

type Found = Result<Directory, SourceErrorKind>;

/// A source reader without files. Clones share what they know.
///
/// ```
/// use ps_core::release::Processes;
/// use ps_core::testing::FakeSource;
/// let source = FakeSource::new();
/// source.add_directory("/src/shop", Processes::ImageDefault);
/// ```
#[derive(Debug, Clone, Default)]
pub struct FakeSource {
    known: Arc<Mutex<BTreeMap<PathBuf, Found>>>,
    kept: Arc<Mutex<BTreeMap<(AppName, String), Found>>>,
    reads: Arc<Mutex<Vec<PathBuf>>>,
    silent: Arc<Mutex<BTreeSet<PathBuf>>>,
    app_jsons: Arc<Mutex<BTreeMap<String, (Manifest, EnvRequests)>>>,
    image_archives: Arc<Mutex<BTreeMap<PathBuf, Bytes>>>,
    image_reads: Arc<Mutex<Vec<Vec<SourceFile>>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FakeSource {
    /// A reader that knows no directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// A directory, archive or repository at this place with these processes, built `FROM scratch`. Replaces an earlier one.
    pub fn add_directory(&self, path: impl Into<PathBuf>, processes: Processes) {
        self.add_dockerfile(path, processes, "FROM scratch\n");
    }

    /// The same with this Dockerfile.
    pub fn add_dockerfile(&self, path: impl Into<PathBuf>, processes: Processes, dockerfile: &str) {
        let directory = Directory {
            processes,
            manifest: Manifest::default(),
            env: EnvRequests::new(),
            dockerfile: dockerfile.to_owned(),
            warnings: Vec::new(),
            revision: None,
        };
        lock(&self.known).insert(path.into(), Ok(directory));
    }

    /// Sets the revision of what is at a place.
    pub fn set_revision(&self, path: impl AsRef<Path>, revision: &str) {
        if let Some(Ok(directory)) = lock(&self.known).get_mut(path.as_ref()) {
            directory.revision = Some(revision.to_owned());
        }
    }

    /// Reading a place never ends.
    pub fn never_answer(&self, path: impl Into<PathBuf>) {
        lock(&self.silent).insert(path.into());
    }

    /// Nothing is at this place any more; copies that were kept stay.
    pub fn remove(&self, path: impl AsRef<Path>) {
        lock(&self.known).remove(path.as_ref());
    }

    /// The digests of the archives that are kept for an app.
    pub fn kept(&self, app: &AppName) -> Vec<String> {
        let kept = lock(&self.kept);
        let of_app = kept.keys().filter(|(owner, _)| owner == app);
        of_app.map(|(_, digest)| digest.clone()).collect()
    }

    fn find(&self, place: &Path) -> Found {
        let known = lock(&self.known).get(place).cloned();
        known.unwrap_or(Err(SourceErrorKind::Unreadable))
    }

    /// A place that cannot be used.
    pub fn fail_directory(&self, path: impl Into<PathBuf>, kind: SourceErrorKind) {
        lock(&self.known).insert(path.into(), Err(kind));
    }

    /// Lets a known directory say more than its processes.
    pub fn set_manifest(&self, path: impl AsRef<Path>, manifest: Manifest, env: EnvRequests) {
        if let Some(Ok(directory)) = lock(&self.known).get_mut(path.as_ref()) {
            directory.manifest = manifest;
            directory.env = env;
        }
    }

    /// An app.json in an image that has this text says this.
    pub fn add_app_json(&self, text: &str, manifest: Manifest, env: EnvRequests) {
        lock(&self.app_jsons).insert(text.to_owned(), (manifest, env));
    }

    /// An archive of images at this place, each with its names and its command; without any it is an archive of something else.
    pub fn add_image_archive(&self, file: impl Into<PathBuf>, images: &[(&[&str], &str)]) {
        lock(&self.image_archives).insert(file.into(), image_archive(images));
    }

    /// The files that were found in each image that was read.
    pub fn image_reads(&self) -> Vec<Vec<SourceFile>> {
        lock(&self.image_reads).clone()
    }

    /// Lets reading a known directory warn.
    pub fn warn(&self, path: impl AsRef<Path>, line: &str) {
        if let Some(Ok(directory)) = lock(&self.known).get_mut(path.as_ref()) {
            directory.warnings.push(line.to_owned());
        }
    }

    /// The places that were read, in order.
    pub fn reads(&self) -> Vec<PathBuf> {
        lock(&self.reads).clone()
    }
}

fn error(kind: SourceErrorKind, message: String) -> SourceError {
    SourceError {
        kind,
        message,
        hint: None,
        source: None,
    }
}

#[derive(Debug)]
struct FakeContext {
    archive: Bytes,
}

impl BuildContext for FakeContext {
    fn dockerfile(&self) -> String {
        "Dockerfile".to_owned()
    }

    fn open(&self) -> ByteStream {
        stream::iter([Ok(self.archive.clone())]).boxed()
    }
}

#[async_trait]
impl SourceReader for FakeSource {
    /// The digest is made of the place's name and its revision. An unknown place cannot be kept.
    async fn keep(&self, app: &AppName, source: &Source) -> Result<Source, SourceError> {
        let Source::Archive { file, digest: None } = source else {
            return Ok(source.clone());
        };
        let found = self.find(file);
        if let Err(kind @ SourceErrorKind::Unreadable) = found {
            return Err(error(kind, format!("cannot read {}", file.display())));
        }
        let revision = found.as_ref().ok().and_then(|found| found.revision.clone());
        let digest = format!("{}@{}", file.display(), revision.unwrap_or_default());
        lock(&self.kept).insert((app.clone(), digest.clone()), found);
        Ok(Source::Archive {
            file: file.clone(),
            digest: Some(digest),
        })
    }

    async fn read(&self, app: &AppName, source: &Source, _paths: &SourcePaths) -> Result<PreparedSource, SourceError> {
        let (place, found) = match source {
            Source::Directory(path)
            | Source::Archive {
                file: path,
                digest: None,
            } => (path.clone(), self.find(path)),
            Source::Archive {
                file,
                digest: Some(digest),
            } => {
                let kept = lock(&self.kept).get(&(app.clone(), digest.clone())).cloned();
                (file.clone(), kept.unwrap_or(Err(SourceErrorKind::Unreadable)))
            }
            Source::Git { repository, .. } => {
                let place = PathBuf::from(repository.to_string());
                (place.clone(), self.find(&place))
            }
            Source::Image(image) => (PathBuf::from(image), Err(SourceErrorKind::Refused)),
            Source::ImageArchive { file, .. } => (file.clone(), Err(SourceErrorKind::Refused)),
        };
        let found = found.map_err(|kind| error(kind, format!("cannot use {}", place.display())))?;
        let is_silent = lock(&self.silent).contains(&place);
        lock(&self.reads).push(place);
        if is_silent {
            std::future::pending::<()>().await;
        }
        let archive = tar_file("Dockerfile", found.dockerfile.as_bytes());
        Ok(PreparedSource {
            context: Box::new(FakeContext { archive }),
            processes: found.processes,
            manifest: found.manifest,
            env: found.env,
            warnings: found.warnings,
            revision: found.revision,
        })
    }

    async fn forget(&self, app: &AppName, needed: &[&Source]) -> Result<(), SourceError> {
        let is_needed = |digest: &String| {
            let has =
                |source: &&Source| matches!(source, Source::Archive { digest: Some(other), .. } if other == digest);
            needed.iter().any(has)
        };
        lock(&self.kept).retain(|(owner, digest), _| owner != app || is_needed(digest));
        Ok(())
    }

    async fn keep_for(&self, app: &AppName, other: &AppName) -> Result<(), SourceError> {
        let mut kept = lock(&self.kept);
        let of_other: Vec<_> = kept.iter().filter(|((owner, _), _)| owner == other).collect();
        let copies: Vec<_> = of_other
            .into_iter()
            .map(|((_, digest), found)| ((app.clone(), digest.clone()), found.clone()))
            .collect();
        kept.extend(copies);
        Ok(())
    }

    async fn open_image_archive(&self, file: &Path) -> Result<ByteStream, SourceError> {
        let archive = lock(&self.image_archives).get(file).cloned();
        let missing = || error(SourceErrorKind::Unreadable, format!("cannot read {}", file.display()));
        Ok(stream::iter([Ok(archive.ok_or_else(missing)?)]).boxed())
    }

    /// Of a Procfile lines of the form `<type>: <command>`, of an app.json a text of [`FakeSource::add_app_json`]; anything else in
    /// them is an error. Other files say nothing.
    fn read_image_files(&self, files: &ImageFiles, paths: &SourcePaths) -> Result<DeclaredApp, SourceError> {
        lock(&self.image_reads).push(files.keys().copied().collect());
        let mut declared = DeclaredApp::default();
        if let Some(archive) = files.get(&SourceFile::Procfile) {
            declared.processes = fake_procfile(archive, paths.of(SourceFile::Procfile))?;
        }
        if let Some(archive) = files.get(&SourceFile::AppJson) {
            let known = lock(&self.app_jsons).get(&text_of(archive)).cloned();
            (declared.manifest, declared.env) = known.ok_or_else(|| invalid(paths.of(SourceFile::AppJson)))?;
        }
        Ok(declared)
    }

    async fn registry_credentials(&self, _image: &str) -> Result<Option<RegistryCredentials>, SourceError> {
        Ok(None)
    }
}

fn invalid(path: &str) -> SourceError {
    error(SourceErrorKind::InvalidFile, format!("{path} is not valid"))
}

/// The content of the one file in an archive.
fn text_of(archive: &Bytes) -> String {
    let content = tar_files(archive).into_values().next().unwrap_or_default();
    String::from_utf8_lossy(&content).into_owned()
}

fn fake_procfile(archive: &Bytes, path: &str) -> Result<Processes, SourceError> {
    let mut processes = BTreeMap::new();
    for line in text_of(archive).lines().filter(|line| !line.trim().is_empty()) {
        let (name, command) = line.split_once(':').ok_or_else(|| invalid(path))?;
        let name = name.parse().map_err(|_| invalid(path))?;
        processes.insert(name, command.trim().to_owned());
    }
    Ok(Processes::Procfile(processes))
}
