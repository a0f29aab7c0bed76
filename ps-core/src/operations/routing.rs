//! Whether a proxy serves an app, and how.

use super::{OperationError, Operations};
use crate::app::AppRecord;
use crate::domains::{Domain, domains_in_force};
use crate::formation::Formation;
use crate::names::{AppName, ProcessType};
use crate::planning::{Routing, Situation};
use crate::policies::{Policies, ProxyChoice};
use crate::proxy::{ProxyPresence, SiteSettings};

impl Operations {
    /// What a proxy does for an app. One that nobody asked for serves only when it works, and goes on once it has begun.
    pub(crate) async fn routing(&self, situation: &Situation) -> Result<Routing, OperationError> {
        let (record, policies) = (&situation.record, &situation.policies);
        if !self.is_served(record, policies).await? {
            return Ok(Routing::None);
        }
        Ok(Routing::Served(SiteSettings {
            domains: self.domains_of(record).await?,
            body_limit: policies.body_limit,
            connect_timeout: policies.connect_timeout,
            read_timeout: policies.read_timeout,
            send_timeout: policies.send_timeout,
            template: policies.template.clone(),
        }))
    }

    /// Whether a proxy serves an app.
    pub(crate) async fn is_served(&self, record: &AppRecord, policies: &Policies) -> Result<bool, OperationError> {
        Ok(match policies.proxy {
            ProxyChoice::None => false,
            ProxyChoice::Nginx => true,
            ProxyChoice::Unset => {
                record.routed.is_some() || self.adapters.proxy.state().await?.presence == ProxyPresence::Ready
            }
        })
    }

    /// Says that an app's web gets no requests because the proxy that is here does not run: it may be meant so, or not.
    pub(super) async fn warn_of_a_proxy_that_is_down(
        &self,
        situation: &Situation,
        formation: &Formation,
    ) -> Result<(), OperationError> {
        let is_told = situation.routing != Routing::None || situation.policies.proxy == ProxyChoice::None;
        let has_web = formation.quantity(&ProcessType::web()) > 0 && situation.record.published_port.is_none();
        if is_told || !has_web {
            return Ok(());
        }
        let state = self.adapters.proxy.state().await?;
        if state.presence == ProxyPresence::Down {
            let (app, kind) = (&situation.record.name, state.kind);
            let text = format!(
                "{kind} does not run, so it sends {app} no requests; start it and run `psctl proxy:build-config {app}`, or do without \
                 it: `psctl proxy:set {app} none`"
            );
            self.warn(app, &[text]);
        }
        Ok(())
    }

    /// Why no file is written for an app, and what would change that, as a notice.
    pub(super) async fn why_left_alone(&self, situation: &Situation, reason: &str) -> Result<String, OperationError> {
        let app = &situation.record.name;
        if situation.record.release.is_none() || situation.routing != Routing::None {
            return Ok(format!("is left alone: {reason}"));
        }
        if situation.policies.proxy == ProxyChoice::None {
            return Ok(format!(
                "is left alone: {reason}; `psctl proxy:set {app} nginx` changes that"
            ));
        }
        let state = self.adapters.proxy.state().await?;
        let kind = state.kind;
        Ok(match state.presence {
            ProxyPresence::Absent => format!("is left alone: {reason}, for there is none on this host"),
            ProxyPresence::Down | ProxyPresence::Ready => format!(
                "is left alone: {reason}, for {kind} does not run; start it and run `psctl proxy:build-config {app}` again"
            ),
        })
    }

    /// The domains an app answers for; fails with `NoSuchApp`.
    pub async fn domains(&self, app: &AppName) -> Result<Vec<Domain>, OperationError> {
        let record = self.adapters.store.app(app).await?;
        self.domains_of(&record).await
    }

    /// The domains an app answers for, whose record is at hand.
    pub(crate) async fn domains_of(&self, record: &AppRecord) -> Result<Vec<Domain>, OperationError> {
        let store = &self.adapters.store;
        let (global, apps) = (store.global().await?, store.apps().await?);
        let is_taken = |domain: &Domain| {
            let mut others = apps.iter().filter(|other| other.name != record.name);
            others.any(|other| other.domains.contains(domain))
        };
        let host = self.adapters.host.name();
        Ok(domains_in_force(
            &record.name,
            &record.domains,
            &global.domains,
            &host,
            is_taken,
        ))
    }
}
