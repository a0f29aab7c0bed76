//! The only file that names concrete adapters.

use std::fmt::Debug;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ps_core::host::{Clock, Host};
use ps_core::names::OwnerToken;
use ps_core::operations::Mode;
use ps_core::policies::{Properties, Property};
use ps_core::probe::HttpProber;
use ps_core::proxy::{NoProxy, Proxy};
use ps_core::runtime::{Engine, EngineAddress, RuntimeError, RuntimeErrorKind};
use ps_core::source::SourceReader;
use ps_core::store::Store;
use ps_host_linux::LinuxHost;
use ps_probe_hyper::HyperProber;
use ps_proxy_nginx::{NginxConfig, NginxProxy};
use ps_runtime_docker::DockerRuntime;
use ps_runtime_podman::{PodmanRuntime, PrivateService, PrivateServiceSpec, Probe};
use ps_source::FileSourceReader;
use ps_store_sqlite::SqliteStore;

use super::systemd::{LocalSystemd, Systemd};
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
    /// The kind with this name.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Docker, Self::Podman]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

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

    /// What is damaged in a store that is there, a line each; nothing is made or changed.
    fn damage_of_state(&self, _directory: &Path) -> Result<Vec<String>, CommandError> {
        Ok(Vec::new())
    }

    /// Asks an address which engine is there.
    async fn probe(&self, address: &EngineAddress) -> Result<EngineKind, RuntimeError>;

    /// Connects to an engine of a known kind. What is slow to ask may be kept in the folder for a few minutes.
    async fn connect(
        &self,
        kind: EngineKind,
        address: &EngineAddress,
        notes: Option<&Path>,
    ) -> Result<Arc<dyn Engine>, RuntimeError>;

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

    /// Sends requests to containers.
    fn proxy(&self, place: &ProxyPlace<'_>) -> Arc<dyn Proxy>;

    /// What runs services on this machine.
    fn systemd(&self) -> Arc<dyn Systemd> {
        Arc::new(LocalSystemd)
    }
}

/// Where a proxy belongs, and what is set for it.
#[derive(Debug, Clone, Copy)]
pub struct ProxyPlace<'a> {
    /// The state directory.
    pub state_directory: &'a Path,
    /// Its owner token.
    pub owner: &'a OwnerToken,
    /// Variables and user.
    pub environment: &'a Environment,
    /// The global properties.
    pub properties: &'a Properties,
}

/// The adapters of the `psctl` binary.
#[derive(Debug, Default)]
pub struct RealAdapters {
    host: Arc<LinuxHost>,
    systemd: Option<Arc<dyn Systemd>>,
}

impl RealAdapters {
    /// With another systemd.
    #[must_use]
    pub fn with_systemd(mut self, systemd: Arc<dyn Systemd>) -> Self {
        self.systemd = Some(systemd);
        self
    }
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

    fn damage_of_state(&self, directory: &Path) -> Result<Vec<String>, CommandError> {
        Ok(SqliteStore::damage(directory)?)
    }

    async fn probe(&self, address: &EngineAddress) -> Result<EngineKind, RuntimeError> {
        Ok(match ps_runtime_podman::probe(address, PROBE_LIMIT).await? {
            Probe::Podman { .. } => EngineKind::Podman,
            Probe::Docker { .. } => EngineKind::Docker,
        })
    }

    async fn connect(
        &self,
        kind: EngineKind,
        address: &EngineAddress,
        notes: Option<&Path>,
    ) -> Result<Arc<dyn Engine>, RuntimeError> {
        Ok(match kind {
            EngineKind::Docker => {
                Arc::new(DockerRuntime::connect(address, ps_runtime_docker::CallLimits::default()).await?)
            }
            EngineKind::Podman => {
                let limits = ps_runtime_podman::CallLimits::default();
                let file = notes.map(|notes| notes.join("podman-info.json"));
                Arc::new(PodmanRuntime::connect_remembering(address, limits, file.as_deref()).await?)
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

    fn proxy(&self, place: &ProxyPlace<'_>) -> Arc<dyn Proxy> {
        let program = place.environment.variables.get("PSCTL_NGINX");
        if program.is_some_and(|program| program.is_empty()) {
            return Arc::new(NoProxy);
        }
        let mut config = nginx_config(place);
        config.program = program.map(PathBuf::from);
        Arc::new(NginxProxy::new(config))
    }

    fn systemd(&self) -> Arc<dyn Systemd> {
        self.systemd.clone().unwrap_or_else(|| Arc::new(LocalSystemd))
    }
}

/// root uses the system's nginx and anybody else one of their own, where nothing else is set.
fn nginx_config(place: &ProxyPlace<'_>) -> NginxConfig {
    let value = |property| place.properties.get(&property).map(String::as_str);
    let is_own = match value(Property::NginxMode) {
        Some(mode) => mode == "own",
        None => !place.environment.is_root(),
    };
    let (state_directory, owner) = (place.state_directory.to_owned(), place.owner.clone());
    let mut config = if is_own {
        NginxConfig::own(state_directory, owner)
    } else {
        NginxConfig::system(state_directory, owner)
    };
    if let Some(port) = value(Property::HttpPort).and_then(|port| port.parse().ok()) {
        config.http_port = port;
    }
    if let Some(directory) = value(Property::IncludeDirectory) {
        config.include_directory = PathBuf::from(directory);
    }
    if let Some(command) = value(Property::ReloadCommand) {
        config.reload_command = Some(command.split_whitespace().map(str::to_owned).collect());
    }
    config
}

/// A program of that name on the user's path.
pub(super) fn find_program(environment: &Environment, name: &str) -> Option<PathBuf> {
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
