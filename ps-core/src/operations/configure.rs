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

    /// What the change does, with the names of the variables and without their values.
    ///
    /// ```
    /// use ps_core::operations::ConfigEdit;
    /// let mut edit = ConfigEdit { unset: vec!["OLD".to_owned()], ..ConfigEdit::default() };
    /// edit.set.set("A", "secret")?;
    /// edit.set.set("B", "secret")?;
    /// assert_eq!(edit.summary(), "set 2 config variables (A, B), removed 1 config variable (OLD)");
    /// # Ok::<(), ps_core::config::ConfigError>(())
    /// ```
    pub fn summary(&self) -> String {
        let set: Vec<&str> = self.set.iter().map(|(name, _)| name).collect();
        let unset: Vec<&str> = self.unset.iter().map(String::as_str).collect();
        let parts = [("set", set), ("removed", unset)];
        let told = parts.iter().filter(|(_, names)| !names.is_empty());
        let told = told.map(|(done, names)| {
            let (count, s) = (names.len(), if names.len() == 1 { "" } else { "s" });
            format!("{done} {count} config variable{s} ({})", names.join(", "))
        });
        told.collect::<Vec<_>>().join(", ")
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
        self.hide(hidden);
        let verb = edit.verb();
        let mut counts_later = false;
        let change = self.change(app, verb, |situation| {
            let record = &situation.record;
            counts_later = record.release.is_some() && (record.stopped_by_operator || record.quarantine.is_some());
            let config = edit.applied_to(&situation.record.config);
            if config == situation.record.config {
                return Ok(Plan::new(app.clone()));
            }
            let store = StoreChange::SetConfig {
                scope: Scope::App(app.clone()),
                config: config.clone(),
            };
            plan_config(situation, store, config, restart, verb, made)
        });
        let mut ended = change.await;
        if let Ok(outcome) = &mut ended
            && outcome.is_change()
            && counts_later
        {
            outcome.notice = Some(format!(
                "does not run: the change counts from `psctl ps:restart {app}` on"
            ));
        }
        self.told(app, verb, ended, |_| edit.summary()).await
    }

    /// Changes the environment of all apps; nothing is restarted.
    pub async fn configure_all(&self, edit: &ConfigEdit) -> Result<(), OperationError> {
        let hidden = edit.set.iter().map(|(_, value)| value.to_owned()).collect();
        self.hide(hidden);
        let ended = self.store_for_all(edit).await;
        let told = ended.as_ref().map(|()| edit.summary());
        self.write_trail(None, edit.verb(), told).await;
        ended
    }

    async fn store_for_all(&self, edit: &ConfigEdit) -> Result<(), OperationError> {
        let global = self.adapters.store.global().await?;
        self.hide(global.config.iter().map(|(_, value)| value.to_owned()).collect());
        let change = StoreChange::SetConfig {
            scope: Scope::Global,
            config: edit.applied_to(&global.config),
        };
        if !self.is_dry_run() {
            self.adapters.store.apply(&[change]).await?;
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
        let text = match &value {
            Some(value) => format!("set {property} to {value}"),
            None => format!("cleared {property}"),
        };
        let verb = "ps:set";
        let change = self.change(app, verb, |situation| plan_property(situation, property, value));
        let ended = change.await;
        self.told(app, verb, ended, |_| text).await
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
    let is_wanted = !record.stopped_by_operator && record.quarantine.is_none();
    let runs = is_wanted && !record.serving.is_empty();
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
    let is_stopped = record.stopped_by_operator || record.quarantine.is_some();
    let is_live = situation.capabilities.updates_restart_policy && !is_stopped;
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
