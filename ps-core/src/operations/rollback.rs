//! Rollback: an earlier release is put back as a new one, from its image, without source, build or release process. What fails before
//! the switch changes nothing, the app's config included.

use std::collections::BTreeSet;

use super::change::Extras;
use super::trail::released;
use super::{OperationError, Operations, VerbOutcome};
use crate::config::Config;
use crate::execution::OperationEvent;
use crate::formation::Formation;
use crate::names::{AppName, ProcessType};
use crate::plan::Cause;
use crate::planning::{Rollout, Selection, Situation, plan_rollout};
use crate::release::{Release, ReleaseNumber};
use crate::store::{Scope, StoreChange};

impl Operations {
    /// Puts an earlier release back, by default the last one that served before the current one: a new release with its image,
    /// commands, manifest and config is rolled out as a deploy would be. The formation stays, unless that release's app.json has
    /// one.
    pub async fn rollback(&self, app: &AppName, target: Option<ReleaseNumber>) -> Result<VerbOutcome, OperationError> {
        let (verb, mut put_back) = ("ps:rollback", None);
        let ended = self.roll_back(app, target, verb, &mut put_back).await;
        let done = |outcome: &VerbOutcome| match put_back {
            Some(earlier) => released(&format!("put {earlier} back as"), outcome),
            None => released("deployed", outcome),
        };
        self.told(app, verb, ended, done).await
    }

    async fn roll_back(
        &self,
        app: &AppName,
        target: Option<ReleaseNumber>,
        verb: &str,
        put_back: &mut Option<ReleaseNumber>,
    ) -> Result<VerbOutcome, OperationError> {
        // An app that does not exist must not get a lock file.
        self.adapters.store.app(app).await?;
        let _lock = self.lock(app, verb).await?;
        let situation = self.situation(app).await?;
        let Some(current) = situation.record.release.as_ref().map(|release| release.number) else {
            return Err(OperationError::NeverDeployed { app: app.clone() });
        };
        if target == Some(current) {
            let notice = format!("is at {current} already; `psctl ps:restart {app}` replaces its containers");
            return Ok(VerbOutcome::with_notice(app, notice));
        }
        let target = self.release_to_put_back(app, current, target).await?;
        *put_back = Some(target.number);
        let values = target.config.iter().map(|(_, value)| value.to_owned());
        self.hide(values.collect());
        self.warn_of_new_globals(&situation, &target);
        let made = self.made_now();
        let release = Release {
            number: situation.record.next_release,
            cause: format!("{verb} {}", target.number),
            by: made.by,
            created_at: made.at,
            ..target.clone()
        };
        self.stage(
            app,
            format!("Rolling {app} back to {} as {}", target.number, release.number),
        );
        let formation = formation_after(&situation.record.formation, &release);
        let config = config_after(&release.config, &situation.record.config, &situation.global.config);
        let set_config = (config != situation.record.config).then(|| StoreChange::SetConfig {
            scope: Scope::App(app.clone()),
            config,
        });
        let rollout = Rollout {
            release: &release,
            formation: &formation,
            selection: Selection::All,
            cause: Cause::RollsBack {
                release: release.number,
                to: target.number,
            },
            intent: Vec::new(),
            with_switch: set_config.into_iter().collect(),
        };
        let plan = plan_rollout(&situation, rollout)?;
        let mut outcome = VerbOutcome::new(app);
        self.carry_out(&mut outcome, &situation, plan, verb, Extras::default())
            .await?;
        self.finish(outcome).await
    }

    /// The release that is meant; an error that names what is possible where it cannot be put back.
    async fn release_to_put_back(
        &self,
        app: &AppName,
        current: ReleaseNumber,
        wanted: Option<ReleaseNumber>,
    ) -> Result<Release, OperationError> {
        let history = self.adapters.store.release_history(app).await?;
        let number = match wanted {
            Some(number) if history.release(number).is_none() => {
                return Err(OperationError::NoSuchRelease {
                    app: app.clone(),
                    number,
                    known: history.releases.iter().map(|release| release.number).collect(),
                });
            }
            Some(number) => number,
            None => {
                let nothing = || OperationError::NothingToRollBackTo { app: app.clone() };
                history.before(current).ok_or_else(nothing)?.number
            }
        };
        let possible = self.restorable(&history, current).await?;
        let gone = || OperationError::ReleaseRemoved {
            app: app.clone(),
            number,
            possible: possible.clone(),
        };
        if !possible.contains(&number) {
            return Err(gone());
        }
        self.adapters.store.release(app, number).await?.ok_or_else(gone)
    }

    /// A variable that was set for all apps since is not in the release, and nothing of the app's own can keep it away.
    fn warn_of_new_globals(&self, situation: &Situation, target: &Release) {
        let global = situation.global.config.iter();
        let new: Vec<&str> = global
            .map(|(name, _)| name)
            .filter(|name| target.config.get(name).is_none())
            .collect();
        if new.is_empty() {
            return;
        }
        let text = format!(
            "{} was set for all apps after {}: the next deploy or restart brings it back",
            new.join(", "),
            target.number
        );
        let app = situation.record.name.clone();
        self.adapters.events.emit(OperationEvent::Warning { app, text });
    }
}

/// The formation stays; the types of the release appear in it, and where its app.json gives quantities, those hold.
fn formation_after(formation: &Formation, release: &Release) -> Formation {
    let mut types: BTreeSet<ProcessType> = release.processes.types();
    types.retain(|process_type| !process_type.is_release());
    let formation = formation.with_types(&types);
    if !release.manifest.owns_scale() {
        return formation;
    }
    let given = |process_type: &ProcessType| release.manifest.formation.get(process_type)?.quantity;
    formation
        .iter()
        .map(|(process_type, _)| (process_type.clone(), given(process_type).unwrap_or(0)))
        .collect()
}

/// The app's own config with which the next deploy has the environment of the release: what of it differs from the global
/// config, and what the app sets to the same value already.
fn config_after(released: &Config, own: &Config, global: &Config) -> Config {
    let mut config = released.clone();
    for (name, value) in released.iter() {
        if global.get(name) == Some(value) && own.get(name) != Some(value) {
            config.unset(name);
        }
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Config {
        let mut config = Config::default();
        for (name, value) in variables {
            config.set(name, *value).unwrap();
        }
        config
    }

    #[test]
    fn the_next_deploy_keeps_the_environment_that_was_put_back() {
        let global = config(&[("REGION", "north"), ("LEVEL", "info")]);
        let own = config(&[("LEVEL", "info"), ("NEW", "1")]);
        let released = config(&[
            ("REGION", "north"),
            ("LEVEL", "info"),
            ("COLOUR", "green"),
            ("TZ", "UTC"),
        ]);
        let after = config_after(&released, &own, &global);
        assert!(after == config(&[("LEVEL", "info"), ("COLOUR", "green"), ("TZ", "UTC")]));
        assert!(global.overlaid(&after) == released);
    }

    #[test]
    fn a_global_value_of_then_becomes_the_apps_own() {
        let released = config(&[("REGION", "north")]);
        let after = config_after(&released, &Config::default(), &config(&[("REGION", "south")]));
        assert!(after == released);
    }
}
