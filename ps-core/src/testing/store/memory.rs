//! What the store in memory remembers, and what each change does to it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crate::addresses::{Endpoint, Subnet};
use crate::app::{AppRecord, CheckMode, GlobalRecord};
use crate::audit::AuditEntry;
use crate::crashes::Crash;
use crate::domains::Domain;
use crate::links::Link;
use crate::names::{AppName, Generation, Replica};
use crate::policies::{Properties, Property};
use crate::release::{Release, ReleaseNumber};
use crate::release_history::{PastRelease, ReleaseHistory};
use crate::runtime::EngineIdentity;
use crate::store::{EndpointKind, JournalEntry, ReservedEndpoint, Scope, StoreChange, StoreError, StoreErrorKind};

/// The loopback ports that are given out, below the range that systems use for outgoing connections.
const PORTS: std::ops::Range<u16> = 20_000..32_768;

/// Everything.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    pub(super) engine: Option<EngineIdentity>,
    pub(super) subnet: Option<Subnet>,
    pub(super) global: GlobalRecord,
    pub(super) apps: BTreeMap<AppName, AppRecord>,
    pub(super) releases: BTreeMap<(AppName, ReleaseNumber), Release>,
    pub(super) histories: BTreeMap<AppName, ReleaseHistory>,
    pub(super) endpoints: Vec<ReservedEndpoint>,
    pub(super) journal: Vec<JournalEntry>,
    pub(super) crashes: BTreeMap<AppName, Vec<Crash>>,
    pub(super) audit: Vec<AuditEntry>,
    last_address: Option<Ipv4Addr>,
}

fn no_such_app(app: &AppName) -> StoreError {
    StoreError::new(StoreErrorKind::NoSuchApp(app.clone()), format!("no such app: {app}"))
}

fn set(properties: &mut Properties, property: Property, value: Option<&String>) {
    match value {
        Some(value) => properties.insert(property, value.clone()),
        None => properties.remove(&property),
    };
}

impl Memory {
    pub(super) fn app(&self, name: &AppName) -> Result<&AppRecord, StoreError> {
        self.apps.get(name).ok_or_else(|| no_such_app(name))
    }

    fn app_mut(&mut self, name: &AppName) -> Result<&mut AppRecord, StoreError> {
        self.apps.get_mut(name).ok_or_else(|| no_such_app(name))
    }

    /// Makes one change. The first four are about apps as a whole and about settings, the others about one app.
    pub(super) fn change(&mut self, change: &StoreChange) -> Result<(), StoreError> {
        match change {
            StoreChange::CreateApp(name) => self.add(AppRecord::new(name.clone()))?,
            StoreChange::DestroyApp(name) => {
                self.app(name)?;
                self.apps.remove(name);
                self.releases.retain(|(app, _), _| app != name);
                self.histories.remove(name);
                self.crashes.remove(name);
                self.endpoints.retain(|endpoint| endpoint.app != *name);
            }
            StoreChange::RenameApp { app, to } => self.rename(app, to)?,
            StoreChange::SetProperty { scope, property, value } => match scope {
                Scope::Global => set(&mut self.global.properties, *property, value.as_ref()),
                Scope::App(app) => set(&mut self.app_mut(app)?.properties, *property, value.as_ref()),
            },
            StoreChange::SetConfig { scope, config } => match scope {
                Scope::Global => self.global.config = config.clone(),
                Scope::App(app) => self.app_mut(app)?.config = config.clone(),
            },
            StoreChange::RecordRelease { app, release } => {
                self.app_mut(app)?.release = Some((**release).clone());
                self.releases.insert((app.clone(), release.number), (**release).clone());
                self.history_mut(app)?.releases.push(PastRelease::of(release));
            }
            StoreChange::ExpireRelease { app, release } => {
                let is_current = |current: &Release| current.number == *release;
                if !self.app(app)?.release.as_ref().is_some_and(is_current) {
                    self.releases.remove(&(app.clone(), *release));
                    self.change_past(app, *release, |past| past.is_kept = false)?;
                }
            }
            StoreChange::ExpectImage { app, number } => {
                self.history_mut(app)?.images.insert(*number);
            }
            StoreChange::ForgetImage { app, number } => {
                self.history_mut(app)?.images.remove(number);
            }
            StoreChange::ReleaseEndpoint { app, generation } => {
                if !self.app(app)?.is_routed(*generation) {
                    self.endpoints
                        .retain(|given| given.app != *app || given.generation != *generation);
                }
            }
            StoreChange::RecordCrash { app, crash } => self.record_crash(app, crash)?,
            StoreChange::ForgetCrashes { app, before } => {
                self.app(app)?;
                let crashes = self.crashes.entry(app.clone()).or_default();
                crashes.retain(|crash| before.is_some_and(|before| crash.at >= before));
            }
            StoreChange::SetDomains { scope, domains } => self.set_domains(scope, domains)?,
            StoreChange::PublishPort { app, port } => self.publish(app, *port)?,
            of_one_app => self.change_app(of_one_app)?,
        }
        Ok(())
    }

    fn change_app(&mut self, change: &StoreChange) -> Result<(), StoreError> {
        match change {
            StoreChange::SetFormation { app, formation } => self.app_mut(app)?.formation = formation.clone(),
            StoreChange::SetCheckMode {
                app,
                process_type,
                mode,
            } => {
                let checks = &mut self.app_mut(app)?.checks;
                match mode {
                    CheckMode::Enabled => checks.remove(process_type),
                    mode => checks.insert(process_type.clone(), *mode),
                };
            }
            StoreChange::SetSource { app, source } => self.app_mut(app)?.source = Some(source.clone()),
            StoreChange::MarkStopped { app, stopped } => self.app_mut(app)?.stopped_by_operator = *stopped,
            StoreChange::SetQuarantine { app, quarantine } => self.app_mut(app)?.quarantine.clone_from(quarantine),
            StoreChange::SetLinks { app, links } => self.set_links(app, links)?,
            StoreChange::SetRouted { app, routed } => self.app_mut(app)?.routed.clone_from(routed),
            StoreChange::UseGenerations { app, next } => {
                let app = self.app_mut(app)?;
                app.next_generation = app.next_generation.max(*next);
            }
            StoreChange::UseReleaseNumbers { app, next } => {
                let app = self.app_mut(app)?;
                app.next_release = app.next_release.max(*next);
            }
            StoreChange::Serve { app, replica, serving } => {
                self.app_mut(app)?.serving.insert(replica.clone(), serving.clone());
                self.change_past(app, serving.release, |past| past.has_served = true)?;
            }
            StoreChange::StopServing { app, replica } => {
                self.app_mut(app)?.serving.remove(replica);
            }
            StoreChange::AddRetirement { app, retirement } => {
                let retirements = &mut self.app_mut(app)?.retirements;
                match retirements
                    .iter_mut()
                    .find(|known| known.container == retirement.container)
                {
                    Some(known) => *known = retirement.clone(),
                    None => retirements.push(retirement.clone()),
                }
            }
            StoreChange::FinishRetirement { app, container } => {
                self.app_mut(app)?
                    .retirements
                    .retain(|known| known.container != *container);
            }
            whole_apps => {
                let message = format!("not a change of one app: {whole_apps:?}");
                return Err(StoreError::new(StoreErrorKind::Failed, message));
            }
        }
        Ok(())
    }

    /// One of the same moment, generation and kind is there already.
    fn record_crash(&mut self, app: &AppName, crash: &Crash) -> Result<(), StoreError> {
        self.app(app)?;
        let key = |crash: &Crash| (crash.at, crash.generation, crash.kind);
        let crashes = self.crashes.entry(app.clone()).or_default();
        if !crashes.iter().any(|known| key(known) == key(crash)) {
            crashes.push(crash.clone());
            crashes.sort_by_key(key);
        }
        Ok(())
    }

    fn set_links(&mut self, app: &AppName, links: &[Link]) -> Result<(), StoreError> {
        let aliases: BTreeSet<&str> = links.iter().map(|link| link.alias.as_str()).collect();
        let app = self.app_mut(app)?;
        if aliases.len() < links.len() {
            let message = format!("two links of {} have the same alias", app.name);
            return Err(StoreError::new(StoreErrorKind::Failed, message));
        }
        app.links = links.to_vec();
        Ok(())
    }

    fn set_domains(&mut self, scope: &Scope, domains: &[Domain]) -> Result<(), StoreError> {
        // A repeated one counts once.
        let mut domains = domains.to_vec();
        let mut seen = BTreeSet::new();
        domains.retain(|domain| seen.insert(domain.clone()));
        let app = match scope {
            Scope::Global => {
                self.global.domains = domains;
                return Ok(());
            }
            Scope::App(app) => app,
        };
        self.app(app)?;
        for domain in &domains {
            let mut others = self.apps.values().filter(|other| other.name != *app);
            if let Some(other) = others.find(|other| other.domains.contains(domain)) {
                let message = format!("{domain} belongs to {}", other.name);
                let (domain, by) = (domain.clone(), other.name.clone());
                return Err(StoreError::new(StoreErrorKind::DomainTaken { domain, by }, message));
            }
        }
        self.app_mut(app)?.domains = domains;
        Ok(())
    }

    fn publish(&mut self, app: &AppName, port: Option<u16>) -> Result<(), StoreError> {
        self.app(app)?;
        if let Some(port) = port {
            let others = self.apps.values().filter(|other| other.name != *app);
            let published = others.filter(|other| other.published_port == Some(port));
            // A loopback port may stand in a proxy's file as long as it is given out.
            let given = self.endpoints.iter();
            let given = given.filter(|given| given.endpoint == Endpoint::LoopbackPort(port));
            let mut takers = published.map(|other| &other.name).chain(given.map(|given| &given.app));
            if let Some(by) = takers.next().cloned() {
                let message = format!("port {port} belongs to {by}");
                return Err(StoreError::new(StoreErrorKind::PortTaken { port, by }, message));
            }
        }
        self.app_mut(app)?.published_port = port;
        Ok(())
    }

    /// What is known of an app's releases.
    pub(super) fn history(&self, app: &AppName) -> Result<ReleaseHistory, StoreError> {
        self.app(app)?;
        Ok(self.histories.get(app).cloned().unwrap_or_default())
    }

    fn history_mut(&mut self, app: &AppName) -> Result<&mut ReleaseHistory, StoreError> {
        self.app(app)?;
        Ok(self.histories.entry(app.clone()).or_default())
    }

    fn change_past(
        &mut self,
        app: &AppName,
        number: ReleaseNumber,
        change: impl FnOnce(&mut PastRelease),
    ) -> Result<(), StoreError> {
        let mut releases = self.history_mut(app)?.releases.iter_mut();
        releases.find(|past| past.number == number).map(change);
        Ok(())
    }

    fn add(&mut self, app: AppRecord) -> Result<(), StoreError> {
        if self.apps.contains_key(&app.name) {
            let kind = StoreErrorKind::AppExists(app.name.clone());
            return Err(StoreError::new(kind, format!("the app {} exists already", app.name)));
        }
        self.apps.insert(app.name.clone(), app);
        Ok(())
    }

    fn rename(&mut self, from: &AppName, to: &AppName) -> Result<(), StoreError> {
        let mut app = self.app(from)?.clone();
        app.name = to.clone();
        self.add(app)?;
        self.apps.remove(from);
        let (moved, kept) = std::mem::take(&mut self.releases)
            .into_iter()
            .partition(|((app, _), _)| app == from);
        let moved: BTreeMap<_, _> = moved;
        self.releases = kept;
        if let Some(crashes) = self.crashes.remove(from) {
            self.crashes.insert(to.clone(), crashes);
        }
        if let Some(history) = self.histories.remove(from) {
            self.histories.insert(to.clone(), history);
        }
        self.releases.extend(
            moved
                .into_iter()
                .map(|((_, number), release)| ((to.clone(), number), release)),
        );
        for endpoint in self.endpoints.iter_mut().filter(|endpoint| endpoint.app == *from) {
            endpoint.app = to.clone();
        }
        for entry in self.journal.iter_mut().filter(|entry| entry.app == *from) {
            entry.app = to.clone();
        }
        Ok(())
    }

    /// Gives out one endpoint; addresses go round, so that a freed one is not given out again at once.
    pub(super) fn reserve(
        &mut self,
        app: &AppName,
        kind: EndpointKind,
        replica: &Replica,
        generation: Generation,
        is_usable: &(dyn Fn(Endpoint) -> bool + Send + Sync),
    ) -> Result<Endpoint, StoreError> {
        self.app(app)?;
        let is_published = |endpoint: Endpoint| {
            let mut ports = self.apps.values().filter_map(|app| app.published_port);
            ports.any(|port| endpoint == Endpoint::LoopbackPort(port))
        };
        let is_given = |endpoint: Endpoint| {
            is_published(endpoint) || self.endpoints.iter().any(|given| given.endpoint == endpoint)
        };
        let free = match kind {
            EndpointKind::Address(subnet) => subnet
                .next_free(self.last_address, |address| is_given(Endpoint::Address(address)))
                .map(Endpoint::Address),
            EndpointKind::LoopbackPort => PORTS
                .map(Endpoint::LoopbackPort)
                .find(|port| !is_given(*port) && is_usable(*port)),
        };
        let none_left = || StoreError::new(StoreErrorKind::NoEndpointLeft, "all addresses are given out");
        let endpoint = free.ok_or_else(none_left)?;
        if let Endpoint::Address(address) = endpoint {
            self.last_address = Some(address);
        }
        self.endpoints.push(ReservedEndpoint {
            app: app.clone(),
            replica: replica.clone(),
            generation,
            endpoint,
        });
        Ok(endpoint)
    }
}
