//! What a source says of formation and environment, for one deploy. Invariant: nothing is stored here; the values go into the
//! transaction of the switch, so that a failed deploy leaves no trace of them.

use super::traffic::refuse_many_published;
use super::{OperationError, Operations};
use crate::config::Config;
use crate::formation::Formation;
use crate::manifest::{EnvRequests, Manifest};
use crate::planning::{DeployKind, Situation, deployed_env, deployed_formation};
use crate::release::Processes;
use crate::store::{Scope, StoreChange};

/// The settings of an app once a deploy serves.
pub(super) struct DeployedSettings {
    /// How many replicas each type has.
    pub(super) formation: Formation,
    /// The app's own environment.
    pub(super) config: Config,
}

impl DeployedSettings {
    /// What is recorded with the switch besides release and formation.
    pub(super) fn changes(&self, situation: &Situation) -> Vec<StoreChange> {
        let set = StoreChange::SetConfig {
            scope: Scope::App(situation.record.name.clone()),
            config: self.config.clone(),
        };
        let is_changed = self.config != situation.record.config;
        is_changed.then_some(set).into_iter().collect()
    }

    /// The situation with the new environment, which is not stored yet: what is made from it, and what is hidden from output,
    /// follows it.
    pub(super) fn applied_to(&self, mut situation: Situation) -> Situation {
        situation.record.config.clone_from(&self.config);
        situation
    }
}

impl Operations {
    /// Finds what a source says valid, and makes the app's new settings of it. The values it sets are hidden from output from then on.
    pub(super) fn deployed_settings(
        &self,
        situation: &Situation,
        processes: &Processes,
        manifest: &Manifest,
        env: &EnvRequests,
    ) -> Result<DeployedSettings, OperationError> {
        let record = &situation.record;
        let formation = deployed_formation(&record.formation, processes, manifest)?;
        refuse_many_published(record, &formation)?;
        let kind = match &record.release {
            Some(_) => DeployKind::Later,
            None => DeployKind::First,
        };
        let current = situation.global.config.overlaid(&record.config);
        let host = &self.adapters.host;
        let set = deployed_env(env, &current, kind, || host.random_bytes()).map_err(|error| OperationError::Env {
            app: record.name.clone(),
            error,
        })?;
        let values = set.iter().map(|(_, value)| value.to_owned()).collect();
        self.hide(values);
        Ok(DeployedSettings {
            formation,
            config: record.config.overlaid(&set),
        })
    }
}
