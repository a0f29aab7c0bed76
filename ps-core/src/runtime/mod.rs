//! The port to a container engine, and its vocabulary.
//!
//! Four documented traits, split so that a backend can be written in a day: [`ContainerRuntime`] (lifecycle, observing,
//! events), [`NetworkRuntime`], [`ImageRuntime`] and [`TerminalRuntime`]; [`Engine`] is all of them. One method is one
//! engine call: no retries, no policy, no default bodies. A backend is proven by the conformance suite of `ps-tests`.

mod address;
mod capabilities;
mod commit;
mod container;
mod document;
mod error;
#[cfg(any(test, feature = "testing"))]
pub mod fake;
mod lost_answers;
mod stream;

use std::fmt::Debug;
use std::net::Ipv4Addr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

pub use address::*;
pub use capabilities::*;
pub use commit::*;
pub use container::*;
pub use document::*;
pub use error::*;
pub use lost_answers::LostAnswers;
pub use stream::*;

use crate::policies::RestartPolicy;

/// Lifecycle, observing and events of containers.
///
/// Every method that answers is bounded in time by the backend. When the time is over, or the connection breaks after
/// the request was sent, the error's kind is [`RuntimeErrorKind::OutcomeUnknown`]. Every method that takes a container
/// fails with [`RuntimeErrorKind::NotFound`] when there is none, unless its outcome says otherwise, and every method
/// may fail with `Unreachable`, `PermissionDenied`, `OutcomeUnknown` and `Unexpected`.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait ContainerRuntime: Debug + Send + Sync {
    /// Which engine this was when it was connected to. No call.
    fn identity(&self) -> EngineIdentity;

    /// What it can do. No call.
    fn capabilities(&self) -> RuntimeCapabilities;

    /// What it tells of itself now, and which engine it is.
    async fn inspect_engine(&self) -> Result<EngineDetail, RuntimeError>;

    /// All containers that the filter takes, running or not, in any order. Exactly one call, filtered by the engine.
    async fn list_containers(&self, filter: &ContainerFilter) -> Result<Vec<ContainerSummary>, RuntimeError>;

    /// Everything about one container.
    async fn inspect_container(&self, id: &ContainerId) -> Result<ContainerDetail, RuntimeError>;

    /// Makes a container without starting it.
    ///
    /// Fails with `NameInUse` when the name is taken, `ImageMissing` when the image is not there (nothing is pulled),
    /// `AddressInUse` where the engine finds the address or port taken already now, `Invalid` for a bad spec.
    async fn create_container(&self, spec: &ContainerSpec) -> Result<ContainerId, RuntimeError>;

    /// Starts a container. One that runs is left alone: `AlreadyRunning`.
    ///
    /// Fails with `AddressInUse` when its port or address is taken, `Invalid` when its command cannot be run.
    async fn start_container(&self, id: &ContainerId) -> Result<StartOutcome, RuntimeError>;

    /// Sends the stop signal, and SIGKILL after `timeout` (whole seconds, rounded up). Returns when the process is gone; the engine
    /// does not restart it whatever its policy. One that does not run is left alone: `AlreadyStopped`; when its policy is
    /// just about to restart it, it may run again (Podman), so that only a removal, or a change of policy first, ends a crash loop.
    async fn stop_container(&self, id: &ContainerId, timeout: Duration) -> Result<StopOutcome, RuntimeError>;

    /// Sends a signal to the container's first process; `NotRunning` when there is none.
    async fn kill_container(&self, id: &ContainerId, signal: Signal) -> Result<KillOutcome, RuntimeError>;

    /// Changes the policy of a container, running or not. `Unsupported` where
    /// [`RuntimeCapabilities::updates_restart_policy`] is false.
    async fn update_restart_policy(&self, id: &ContainerId, policy: RestartPolicy) -> Result<(), RuntimeError>;

    /// Gives a container another name, running or not. `NameInUse` when it is taken. While it waits for its restart by policy, it is
    /// renamed, or it is a `Conflict` (Docker) that a stop ends; never `NotFound`.
    async fn rename_container(&self, id: &ContainerId, name: &str) -> Result<(), RuntimeError>;

    /// Removes a container and its anonymous volumes; one that runs is killed at once, without a stop timeout.
    /// One that does not exist: `AlreadyGone`. `Conflict` when it ended at that moment (Podman, in a crash loop): ask again.
    async fn remove_container(&self, id: &ContainerId) -> Result<RemoveOutcome, RuntimeError>;

    /// Waits until the container does not run and returns its exit code; at once when it has ended already.
    /// Not bounded in time.
    async fn wait_container(&self, id: &ContainerId) -> Result<ExitCode, RuntimeError>;

    /// The processes inside a running container. `Conflict` when it does not run.
    async fn list_processes(&self, id: &ContainerId) -> Result<ProcessTable, RuntimeError>;

    /// What the container wrote, oldest first. The stream ends after the last line, or with `follow` when the container
    /// has ended; errors come through the stream.
    fn read_logs(&self, id: &ContainerId, options: LogOptions) -> RuntimeStream<OutputChunk>;

    /// What happens to containers. The stream goes on until it is dropped or the engine ends it; errors come through
    /// the stream. An engine may send nothing at all, not even headers, until something happens.
    fn follow_events(&self, filter: &EventFilter) -> RuntimeStream<ContainerEvent>;
}

/// A bridge network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkSpec {
    /// Name.
    pub name: String,
    /// Subnet; the engine's choice when `None`.
    pub subnet: Option<crate::addresses::Subnet>,
    /// Whether its containers find each other by the aliases that they are connected with. Some engines always see to that.
    pub resolves_aliases: bool,
    /// Labels.
    pub labels: std::collections::BTreeMap<String, String>,
}

/// What `inspect_network` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkDetail {
    /// Name.
    pub name: String,
    /// First IPv4 subnet, where the engine tells one.
    pub subnet: Option<crate::addresses::Subnet>,
    /// Gateway of that subnet.
    pub gateway: Option<Ipv4Addr>,
    /// Labels.
    pub labels: std::collections::BTreeMap<String, String>,
}

/// Networks.
#[async_trait]
pub trait NetworkRuntime: Debug + Send + Sync {
    /// Makes a bridge network. `NameInUse` when the name is taken, `AddressInUse` when the subnet overlaps another, `Conflict` when an
    /// interface of the host went away at that moment (Podman): ask again. A
    /// container that asks for no address gets one of [`engine_hosts`](crate::addresses::Subnet::engine_hosts) of a given subnet.
    async fn create_network(&self, spec: &NetworkSpec) -> Result<(), RuntimeError>;

    /// One network; `NotFound` when there is none of that name.
    async fn inspect_network(&self, name: &str) -> Result<NetworkDetail, RuntimeError>;

    /// Removes a network; one that is not there is `AlreadyGone`, one in use is `Conflict`.
    async fn remove_network(&self, name: &str) -> Result<RemoveOutcome, RuntimeError>;

    /// Connects a container, running or not, to one more network, where others find it under these names. It keeps what it
    /// has: its address in its first network, and this connection over a stop and a start.
    ///
    /// One that runs and is connected already is left as it is, whatever its names there: `AlreadyConnected`; of one that does
    /// not run an engine may say `Connected` again. `Conflict` when the container cannot join networks
    /// ([`ContainerDetail::joins_networks`]), which Docker does not always notice before the container starts; `NotFound` when
    /// there is no such container, or no such network for one that runs.
    async fn connect_container(
        &self,
        network: &str,
        id: &ContainerId,
        aliases: &[String],
    ) -> Result<ConnectOutcome, RuntimeError>;

    /// Takes a container, running or not, out of a network. `AlreadyDisconnected` when it is not in it, and when either of the
    /// two is not there.
    async fn disconnect_container(&self, network: &str, id: &ContainerId) -> Result<DisconnectOutcome, RuntimeError>;
}

/// Images.
#[async_trait]
pub trait ImageRuntime: Debug + Send + Sync {
    /// Builds an image from a tar context. The stream carries the engine's lines and ends with `Built`, or with an error
    /// of kind `BuildFailed` whose source is the engine's message, or `Conflict` when the removal of another image got in its
    /// way: begin again. Dropping the stream ends the build.
    fn build_image(&self, request: BuildRequest) -> RuntimeStream<BuildEvent>;

    /// One image by id or name; `ImageMissing` when it is not there. Nothing is pulled.
    async fn inspect_image(&self, image: &str) -> Result<ImageDetail, RuntimeError>;

    /// Pulls an image by name. `BuildFailed` with the registry's message when it cannot be had.
    fn pull_image(&self, image: &str, credentials: Option<&RegistryCredentials>) -> RuntimeStream<PullEvent>;

    /// Makes an image of a tar of a root tree, under a name with a tag, with settings as in a Dockerfile
    /// (`CMD ["sh"]`), and returns its id.
    async fn import_image(&self, archive: ByteStream, tag: &str, changes: &[String]) -> Result<ImageId, RuntimeError>;

    /// Loads an archive as `docker save` writes it; Podman takes OCI archives too. Returns what it held: each name with its tag, and the id of
    /// an image without a name; `inspect_image` takes each of these words. What is there already is loaded again; a name that another image
    /// had is the loaded one's from then on.
    ///
    /// Fails with `Invalid` when the bytes are no such archive.
    async fn load_image(&self, archive: ByteStream) -> Result<Vec<String>, RuntimeError>;

    /// Gives an image another name.
    async fn tag_image(&self, image: &str, tag: &str) -> Result<(), RuntimeError>;

    /// Removes a name of an image, and the image with its last name. `Conflict` when a container uses it.
    async fn remove_image(&self, image: &str) -> Result<RemoveOutcome, RuntimeError>;

    /// Makes an image of a container that has ended: its image with the files it changed, under a name that another image may have had.
    ///
    /// Entrypoint and command are those given, whatever the container was made with; where the engine takes an empty list for "as the
    /// container", that is put right by a second image on top. Everything else is the container's: its image's settings, its
    /// labels, and its *environment*. So make it without variables that nobody may read, and give it secrets over its
    /// standard input. Podman adds the variables that every container of it has (`PATH`, `TERM`, `container`).
    ///
    /// Fails with `NotFound` when there is no such container, `Invalid` for a label that cannot be written.
    async fn commit_container(&self, id: &ContainerId, spec: &CommitSpec) -> Result<ImageId, RuntimeError>;

    /// A file of a container, running or not, as the tar archive that engines give; at most `limit` bytes of it, else
    /// `Invalid`. `NotFound` when there is no such path.
    async fn read_container_file(&self, id: &ContainerId, path: &str, limit: usize) -> Result<Bytes, RuntimeError>;
}

/// Terminals: commands in running containers, and the container's own terminal.
///
/// Input is a stream of bytes that the backend sends on; its end closes the process's standard input. Output streams
/// end when the process has ended.
///
/// A command whose answer is wanted, such as a health check, is an exec without a terminal and with empty input: read as much of its output
/// as is wanted, for as long as is wanted, then ask for its exit code. Dropping the output does not end the command,
/// and no engine can: it runs on until it ends by itself or its container does.
#[async_trait]
pub trait TerminalRuntime: Debug + Send + Sync {
    /// Prepares a command in a running container. `Conflict` when the container does not run.
    async fn create_exec(&self, id: &ContainerId, spec: &ExecSpec) -> Result<ExecId, RuntimeError>;

    /// Runs it, and connects its streams. `terminal` is what the exec was made with.
    async fn start_exec(
        &self,
        id: &ExecId,
        terminal: bool,
        input: ByteStream,
    ) -> Result<RuntimeStream<OutputChunk>, RuntimeError>;

    /// Its exit code; `None` while it runs.
    async fn exec_exit_code(&self, id: &ExecId) -> Result<Option<ExitCode>, RuntimeError>;

    /// Tells its terminal the size.
    async fn resize_exec(&self, id: &ExecId, size: TerminalSize) -> Result<(), RuntimeError>;

    /// Connects the streams of a container that was made with [`TerminalMode::Input`] or `Terminal`; call it
    /// before the start, so that nothing is missed.
    async fn attach_container(
        &self,
        id: &ContainerId,
        mode: TerminalMode,
        input: ByteStream,
    ) -> Result<RuntimeStream<OutputChunk>, RuntimeError>;

    /// Tells a running container's terminal the size.
    async fn resize_container(&self, id: &ContainerId, size: TerminalSize) -> Result<(), RuntimeError>;
}

/// A whole engine: every backend is one, without writing anything.
pub trait Engine: ContainerRuntime + NetworkRuntime + ImageRuntime + TerminalRuntime {}

impl<T: ContainerRuntime + NetworkRuntime + ImageRuntime + TerminalRuntime> Engine for T {}
