//! What was found on a host, as plain data. Whoever gathers it changes nothing; see `ps-cli/src/wiring/examination`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::SystemTime;

use crate::addresses::Subnet;
use crate::app::{AppRecord, GlobalRecord};
use crate::names::{AppName, OwnerToken};
use crate::policies::RestartPolicy;
use crate::proxy::ProxyState;
use crate::runtime::{ContainerId, ContainerSummary, EngineDetail, EngineIdentity};

/// Everything that is judged. What could not be found out is `None` or empty, and the reason is in `failed`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// This machine's time of day; `None` when nobody looked.
    pub now: Option<SystemTime>,
    /// How the commands begin that mend something.
    pub commands: Commands,
    /// The search for an engine.
    pub engine: EngineFacts,
    /// The state directory.
    pub state: StateFacts,
    /// What the state says; `None` when there is no state, or it cannot be read.
    pub registry: Option<Registry>,
    /// All containers of the engine, of everybody; `None` when they could not be listed.
    pub containers: Option<Vec<ContainerSummary>>,
    /// The restart policies in force of serving containers.
    pub restart_policies: BTreeMap<ContainerId, RestartPolicy>,
    /// The apps that another command works on at the moment.
    pub busy: BTreeSet<AppName>,
    /// Who starts what at boot.
    pub services: ServiceFacts,
    /// What sends requests to apps; `None` when it could not be asked.
    pub proxy: Option<ProxyState>,
    /// Apps that the proxy should serve and has no file for.
    pub missing_sites: BTreeSet<AppName>,
    /// The file systems that matter.
    pub disks: Vec<Disk>,
    /// The routes of this host that overlap psctl's subnet, with their interfaces, but for the one of its own network.
    pub foreign_routes: Vec<(Subnet, String)>,
    /// The questions that were not answered.
    pub failed: Vec<FailedProbe>,
}

/// Commands of this host, for a shell, with the options that the user gave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Commands {
    /// `psctl`, with its global options.
    pub psctl: String,
    /// `psctl init`, with the options for this user; `None` where no units can be written.
    pub init: Option<String>,
    /// The engine's own client, with its options; `None` where it has none.
    pub client: Option<String>,
    /// Starts the engine.
    pub start_engine: Option<String>,
    /// Lets this user talk to the engine.
    pub allow_engine: Option<String>,
    /// Lets containers outlive the engine.
    pub keep_containers: Option<String>,
    /// Starts the proxy.
    pub start_proxy: Option<String>,
    /// Starts the listener.
    pub start_listener: Option<String>,
    /// Becomes root, with a blank behind it; empty for root.
    pub become_root: String,
}

/// The search for an engine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EngineFacts {
    /// The engine that psctl works with.
    pub found: Option<FoundEngine>,
    /// Each address that was asked, and what it answered, in order.
    pub tried: Vec<String>,
    /// Whether a socket was there that this user may not open.
    pub is_denied: bool,
    /// Whether a command that needs the engine starts it by itself.
    pub starts_by_itself: bool,
    /// The engine that the state belongs to.
    pub bound: Option<EngineIdentity>,
}

/// An engine that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundEngine {
    /// Which it is.
    pub identity: EngineIdentity,
    /// Where it listens.
    pub address: String,
    /// Why it was asked there.
    pub reason: String,
    /// What it tells of itself; `None` when it did not answer that.
    pub detail: Option<EngineDetail>,
    /// The oldest version that psctl is tested with, such as `20.10`.
    pub oldest_tested: Option<String>,
}

/// A kind of file system, as far as it matters for a database.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FileSystem {
    /// On a disk.
    #[default]
    Lasting,
    /// In memory: gone after a reboot.
    Memory,
    /// On another machine; its name.
    Network(&'static str),
}

/// The state directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StateFacts {
    /// Where it is, or would be.
    pub directory: PathBuf,
    /// Whether there is one.
    pub exists: bool,
    /// Its owner, when that is not this user.
    pub other_owner: Option<u32>,
    /// This user.
    pub user: u32,
    /// What of it others may read or enter.
    pub open_to_others: Vec<PathBuf>,
    /// What it lies on.
    pub file_system: FileSystem,
    /// Why it cannot be used.
    pub failure: Option<String>,
    /// What is damaged in the database.
    pub damage: Vec<String>,
    /// The database file.
    pub database: PathBuf,
    /// The newest copy of the database from before an upgrade.
    pub backup: Option<PathBuf>,
}

/// What the state says.
#[derive(Debug, Clone, PartialEq)]
pub struct Registry {
    /// Its token.
    pub owner: OwnerToken,
    /// All apps.
    pub apps: Vec<AppRecord>,
    /// What is set for all of them.
    pub global: GlobalRecord,
    /// The subnet of its containers.
    pub subnet: Option<Subnet>,
}

/// What runs services on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ServiceManager {
    /// None that psctl knows.
    #[default]
    Absent,
    /// Units lie in a directory that somebody chose; nobody is asked.
    Unasked,
    /// systemd.
    Running,
}

/// Who starts what at boot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceFacts {
    /// The service manager.
    pub manager: ServiceManager,
    /// Where its units lie.
    pub directory: PathBuf,
    /// How many units there should be; 0 when nobody knows.
    pub wanted: usize,
    /// Units that are not there.
    pub missing: Vec<String>,
    /// Units that are there and that nothing starts.
    pub disabled: Vec<String>,
    /// Units that this psctl would write in another way.
    pub outdated: Vec<String>,
    /// Files of these names that psctl did not write.
    pub foreign: Vec<String>,
    /// Whether a listener holds its lock.
    pub listener_runs: bool,
    /// A user, and whether their services run when they are not logged in; `None` for root.
    pub lingering: Option<(String, bool)>,
}

/// A file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// What lies on it, for people: `the state directory`.
    pub what: &'static str,
    /// Where.
    pub path: PathBuf,
    /// Bytes that this user may still write.
    pub free_bytes: u64,
    /// Files that can still be made.
    pub free_files: u64,
    /// All files that it can have; 0 where there is no limit.
    pub all_files: u64,
    /// What makes space without taking anything that is needed.
    pub cure: Option<String>,
}

/// A question without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedProbe {
    /// What was tried, after `could not`.
    pub doing: String,
    /// Why it failed.
    pub reason: String,
    /// The command that mends it, where that is known.
    pub cure: Option<String>,
}
