//! The desired state of an app, as the store keeps it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use crate::addresses::Endpoint;
use crate::config::Config;
use crate::crashes::Quarantine;
use crate::domains::Domain;
use crate::formation::Formation;
use crate::links::Link;
use crate::names::{AppName, Generation, ProcessType, Replica};
use crate::policies::{Policies, Properties, PropertyError};
use crate::release::{Release, ReleaseNumber, Source};
use crate::runtime::ContainerId;

/// What is set for all apps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GlobalRecord {
    /// Global properties.
    pub properties: Properties,
    /// Global environment.
    pub config: Config,
    /// The domains below which apps without domains of their own answer; empty is the host's name.
    pub domains: Vec<Domain>,
}

/// How the replicas of a type are checked before they serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CheckMode {
    /// Started beside the old one, checked, then switched.
    #[default]
    Enabled,
    /// Started beside the old one and switched without checking.
    Skipped,
    /// The old one is stopped first; nothing is checked.
    Disabled,
}

/// The container that serves as a replica. The store's transaction decides which one that is, not a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serving {
    /// Full id.
    pub container: ContainerId,
    /// Its generation.
    pub generation: Generation,
    /// The release it was made from.
    pub release: ReleaseNumber,
    /// Where the host reaches it; `None` for types without one.
    pub endpoint: Option<Endpoint>,
}

/// An old container that waits to be stopped and removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retirement {
    /// The replica it was.
    pub replica: Replica,
    /// Its generation.
    pub generation: Generation,
    /// Full id.
    pub container: ContainerId,
    /// Not before.
    pub due: SystemTime,
    /// SIGTERM to SIGKILL.
    pub stop_timeout: Duration,
}

/// Stands among the generations of [`AppRecord::routed`] while the file is being written, and after a psctl that died at it. No
/// container has it.
pub const BEING_WRITTEN: Generation = Generation(0);

/// Everything the store knows of one app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRecord {
    /// Its name.
    pub name: AppName,
    /// Its own properties.
    pub properties: Properties,
    /// Its own environment.
    pub config: Config,
    /// How many replicas each type should have.
    pub formation: Formation,
    /// Check modes other than the default, by type.
    pub checks: BTreeMap<ProcessType, CheckMode>,
    /// Where its image comes from.
    pub source: Option<Source>,
    /// The current release; `None` before the first deploy.
    pub release: Option<Release>,
    /// The serving containers.
    pub serving: BTreeMap<Replica, Serving>,
    /// The retiring containers, in the order they were recorded.
    pub retirements: Vec<Retirement>,
    /// Whether its operator stopped it.
    pub stopped_by_operator: bool,
    /// Why it was taken out of service; `None` when it was not.
    pub quarantine: Option<Quarantine>,
    /// The domains it answers for, in the order they were added; empty is the default ones.
    pub domains: Vec<Domain>,
    /// The containers of others that it is linked with, in the order they were added.
    pub links: Vec<Link>,
    /// The outside port of its `web`.
    pub published_port: Option<u16>,
    /// The generations whose endpoints its proxy file may name; `None` when it has no file. Their endpoints are not given to others.
    /// With [`BEING_WRITTEN`] among them it may name fewer.
    pub routed: Option<BTreeSet<Generation>>,
    /// The first generation that was never given to a container.
    pub next_generation: Generation,
    /// The first release number that was never used.
    pub next_release: ReleaseNumber,
}

impl AppRecord {
    /// A new app: `web=1`, nothing set, never deployed.
    ///
    /// ```
    /// use ps_core::app::AppRecord;
    /// let app = AppRecord::new("shop".parse()?);
    /// assert_eq!(app.formation.to_string(), "web=1");
    /// assert!(app.release.is_none());
    /// # Ok::<(), ps_core::names::NameError>(())
    /// ```
    pub fn new(name: AppName) -> Self {
        Self {
            name,
            properties: Properties::new(),
            config: Config::default(),
            formation: Formation::initial(),
            checks: BTreeMap::new(),
            source: None,
            release: None,
            serving: BTreeMap::new(),
            retirements: Vec::new(),
            stopped_by_operator: false,
            quarantine: None,
            domains: Vec::new(),
            links: Vec::new(),
            published_port: None,
            routed: None,
            next_generation: Generation(1),
            next_release: ReleaseNumber::FIRST,
        }
    }

    /// The settings in force.
    pub fn policies(&self, global: &GlobalRecord) -> Result<Policies, PropertyError> {
        Policies::resolve(&self.properties, &global.properties)
    }

    /// Whether the proxy may send requests to a generation's container.
    pub fn is_routed(&self, generation: Generation) -> bool {
        self.routed.as_ref().is_some_and(|routed| routed.contains(&generation))
    }

    /// How a type is checked.
    pub fn check_mode(&self, process_type: &ProcessType) -> CheckMode {
        self.checks.get(process_type).copied().unwrap_or_default()
    }
}
