//! Scale, start, stop, restart and retire.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use futures_util::future::{Either, select};

use super::change::{Cleanup, Extras};
use super::new_formation::{NewFormation, new_formation};
use super::trail::removed;
use super::{OperationError, Operations, VerbOutcome};
use crate::app::{AppRecord, GlobalRecord};
use crate::config::Config;
use crate::execution::OperationEvent;
use crate::formation::{Formation, ScaleChange};
use crate::names::{AppName, ProcessType, Replica};
use crate::plan::Cause;
use crate::planning::{Rollout, Selection, plan_retire, plan_rollout, plan_scale, plan_start, plan_stop};
use crate::release::Release;
use crate::store::{LockKind, StoreErrorKind};

/// How long a wait for old containers goes without a look at the clock.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl Operations {
    /// Changes the formation, and starts or retires just what changes.
    pub async fn scale(
        &self,
        app: &AppName,
        changes: &[ScaleChange],
        skip_deploy: bool,
    ) -> Result<VerbOutcome, OperationError> {
        let (verb, mut said) = ("ps:scale", String::new());
        let change = self.change(app, verb, |situation| {
            let NewFormation { formation, warning } = new_formation(&situation.record, changes)?;
            if let Some(text) = warning {
                let app = app.clone();
                self.adapters.events.emit(OperationEvent::Warning { app, text });
            }
            said = scale_text(&formation, changes);
            let skip_deploy = skip_deploy || situation.policies.skip_deploy;
            Ok(plan_scale(situation, &formation, skip_deploy)?)
        });
        let ended = change.await;
        self.told(app, verb, ended, |_| said).await
    }

    /// Starts what is stopped and replaces what is missing.
    pub async fn start(&self, app: &AppName) -> Result<VerbOutcome, OperationError> {
        let ended = self.start_app(app).await;
        self.told(app, "ps:start", ended, |_| "started".to_owned()).await
    }

    async fn start_app(&self, app: &AppName) -> Result<VerbOutcome, OperationError> {
        if let Some(outcome) = self.never_deployed(app).await? {
            return Ok(outcome);
        }
        self.stage(app, format!("Starting {app}"));
        let verb = "ps:start";
        let _lock = self.lock(app, verb).await?;
        let mut situation = self.situation(app).await?;
        let mut outcome = VerbOutcome::new(app);
        // An app that runs may have lost what it is linked with.
        self.link_services(&mut outcome, &mut situation, verb).await?;
        let plan = plan_start(&situation)?;
        self.carry_out(&mut outcome, &situation, plan, verb, Extras::default())
            .await?;
        self.finish(outcome).await
    }

    /// Stops everything, and remembers that the operator wanted it.
    pub async fn stop(&self, app: &AppName) -> Result<VerbOutcome, OperationError> {
        let ended = self.stop_app(app).await;
        self.told(app, "ps:stop", ended, |_| "stopped".to_owned()).await
    }

    async fn stop_app(&self, app: &AppName) -> Result<VerbOutcome, OperationError> {
        if let Some(outcome) = self.never_deployed(app).await? {
            return Ok(outcome);
        }
        self.stage(app, format!("Stopping {app}"));
        self.change(app, "ps:stop", |situation| Ok(plan_stop(situation))).await
    }

    /// Replaces containers without losing a request: all, those of a type, or one replica. Makes a new release from
    /// the same image when the config changed since.
    pub async fn restart(&self, app: &AppName, word: Option<&str>) -> Result<VerbOutcome, OperationError> {
        let ended = self.restart_app(app, word).await;
        let text = |_: &VerbOutcome| word.map_or_else(|| "restarted".to_owned(), |word| format!("restarted {word}"));
        self.told(app, "ps:restart", ended, text).await
    }

    async fn restart_app(&self, app: &AppName, word: Option<&str>) -> Result<VerbOutcome, OperationError> {
        if let Some(outcome) = self.never_deployed(app).await? {
            return Ok(outcome);
        }
        let made = self.made_now();
        self.stage(app, format!("Restarting {app}"));
        self.change(app, "ps:restart", |situation| {
            let record = &situation.record;
            let selection = selection(record, word)?;
            let Some(current) = &record.release else {
                return Err(OperationError::NeverDeployed { app: app.clone() });
            };
            let config = current_config(record, &situation.global);
            let is_changed = config != current.config;
            let release = if is_changed {
                Release {
                    number: record.next_release,
                    config,
                    cause: "ps:restart".to_owned(),
                    by: made.by,
                    created_at: made.at,
                    ..current.clone()
                }
            } else {
                current.clone()
            };
            let rollout = Rollout {
                release: &release,
                formation: &record.formation,
                selection,
                cause: Cause::Restarted,
                intent: Vec::new(),
                with_switch: Vec::new(),
            };
            Ok(plan_rollout(situation, rollout)?)
        })
        .await
    }

    /// Stops and removes the containers whose time has come. Somebody else doing so already is no error.
    pub async fn retire(&self, app: &AppName) -> Result<VerbOutcome, OperationError> {
        let verb = "ps:retire";
        let ended = self.retire_app(app, verb).await;
        // It is looked after often, and mostly nothing is due.
        if ended.as_ref().is_ok_and(|outcome| !outcome.is_change()) {
            return ended;
        }
        self.told(app, verb, ended, removed).await
    }

    async fn retire_app(&self, app: &AppName, verb: &str) -> Result<VerbOutcome, OperationError> {
        // An app that does not exist must not get a lock file.
        self.adapters.store.app(app).await?;
        let lock = if self.is_dry_run() {
            None
        } else {
            let patience = std::time::Duration::ZERO;
            match self
                .adapters
                .store
                .lock_app(app, LockKind::Retire, verb, patience)
                .await
            {
                Ok(lock) => Some(lock),
                Err(error) if matches!(error.kind, StoreErrorKind::Locked { .. }) => {
                    return Ok(VerbOutcome::with_notice(app, "is being retired by another command"));
                }
                Err(error) => return Err(error.into()),
            }
        };
        let situation = self.situation(app).await?;
        let mut outcome = VerbOutcome::new(app);
        let plan = plan_retire(&situation);
        if !plan.is_empty() {
            self.stage(app, format!("Retiring old containers of {app}"));
        }
        let extras = Extras {
            cleanup: Cleanup::Leave,
            ..Extras::default()
        };
        self.carry_out(&mut outcome, &situation, plan, verb, extras).await?;
        drop(lock);
        if !self.is_dry_run() {
            self.keep_images_unless_busy(app, verb).await;
            self.leave_links_unless_busy(&situation, verb).await;
        }
        let record = self.adapters.store.app(app).await?;
        outcome.release = record.release.map(|release| release.number);
        outcome.has_retirements = !self.is_dry_run() && !record.retirements.is_empty();
        Ok(outcome)
    }

    /// Waits until the old containers that an app has now are due, and then stops and removes them. Being cancelled, or the app's
    /// end, ends the wait.
    pub async fn retire_when_due(&self, app: &AppName) -> Result<VerbOutcome, OperationError> {
        let clock = &self.adapters.clock;
        let known = self.adapters.store.app(app).await?.retirements;
        let mut dues: Vec<SystemTime> = known.into_iter().map(|retirement| retirement.due).collect();
        dues.sort();
        dues.dedup();
        let mut outcome = VerbOutcome::new(app);
        for due in dues {
            while let Ok(left) = due.duration_since(clock.now())
                && !left.is_zero()
            {
                // The time of day may be set; a short wait notices.
                let wait = pin!(clock.sleep(left.min(LONGEST_WAIT)));
                let cancelled = pin!(self.cancellation.cancelled());
                if let Either::Right(_) = select(wait, cancelled).await {
                    return Ok(outcome);
                }
            }
            match self.retire(app).await {
                Ok(retired) => outcome = retired,
                Err(OperationError::Store(error)) if matches!(error.kind, StoreErrorKind::NoSuchApp(_)) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(outcome)
    }

    /// The outcome for an app that was never deployed: no error, and nothing to do.
    pub(crate) async fn never_deployed(&self, app: &AppName) -> Result<Option<VerbOutcome>, OperationError> {
        let record = self.adapters.store.app(app).await?;
        let notice = record
            .release
            .is_none()
            .then(|| VerbOutcome::with_notice(app, "was never deployed"));
        Ok(notice)
    }
}

/// The environment a new release would have now.
pub(crate) fn current_config(record: &AppRecord, global: &GlobalRecord) -> Config {
    global.config.overlaid(&record.config)
}

/// `scaled web=3 worker=1`: what the types that were named have now.
fn scale_text(formation: &Formation, changes: &[ScaleChange]) -> String {
    let named = formation
        .iter()
        .filter(|(process_type, _)| changes.iter().any(|change| change.process_type == **process_type));
    let words: Vec<String> = named
        .map(|(process_type, quantity)| format!("{process_type}={quantity}"))
        .collect();
    format!("scaled {}", words.join(" "))
}

/// What a word of `ps:restart`, `logs` or `enter` selects.
pub(crate) fn selection(record: &AppRecord, word: Option<&str>) -> Result<Selection, OperationError> {
    let Some(word) = word else { return Ok(Selection::All) };
    let types: BTreeSet<ProcessType> = record
        .formation
        .iter()
        .map(|(process_type, _)| process_type.clone())
        .collect();
    let no_such = || OperationError::NoSuchProcess {
        app: record.name.clone(),
        word: word.to_owned(),
        known: types.iter().map(ProcessType::as_str).collect::<Vec<_>>().join(", "),
    };
    if let Ok(process_type) = word.parse::<ProcessType>() {
        return if types.contains(&process_type) {
            Ok(Selection::Type(process_type))
        } else {
            Err(no_such())
        };
    }
    let replica: Replica = word.parse().map_err(|_| no_such())?;
    let exists = record.formation.quantity(replica.process_type()) >= replica.index();
    if exists {
        Ok(Selection::Replica(replica))
    } else {
        Err(no_such())
    }
}
