//! What stands between apps and the outside: domains, proxy files, published ports.

use std::time::Duration;

use futures_util::future::join_all;

use super::change::Extras;
use super::gathered::{Gathered, Participant};
use super::{AppResult, OperationError, Operations, VerbOutcome};
use crate::addresses::Endpoint;
use crate::app::AppRecord;
use crate::domains::Domain;
use crate::formation::Formation;
use crate::names::{AppName, ProcessType};
use crate::observation::Role;
use crate::plan::{Cause, EngineAction, Plan, StoreAction};
use crate::planning::{
    Rollout, Routing, Selection, Situation, existing, plan_rewrite, plan_rollout, plan_route, plan_unroute,
};
use crate::policies::{Policies, Property};
use crate::proxy::ProxyState;
use crate::store::{Scope, StoreChange, StoreError, StoreErrorKind};

/// A change of domains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainEdit {
    /// These too.
    Add(Vec<Domain>),
    /// Not these any more; those that are not there are ignored.
    Remove(Vec<Domain>),
    /// These and no others.
    Set(Vec<Domain>),
    /// None: the default ones are in force again.
    Clear,
}

impl DomainEdit {
    /// What the change is called.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Add(_) => "domains:add",
            Self::Remove(_) => "domains:remove",
            Self::Set(_) => "domains:set",
            Self::Clear => "domains:clear",
        }
    }

    /// What it does, in a few words: `added shop.example.com`.
    #[must_use]
    pub fn summary(&self) -> String {
        let (done, domains) = match self {
            Self::Add(domains) => ("added", domains),
            Self::Remove(domains) => ("removed", domains),
            Self::Set(domains) => ("set", domains),
            Self::Clear => return "cleared the domains".to_owned(),
        };
        let domains: Vec<&str> = domains.iter().map(Domain::as_str).collect();
        format!("{done} {}", domains.join(", "))
    }

    /// Without the domains that are not there to be removed, and these.
    fn split_by(&self, own: &[Domain]) -> (Self, Vec<Domain>) {
        let Self::Remove(gone) = self else {
            return (self.clone(), Vec::new());
        };
        let (there, missing) = gone.iter().cloned().partition(|domain| own.contains(domain));
        (Self::Remove(there), missing)
    }

    /// The domains after the change, each once.
    #[must_use]
    pub fn applied_to(&self, domains: &[Domain]) -> Vec<Domain> {
        let all: Vec<Domain> = match self {
            Self::Add(more) => domains.iter().chain(more).cloned().collect(),
            Self::Remove(gone) => domains
                .iter()
                .filter(|domain| !gone.contains(domain))
                .cloned()
                .collect(),
            Self::Set(domains) => domains.clone(),
            Self::Clear => Vec::new(),
        };
        let mut once: Vec<Domain> = Vec::new();
        for domain in all {
            if !once.contains(&domain) {
                once.push(domain);
            }
        }
        once
    }
}

/// What is known about the proxy and one app.
#[derive(Debug)]
pub struct AppTraffic {
    /// The app.
    pub record: AppRecord,
    /// Whether a proxy serves it, or will once it is deployed.
    pub is_served: bool,
    /// The domains in force.
    pub domains: Vec<Domain>,
    /// Its proxy file, where it has one.
    pub file: Option<std::path::PathBuf>,
}

impl Operations {
    /// Changes an app's domains, and its proxy file with them. One that another app has, by itself or by default, is refused.
    pub async fn edit_domains(&self, app: &AppName, edit: &DomainEdit) -> Result<VerbOutcome, OperationError> {
        let own = self.adapters.store.app(app).await?.domains;
        let (edit, missing) = edit.split_by(&own);
        let mut ended = Box::pin(self.domains_edited(app, &edit)).await;
        if let Ok(outcome) = &mut ended
            && !missing.is_empty()
        {
            outcome.notice = Some(not_its_own(app, &missing));
            if !outcome.is_change() {
                return ended;
            }
        }
        self.told(app, edit.verb(), ended, |_| edit.summary()).await
    }

    async fn domains_edited(&self, app: &AppName, edit: &DomainEdit) -> Result<VerbOutcome, OperationError> {
        // An app that does not exist must not get a lock file.
        self.adapters.store.app(app).await?;
        let verb = edit.verb();
        let _lock = self.lock(app, verb).await?;
        let situation = self.situation(app).await?;
        let domains = edit.applied_to(&situation.record.domains);
        let mut outcome = VerbOutcome::new(app);
        if domains == situation.record.domains {
            return Ok(outcome);
        }
        self.refuse_taken_domains(app, &domains).await?;
        let mut changed = situation.clone();
        changed.record.domains.clone_from(&domains);
        if let Routing::Served(settings) = &mut changed.routing {
            settings.domains = self.domains_of(&changed.record).await?;
        }
        let set = StoreChange::SetDomains {
            scope: Scope::App(app.clone()),
            domains,
        };
        let plan = plan_rewrite(&changed, vec![set], &Cause::SettingChanged);
        self.carry_out(&mut outcome, &changed, plan, verb, Extras::default())
            .await?;
        self.finish(outcome).await
    }

    /// Writes the proxy files of apps again, with one change of the proxy.
    pub async fn build_proxy_config(&self, apps: &[AppName]) -> Vec<AppResult> {
        self.together(apps, "proxy:build-config", plan_route).await
    }

    /// Takes the proxy files of apps away, with one change of the proxy.
    pub async fn clear_proxy_config(&self, apps: &[AppName]) -> Vec<AppResult> {
        self.together(apps, "proxy:clear-config", plan_unroute).await
    }

    /// Sets a property of `proxy:set` for an app, or clears it, and changes the app's file with it.
    pub async fn set_proxy_property(
        &self,
        app: &AppName,
        property: Property,
        value: Option<String>,
    ) -> Result<VerbOutcome, OperationError> {
        let text = match &value {
            Some(value) => format!("set {property} to {value}"),
            None => format!("unset {property}"),
        };
        let ended = Box::pin(self.proxy_property_set(app, property, value)).await;
        self.told(app, "proxy:set", ended, |_| text).await
    }

    async fn proxy_property_set(
        &self,
        app: &AppName,
        property: Property,
        value: Option<String>,
    ) -> Result<VerbOutcome, OperationError> {
        property.check(value.as_deref().unwrap_or_default())?;
        // An app that does not exist must not get a lock file.
        self.adapters.store.app(app).await?;
        let verb = "proxy:set";
        let _lock = self.lock(app, verb).await?;
        let mut situation = self.situation(app).await?;
        let mut outcome = VerbOutcome::new(app);
        let properties = &mut situation.record.properties;
        let before = match &value {
            Some(value) => properties.insert(property, value.clone()),
            None => properties.remove(&property),
        };
        if before == value {
            return Ok(outcome);
        }
        situation.policies = Policies::resolve(properties, &situation.global.properties)?;
        situation.routing = self.routing(&situation).await?;
        let set = StoreChange::SetProperty {
            scope: Scope::App(app.clone()),
            property,
            value,
        };
        let plan = plan_rewrite(&situation, vec![set], &Cause::SettingChanged);
        self.carry_out(&mut outcome, &situation, plan, verb, Extras::default())
            .await?;
        self.finish(outcome).await
    }

    /// Gives `web` an outside port, or takes it away; a `web` that runs is replaced. One that has an outside port has one replica,
    /// and makes way before its next one starts.
    pub async fn publish_port(&self, app: &AppName, port: Option<u16>) -> Result<VerbOutcome, OperationError> {
        if let Some(port) = port {
            self.refuse_taken_port(app, port).await?;
        }
        let verb = match port {
            Some(_) => "ports:publish",
            None => "ports:unpublish",
        };
        let ended = self.change(app, verb, |situation| plan_publish(situation, port)).await;
        let text = |_: &VerbOutcome| {
            port.map_or_else(
                || "no published port".to_owned(),
                |port| format!("published port {port}"),
            )
        };
        self.told(app, verb, ended, text).await
    }

    /// What is known about the proxy.
    pub async fn proxy_state(&self) -> Result<ProxyState, OperationError> {
        Ok(self.adapters.proxy.state().await?)
    }

    /// What is known about the proxy and apps, in the order they are given.
    pub async fn traffic(&self, apps: Vec<AppRecord>) -> Result<Vec<AppTraffic>, OperationError> {
        let global = self.adapters.store.global().await?;
        let mut traffic = Vec::new();
        for record in apps {
            let policies = record.policies(&global)?;
            let file = self.adapters.proxy.site_file(&record.name).await?;
            traffic.push(AppTraffic {
                is_served: self.is_served(&record, &policies).await?,
                domains: self.domains_of(&record).await?,
                file: file.map(|(path, _)| path),
                record,
            });
        }
        Ok(traffic)
    }

    async fn refuse_taken_port(&self, app: &AppName, port: u16) -> Result<(), OperationError> {
        let store = &self.adapters.store;
        let (apps, given) = (store.apps().await?, store.reserved_endpoints().await?);
        let mut others = apps.into_iter().filter(|record| record.name != *app);
        let published = others.find(|record| record.published_port == Some(port));
        let mut given = given.into_iter();
        let given = given.find(|given| given.endpoint == Endpoint::LoopbackPort(port));
        let (by, message) = match (published, given) {
            (Some(other), _) => (
                other.name.clone(),
                format!("the port {port} is published for {}", other.name),
            ),
            (None, Some(given)) => (
                given.app.clone(),
                format!("nginx reaches {} at the port {port}", given.app),
            ),
            (None, None) => return Ok(()),
        };
        Err(StoreError::new(StoreErrorKind::PortTaken { port, by }, message).into())
    }

    async fn refuse_taken_domains(&self, app: &AppName, domains: &[Domain]) -> Result<(), OperationError> {
        for other in self.adapters.store.apps().await? {
            if other.name == *app {
                continue;
            }
            let in_force = self.domains_of(&other).await?;
            if let Some(domain) = domains.iter().find(|domain| in_force.contains(domain)) {
                let message = format!("{domain} belongs to {}", other.name);
                let by = other.name;
                let domain = domain.clone();
                return Err(StoreError::new(StoreErrorKind::DomainTaken { domain, by }, message).into());
            }
        }
        Ok(())
    }

    /// A plan for each app, each under its own lock, all side by side, and one change of the proxy for all.
    async fn together(&self, apps: &[AppName], verb: &str, plan: fn(&Situation) -> Plan) -> Vec<AppResult> {
        let gathered = Gathered::new(self.adapters.proxy.clone(), apps.len());
        let work = apps.iter().map(|app| {
            let participant = gathered.participant();
            async move {
                let result = self.one_of_many(app, verb, plan, &participant).await;
                participant.leave().await;
                let result = match result {
                    // What was left alone is no change to write down.
                    Ok(outcome) if !outcome.is_change() => Ok(outcome),
                    ended => {
                        let text = |_: &VerbOutcome| "changed the proxy file".to_owned();
                        self.told(app, verb, ended, text).await
                    }
                };
                AppResult {
                    app: app.clone(),
                    result,
                }
            }
        });
        join_all(work).await
    }

    async fn one_of_many(
        &self,
        app: &AppName,
        verb: &str,
        plan: fn(&Situation) -> Plan,
        proxy: &Participant<'_>,
    ) -> Result<VerbOutcome, OperationError> {
        self.adapters.store.app(app).await?;
        let _lock = self.lock(app, verb).await?;
        let situation = self.situation(app).await?;
        let mut outcome = VerbOutcome::new(app);
        let extras = Extras {
            proxy: Some(proxy),
            ..Extras::default()
        };
        let plan = plan(&situation);
        if let Some(left) = plan.left_alone().first() {
            outcome.notice = Some(self.why_left_alone(&situation, &left.reason).await?);
        }
        self.carry_out(&mut outcome, &situation, plan, verb, extras).await?;
        self.finish(outcome).await
    }
}

/// Refuses more than one `web` where that has an outside port.
pub(super) fn refuse_many_published(record: &AppRecord, formation: &Formation) -> Result<(), OperationError> {
    let replicas = formation.quantity(&ProcessType::web());
    match record.published_port {
        Some(port) if replicas > 1 => Err(OperationError::PublishedOnce {
            app: record.name.clone(),
            port,
            replicas,
        }),
        _ => Ok(()),
    }
}

/// That domains are not an app's own, as a notice.
fn not_its_own(app: &AppName, domains: &[Domain]) -> String {
    let domains: Vec<&str> = domains.iter().map(Domain::as_str).collect();
    format!(
        "has no {} of its own to remove; `psctl domains:set {app} <domain>` replaces its default domains",
        domains.join(", ")
    )
}

fn plan_publish(situation: &Situation, port: Option<u16>) -> Result<Plan, OperationError> {
    let record = &situation.record;
    if record.published_port == port {
        return Ok(Plan::new(record.name.clone()));
    }
    let mut changed = situation.clone();
    changed.record.published_port = port;
    if record.published_port.is_some() {
        // The port is somebody else's from then on, so whoever has it goes at once.
        changed.policies.wait_to_retire = Duration::ZERO;
    }
    refuse_many_published(&changed.record, &record.formation)?;
    let publish = StoreChange::PublishPort {
        app: record.name.clone(),
        port,
    };
    let runs = !record.stopped_by_operator && record.quarantine.is_none() && !record.serving.is_empty();
    match &record.release {
        Some(release) if runs => {
            let rollout = Rollout {
                release,
                formation: &record.formation,
                selection: Selection::Type(ProcessType::web()),
                cause: Cause::SettingChanged,
                intent: Vec::new(),
                with_switch: vec![publish],
            };
            Ok(plan_rollout(&changed, rollout)?)
        }
        _ => Ok(plan_publish_later(situation, publish)),
    }
}

/// Of an app that does not run: a `web` that is stopped has the ports it was made with, so it goes, and a start makes it anew.
fn plan_publish_later(situation: &Situation, publish: StoreChange) -> Plan {
    let record = &situation.record;
    let mut plan = Plan::new(record.name.clone());
    let webs = situation.observed.with_role(record, Role::Serving).filter(|container| {
        let is_web = container.replica.process_type().is_web();
        is_web && !container.state.may_have_a_process() && !record.is_routed(container.generation)
    });
    let (mut removed, mut changes) = (Vec::new(), vec![publish]);
    for web in webs {
        let remove = EngineAction::Remove(existing(web));
        removed.push(plan.push_for(Some(&web.replica), remove, Cause::SettingChanged, &[]));
        changes.push(StoreChange::ReleaseEndpoint {
            app: record.name.clone(),
            generation: web.generation,
        });
    }
    plan.push(StoreAction::Record(changes), Cause::SettingChanged, &removed);
    plan
}
