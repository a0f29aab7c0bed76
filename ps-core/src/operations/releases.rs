//! Who made a release and when, and what became of an app's releases. Invariant: a release counts as one that can be put back only
//! while its config is kept and the engine has its image.

use std::collections::BTreeSet;
use std::time::SystemTime;

use futures_util::future::join_all;

use super::{OperationError, Operations};
use crate::names::AppName;
use crate::release::ReleaseNumber;
use crate::release_history::{PastRelease, ReleaseHistory};
use crate::runtime::{ImageId, RuntimeErrorKind};

/// What became of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseState {
    /// The app is at it.
    Current,
    /// It can be put back.
    Kept,
    /// Its image or its config is gone: it cannot be put back.
    Removed,
}

/// One release of an app, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRelease {
    /// The release.
    pub release: PastRelease,
    /// What became of it.
    pub state: ReleaseState,
}

/// All releases of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseList {
    /// The app.
    pub app: AppName,
    /// How many are kept, the current one among them.
    pub kept: usize,
    /// Newest first.
    pub releases: Vec<ListedRelease>,
}

/// Who makes a release, and when.
pub(super) struct Made {
    pub(super) by: Option<String>,
    pub(super) at: SystemTime,
}

impl Operations {
    pub(super) fn made_now(&self) -> Made {
        Made {
            by: self.options.by.clone(),
            at: self.adapters.clock.now(),
        }
    }

    /// All releases of an app, newest first. The engine is asked once for each image that should be there.
    pub async fn releases(&self, app: &AppName) -> Result<ReleaseList, OperationError> {
        let store = &self.adapters.store;
        let record = store.app(app).await?;
        let policies = record.policies(&store.global().await?)?;
        let history = store.release_history(app).await?;
        let images = self.images_of(&history).await?;
        let current = record.release.as_ref().map(|release| release.number);
        let listed = |release: PastRelease| {
            let state = match release.is_kept && images.contains(&release.image) {
                _ if Some(release.number) == current => ReleaseState::Current,
                true => ReleaseState::Kept,
                false => ReleaseState::Removed,
            };
            ListedRelease { release, state }
        };
        Ok(ReleaseList {
            app: app.clone(),
            kept: policies.kept_releases,
            releases: history.releases.into_iter().rev().map(listed).collect(),
        })
    }

    /// The images of kept releases that the engine has.
    async fn images_of(&self, history: &ReleaseHistory) -> Result<BTreeSet<ImageId>, OperationError> {
        let kept = history.releases.iter().filter(|release| release.is_kept);
        let ids: BTreeSet<&ImageId> = kept.map(|release| &release.image).collect();
        let looks = ids.into_iter().map(|id| async move {
            match self.adapters.engine.inspect_image(&id.0).await {
                Ok(_) => Ok(Some(id.clone())),
                Err(error) if error.kind == RuntimeErrorKind::ImageMissing => Ok(None),
                Err(error) => Err(error.into()),
            }
        });
        let found: Result<Vec<_>, OperationError> = join_all(looks).await.into_iter().collect();
        Ok(found?.into_iter().flatten().collect())
    }

    /// The releases but the current one that can be put back, oldest first.
    pub(super) async fn restorable(
        &self,
        history: &ReleaseHistory,
        current: ReleaseNumber,
    ) -> Result<Vec<ReleaseNumber>, OperationError> {
        let images = self.images_of(history).await?;
        let restorable = history
            .releases
            .iter()
            .filter(|release| release.number != current && release.is_kept && images.contains(&release.image));
        Ok(restorable.map(|release| release.number).collect())
    }
}
