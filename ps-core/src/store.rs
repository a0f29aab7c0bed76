//! The port to what psctl remembers: apps, settings, releases, who serves, what retires.
//!
//! All writes go through [`Store::apply`]: changes are data, and one call is one transaction, whole or not at all.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::{self, Debug};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::addresses::{Endpoint, Subnet};
use crate::app::{AppRecord, CheckMode, GlobalRecord, Retirement, Serving};
use crate::audit::{AuditEntry, NumberedAuditEntry};
use crate::config::Config;
use crate::crashes::{Crash, Quarantine};
use crate::domains::Domain;
use crate::formation::Formation;
use crate::links::Link;
use crate::names::{AppName, Generation, OwnerToken, ProcessType, Replica};
use crate::policies::Property;
use crate::release::{Release, ReleaseNumber, Source};
use crate::release_history::ReleaseHistory;
use crate::runtime::{ContainerId, EngineIdentity};

/// Whose setting it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All apps.
    Global,
    /// One app.
    App(AppName),
}

/// One change of what is remembered. An app that does not exist fails the whole call with
/// [`StoreErrorKind::NoSuchApp`], except for `CreateApp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreChange {
    /// Adds an app as [`AppRecord::new`] has it; fails with [`StoreErrorKind::AppExists`].
    CreateApp(AppName),
    /// Removes an app and all that belongs to it.
    DestroyApp(AppName),
    /// Gives an app another name; fails with [`StoreErrorKind::AppExists`] when it is taken.
    RenameApp {
        /// The app.
        app: AppName,
        /// Its new name.
        to: AppName,
    },
    /// Sets a property, or clears it with `None`.
    SetProperty {
        /// Whose.
        scope: Scope,
        /// Which.
        property: Property,
        /// The value.
        value: Option<String>,
    },
    /// Replaces the environment of a scope.
    SetConfig {
        /// Whose.
        scope: Scope,
        /// The whole new environment.
        config: Config,
    },
    /// Replaces the formation.
    SetFormation {
        /// The app.
        app: AppName,
        /// The whole new formation.
        formation: Formation,
    },
    /// Sets how a type is checked.
    SetCheckMode {
        /// The app.
        app: AppName,
        /// The type.
        process_type: ProcessType,
        /// The mode; `Enabled` clears.
        mode: CheckMode,
    },
    /// Records where the image comes from.
    SetSource {
        /// The app.
        app: AppName,
        /// The source.
        source: Source,
    },
    /// Says whether the operator stopped the app.
    MarkStopped {
        /// The app.
        app: AppName,
        /// Whether.
        stopped: bool,
    },
    /// Takes an app out of service, or, with `None`, lets it serve again.
    SetQuarantine {
        /// The app.
        app: AppName,
        /// Why, and since when.
        quarantine: Option<Quarantine>,
    },
    /// Remembers that a replica failed; one that is known already changes nothing.
    RecordCrash {
        /// The app.
        app: AppName,
        /// What happened.
        crash: Crash,
    },
    /// Forgets failures.
    ForgetCrashes {
        /// The app.
        app: AppName,
        /// Only those before this moment; all when `None`.
        before: Option<SystemTime>,
    },
    /// Replaces the domains of a scope, of which a repeated one counts once; fails with [`StoreErrorKind::DomainTaken`] when another
    /// app has one of them.
    SetDomains {
        /// Whose.
        scope: Scope,
        /// All of them.
        domains: Vec<Domain>,
    },
    /// Replaces the containers an app is linked with; fails when two have the same alias.
    SetLinks {
        /// The app.
        app: AppName,
        /// All of them.
        links: Vec<Link>,
    },
    /// Gives `web` an outside port, or takes it away; fails with [`StoreErrorKind::PortTaken`] when another app has it,
    /// or when it is given out as a loopback port.
    PublishPort {
        /// The app.
        app: AppName,
        /// The host's TCP port.
        port: Option<u16>,
    },
    /// Says which generations the app's proxy file may name from now on; `None` when it has no file.
    SetRouted {
        /// The app.
        app: AppName,
        /// The generations.
        routed: Option<BTreeSet<Generation>>,
    },
    /// Gives out all generations below `next` for ever.
    UseGenerations {
        /// The app.
        app: AppName,
        /// The first one left.
        next: Generation,
    },
    /// Gives out all release numbers below `next` for ever.
    UseReleaseNumbers {
        /// The app.
        app: AppName,
        /// The first one left.
        next: ReleaseNumber,
    },
    /// Adds a release and makes it the current one.
    RecordRelease {
        /// The app.
        app: AppName,
        /// The release.
        release: Box<Release>,
    },
    /// Forgets the environment of a release, which then cannot be put back; its line in the history stays. The current release is
    /// never expired.
    ExpireRelease {
        /// The app.
        app: AppName,
        /// The release.
        release: ReleaseNumber,
    },
    /// Remembers that an image of the app's name and this number may be there from now on.
    ExpectImage {
        /// The app.
        app: AppName,
        /// The number in the image's name.
        number: ReleaseNumber,
    },
    /// There is no image of ours of that name any more.
    ForgetImage {
        /// The app.
        app: AppName,
        /// The number in the image's name.
        number: ReleaseNumber,
    },
    /// Makes a container the one that serves as a replica.
    Serve {
        /// The app.
        app: AppName,
        /// The replica.
        replica: Replica,
        /// The container.
        serving: Serving,
    },
    /// No container serves as that replica any more.
    StopServing {
        /// The app.
        app: AppName,
        /// The replica.
        replica: Replica,
    },
    /// Remembers that a container has to go. One that is there already (by container id) is replaced.
    AddRetirement {
        /// The app.
        app: AppName,
        /// The container.
        retirement: Retirement,
    },
    /// The container is gone.
    FinishRetirement {
        /// The app.
        app: AppName,
        /// The container.
        container: ContainerId,
    },
    /// Gives back the endpoint of a container that is gone; nothing happens when it has none, or while the proxy may send requests there.
    ReleaseEndpoint {
        /// The app.
        app: AppName,
        /// The generation of the container.
        generation: Generation,
    },
}

/// Which kind of endpoint an engine needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointKind {
    /// An address of the subnet.
    Address(Subnet),
    /// A loopback port.
    LoopbackPort,
}

/// An endpoint that was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservedEndpoint {
    /// To which app.
    pub app: AppName,
    /// To which replica.
    pub replica: Replica,
    /// To which generation's container.
    pub generation: Generation,
    /// The endpoint.
    pub endpoint: Endpoint,
}

/// Which of an app's two locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockKind {
    /// For changing the app.
    Change,
    /// For stopping and removing its retiring containers.
    Retire,
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHolder {
    /// Process id.
    pub pid: u32,
    /// The verb, for example `ps:restart`.
    pub verb: String,
    /// Since when.
    pub since: SystemTime,
}

impl fmt::Display for LockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.verb, self.pid)
    }
}

/// Holds a lock until it is dropped; the kernel lets go when the process dies.
pub trait HeldLock: Debug + Send + Sync {}

/// What the journal says about a step. It explains; nothing is replayed from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// The app.
    pub app: AppName,
    /// The verb.
    pub verb: String,
    /// Number of the step in its plan.
    pub step: usize,
    /// The step's text; never a config value.
    pub text: String,
    /// What happened.
    pub state: JournalState,
    /// When.
    pub at: SystemTime,
}

/// The life of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalState {
    /// It began.
    Started,
    /// It is done.
    Done,
    /// It failed, with the redacted reason.
    Failed(String),
}

/// What kind of failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// There is no such app.
    NoSuchApp(AppName),
    /// The app exists already.
    AppExists(AppName),
    /// Another app answers for that domain.
    DomainTaken {
        /// The domain.
        domain: Domain,
        /// The other app.
        by: AppName,
    },
    /// Another app has published that port.
    PortTaken {
        /// The port.
        port: u16,
        /// The other app.
        by: AppName,
    },
    /// Another command holds the lock.
    Locked {
        /// The app.
        app: AppName,
        /// Who, where it could be read.
        holder: Option<LockHolder>,
    },
    /// Another process is the listener of this store.
    ListenerRuns {
        /// Who, where it could be read.
        holder: Option<LockHolder>,
    },
    /// All addresses or ports are given out.
    NoEndpointLeft,
    /// The state directory cannot be used: not ours, a symbolic link, not writable.
    Unusable,
    /// The database was written by a newer version.
    TooNew,
    /// Anything else.
    Failed,
}

/// A failed call of the store.
#[derive(Debug)]
pub struct StoreError {
    /// What kind of failure.
    pub kind: StoreErrorKind,
    /// This layer's message.
    pub message: String,
    /// What to do about it, where there is something.
    pub hint: Option<String>,
    /// The next layer.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// An error with a message, without a hint or a source.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            source: None,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// What psctl remembers. Reads see a whole state; writes are transactions that survive a power cut.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// The random word of this store, made at its first use.
    async fn owner(&self) -> Result<OwnerToken, StoreError>;

    /// The engine this store belongs to; `None` before the first use.
    async fn bound_engine(&self) -> Result<Option<EngineIdentity>, StoreError>;

    /// Binds the store to an engine, once and for all; a second call with the same engine updates its version, one with
    /// another engine fails.
    async fn bind_engine(&self, engine: &EngineIdentity) -> Result<(), StoreError>;

    /// The subnet of psctl's network; `None` before one was chosen.
    async fn subnet(&self) -> Result<Option<Subnet>, StoreError>;

    /// Records the subnet, once; later calls change nothing and return the recorded one.
    async fn choose_subnet(&self, subnet: Subnet) -> Result<Subnet, StoreError>;

    /// What is set for all apps.
    async fn global(&self) -> Result<GlobalRecord, StoreError>;

    /// All apps, sorted by name, from one consistent state.
    async fn apps(&self) -> Result<Vec<AppRecord>, StoreError>;

    /// One app; fails with `NoSuchApp`.
    async fn app(&self, name: &AppName) -> Result<AppRecord, StoreError>;

    /// One release of an app with its environment; `None` when there is none of that number, or when it has expired.
    async fn release(&self, app: &AppName, number: ReleaseNumber) -> Result<Option<Release>, StoreError>;

    /// All releases of an app, in one read; fails with `NoSuchApp`.
    async fn release_history(&self, app: &AppName) -> Result<ReleaseHistory, StoreError>;

    /// Makes all changes, in order, in one transaction.
    async fn apply(&self, changes: &[StoreChange]) -> Result<(), StoreError>;

    /// Gives out one endpoint for each replica, in one transaction; no other container gets it until it is given back.
    /// `is_usable` says of a candidate whether the host can use it; it is asked for loopback ports.
    async fn reserve_endpoints(
        &self,
        app: &AppName,
        kind: EndpointKind,
        wanted: &[(Replica, Generation)],
        is_usable: &(dyn Fn(Endpoint) -> bool + Send + Sync),
    ) -> Result<Vec<Endpoint>, StoreError>;

    /// All endpoints that are given out.
    async fn reserved_endpoints(&self) -> Result<Vec<ReservedEndpoint>, StoreError>;

    /// Takes one of an app's locks, waiting at most `patience`; with [`Duration::MAX`] it waits without looking again and again. The app
    /// need not exist yet. Fails with `Locked`.
    async fn lock_app(
        &self,
        app: &AppName,
        kind: LockKind,
        verb: &str,
        patience: Duration,
    ) -> Result<Box<dyn HeldLock>, StoreError>;

    /// Takes the lock that the one listener of this store holds while it runs; it does not wait. Fails with `ListenerRuns`.
    async fn lock_listener(&self, verb: &str) -> Result<Box<dyn HeldLock>, StoreError>;

    /// Adds a line to the journal. It may be lost in a power cut.
    async fn journal(&self, entry: JournalEntry) -> Result<(), StoreError>;

    /// The newest journal lines of an app, oldest first.
    async fn read_journal(&self, app: &AppName, limit: usize) -> Result<Vec<JournalEntry>, StoreError>;

    /// The failures of an app that are remembered, oldest first; fails with `NoSuchApp`.
    async fn crashes(&self, app: &AppName) -> Result<Vec<Crash>, StoreError>;

    /// Adds to the audit trail. It may be lost in a power cut.
    async fn audit(&self, entry: AuditEntry) -> Result<(), StoreError>;

    /// Entries of the audit trail with a number above `after`, of one app or of all; at most `limit`, the newest ones, oldest first.
    async fn read_audit(
        &self,
        app: Option<&AppName>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<NumberedAuditEntry>, StoreError>;
}
