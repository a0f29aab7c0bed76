//! What a container is made of and what an engine tells about it. Plain data.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, SystemTime};

use super::Document;
use crate::policies::{RestartPolicy, Ulimit};

/// The engine's full id of a container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerId(pub String);

impl ContainerId {
    /// The first 11 characters, as reports show them.
    pub fn short(&self) -> &str {
        self.0.get(..11).unwrap_or(&self.0)
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The engine's id of an image, with its `sha256:` prefix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageId(pub String);

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One environment variable. Its value never appears in `Debug` output.
#[derive(Clone, PartialEq, Eq)]
pub struct EnvVar {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

impl fmt::Debug for EnvVar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…", self.name)
    }
}

/// A fixed place in a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkAttachment {
    /// The network's name.
    pub network: String,
    /// The address the container always has there; the engine's choice when `None`.
    pub address: Option<Ipv4Addr>,
}

/// A port of the container that the host answers on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublishedPort {
    /// The host's address, for example 127.0.0.1.
    pub host_address: IpAddr,
    /// The host's TCP port.
    pub host_port: u16,
    /// The container's TCP port.
    pub container_port: u16,
}

/// Whether a container has a terminal and an open standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TerminalMode {
    /// Neither.
    #[default]
    Detached,
    /// Standard input stays open until the first client leaves.
    Input,
    /// Standard input and a terminal.
    Terminal,
}

/// Everything `create_container` needs. Nothing is decided by a backend: what is not here is the engine's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSpec {
    /// The container's name.
    pub name: String,
    /// Image id or name; never pulled.
    pub image: String,
    /// Replaces the image's entrypoint when `Some`.
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the image's command when `Some`; with an entrypoint these are its arguments.
    pub command: Option<Vec<String>>,
    /// Added to the image's environment.
    pub env: Vec<EnvVar>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// What the engine does when the container ends.
    pub restart_policy: RestartPolicy,
    /// SIGTERM to SIGKILL, where the engine stops it by itself; the engine's default when `None`.
    pub stop_timeout: Option<Duration>,
    /// The one network; the engine's default network when `None`.
    pub network: Option<NetworkAttachment>,
    /// Ports published on the host.
    pub published_ports: Vec<PublishedPort>,
    /// Run under the engine's init.
    pub init: bool,
    /// Resource limits; the engine's default for those not named.
    pub ulimits: Vec<Ulimit>,
    /// Largest log file in bytes, where the log driver takes it.
    pub log_max_bytes: Option<u64>,
    /// Terminal and standard input.
    pub terminal: TerminalMode,
}

impl ContainerSpec {
    /// A detached container of an image with nothing set.
    ///
    /// ```
    /// use ps_core::runtime::ContainerSpec;
    /// let spec = ContainerSpec::new("shop.web.1", "busybox");
    /// assert_eq!(spec.command, None);
    /// ```
    pub fn new(name: impl Into<String>, image: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            image: image.into(),
            entrypoint: None,
            command: None,
            env: Vec::new(),
            labels: BTreeMap::new(),
            restart_policy: RestartPolicy::No,
            stop_timeout: None,
            network: None,
            published_ports: Vec::new(),
            init: false,
            ulimits: Vec::new(),
            log_max_bytes: None,
            terminal: TerminalMode::Detached,
        }
    }
}

/// The state an engine reports, in one vocabulary for all engines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContainerState {
    /// Made, never started (Podman's `initialized` and `configured` too).
    Created,
    /// Its process runs.
    Running,
    /// Frozen.
    Paused,
    /// Ended, and the engine is about to start it again.
    Restarting,
    /// Being stopped (Podman).
    Stopping,
    /// Ended (Podman's `stopped` too).
    Exited,
    /// Being removed.
    Removing,
    /// Could not be removed (Docker's `dead`).
    Dead,
    /// A word this version does not know.
    Other(String),
}

impl ContainerState {
    /// Whether the container's process exists.
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running)
    }

    /// Whether there may be a process that a stop has to end.
    pub fn may_have_a_process(&self) -> bool {
        !matches!(self, Self::Created | Self::Exited | Self::Dead | Self::Removing)
    }
}

impl From<&str> for ContainerState {
    fn from(word: &str) -> Self {
        match word {
            "created" | "initialized" | "configured" => Self::Created,
            "running" => Self::Running,
            "paused" => Self::Paused,
            "restarting" => Self::Restarting,
            "stopping" => Self::Stopping,
            "exited" | "stopped" => Self::Exited,
            "removing" => Self::Removing,
            "dead" => Self::Dead,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for ContainerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Stopping => "stopping",
            Self::Exited => "exited",
            Self::Removing => "removing",
            Self::Dead => "dead",
            Self::Other(word) => word,
        })
    }
}

/// Which containers a list asks for; the engine does the filtering.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerFilter {
    /// Labels that must all be there with exactly these values.
    pub labels: BTreeMap<String, String>,
    /// The network that they are connected to, running or not; any when `None`.
    pub network: Option<String>,
}

impl ContainerFilter {
    /// All containers with one label of exactly this value.
    pub fn with_label(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            labels: BTreeMap::from([(name.into(), value.into())]),
            network: None,
        }
    }

    /// All containers that are connected to a network.
    pub fn in_network(name: impl Into<String>) -> Self {
        Self {
            network: Some(name.into()),
            ..Self::default()
        }
    }
}

/// One row of the engine's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSummary {
    /// Full id.
    pub id: ContainerId,
    /// Name without a leading slash.
    pub name: String,
    /// The image as the container names it.
    pub image: String,
    /// State.
    pub state: ContainerState,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// What `inspect_container` tells.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerDetail {
    /// Full id.
    pub id: ContainerId,
    /// Name without a leading slash.
    pub name: String,
    /// Id of the image.
    pub image: ImageId,
    /// State.
    pub state: ContainerState,
    /// Process id on the engine's host; `None` when not running.
    pub pid: Option<u32>,
    /// Exit code of the last run; `None` while running and before the first run.
    pub exit_code: Option<i64>,
    /// How often the engine has restarted it since it was started.
    pub restart_count: u32,
    /// The policy in force.
    pub restart_policy: RestartPolicy,
    /// When it last started; `None` before the first start.
    pub started_at: Option<SystemTime>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The whole environment.
    pub env: Vec<EnvVar>,
    /// Address per network, where the engine knows one.
    pub addresses: BTreeMap<String, Ipv4Addr>,
    /// The networks that it is connected to, running or not, with the names under which others find it there.
    pub aliases: BTreeMap<String, BTreeSet<String>>,
    /// Whether it can be connected to networks: it has network interfaces of its own, made by the engine's bridges.
    pub joins_networks: bool,
    /// The engine's own document, whole.
    pub document: Document,
}

/// How a container's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitCode(pub i64);

/// The rows of `top`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessTable {
    /// Column titles.
    pub titles: Vec<String>,
    /// One row a process, as wide as the titles.
    pub processes: Vec<Vec<String>>,
}

/// What `start_container` found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartOutcome {
    /// It runs now.
    Started,
    /// It ran before.
    AlreadyRunning,
}

/// What `stop_container` found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopOutcome {
    /// It ran and has ended.
    Stopped,
    /// It had ended before, or was never started.
    AlreadyStopped,
}

/// What `kill_container` found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillOutcome {
    /// The signal was sent.
    Signalled,
    /// There was no process to signal.
    NotRunning,
}

/// What `remove_container` found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoveOutcome {
    /// It is gone now.
    Removed,
    /// It was gone before.
    AlreadyGone,
}

/// What `connect_container` found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectOutcome {
    /// It is connected now.
    Connected,
    /// It was before, and is as it was.
    AlreadyConnected,
}

/// What `disconnect_container` found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisconnectOutcome {
    /// It is not connected any more.
    Disconnected,
    /// It was not connected.
    AlreadyDisconnected,
}

/// A signal by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM.
    Term,
    /// SIGKILL.
    Kill,
    /// SIGINT.
    Interrupt,
    /// SIGHUP.
    Hangup,
    /// SIGQUIT.
    Quit,
    /// SIGUSR1.
    User1,
    /// SIGUSR2.
    User2,
}

impl Signal {
    /// The name engines take, for example `SIGTERM`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Term => "SIGTERM",
            Self::Kill => "SIGKILL",
            Self::Interrupt => "SIGINT",
            Self::Hangup => "SIGHUP",
            Self::Quit => "SIGQUIT",
            Self::User1 => "SIGUSR1",
            Self::User2 => "SIGUSR2",
        }
    }
}
