//! Deploy: read and validate the source, build or pull, run the release process, then roll out. What fails before the switch
//! leaves the old release serving and nothing of the new one behind.

use super::change::Extras;
use super::deployed_settings::DeployedSettings;
use super::phases::Deployment;
use super::prepare::Prepared;
use super::trail::released;
use super::{OperationError, Operations, VerbOutcome};
use crate::app::AppRecord;
use crate::execution::{Cancellation, OperationEvent};
use crate::names::AppName;
use crate::plan::{Cause, ImageAction, Plan};
use crate::planning::{Rollout, Selection, Situation, check_release, plan_record_release, plan_rollout};
use crate::release::{Release, Source};
use crate::release_history::image_tag;
use crate::source::PreparedSource;
use crate::store::{StoreChange, StoreError, StoreErrorKind};

/// When a source is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Build {
    Always,
    /// Unless the current release was made from this state of this source.
    WhenChanged,
}

impl Operations {
    /// Deploys a source, or the recorded one when `source` is `None`. The app is created when it is missing, and is
    /// missing again when its first deploy fails.
    pub async fn deploy(&self, app: &AppName, source: Option<Source>) -> Result<VerbOutcome, OperationError> {
        self.deploy_when(app, source, Build::Always).await
    }

    /// Deploys a source, unless the app's release was made from just this state of it. An image always counts as changed.
    pub async fn deploy_when_changed(&self, app: &AppName, source: Source) -> Result<VerbOutcome, OperationError> {
        self.deploy_when(app, Some(source), Build::WhenChanged).await
    }

    async fn deploy_when(
        &self,
        app: &AppName,
        source: Option<Source>,
        build: Build,
    ) -> Result<VerbOutcome, OperationError> {
        let verb = "deploy";
        let ended = self.deploy_app(app, source, build, verb).await;
        let done = |outcome: &VerbOutcome| match outcome.notice {
            // Its containers stay as they are.
            Some(_) => released("built", outcome),
            None => released("deployed", outcome),
        };
        self.told(app, verb, ended, done).await
    }

    async fn deploy_app(
        &self,
        app: &AppName,
        source: Option<Source>,
        build: Build,
        verb: &str,
    ) -> Result<VerbOutcome, OperationError> {
        if source.is_none() {
            // An app that does not exist must not get a lock file.
            self.adapters.store.app(app).await?;
        }
        let _lock = self.lock(app, verb).await?;
        let record = self.record_or_new(app).await?;
        let nothing = || OperationError::NothingToRebuild { app: app.clone() };
        let source = source.or_else(|| record.source.clone()).ok_or_else(nothing)?;
        let situation = self.situation_of(record).await?;
        let deployed = self.deploy_source(situation, source, build, verb).await;
        self.forget_unneeded(app).await;
        self.finish(deployed?).await
    }

    async fn deploy_source(
        &self,
        situation: Situation,
        source: Source,
        build: Build,
        verb: &str,
    ) -> Result<VerbOutcome, OperationError> {
        let app = &situation.record.name;
        let mut source = self.keep_source(app, source).await?;
        let read = self.read_source(&situation, &source, verb).await?;
        if let (Source::Archive { digest, .. }, Some(read)) = (&mut source, &read) {
            // A dry run keeps no copy, and plans as if it did.
            *digest = digest.take().or_else(|| read.revision.clone());
        }
        let revision = read.as_ref().and_then(|read| read.revision.as_ref());
        let is_deployed = |release: &Release| release.source == source && release.revision.as_ref() == revision;
        if build == Build::WhenChanged
            && revision.is_some()
            && situation.record.release.as_ref().is_some_and(is_deployed)
        {
            return Ok(VerbOutcome::with_notice(
                app,
                format!("runs the newest state of {source} already"),
            ));
        }
        if let Some(read) = &read {
            self.deployed_settings(&situation, &read.processes, &read.manifest, &read.env)?;
        }
        // The name of the new image must not be taken from another state directory's app of the same name.
        self.has_image(&situation, &image_tag(app, situation.record.next_release))
            .await?;
        let is_new = self.create_when_missing(app).await?;
        let mut outcome = VerbOutcome::new(app);
        // On the heap, since every caller's future would hold the whole deploy.
        let work = Box::pin(self.prepare_and_roll_out(&mut outcome, situation.clone(), source, read, verb));
        let deployed = work.await;
        if deployed.is_err() {
            self.give_image_back(&situation, verb).await;
        }
        if deployed.is_err() && is_new {
            self.forget_when_empty(app).await;
        }
        deployed.map(|()| outcome)
    }

    async fn prepare_and_roll_out(
        &self,
        outcome: &mut VerbOutcome,
        mut situation: Situation,
        source: Source,
        read: Option<PreparedSource>,
        verb: &str,
    ) -> Result<(), OperationError> {
        Box::pin(self.link_services(outcome, &mut situation, verb)).await?;
        self.expect_image(&situation).await?;
        let revision = read.as_ref().and_then(|read| read.revision.clone());
        let source = self.load_source(outcome, &situation, source, verb).await?;
        let prepared = match (&source, read) {
            (Source::Image(image), _) => self.fetch_image(outcome, &mut situation, image, verb).await?,
            (Source::ImageArchive { file, image }, _) => {
                let loaded = (file.as_path(), image.as_ref());
                self.take_loaded_image(outcome, &mut situation, loaded, verb).await?
            }
            (_, Some(read)) => self.build(outcome, &situation, &source, read, verb).await?,
            (_, None) => {
                let app = situation.record.name.clone();
                return Err(OperationError::NothingToRebuild { app });
            }
        };
        let Prepared {
            processes,
            manifest,
            env,
            ..
        } = &prepared;
        let settings = self.deployed_settings(&situation, processes, manifest, env)?;
        let release = Release {
            number: situation.record.next_release,
            image: prepared.image,
            processes: prepared.processes,
            manifest: prepared.manifest,
            config: situation.global.config.overlaid(&settings.config),
            source,
            revision,
            cause: verb.to_owned(),
            by: self.options.by.clone(),
            created_at: self.adapters.clock.now(),
        };
        Box::pin(self.release_and_switch(outcome, situation, release, &settings, verb)).await
    }

    /// After a failure, the image's name is given back, unless the release was recorded before it failed.
    pub(super) async fn give_image_back(&self, situation: &Situation, verb: &str) {
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
        let execution = self.execute(&plan, situation, verb, Extras::default(), &never).await;
        if execution.is_complete() {
            self.forget_image(app, number).await;
        }
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

    /// Runs what comes before the containers, rolls out, and runs what comes after, each from a fresh look: a build may
    /// have taken long.
    async fn release_and_switch(
        &self,
        outcome: &mut VerbOutcome,
        situation: Situation,
        release: Release,
        settings: &DeployedSettings,
        verb: &str,
    ) -> Result<(), OperationError> {
        let app = situation.record.name.clone();
        let situation = self.look_again(situation).await?;
        check_release(&situation, &release, &settings.formation)?;
        let changes = settings.changes(&situation);
        let mut deployment = Deployment {
            situation: settings.applied_to(situation),
            release,
            settings,
            verb,
        };
        self.run_phases_before(outcome, &mut deployment).await?;
        let Deployment { situation, release, .. } = &deployment;
        let cause = deploys(situation);
        if situation.policies.skip_deploy {
            let text = "was built; skip-deploy keeps its containers as they are until ps:restart";
            outcome.notice = Some(text.to_owned());
            let plan = plan_record_release(situation, release, &settings.formation, changes, cause);
            self.carry_out(outcome, situation, plan, verb, Extras::default())
                .await?;
            return Ok(());
        }
        if situation.policies.init && !situation.capabilities.has_init {
            let text = "this engine has no init: signals reach only the command itself".to_owned();
            self.warn(&app, &[text]);
        }
        self.warn_of_a_proxy_that_is_down(situation, &settings.formation)
            .await?;
        self.stage(&app, format!("Deploying {app} {}", release.number));
        let rollout = Rollout {
            release,
            formation: &settings.formation,
            selection: Selection::All,
            cause,
            intent: Vec::new(),
            with_switch: changes,
        };
        let plan = plan_rollout(situation, rollout)?;
        self.carry_out(outcome, situation, plan.clone(), verb, Extras::default())
            .await?;
        self.run_postdeploy(outcome, &mut deployment, &plan).await
    }

    /// The situation now; a dry run changes nothing, and goes on with what it reckons.
    pub(super) async fn look_again(&self, situation: Situation) -> Result<Situation, OperationError> {
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
