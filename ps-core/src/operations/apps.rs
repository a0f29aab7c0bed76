//! The registry of apps: destroy, rename. Both keep a background retirement of the same app away, by its lock.

use super::change::Extras;
use super::{OperationError, Operations, VerbOutcome};
use crate::names::AppName;
use crate::observation::ObservedApp;
use crate::plan::ImageAction;
use crate::planning::{Removal, Situation, plan_links, plan_remove_containers, plan_start};
use crate::release::ReleaseNumber;
use crate::release_history::image_tag;
use crate::store::{HeldLock, LockKind, StoreError, StoreErrorKind};

impl Operations {
    /// Stops and removes everything of an app, its images too, and forgets it.
    pub async fn destroy_app(&self, app: &AppName) -> Result<VerbOutcome, OperationError> {
        let verb = "apps:destroy";
        let ended = self.destroy(app, verb).await;
        self.told(app, verb, ended, |_| "destroyed".to_owned()).await
    }

    async fn destroy(&self, app: &AppName, verb: &str) -> Result<VerbOutcome, OperationError> {
        self.adapters.store.app(app).await?;
        let _locks = self.lock_for_removal(app, verb).await?;
        let situation = self.situation(app).await?;
        let tags = self.image_tags(&situation).await?;
        let images = tags.into_iter().map(|(_, image)| ImageAction::Remove { image });
        let plan = plan_remove_containers(&situation, &Removal::Destroy, images.collect());
        let mut outcome = VerbOutcome::new(app);
        let destroyed = self
            .carry_out(&mut outcome, &situation, plan, verb, Extras::default())
            .await;
        self.forget_unneeded(app).await;
        destroyed?;
        Ok(outcome)
    }

    /// The names of an app's images that the engine has and that are ours. One without a release is what a killed deploy
    /// left.
    async fn image_tags(&self, situation: &Situation) -> Result<Vec<(ReleaseNumber, String)>, OperationError> {
        let record = &situation.record;
        let mut tags = Vec::new();
        for number in self.adapters.store.release_history(&record.name).await?.images {
            let tag = image_tag(&record.name, number);
            match self.has_image(situation, &tag).await {
                Ok(true) => tags.push((number, tag)),
                Ok(false) | Err(OperationError::ImageTaken { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(tags)
    }

    /// Gives an app another name. Its containers carry the name, so they are removed and made anew; a running app is
    /// away in between. The outcome is of the new name.
    pub async fn rename_app(&self, app: &AppName, to: &AppName) -> Result<VerbOutcome, OperationError> {
        let verb = "apps:rename";
        let ended = self.rename(app, to, verb).await;
        let name = if ended.is_ok() { to } else { app };
        self.told(name, verb, ended, |_| format!("renamed {app} to {to}")).await
    }

    async fn rename(&self, app: &AppName, to: &AppName, verb: &str) -> Result<VerbOutcome, OperationError> {
        self.adapters.store.app(app).await?;
        if self.adapters.store.app(to).await.is_ok() {
            let message = format!("an app called {to} exists already");
            return Err(StoreError::new(StoreErrorKind::AppExists(to.clone()), message).into());
        }
        let _locks = self.lock_for_removal(app, verb).await?;
        let _target_lock = self.lock(to, verb).await?;
        let situation = self.situation(app).await?;
        if situation.record.release.is_some() && !situation.record.stopped_by_operator {
            // What is linked has to be there when everything is made anew.
            plan_links(&situation)?;
        }
        let removal = Removal::Rename { to: to.clone() };
        let tags = self.image_tags(&situation).await?;
        let renamed = |(number, image): (ReleaseNumber, String)| {
            let tag = image_tag(to, number);
            let old = ImageAction::Remove { image: image.clone() };
            [ImageAction::Tag { image, tag }, old]
        };
        let images = tags.into_iter().flat_map(renamed).collect();
        let plan = plan_remove_containers(&situation, &removal, images);
        let mut outcome = VerbOutcome::new(to);
        if !self.is_dry_run() {
            self.adapters.source.keep_for(to, app).await?;
        }
        let renamed = self
            .carry_out(&mut outcome, &situation, plan, verb, Extras::default())
            .await;
        // Either name is now without an app.
        self.forget_unneeded(app).await;
        self.forget_unneeded(to).await;
        renamed?;
        let renamed = if self.is_dry_run() {
            let mut renamed = without_containers(situation, to);
            renamed.routing = self.routing(&renamed).await?;
            renamed
        } else {
            self.situation(to).await?
        };
        let is_wanted = !renamed.record.stopped_by_operator && renamed.record.quarantine.is_none();
        if renamed.record.release.is_some() && is_wanted {
            let plan = plan_start(&renamed)?;
            self.carry_out(&mut outcome, &renamed, plan, verb, Extras::default())
                .await?;
        }
        if self.is_dry_run() {
            return Ok(outcome);
        }
        self.finish(outcome).await
    }

    /// Nobody else changes the app, and nobody retires its containers meanwhile.
    async fn lock_for_removal(&self, app: &AppName, verb: &str) -> Result<Vec<Box<dyn HeldLock>>, OperationError> {
        let mut locks: Vec<Box<dyn HeldLock>> = self.lock(app, verb).await?.into_iter().collect();
        if !self.is_dry_run() {
            let patience = self.options.lock_patience;
            let store = &self.adapters.store;
            locks.push(store.lock_app(app, LockKind::Retire, verb, patience).await?);
        }
        Ok(locks)
    }
}

/// What a dry run reckons with once the containers are gone and the app has its new name.
fn without_containers(mut situation: Situation, to: &AppName) -> Situation {
    situation.record.name = to.clone();
    situation.record.routed = None;
    situation.record.retirements.clear();
    situation.observed = ObservedApp::default();
    situation.endpoints.clear();
    situation.links = situation.links.of_app(&situation.owner, to);
    situation
}
