//! Which releases can be put back, and which images go. Invariant: an image goes only when no kept release and no container is made
//! from it, and when it is provably ours.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::AppRecord;
use crate::observation::ObservedApp;
use crate::plan::{Cause, ImageAction, Plan, StoreAction};
use crate::planning::Situation;
use crate::release::ReleaseNumber;
use crate::release_history::{PastRelease, ReleaseHistory, image_tag};
use crate::runtime::ImageId;
use crate::store::StoreChange;

/// What the engine has under a name of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundImage {
    /// An image of this state directory.
    Ours,
    /// Nothing.
    Missing,
    /// An image that somebody else gave this name.
    Foreign,
}

/// What has to go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surplus {
    /// Releases that are not put back any more.
    pub releases: Vec<ReleaseNumber>,
    /// Numbers in the names of images that nothing needs.
    pub images: Vec<ReleaseNumber>,
}

impl Surplus {
    /// Whether nothing has to go.
    pub fn is_empty(&self) -> bool {
        self.releases.is_empty() && self.images.is_empty()
    }
}

/// What is more than the newest releases that are kept, the current one, and what containers are made from.
pub fn surplus(record: &AppRecord, kept: usize, history: &ReleaseHistory, observed: &ObservedApp) -> Surplus {
    let newest = history.releases.iter().rev().take(kept);
    let replicas = observed.containers.iter().map(|container| container.release);
    let one_offs = observed.one_offs.iter().filter_map(|one_off| one_off.release);
    let serving = record.serving.values().map(|serving| serving.release);
    let current = record.release.as_ref().map(|release| release.number);
    let used: BTreeSet<ReleaseNumber> = replicas.chain(one_offs).chain(serving).chain(current).collect();
    let needed: BTreeSet<ReleaseNumber> = newest.map(|release| release.number).chain(used).collect();
    let image = |number: &ReleaseNumber| history.release(*number).map(|release: &PastRelease| &release.image);
    let needed_images: BTreeSet<&ImageId> = needed.iter().filter_map(image).collect();
    let releases = history.releases.iter().filter(|release| release.is_kept);
    let images = history.images.iter().filter(|number| {
        let is_shared = image(number).is_some_and(|image| needed_images.contains(image));
        !needed.contains(number) && !is_shared
    });
    Surplus {
        releases: releases
            .map(|release| release.number)
            .filter(|number| !needed.contains(number))
            .collect(),
        images: images.copied().collect(),
    }
}

/// The plans that forget what is not put back any more, and then remove the images that only it needed. One plan an image: one that
/// cannot go keeps no other, and engines fail to remove two at a time that share layers.
pub fn plan_keep_images(
    situation: &Situation,
    surplus: &Surplus,
    found: &BTreeMap<ReleaseNumber, FoundImage>,
) -> Vec<Plan> {
    let app = &situation.record.name;
    let forget = |number: ReleaseNumber| StoreChange::ForgetImage {
        app: app.clone(),
        number,
    };
    let expire = |release: ReleaseNumber| StoreChange::ExpireRelease {
        app: app.clone(),
        release,
    };
    let is_ours = |number: &ReleaseNumber| found.get(number) == Some(&FoundImage::Ours);
    let expired = surplus.releases.iter().map(|number| (*number, expire(*number)));
    let absent = surplus.images.iter().filter(|number| !is_ours(number));
    let forgotten = absent.map(|number| (*number, forget(*number)));
    let (numbers, changes): (Vec<ReleaseNumber>, Vec<StoreChange>) = expired.chain(forgotten).unzip();
    let mut plans = Vec::new();
    if let Some(number) = numbers.last().copied() {
        let mut plan = Plan::going_on_after_failures(app.clone());
        plan.push(StoreAction::Record(changes), Cause::NotKept { number }, &[]);
        plans.push(plan);
    }
    for number in surplus.images.iter().copied().filter(is_ours) {
        let mut plan = Plan::going_on_after_failures(app.clone());
        let cause = Cause::NotKept { number };
        let image = image_tag(app, number);
        let removed = plan.push(ImageAction::Remove { image }, cause.clone(), &[]);
        plan.push(StoreAction::Record(vec![forget(number)]), cause, &[removed]);
        plans.push(plan);
    }
    plans
}
