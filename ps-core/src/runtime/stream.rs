//! What streams carry: events, logs, terminals, builds.

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::stream::BoxStream;

use super::{ContainerId, ImageId, RuntimeError};

/// A stream of an engine's answers; it ends when the engine ends it.
pub type RuntimeStream<T> = BoxStream<'static, Result<T, RuntimeError>>;

/// Bytes that go to an engine: a build context, a terminal's keys.
pub type ByteStream = BoxStream<'static, Result<Bytes, std::io::Error>>;

/// Something that happened to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerEvent {
    /// Full id.
    pub container: ContainerId,
    /// The container's name, where the engine tells it.
    pub name: String,
    /// What happened.
    pub kind: ContainerEventKind,
    /// When, by the engine's clock.
    pub at: SystemTime,
    /// The container's labels, where the engine sends them.
    pub labels: BTreeMap<String, String>,
}

/// What happened to a container, in one vocabulary for all engines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerEventKind {
    /// It was made.
    Created,
    /// Its process started (also when the engine restarted it).
    Started,
    /// Its process ended.
    Died {
        /// Exit code, where the engine tells a true one.
        exit_code: Option<i64>,
    },
    /// It was stopped on request, where the engine tells that (Podman does not).
    Stopped,
    /// It was renamed.
    Renamed,
    /// It was removed.
    Removed,
    /// Its health status changed.
    Health {
        /// Whether it is healthy now.
        healthy: bool,
    },
    /// It was connected to, or disconnected from, a network.
    NetworkChanged,
    /// Anything else, in the engine's own word.
    Other(String),
}

/// Which events to follow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Only containers with all these labels.
    pub labels: BTreeMap<String, String>,
    /// Events from this moment on, where the engine replays past events; otherwise from the subscription on.
    pub since: Option<SystemTime>,
    /// Instead of what happens to containers, only which are connected to this network and disconnected from it: such events carry
    /// no labels. Those of other networks may be among them.
    pub network: Option<String>,
}

/// Which of the two output streams a chunk came from. A terminal has only `Out`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputChannel {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// A piece of a process's output, of any length, not split at lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputChunk {
    /// Which stream.
    pub channel: OutputChannel,
    /// The bytes.
    pub bytes: Bytes,
}

/// Which log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogOptions {
    /// Go on with what is written later, until the container ends.
    pub follow: bool,
    /// Only the last lines; all when `None`.
    pub tail: Option<u32>,
}

/// A size in character cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    /// Rows.
    pub rows: u16,
    /// Columns.
    pub columns: u16,
}

/// What to build. The context is a tar archive, sent as it is.
pub struct BuildRequest {
    /// The tar stream.
    pub context: ByteStream,
    /// Path of the Dockerfile inside the context.
    pub dockerfile: String,
    /// The image's name with its tag, for example `psctl/shop:v2`.
    pub tag: String,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
}

/// Progress of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildEvent {
    /// A line of the engine's output, without its newline.
    Line(String),
    /// A step of the Dockerfile is done. `FROM` is no step; what only sets something (`CMD`, `LABEL`) is one on some engines.
    Step(BuildStep),
    /// The build is done; the last event.
    Built(ImageId),
}

/// A step of a Dockerfile that is done. A build whose steps are all of [`StepOrigin::Cache`] made nothing new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildStep {
    /// Its place as the engine counts, and the instruction: `[2/4] RUN npm ci`, with a stage `[build 2/4] RUN npm ci`.
    pub name: String,
    /// Where its result comes from.
    pub origin: StepOrigin,
}

/// Where the result of a build's step comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepOrigin {
    /// The engine's build cache.
    Cache,
    /// It was made now.
    Made,
}

/// Progress of a pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullEvent {
    /// A line of the engine's output.
    Line(String),
}

/// Who asks a registry. The password never appears in `Debug` output.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistryCredentials {
    /// The registry's host, for example `registry.example`.
    pub server: String,
    /// User name.
    pub username: String,
    /// Password or token.
    pub password: String,
}

impl std::fmt::Debug for RegistryCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RegistryCredentials({} at {})", self.username, self.server)
    }
}

/// What an image says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageDetail {
    /// Full id with `sha256:`; empty only in `Default`.
    pub id: Option<ImageId>,
    /// Entrypoint; empty when there is none.
    pub entrypoint: Vec<String>,
    /// Default command; empty when there is none.
    pub command: Vec<String>,
    /// Exposed TCP ports, sorted.
    pub exposed_ports: Vec<u16>,
    /// Working directory; empty means `/`.
    pub working_dir: String,
    /// User; empty means root.
    pub user: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// A command to run in a running container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecSpec {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Whether it gets a terminal; standard input is always connected.
    pub terminal: bool,
    /// Added to the container's environment.
    pub env: Vec<super::EnvVar>,
}

/// The engine's id of a command running in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecId(pub String);
