//! Sources that tests describe: a directory's name stands for its processes and its Dockerfile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use crate::release::Processes;
use crate::runtime::fake::{tar_file, tar_files};
use crate::runtime::{ByteStream, RegistryCredentials};
use crate::source::{
    BuildContext, PreparedSource, ReadProcfile, SourceError, SourceErrorKind, SourcePaths, SourceReader,
};

#[derive(Debug, Clone)]
struct Directory {
    processes: Processes,
    dockerfile: String,
    warnings: Vec<String>,
}

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
    known: Arc<Mutex<BTreeMap<PathBuf, Result<Directory, SourceErrorKind>>>>,
    reads: Arc<Mutex<Vec<PathBuf>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FakeSource {
    /// A reader that knows no directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// A directory with these processes, built `FROM scratch`. Replaces an earlier one.
    pub fn add_directory(&self, path: impl Into<PathBuf>, processes: Processes) {
        self.add_dockerfile(path, processes, "FROM scratch\n");
    }

    /// A directory with these processes and this Dockerfile.
    pub fn add_dockerfile(&self, path: impl Into<PathBuf>, processes: Processes, dockerfile: &str) {
        let directory = Directory {
            processes,
            dockerfile: dockerfile.to_owned(),
            warnings: Vec::new(),
        };
        lock(&self.known).insert(path.into(), Ok(directory));
    }

    /// A directory that cannot be used.
    pub fn fail_directory(&self, path: impl Into<PathBuf>, kind: SourceErrorKind) {
        lock(&self.known).insert(path.into(), Err(kind));
    }

    /// Lets reading a known directory warn.
    pub fn warn(&self, path: impl AsRef<Path>, line: &str) {
        if let Some(Ok(directory)) = lock(&self.known).get_mut(path.as_ref()) {
            directory.warnings.push(line.to_owned());
        }
    }

    /// The directories that were read, in order.
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
    async fn read_directory(&self, directory: &Path, _paths: &SourcePaths) -> Result<PreparedSource, SourceError> {
        lock(&self.reads).push(directory.to_owned());
        let known = lock(&self.known).get(directory).cloned();
        let found = known.unwrap_or(Err(SourceErrorKind::Unreadable));
        let found = found.map_err(|kind| error(kind, format!("cannot use {}", directory.display())))?;
        let archive = tar_file("Dockerfile", found.dockerfile.as_bytes());
        Ok(PreparedSource {
            context: Box::new(FakeContext { archive }),
            processes: found.processes,
            warnings: found.warnings,
        })
    }

    /// Lines of the form `<type>: <command>`; anything else is an error.
    fn read_procfile_archive(&self, archive: &Bytes, path: &str) -> Result<ReadProcfile, SourceError> {
        let invalid = || error(SourceErrorKind::InvalidFile, format!("{path} is not valid"));
        let content = tar_files(archive).into_values().next().ok_or_else(invalid)?;
        let text = String::from_utf8_lossy(&content);
        let mut processes = BTreeMap::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (name, command) = line.split_once(':').ok_or_else(invalid)?;
            let name = name.parse().map_err(|_| invalid())?;
            processes.insert(name, command.trim().to_owned());
        }
        Ok(ReadProcfile {
            processes: Processes::Procfile(processes),
            warnings: Vec::new(),
        })
    }

    async fn registry_credentials(&self, _image: &str) -> Result<Option<RegistryCredentials>, SourceError> {
        Ok(None)
    }
}
