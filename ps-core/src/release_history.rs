//! What an app's releases were, without their environments. Invariant: a release's line stays for as long as its app, also when its
//! image and its config are gone.

use std::collections::BTreeSet;
use std::time::SystemTime;

use crate::names::AppName;
use crate::release::{Release, ReleaseNumber, Source};
use crate::runtime::ImageId;

/// The name of the image that is made for a release; only images of such names are ever removed.
pub(crate) fn image_tag(app: &AppName, release: ReleaseNumber) -> String {
    format!("psctl/{app}:{release}")
}

/// One line of an app's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRelease {
    /// Its number.
    pub number: ReleaseNumber,
    /// The image its containers are made from.
    pub image: ImageId,
    /// Where the image came from.
    pub source: Source,
    /// Which state of the source it was.
    pub revision: Option<String>,
    /// What made it, in a few words.
    pub cause: String,
    /// Who ran that command.
    pub by: Option<String>,
    /// When.
    pub created_at: SystemTime,
    /// Whether a container of it ever served.
    pub has_served: bool,
    /// Whether its config is kept, so that it can be put back.
    pub is_kept: bool,
}

impl PastRelease {
    /// The line of a release that was just recorded.
    pub fn of(release: &Release) -> Self {
        Self {
            number: release.number,
            image: release.image.id.clone(),
            source: release.source.clone(),
            revision: release.revision.clone(),
            cause: release.cause.clone(),
            by: release.by.clone(),
            created_at: release.created_at,
            has_served: false,
            is_kept: true,
        }
    }
}

/// An app's releases, and which numbers may have an image of the app's own name.
///
/// ```
/// use ps_core::release_history::ReleaseHistory;
/// let history = ReleaseHistory::default();
/// assert!(history.release("v1".parse()?).is_none());
/// # Ok::<(), ps_core::release::ReleaseNumberError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReleaseHistory {
    /// Oldest first.
    pub releases: Vec<PastRelease>,
    /// The numbers `n` for which `psctl/<app>:v<n>` may be there: with a release, or left by a command that was killed.
    pub images: BTreeSet<ReleaseNumber>,
}

impl ReleaseHistory {
    /// One line.
    pub fn release(&self, number: ReleaseNumber) -> Option<&PastRelease> {
        self.releases.iter().find(|release| release.number == number)
    }

    /// What a rollback goes back to when none is named: the newest release before the current one that has served.
    pub fn before(&self, current: ReleaseNumber) -> Option<&PastRelease> {
        let mut earlier = self.releases.iter().rev();
        earlier.find(|release| release.number < current && release.has_served)
    }
}
