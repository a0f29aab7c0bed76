//! Deploy: read and validate the source, build or pull, run the release process, then roll out. What fails before the switch
//! leaves the old release serving and nothing of the new one behind.

use super::change::Extras;
use super::prepare::image_tag;
use super::verbs::current_config;
use super::{OperationError, Operations, VerbOutcome};
use crate::app::AppRecord;
use crate::execution::{Cancellation, OperationEvent};
use crate::names::{AppName, ProcessType};
use crate::plan::{Cause, ImageAction, Plan};
use crate::planning::{Rollout, Selection, Situation, mended, plan_record_release, plan_release_phase, plan_rollout};
use crate::release::{Release, Source};
use crate::source::{PreparedSource, SourcePaths};
use crate::store::{StoreChange, StoreError, StoreErrorKind};

impl Operations {
    /// Deploys a source, or the recorded one when `source` is `None`. The app is created when it is missing, and is
    /// missing again when its first deploy fails.
    pub async fn deploy(&self, app: &AppName, source: Option<Source>) -> Result<VerbOutcome, OperationError> {
        let verb = "deploy";
        if source.is_none() {
            // An app that does not exist must not get a lock file.
            self.adapters.store.app(app).await?;
        }
        let _lock = self.lock(app, verb).await?;
        let record = self.record_or_new(app).await?;
        let nothing = || OperationError::NothingToRebuild { app: app.clone() };
        let source = source.or_else(|| record.source.clone()).ok_or_else(nothing)?;
        let situation = self.situation_of(record).await?;
        let read = self.read_source(&situation, &source).await?;
        // The name of the new image must not be taken from another state directory's app of the same name.
        self.has_image(&situation, &image_tag(app, situation.record.next_release))
            .await?;
        let is_new = self.create_when_missing(app).await?;
        let mut outcome = VerbOutcome::new(app);
        let deployed = self
            .prepare_and_roll_out(&mut outcome, situation.clone(), source, read, verb)
            .await;
        if deployed.is_err() {
            self.give_image_back(&situation, verb).await;
        }
        if deployed.is_err() && is_new {
            self.forget_when_empty(app).await;
        }
        deployed?;
        self.finish(outcome).await
    }

    /// Reads a directory and finds it valid, before anything is changed. Images are read once they are there.
    async fn read_source(
        &self,
        situation: &Situation,
        source: &Source,
    ) -> Result<Option<PreparedSource>, OperationError> {
        let Source::Directory(directory) = source else {
            return Ok(None);
        };
        let paths = SourcePaths {
            procfile: situation.policies.procfile_path.clone(),
        };
        let read = self.adapters.source.read_directory(directory, &paths).await?;
        self.warn(&situation.record.name, &read.warnings);
        Ok(Some(read))
    }

    async fn prepare_and_roll_out(
        &self,
        outcome: &mut VerbOutcome,
        mut situation: Situation,
        source: Source,
        read: Option<PreparedSource>,
        verb: &str,
    ) -> Result<(), OperationError> {
        let prepared = match (&source, read) {
            (Source::Image(image), _) => {
                let prepared = self.fetch_image(outcome, &situation, image, verb).await?;
                situation.record.next_generation = situation.next_generation().after(1);
                prepared
            }
            (Source::Directory(_), Some(read)) => self.build(outcome, &situation, &source, read, verb).await?,
            (Source::Directory(_), None) => {
                let app = situation.record.name.clone();
                return Err(OperationError::NothingToRebuild { app });
            }
        };
        let release = Release {
            number: situation.record.next_release,
            image: prepared.image,
            processes: prepared.processes,
            config: current_config(&situation.record, &situation.global),
            source,
            cause: verb.to_owned(),
            created_at: self.adapters.clock.now(),
        };
        self.release_and_switch(outcome, situation, &release, verb).await
    }

    /// After a failure, the image's name is given back, unless the release was recorded before it failed.
    async fn give_image_back(&self, situation: &Situation, verb: &str) {
        let number = situation.record.next_release;
        let app = &situation.record.name;
        let is_recorded = match self.adapters.store.app(app).await {
            Ok(record) => record.release.is_some_and(|release| release.number == number),
            Err(_) => true,
        };
        if self.is_dry_run() || is_recorded {
            return;
        }
        let mut plan = Plan::new(app.clone());
        let image = image_tag(app, number);
        plan.push(ImageAction::Remove { image }, Cause::Leftover, &[]);
        let never = Cancellation::default();
        self.execute(&plan, situation, verb, Extras::default(), &never).await;
    }

    async fn record_or_new(&self, app: &AppName) -> Result<AppRecord, OperationError> {
        match self.adapters.store.app(app).await {
            Err(StoreError {
                kind: StoreErrorKind::NoSuchApp(_),
                ..
            }) => Ok(AppRecord::new(app.clone())),
            found => Ok(found?),
        }
    }

    /// Whether the app was missing, and is there now.
    async fn create_when_missing(&self, app: &AppName) -> Result<bool, OperationError> {
        if self.is_dry_run() {
            return Ok(false);
        }
        match self.adapters.store.apply(&[StoreChange::CreateApp(app.clone())]).await {
            Err(error) if matches!(error.kind, StoreErrorKind::AppExists(_)) => Ok(false),
            other => Ok(other.map(|()| true)?),
        }
    }

    /// Forgets an app whose first deploy failed, unless something of it is left on the engine: the next command must
    /// still find that. The deploy's own error is what counts.
    async fn forget_when_empty(&self, app: &AppName) {
        let Ok(situation) = self.situation(app).await else {
            return;
        };
        let is_empty = situation.observed.containers.is_empty() && situation.observed.one_offs.is_empty();
        if is_empty && situation.record.release.is_none() {
            let _ = self.adapters.store.apply(&[StoreChange::DestroyApp(app.clone())]).await;
        }
    }

    pub(crate) fn warn(&self, app: &AppName, warnings: &[String]) {
        for text in warnings {
            self.adapters.events.emit(OperationEvent::Warning {
                app: app.clone(),
                text: text.clone(),
            });
        }
    }

    pub(crate) fn stage(&self, app: &AppName, text: impl Into<String>) {
        if !self.is_dry_run() {
            self.adapters.events.emit(OperationEvent::Stage {
                app: app.clone(),
                text: text.into(),
            });
        }
    }

    /// Runs the release process and rolls out, each from a fresh look: a build may have taken long.
    async fn release_and_switch(
        &self,
        outcome: &mut VerbOutcome,
        mut situation: Situation,
        release: &Release,
        verb: &str,
    ) -> Result<(), OperationError> {
        let app = situation.record.name.clone();
        situation = self.look_again(situation).await?;
        let phase = plan_release_phase(&situation, release);
        if !phase.is_empty() {
            self.stage(&app, format!("Running the release process of {app}"));
            self.carry_out(outcome, &situation, phase, verb, Extras::default())
                .await?;
            situation = self.look_again(after_release_phase(situation)).await?;
        }
        let mut types = release.processes.types();
        types.retain(|process_type: &ProcessType| !process_type.is_release());
        let formation = situation.record.formation.with_types(&types);
        let cause = deploys(&situation);
        let plan = if situation.policies.skip_deploy {
            let text = "was built; skip-deploy keeps its containers as they are until ps:restart";
            outcome.notice = Some(text.to_owned());
            plan_record_release(&situation, release, &formation, cause)
        } else {
            if situation.policies.init && !situation.capabilities.has_init {
                let text = "this engine has no init: signals reach only the command itself".to_owned();
                self.warn(&app, &[text]);
            }
            self.stage(&app, format!("Deploying {app} {}", release.number));
            let rollout = Rollout {
                release,
                formation: &formation,
                selection: Selection::All,
                cause,
                intent: Vec::new(),
            };
            plan_rollout(&situation, rollout)?
        };
        self.carry_out(outcome, &situation, plan, verb, Extras::default())
            .await?;
        Ok(())
    }

    /// The situation now; a dry run changes nothing, and goes on with what it reckons.
    async fn look_again(&self, situation: Situation) -> Result<Situation, OperationError> {
        if self.is_dry_run() {
            return Ok(situation);
        }
        self.situation(&situation.record.name).await
    }
}

pub(super) fn deploys(situation: &Situation) -> Cause {
    let record = &situation.record;
    let replaces = record.release.as_ref().map(|release| release.number);
    Cause::Deploys {
        release: record.next_release,
        replaces,
    }
}

/// The release phase used a generation, made the network, and put right what was left.
fn after_release_phase(situation: Situation) -> Situation {
    let next = situation.next_generation().after(1);
    let mut situation = mended(situation);
    situation.record.next_generation = next;
    if let Some(network) = situation.network.as_mut() {
        network.exists = true;
    }
    situation
}
