//! The desired state of an app, as the store keeps it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::addresses::Endpoint;
use crate::config::Config;
use crate::formation::Formation;
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
            next_generation: Generation(1),
            next_release: ReleaseNumber::FIRST,
        }
    }

    /// The settings in force.
    pub fn policies(&self, global: &GlobalRecord) -> Result<Policies, PropertyError> {
        Policies::resolve(&self.properties, &global.properties)
    }

    /// How a type is checked.
    pub fn check_mode(&self, process_type: &ProcessType) -> CheckMode {
        self.checks.get(process_type).copied().unwrap_or_default()
    }
}
