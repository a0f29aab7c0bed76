//! What a step does: one call on one port, as plain data.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::{Readiness, StepId};
use crate::addresses::Endpoint;
use crate::names::{AppName, Generation, OneOffKind, Replica};
use crate::policies::RestartPolicy;
use crate::proxy::SiteSettings;
use crate::release::{Release, ReleaseNumber, Source};
use crate::runtime::{CommitSpec, ContainerId, ContainerSpec, ImageId, NetworkSpec, Signal};
use crate::shell_script::ShellScript;
use crate::store::{EndpointKind, StoreChange};

/// A container that exists, or that an earlier step makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerRef {
    /// It exists.
    Existing {
        /// Full id.
        id: ContainerId,
        /// Its name, for people.
        name: String,
    },
    /// The container that a create step made.
    Made(StepId),
}

impl fmt::Display for ContainerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Existing { name, .. } => f.write_str(name),
            Self::Made(step) => write!(f, "the container of {step}"),
        }
    }
}

/// One of the endpoints that an earlier step reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointRef {
    /// The reserving step.
    pub step: StepId,
    /// Which of its endpoints, from 0.
    pub position: usize,
    /// The container's TCP port, published where the endpoint is a loopback port.
    pub container_port: u16,
}

/// Where a container is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointPlace {
    /// There.
    Known(Endpoint),
    /// Where an earlier step says.
    Reserved(EndpointRef),
}

/// What becomes of a container whose renaming is a conflict because it waits for its restart by policy. It may wait from one moment
/// to the next, so a plan says it of every rename.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitingRestart {
    /// It is replaced: it is stopped, with so long from SIGTERM to SIGKILL in case it runs again by then, and renamed.
    Ends(Duration),
    /// It serves: it goes on under the name it has, until a later command renames it.
    GoesOn,
}

/// A call on the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineAction {
    /// Make a network of psctl's.
    CreateNetwork(NetworkSpec),
    /// Remove one of psctl's; one that is in use stays.
    RemoveNetwork(String),
    /// Connect a container to one more network.
    Connect {
        /// Which.
        container: ContainerRef,
        /// The network's name.
        network: String,
        /// The names under which others find it there.
        aliases: Vec<String>,
    },
    /// Take a container out of a network.
    Disconnect {
        /// Which.
        container: ContainerRef,
        /// The network's name.
        network: String,
    },
    /// Make a container.
    Create {
        /// What; its address or port is filled in from `endpoint`.
        spec: Box<ContainerSpec>,
        /// Where it will be reached.
        endpoint: Option<EndpointRef>,
    },
    /// Start it.
    Start(ContainerRef),
    /// Stop it.
    Stop {
        /// Which.
        container: ContainerRef,
        /// SIGTERM to SIGKILL.
        timeout: Duration,
    },
    /// Send it a signal.
    Kill {
        /// Which.
        container: ContainerRef,
        /// The signal.
        signal: Signal,
    },
    /// Change its restart policy.
    UpdateRestartPolicy {
        /// Which.
        container: ContainerRef,
        /// The new policy.
        policy: RestartPolicy,
    },
    /// Rename it.
    Rename {
        /// Which.
        container: ContainerRef,
        /// The new name.
        to: String,
        /// What is done where the engine renames none that waits for its restart.
        waiting: WaitingRestart,
    },
    /// Remove it.
    Remove(ContainerRef),
    /// Connect to its standard input before it starts, and send it a script.
    Attach {
        /// Which.
        container: ContainerRef,
        /// What its shell reads.
        script: Box<ShellScript>,
    },
    /// Keep its files as an image.
    Commit {
        /// Which.
        container: ContainerRef,
        /// The image.
        spec: Box<CommitSpec>,
    },
    /// Read a file out of it.
    ReadFile {
        /// Which.
        container: ContainerRef,
        /// The file's absolute path.
        path: String,
    },
    /// Ask, by its full id, where it listens now.
    Locate {
        /// Which.
        container: ContainerRef,
        /// Where to look.
        position: Position,
        /// What it means when it does not run, or is not there.
        if_absent: IfAbsent,
    },
}

/// Where a container is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// At its address in a network, on the port that its own `PORT` variable names.
    InNetwork {
        /// The network's name.
        network: String,
        /// The port when it has no such variable.
        default_port: u16,
    },
    /// On the loopback port that is published for it.
    OnLoopback(EndpointPlace),
}

/// What it means that a container is not where it is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfAbsent {
    /// The step fails.
    Fails,
    /// It gets no requests.
    LeftOut,
}

/// A container that an earlier step located.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedUpstream {
    /// As which replica it serves.
    pub replica: Replica,
    /// The locating step.
    pub located: StepId,
}

/// A call on the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyAction {
    /// Serve an app from the containers that were found.
    Serve {
        /// The app.
        app: AppName,
        /// How.
        settings: SiteSettings,
        /// The containers.
        upstreams: Vec<PlannedUpstream>,
    },
    /// Forget an app.
    Remove(AppName),
}

/// A call about images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageAction {
    /// Build one from the source that was read.
    Build {
        /// Where the source is, for people.
        source: Source,
        /// The image's name.
        tag: String,
        /// Its labels.
        labels: BTreeMap<String, String>,
    },
    /// Pull one.
    Pull {
        /// Its name.
        image: String,
    },
    /// Load an archive of one.
    Load {
        /// The archive.
        file: PathBuf,
    },
    /// Give the image that an archive held another name.
    TagLoaded {
        /// The archive, for people: a dry run does not know the image.
        file: PathBuf,
        /// The image.
        image: ImageId,
        /// The other name.
        tag: String,
    },
    /// Give one another name.
    Tag {
        /// Its name or id.
        image: String,
        /// The other name.
        tag: String,
    },
    /// Remove a name of one.
    Remove {
        /// The name.
        image: String,
    },
}

/// Something to wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitAction {
    /// A replica is ready.
    Ready {
        /// Which.
        container: ContainerRef,
        /// Where HTTP requests reach it; `None` where none can.
        endpoint: Option<EndpointPlace>,
        /// How long it runs already.
        age: Duration,
        /// When it counts as ready.
        readiness: Readiness,
    },
    /// A one-off has ended with 0; its output is passed on meanwhile.
    Succeeded {
        /// Which.
        container: ContainerRef,
        /// What it is, for whoever reads its output.
        kind: OneOffKind,
        /// The step that attached to it; without one its log is read.
        attached: Option<StepId>,
    },
}

/// A container that will serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedServing {
    /// As which replica.
    pub replica: Replica,
    /// Which.
    pub container: ContainerRef,
    /// Its generation.
    pub generation: Generation,
    /// The release it was made from.
    pub release: ReleaseNumber,
    /// Where it is reached.
    pub endpoint: Option<EndpointRef>,
}

/// The one transaction that makes new containers serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// The app.
    pub app: AppName,
    /// A new current release.
    pub release: Option<Box<Release>>,
    /// The containers that serve from now on.
    pub serve: Vec<PlannedServing>,
    /// Everything else that changes with it: retirements, the formation.
    pub changes: Vec<StoreChange>,
    /// When it was planned. What is due some time after the switch is due as much later as the switch comes after this.
    pub planned_at: SystemTime,
}

/// A call on the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAction {
    /// One transaction.
    Record(Vec<StoreChange>),
    /// Give out endpoints.
    ReserveEndpoints {
        /// The app.
        app: AppName,
        /// Of which kind.
        kind: EndpointKind,
        /// For which containers.
        wanted: Vec<(Replica, Generation)>,
    },
    /// Switch to new containers.
    Switch(Box<Switch>),
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A call on the engine.
    Engine(EngineAction),
    /// A call about images.
    Image(ImageAction),
    /// Waiting.
    Wait(WaitAction),
    /// A call on the proxy.
    Proxy(ProxyAction),
    /// A call on the store.
    Store(StoreAction),
}

/// What kind of call a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionKind {
    /// Make a network.
    CreateNetwork,
    /// Remove one.
    RemoveNetwork,
    /// Connect a container to one.
    Connect,
    /// Take a container out of one.
    Disconnect,
    /// Make a container.
    Create,
    /// Start one.
    Start,
    /// Stop one.
    Stop,
    /// Signal one.
    Kill,
    /// Change one's restart policy.
    UpdateRestartPolicy,
    /// Rename one.
    Rename,
    /// Remove one.
    Remove,
    /// Connect to one.
    Attach,
    /// Make an image of one.
    Commit,
    /// Read a file of one.
    ReadFile,
    /// Ask where one listens.
    Locate,
    /// Build, pull, load, tag or remove an image.
    Image,
    /// Wait until a replica is ready.
    WaitReady,
    /// Wait until a one-off has succeeded.
    WaitSucceeded,
    /// Change where requests go.
    Proxy,
    /// Change what is remembered.
    Store,
}

impl Action {
    /// What kind of call this is.
    pub fn kind(&self) -> ActionKind {
        match self {
            Self::Engine(EngineAction::CreateNetwork(_)) => ActionKind::CreateNetwork,
            Self::Engine(EngineAction::RemoveNetwork(_)) => ActionKind::RemoveNetwork,
            Self::Engine(EngineAction::Connect { .. }) => ActionKind::Connect,
            Self::Engine(EngineAction::Disconnect { .. }) => ActionKind::Disconnect,
            Self::Engine(EngineAction::Create { .. }) => ActionKind::Create,
            Self::Engine(EngineAction::Start(_)) => ActionKind::Start,
            Self::Engine(EngineAction::Stop { .. }) => ActionKind::Stop,
            Self::Engine(EngineAction::Kill { .. }) => ActionKind::Kill,
            Self::Engine(EngineAction::UpdateRestartPolicy { .. }) => ActionKind::UpdateRestartPolicy,
            Self::Engine(EngineAction::Rename { .. }) => ActionKind::Rename,
            Self::Engine(EngineAction::Remove(_)) => ActionKind::Remove,
            Self::Engine(EngineAction::Attach { .. }) => ActionKind::Attach,
            Self::Engine(EngineAction::Commit { .. }) => ActionKind::Commit,
            Self::Engine(EngineAction::ReadFile { .. }) => ActionKind::ReadFile,
            Self::Engine(EngineAction::Locate { .. }) => ActionKind::Locate,
            Self::Image(_) => ActionKind::Image,
            Self::Wait(WaitAction::Ready { .. }) => ActionKind::WaitReady,
            Self::Wait(WaitAction::Succeeded { .. }) => ActionKind::WaitSucceeded,
            Self::Proxy(_) => ActionKind::Proxy,
            Self::Store(_) => ActionKind::Store,
        }
    }
}

impl From<EngineAction> for Action {
    fn from(action: EngineAction) -> Self {
        Self::Engine(action)
    }
}

impl From<ImageAction> for Action {
    fn from(action: ImageAction) -> Self {
        Self::Image(action)
    }
}

impl From<WaitAction> for Action {
    fn from(action: WaitAction) -> Self {
        Self::Wait(action)
    }
}

impl From<ProxyAction> for Action {
    fn from(action: ProxyAction) -> Self {
        Self::Proxy(action)
    }
}

impl From<StoreAction> for Action {
    fn from(action: StoreAction) -> Self {
        Self::Store(action)
    }
}
