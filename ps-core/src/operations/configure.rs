//! Settings and environment: stored in one transaction, and rolled out where that is asked for.

use super::releases::Made;
use super::verbs::current_config;
use super::{OperationError, Operations, VerbOutcome};
use crate::config::Config;
use crate::names::AppName;
use crate::plan::{Cause, ContainerRef, EngineAction, Plan, StoreAction};
use crate::planning::{Rollout, Selection, Situation, plan_rollout};
use crate::policies::{Policies, Property};
use crate::release::Release;
use crate::store::{Scope, StoreChange};

/// A change of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfigEdit {
    /// Variables to set.
    pub set: Config,
    /// Variables to remove; those that are not set are ignored.
    pub unset: Vec<String>,
}

impl ConfigEdit {
    /// What the change is called.
    fn verb(&self) -> &'static str {
        if self.set.is_empty() {
            "config:unset"
        } else {
            "config:set"
        }
    }

    /// The environment after the change.
    #[must_use]
    pub fn applied_to(&self, config: &Config) -> Config {
        let mut result = config.overlaid(&self.set);
        for name in &self.unset {
            result.unset(name);
        }
        result
    }
}

impl Operations {
    /// Changes an app's environment. On a running app it makes a new release from the same image and rolls it out, unless
    /// `restart` is false.
    pub async fn configure(
        &self,
        app: &AppName,
        edit: &ConfigEdit,
        restart: bool,
    ) -> Result<VerbOutcome, OperationError> {
        let made = self.made_now();
        let hidden = edit.set.iter().map(|(_, value)| value.to_owned()).collect();
        self.adapters.events.hide(hidden);
        let verb = edit.verb();
        self.change(app, verb, |situation| {
            let config = edit.applied_to(&situation.record.config);
            if config == situation.record.config {
                return Ok(Plan::new(app.clone()));
            }
            let store = StoreChange::SetConfig {
                scope: Scope::App(app.clone()),
                config: config.clone(),
            };
            plan_config(situation, store, config, restart, verb, made)
        })
        .await
    }

    /// Changes the environment of all apps; nothing is restarted.
    pub async fn configure_all(&self, edit: &ConfigEdit) -> Result<(), OperationError> {
        let hidden = edit.set.iter().map(|(_, value)| value.to_owned()).collect();
        self.adapters.events.hide(hidden);
        let global = self.adapters.store.global().await?;
        let config = edit.applied_to(&global.config);
        if !self.is_dry_run() {
            self.adapters
                .store
                .apply(&[StoreChange::SetConfig {
                    scope: Scope::Global,
                    config,
                }])
                .await?;
        }
        Ok(())
    }

    /// Sets a property of an app, or clears it. A new restart policy takes effect at once where the engine can change
    /// a live container.
    pub async fn set_property(
        &self,
        app: &AppName,
        property: Property,
        value: Option<String>,
    ) -> Result<VerbOutcome, OperationError> {
        property.check(value.as_deref().unwrap_or_default())?;
        self.change(app, "ps:set", |situation| plan_property(situation, property, value))
            .await
    }
}

/// Stores the config, then rolls it out: the rollout's first steps are its own.
fn plan_config(
    situation: &Situation,
    store: StoreChange,
    config: Config,
    restart: bool,
    verb: &str,
    made: Made,
) -> Result<Plan, OperationError> {
    let record = &situation.record;
    let mut changed = situation.clone();
    changed.record.config = config;
    let runs = !record.stopped_by_operator && !record.serving.is_empty();
    let plan = match &record.release {
        Some(current) if restart && runs => {
            let release = Release {
                number: record.next_release,
                config: current_config(&changed.record, &situation.global),
                cause: verb.to_owned(),
                by: made.by,
                created_at: made.at,
                ..current.clone()
            };
            let cause = Cause::Deploys {
                release: release.number,
                replaces: Some(current.number),
            };
            let rollout = Rollout {
                release: &release,
                formation: &record.formation,
                selection: Selection::All,
                cause,
                intent: vec![store],
                with_switch: Vec::new(),
            };
            plan_rollout(&changed, rollout)?
        }
        _ => {
            let mut plan = Plan::new(record.name.clone());
            plan.push(StoreAction::Record(vec![store]), Cause::SettingChanged, &[]);
            plan
        }
    };
    Ok(plan)
}

fn plan_property(situation: &Situation, property: Property, value: Option<String>) -> Result<Plan, OperationError> {
    let record = &situation.record;
    let mut plan = Plan::new(record.name.clone());
    if record.properties.get(&property) == value.as_ref() {
        return Ok(plan);
    }
    let mut properties = record.properties.clone();
    match &value {
        Some(value) => properties.insert(property, value.clone()),
        None => properties.remove(&property),
    };
    let policies = Policies::resolve(&properties, &situation.global.properties)?;
    let set = StoreChange::SetProperty {
        scope: Scope::App(record.name.clone()),
        property,
        value,
    };
    let stored = plan.push(StoreAction::Record(vec![set]), Cause::SettingChanged, &[]);
    let is_live = situation.capabilities.updates_restart_policy && !record.stopped_by_operator;
    if is_live && policies.restart != situation.policies.restart {
        for replica in record.serving.keys() {
            let Some(container) = situation.observed.serving(record, replica) else {
                continue;
            };
            let container = ContainerRef::Existing {
                id: container.id.clone(),
                name: container.name.clone(),
            };
            let update = EngineAction::UpdateRestartPolicy {
                container,
                policy: policies.restart,
            };
            plan.push_for(Some(replica), update, Cause::SettingChanged, &[stored]);
        }
    }
    Ok(plan)
}
