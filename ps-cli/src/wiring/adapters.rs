//! The only file that names concrete adapters.

use std::fmt::Debug;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ps_core::host::{Clock, Host};
use ps_core::operations::Mode;
use ps_core::probe::HttpProber;
use ps_core::runtime::{Engine, EngineAddress, RuntimeError, RuntimeErrorKind};
use ps_core::source::SourceReader;
use ps_core::store::Store;
use ps_host_linux::LinuxHost;
use ps_probe_hyper::HyperProber;
use ps_runtime_docker::DockerRuntime;
use ps_runtime_podman::{PodmanRuntime, PrivateService, PrivateServiceSpec, Probe};
use ps_source::FileSourceReader;
use ps_store_sqlite::SqliteStore;

use crate::command_error::CommandError;
use crate::environment::Environment;

/// How long an address may take to say which engine it is.
const PROBE_LIMIT: Duration = Duration::from_secs(3);

/// How long a service that psctl started stays without work.
const SERVICE_IDLE: Duration = Duration::from_secs(300);

/// How long it may take until it answers.
const SERVICE_START_LIMIT: Duration = Duration::from_secs(15);

/// A kind of engine that psctl has a backend for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// Docker.
    Docker,
    /// Podman.
    Podman,
}

impl EngineKind {
    /// As in [`ps_core::runtime::EngineIdentity::kind`].
    pub const fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }
}

/// What is behind the ports of the core. Tests bring their own.
#[async_trait]
pub trait Adapters: Debug + Send + Sync {
    /// Opens the store, making what is missing.
    fn open_store(&self, directory: &Path) -> Result<Arc<dyn Store>, CommandError>;

    /// Opens the store to read it; `None` when there is none.
    fn open_existing_store(&self, directory: &Path) -> Result<Option<Arc<dyn Store>>, CommandError>;

    /// Asks an address which engine is there.
    async fn probe(&self, address: &EngineAddress) -> Result<EngineKind, RuntimeError>;

    /// Connects to an engine of a known kind.
    async fn connect(&self, kind: EngineKind, address: &EngineAddress) -> Result<Arc<dyn Engine>, RuntimeError>;

    /// Starts the service of a `podman` program that has none, on a private socket; `None` when there is no such program.
    async fn start_podman_service(&self, environment: &Environment) -> Result<Option<EngineAddress>, RuntimeError>;

    /// Reads sources.
    fn source_reader(&self, state_directory: &Path, mode: Mode) -> Arc<dyn SourceReader>;

    /// The clock.
    fn clock(&self) -> Arc<dyn Clock>;

    /// The machine.
    fn host(&self) -> Arc<dyn Host>;

    /// Asks containers over HTTP.
    fn prober(&self) -> Arc<dyn HttpProber>;
}

/// The adapters of the `psctl` binary.
#[derive(Debug, Default)]
pub struct RealAdapters {
    host: Arc<LinuxHost>,
}

#[async_trait]
impl Adapters for RealAdapters {
    fn open_store(&self, directory: &Path) -> Result<Arc<dyn Store>, CommandError> {
        Ok(Arc::new(SqliteStore::open(directory)?))
    }

    fn open_existing_store(&self, directory: &Path) -> Result<Option<Arc<dyn Store>>, CommandError> {
        let store = SqliteStore::open_existing(directory)?;
        Ok(store.map(|store| Arc::new(store) as Arc<dyn Store>))
    }

    async fn probe(&self, address: &EngineAddress) -> Result<EngineKind, RuntimeError> {
        Ok(match ps_runtime_podman::probe(address, PROBE_LIMIT).await? {
            Probe::Podman { .. } => EngineKind::Podman,
            Probe::Docker { .. } => EngineKind::Docker,
        })
    }

    async fn connect(&self, kind: EngineKind, address: &EngineAddress) -> Result<Arc<dyn Engine>, RuntimeError> {
        Ok(match kind {
            EngineKind::Docker => {
                Arc::new(DockerRuntime::connect(address, ps_runtime_docker::CallLimits::default()).await?)
            }
            EngineKind::Podman => {
                Arc::new(PodmanRuntime::connect(address, ps_runtime_podman::CallLimits::default()).await?)
            }
        })
    }

    async fn start_podman_service(&self, environment: &Environment) -> Result<Option<EngineAddress>, RuntimeError> {
        let Some(program) = find_program(environment, "podman") else {
            return Ok(None);
        };
        let directory = private_directory(environment).map_err(|error| {
            let kind = RuntimeErrorKind::Unsupported;
            RuntimeError::new(kind, "podman", "make a place for the socket of", "its API service").because(error)
        })?;
        let socket = directory.join("podman.sock");
        let address = EngineAddress::Unix(socket.clone());
        // An earlier command may have left one running.
        if ps_runtime_podman::probe(&address, PROBE_LIMIT).await.is_ok() {
            return Ok(Some(address));
        }
        let spec = PrivateServiceSpec {
            program,
            socket,
            idle: SERVICE_IDLE,
            log: None,
            start_limit: SERVICE_START_LIMIT,
        };
        PrivateService::start(spec)
            .await
            .map(|service| Some(service.address().clone()))
    }

    fn source_reader(&self, state_directory: &Path, mode: Mode) -> Arc<dyn SourceReader> {
        let reader = FileSourceReader::new(ps_source::Environment::read(|name| std::env::var_os(name)));
        Arc::new(match mode {
            Mode::Execute => reader.keeping_in(state_directory),
            Mode::DryRun => reader.looking_in(state_directory),
        })
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.host.clone()
    }

    fn host(&self) -> Arc<dyn Host> {
        self.host.clone()
    }

    fn prober(&self) -> Arc<dyn HttpProber> {
        Arc::new(HyperProber)
    }
}

fn find_program(environment: &Environment, name: &str) -> Option<PathBuf> {
    let path = environment.variables.get("PATH")?;
    let is_executable = |file: &PathBuf| {
        file.metadata()
            .is_ok_and(|meta| meta.is_file() && meta.mode() & 0o111 != 0)
    };
    std::env::split_paths(path)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(is_executable)
}

/// A directory for sockets that only the user can enter; one that belongs to someone else is refused.
fn private_directory(environment: &Environment) -> std::io::Result<PathBuf> {
    let user = PathBuf::from(format!("/run/user/{}", environment.user_id));
    let parent = match environment.path("XDG_RUNTIME_DIR") {
        Some(directory) => directory,
        None if environment.is_root() => PathBuf::from("/run"),
        None => user,
    };
    let directory = parent.join("psctl");
    match std::fs::DirBuilder::new().mode(0o700).create(&directory) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let meta = directory.symlink_metadata()?;
    if !meta.is_dir() || meta.uid() != environment.user_id {
        return Err(std::io::Error::other(format!(
            "{} belongs to someone else",
            directory.display()
        )));
    }
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o700))?;
    Ok(directory)
}
