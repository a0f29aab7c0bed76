//! Removes the images that nothing needs any more. Invariant: whether that succeeds is never the outcome of a command: what is left, a
//! later one finds again.

use std::collections::BTreeMap;
use std::time::Duration;

use super::change::Extras;
use super::{OperationError, Operations};
use crate::execution::{Cancellation, Execution, OperationEvent};
use crate::labels;
use crate::names::AppName;
use crate::observation::ObservedApp;
use crate::planning::{FoundImage, Situation, plan_keep_images, surplus};
use crate::release::ReleaseNumber;
use crate::release_history::{ReleaseHistory, image_tag};
use crate::runtime::RuntimeErrorKind;
use crate::store::{LockKind, StoreChange};

/// For the journal.
const VERB: &str = "keep images";

impl Operations {
    /// Remembers that the next release's image may be there from now on.
    pub(super) async fn expect_image(&self, situation: &Situation) -> Result<(), OperationError> {
        if self.is_dry_run() {
            return Ok(());
        }
        let expect = StoreChange::ExpectImage {
            app: situation.record.name.clone(),
            number: situation.record.next_release,
        };
        Ok(self.adapters.store.apply(&[expect]).await?)
    }

    /// An image's name was given back. Where that cannot be recorded, the next look finds nothing under it.
    pub(super) async fn forget_image(&self, app: &AppName, number: ReleaseNumber) {
        let forget = StoreChange::ForgetImage {
            app: app.clone(),
            number,
        };
        let _ = self.adapters.store.apply(&[forget]).await;
    }

    /// Removes what nothing needs any more. The caller holds the app's lock.
    pub(super) async fn keep_images(&self, app: &AppName) {
        // Boxed, since every verb ends with it and seldom has anything to remove.
        let executions = Box::pin(self.remove_surplus(app)).await;
        if !executions.is_ok_and(|all| all.iter().all(Execution::is_complete)) {
            let text = "could not remove all old images; a later command does".to_owned();
            let app = app.clone();
            self.adapters.events.emit(OperationEvent::Warning { app, text });
        }
    }

    /// The same for a command that does not hold the app's lock; the command that does sees to it in its turn.
    pub(super) async fn keep_images_unless_busy(&self, app: &AppName, verb: &str) {
        if !self.has_surplus(app).await.unwrap_or(false) {
            return;
        }
        let store = &self.adapters.store;
        if let Ok(_lock) = store.lock_app(app, LockKind::Change, verb, Duration::ZERO).await {
            self.keep_images(app).await;
        }
    }

    /// Whether something may have to go, without asking the engine what is still used.
    async fn has_surplus(&self, app: &AppName) -> Result<bool, OperationError> {
        let store = &self.adapters.store;
        let record = store.app(app).await?;
        let history = store.release_history(app).await?;
        let kept = record.policies(&store.global().await?)?.kept_releases;
        Ok(!surplus(&record, kept, &history, &ObservedApp::default()).is_empty())
    }

    async fn remove_surplus(&self, app: &AppName) -> Result<Vec<Execution>, OperationError> {
        if !self.has_surplus(app).await? {
            return Ok(Vec::new());
        }
        let history = self.adapters.store.release_history(app).await?;
        let situation = self.situation(app).await?;
        let kept = situation.policies.kept_releases;
        let surplus = surplus(&situation.record, kept, &history, &situation.observed);
        let mut found = BTreeMap::new();
        for number in &surplus.images {
            found.insert(*number, self.find_image(&situation, &history, *number).await?);
        }
        let never = Cancellation::default();
        let mut executions = Vec::new();
        for plan in plan_keep_images(&situation, &surplus, &found) {
            executions.push(self.execute(&plan, &situation, VERB, Extras::default(), &never).await);
        }
        Ok(executions)
    }

    /// What the engine has under the name. It is ours when its label says so, or when it has no such label and is the very image
    /// that the release of this number was made from: an image that was deployed, not built, is named by psctl too.
    async fn find_image(
        &self,
        situation: &Situation,
        history: &ReleaseHistory,
        number: ReleaseNumber,
    ) -> Result<FoundImage, OperationError> {
        let tag = image_tag(&situation.record.name, number);
        let detail = match self.adapters.engine.inspect_image(&tag).await {
            Err(error) if error.kind == RuntimeErrorKind::ImageMissing => return Ok(FoundImage::Missing),
            found => found?,
        };
        let is_recorded = || {
            let release = history.release(number);
            release.is_some_and(|release| detail.id.as_ref() == Some(&release.image))
        };
        let is_ours = match detail.labels.get(labels::OWNER) {
            Some(owner) => owner == situation.owner.as_str(),
            None => is_recorded(),
        };
        Ok(if is_ours { FoundImage::Ours } else { FoundImage::Foreign })
    }
}
