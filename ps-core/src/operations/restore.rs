//! Restore: after the host or the engine started, what served serves again. Invariant: one app's failure does not keep another one down,
//! and nothing is shipped that did not serve before.
//!
//! Start at [`Operations::restore`]; the listener calls it with the apps it is about.

use async_lock::{Semaphore, SemaphoreGuard};
use futures_util::future::join_all;

use super::change::{Cleanup, Extras};
use super::{OperationError, Operations, VerbOutcome};
use crate::app::AppRecord;
use crate::execution::{OperationEvent, StepError};
use crate::names::{AppName, Replica};
use crate::planning::{
    RestoreDecision, RestoreSkip, Routing, Situation, plan_restore, plan_restore_anew, plan_restore_routes,
    plan_start_served, restore_skip,
};
use crate::policies::{Property, computed};
use crate::proxy::{ProxyErrorKind, ProxyPresence};
use crate::release::ReleaseNumber;
use crate::runtime::ContainerState;
use crate::store::{StoreError, StoreErrorKind};

/// What locks and the journal call it.
pub(super) const VERB: &str = "ps:restore";

/// Which apps are restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestoreSelection {
    /// All.
    All,
    /// These.
    Apps(Vec<AppName>),
}

/// What became of each app, or in a dry run would.
#[derive(Debug, Default)]
pub struct RestoreReport {
    /// The apps, in the order in which they were restored.
    pub apps: Vec<RestoredApp>,
    /// The apps whose proxy files were cleared first, since they did not run as the files said.
    pub cleared: Vec<AppName>,
}

impl RestoreReport {
    /// The apps that should be back and are not.
    pub fn not_back(&self) -> impl Iterator<Item = &RestoredApp> {
        self.apps.iter().filter(|app| !app.outcome.is_back())
    }
}

/// What became of one app.
#[derive(Debug)]
pub struct RestoredApp {
    /// The app.
    pub app: AppName,
    /// What happened.
    pub outcome: RestoreOutcome,
    /// Why it gets no requests though it runs: `nginx does not run`.
    pub without_proxy: Option<String>,
    /// Plans, trace, retirements.
    pub work: VerbOutcome,
}

/// What happened to an app.
#[derive(Debug)]
pub enum RestoreOutcome {
    /// All its containers were there.
    CameBack {
        /// The replicas that were started.
        started: Vec<Replica>,
        /// The replicas that ran already.
        kept: Vec<Replica>,
    },
    /// Its containers were made anew.
    Redeployed {
        /// The release that serves.
        release: ReleaseNumber,
        /// The replicas whose containers were missing.
        missing: Vec<Replica>,
        /// Whether the image was gone too, and was made again from the release's source.
        is_image_new: bool,
    },
    /// It stays as it is.
    Skipped(RestoreSkip),
    /// Another command held its lock all the time.
    Busy(Box<StoreError>),
    /// It is not back.
    Failed(Box<OperationError>),
}

impl RestoreOutcome {
    /// Whether nothing is left to do.
    pub const fn is_back(&self) -> bool {
        !matches!(self, Self::Busy(_) | Self::Failed(_))
    }
}

impl Operations {
    /// Restores apps, at most `parallel` at a time, by their `restore-priority` (lower first) and then by name. Proxy files of apps that do
    /// not run as they say are cleared before anything is started, all in one change. When all are restored, those that failed for a
    /// reason of the engine's are tried again, up to three times within 35 s.
    ///
    /// # Errors
    /// When the store cannot be read, or a named app does not exist. What fails for one app is in the report.
    pub async fn restore(&self, which: &RestoreSelection, parallel: usize) -> Result<RestoreReport, OperationError> {
        let records = self.to_restore(which).await?;
        let is_proxy_ready = self.is_proxy_ready().await;
        // One that does not run yet reads the files when it starts: the old ones are right where containers come back.
        let cleared = if is_proxy_ready {
            self.clear_stale_sites(&records).await
        } else {
            Vec::new()
        };
        // An app's turn ends when its containers are started: while the proxy learns of them, the next one has its turn.
        let turns = Semaphore::new(parallel.max(1));
        let work = records
            .into_iter()
            .map(|record| self.restore_app(record, is_proxy_ready, &turns));
        let mut apps = join_all(work).await;
        // A listener has its own pauses, and somebody who names an app looks on.
        if *which == RestoreSelection::All {
            self.restore_again(&mut apps, &turns).await;
        }
        Ok(RestoreReport { apps, cleared })
    }

    async fn to_restore(&self, which: &RestoreSelection) -> Result<Vec<AppRecord>, OperationError> {
        let store = &self.adapters.store;
        let global = store.global().await?;
        let mut records = Vec::new();
        match which {
            RestoreSelection::All => records = store.apps().await?,
            RestoreSelection::Apps(apps) => {
                for app in apps {
                    records.push(store.app(app).await?);
                }
            }
        }
        records.sort_by_cached_key(|record| {
            let priority = computed(Property::RestorePriority, &record.properties, &global.properties);
            (priority.parse::<i32>().unwrap_or_default(), record.name.clone())
        });
        Ok(records)
    }

    pub(super) async fn restore_app(&self, record: AppRecord, is_proxy_ready: bool, turns: &Semaphore) -> RestoredApp {
        let mut turn = Some(turns.acquire().await);
        let app = record.name.clone();
        let mut restored = RestoredApp {
            outcome: RestoreOutcome::Skipped(RestoreSkip::NothingServed),
            without_proxy: None,
            work: VerbOutcome::new(&app),
            app,
        };
        // On the heap, since it holds a whole deploy.
        let outcome = Box::pin(self.restore_record(&mut restored, record, is_proxy_ready, &mut turn)).await;
        restored.outcome = match outcome {
            Ok(outcome) => outcome,
            Err(OperationError::Store(error)) if matches!(error.kind, StoreErrorKind::Locked { .. }) => {
                RestoreOutcome::Busy(Box::new(error))
            }
            Err(error) => RestoreOutcome::Failed(Box::new(error)),
        };
        self.tell_restored(&restored).await;
        if let Ok(has_retirements) = self.has_retirements(&restored.app).await {
            restored.work.has_retirements = has_retirements && !self.is_dry_run();
        }
        restored
    }

    /// What a restore did, in the audit trail; where it did nothing, nothing.
    async fn tell_restored(&self, restored: &RestoredApp) {
        let ended = match &restored.outcome {
            RestoreOutcome::CameBack { started, .. } if !started.is_empty() => {
                let started: Vec<String> = started.iter().map(ToString::to_string).collect();
                Ok(format!("started {}", started.join(", ")))
            }
            RestoreOutcome::Redeployed { release, missing, .. } => {
                let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
                Ok(format!("redeployed {release}: {} missing", missing.join(", ")))
            }
            RestoreOutcome::Failed(error) => Err(&**error),
            RestoreOutcome::CameBack { .. } | RestoreOutcome::Skipped(_) | RestoreOutcome::Busy(_) => return,
        };
        self.write_trail(Some(&restored.app), VERB, ended).await;
    }

    async fn restore_record(
        &self,
        restored: &mut RestoredApp,
        record: AppRecord,
        is_proxy_ready: bool,
        turn: &mut Option<SemaphoreGuard<'_>>,
    ) -> Result<RestoreOutcome, OperationError> {
        let app = record.name.clone();
        let policies = record.policies(&self.adapters.store.global().await?)?;
        // What is skipped needs no lock.
        if let Some(skip) = restore_skip(&record, &policies) {
            return Ok(RestoreOutcome::Skipped(skip));
        }
        self.refuse_when_cancelled(&app)?;
        let _lock = self.lock(&app, VERB).await?;
        let mut situation = self.without_ghosts(self.situation(&app).await?).await;
        if situation.is_served() && !is_proxy_ready {
            // The containers come back all the same.
            situation.routing = Routing::AsItIs;
        }
        let decision = plan_restore(&situation);
        match decision {
            RestoreDecision::Skip(skip) => Ok(RestoreOutcome::Skipped(skip)),
            RestoreDecision::Start { .. } => self.start_served(restored, &situation, decision, turn).await,
            RestoreDecision::Redeploy { release, missing } => {
                let anew = Box::pin(self.make_anew(restored, &situation, release, &missing)).await;
                if let Err(error) = &anew
                    && !matches!(error, OperationError::Interrupted { .. })
                {
                    self.give_image_back(&situation, VERB).await;
                    self.start_what_is_left(restored, &app, turn).await;
                }
                let (release, is_image_new) = anew?;
                Ok(RestoreOutcome::Redeployed {
                    release,
                    missing,
                    is_image_new,
                })
            }
        }
    }

    fn refuse_when_cancelled(&self, app: &AppName) -> Result<(), OperationError> {
        if self.cancellation.is_cancelled() {
            return Err(OperationError::Interrupted {
                app: app.clone(),
                verb: VERB.to_owned(),
            });
        }
        Ok(())
    }

    /// Starts what is stopped, and lets the proxy send requests to it. What could be started gets requests, whatever became of the rest.
    async fn start_served(
        &self,
        restored: &mut RestoredApp,
        situation: &Situation,
        decision: RestoreDecision,
        turn: &mut Option<SemaphoreGuard<'_>>,
    ) -> Result<RestoreOutcome, OperationError> {
        let app = &situation.record.name;
        let RestoreDecision::Start { plan, started, kept } = decision else {
            return Ok(RestoreOutcome::Skipped(RestoreSkip::NothingServed));
        };
        if !started.is_empty() {
            self.stage(app, format!("Starting {app}"));
        }
        let mut situation = situation.clone();
        // The engine may have started the app's own containers, and not what they are linked with.
        let mut worked = self.link_services(&mut restored.work, &mut situation, VERB).await;
        if worked.is_ok() && (self.is_dry_run() || !plan.is_empty()) {
            let carried_out = self.carry_out(&mut restored.work, &situation, plan, VERB, Extras::default());
            worked = carried_out.await.map(|_| ());
        }
        drop(turn.take());
        let after = self.look_again(situation).await?;
        let routed = self.route_restored(restored, &after).await;
        worked.and(routed)?;
        if !self.is_dry_run() {
            refuse_ended(&after, &started)?;
        }
        Ok(RestoreOutcome::CameBack { started, kept })
    }

    /// Makes all containers anew from the release that served; its image is made again where it is gone.
    async fn make_anew(
        &self,
        restored: &mut RestoredApp,
        situation: &Situation,
        number: ReleaseNumber,
        missing: &[Replica],
    ) -> Result<(ReleaseNumber, bool), OperationError> {
        let app = &situation.record.name;
        let release = self.release_that_served(situation, number).await?;
        let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
        self.stage(app, format!("Redeploying {app} {number}: {} missing", names.join(", ")));
        let is_image_there = self.has_image_of(&release).await?;
        let mut situation = situation.clone();
        let release = if is_image_there {
            release
        } else {
            let made = self
                .make_image_again(&mut restored.work, &situation, release, VERB)
                .await?;
            let routing = situation.routing.clone();
            situation = self.look_again(situation).await?;
            situation.routing = routing;
            made
        };
        let plan = plan_restore_anew(&situation, &release)?;
        self.carry_out(&mut restored.work, &situation, plan, VERB, Extras::default())
            .await?;
        if situation.routing == Routing::AsItIs {
            let after = self.look_again(situation).await?;
            self.route_restored(restored, &after).await?;
        }
        self.keep_images_unless_dry(app).await;
        Ok((release.number, !is_image_there))
    }

    /// After a failure: what served and is still there is better than nothing. The failure is what is told.
    async fn start_what_is_left(
        &self,
        restored: &mut RestoredApp,
        app: &AppName,
        turn: &mut Option<SemaphoreGuard<'_>>,
    ) {
        if self.is_dry_run() {
            return;
        }
        let Ok(situation) = self.situation(app).await else {
            return;
        };
        let situation = self.without_ghosts(situation).await;
        let decision = plan_start_served(&situation);
        let left = match self.start_served(restored, &situation, decision, turn).await {
            Ok(RestoreOutcome::CameBack { started, kept }) => started.len().saturating_add(kept.len()),
            _ => 0,
        };
        if left > 0 {
            let text = format!("{app} is not whole: only {left} of its containers run");
            let app = app.clone();
            self.adapters.events.emit(OperationEvent::Warning { app, text });
        }
    }

    /// Writes the app's proxy file from what runs. A proxy that is not there keeps no app down: that is noted.
    async fn route_restored(&self, restored: &mut RestoredApp, situation: &Situation) -> Result<(), OperationError> {
        let app = &situation.record.name;
        let plan = plan_restore_routes(situation);
        if plan.is_empty() {
            return Ok(());
        }
        let extras = Extras {
            cleanup: Cleanup::Leave,
            ..Extras::default()
        };
        let routed = self.carry_out(&mut restored.work, situation, plan, VERB, extras).await;
        match routed {
            Err(OperationError::Step(step)) => match absence(&step.error) {
                Some(note) => {
                    let text = format!("{app} runs and gets no requests: {note}");
                    restored.without_proxy = Some(note);
                    let app = app.clone();
                    self.adapters.events.emit(OperationEvent::Warning { app, text });
                    Ok(())
                }
                None => Err(OperationError::Step(step)),
            },
            routed => routed.map(|_| ()),
        }
    }

    pub(super) async fn is_proxy_ready(&self) -> bool {
        let state = self.adapters.proxy.state().await;
        state.is_ok_and(|state| state.presence == ProxyPresence::Ready)
    }

    async fn keep_images_unless_dry(&self, app: &AppName) {
        if !self.is_dry_run() {
            self.keep_images(app).await;
        }
    }
}

/// What a proxy that is not there said.
fn absence(error: &StepError) -> Option<String> {
    match error {
        StepError::Proxy(error) if matches!(error.kind, ProxyErrorKind::Absent | ProxyErrorKind::Down) => {
            Some(error.to_string())
        }
        _ => None,
    }
}

/// A container that ended while the others were started did not come back.
fn refuse_ended(situation: &Situation, started: &[Replica]) -> Result<(), OperationError> {
    let has_ended = |replica: &&Replica| {
        situation
            .serving(replica)
            .is_none_or(|container| matches!(container.state, ContainerState::Exited | ContainerState::Dead))
    };
    let app = &situation.record.name;
    let ended: Vec<String> = started
        .iter()
        .filter(has_ended)
        .map(|replica| format!("{app}.{replica}"))
        .collect();
    if ended.is_empty() {
        return Ok(());
    }
    Err(OperationError::EndedAgain {
        app: app.clone(),
        containers: ended.join(", "),
    })
}
