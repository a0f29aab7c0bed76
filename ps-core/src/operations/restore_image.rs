//! The image of a release that served and is gone: made again from the release's own source, when that is provably what it was.
//! Invariant: what cannot be proven to be the same code is not built, and not shipped.

use super::change::Extras;
use super::deployed_settings::DeployedSettings;
use super::phases::Deployment;
use super::{OperationError, Operations, VerbOutcome};
use crate::plan::{Cause, ImageAction, Plan};
use crate::planning::Situation;
use crate::release::{Release, ReleaseNumber, Source};
use crate::release_history::image_tag;
use crate::runtime::{ImageId, RuntimeErrorKind};

impl Operations {
    /// The release that served: the current one, unless that was only recorded.
    pub(super) async fn release_that_served(
        &self,
        situation: &Situation,
        number: ReleaseNumber,
    ) -> Result<Release, OperationError> {
        let record = &situation.record;
        if let Some(current) = record.release.as_ref().filter(|current| current.number == number) {
            return Ok(current.clone());
        }
        let app = record.name.clone();
        let release = self.adapters.store.release(&app, number).await?;
        let release = release.ok_or(OperationError::ReleaseRemoved {
            app,
            number,
            possible: Vec::new(),
        })?;
        let values = release.config.iter().map(|(_, value)| value.to_owned());
        self.hide(values.collect());
        Ok(release)
    }

    /// Whether the engine still has the image of a release.
    pub(super) async fn has_image_of(&self, release: &Release) -> Result<bool, OperationError> {
        self.is_there(&release.image.id).await
    }

    async fn is_there(&self, image: &ImageId) -> Result<bool, OperationError> {
        match self.adapters.engine.inspect_image(&image.0).await {
            Err(error) if error.kind == RuntimeErrorKind::ImageMissing => Ok(false),
            found => Ok(found.map(|_| true)?),
        }
    }

    /// Makes the image of a release again. An image that was pulled or loaded must be the same one; one that was built is built from the
    /// same state of its source, with the predeploy command, and then it is a release of its own with the same commands and config.
    pub(super) async fn make_image_again(
        &self,
        outcome: &mut VerbOutcome,
        situation: &Situation,
        release: Release,
        verb: &str,
    ) -> Result<Release, OperationError> {
        let app = &situation.record.name;
        let lost = |why: String| OperationError::ReleaseLost {
            app: app.clone(),
            number: release.number,
            why,
        };
        match &release.source {
            Source::Image(name) => {
                let pull = ImageAction::Pull { image: name.clone() };
                self.stage(app, format!("Pulling {name}"));
                self.fetch_again(outcome, situation, pull, Some(name), verb).await?;
                self.take_same_image(outcome, situation, &release, verb).await?;
                Ok(release)
            }
            Source::ImageArchive { file, .. } => {
                let load = ImageAction::Load { file: file.clone() };
                self.stage(app, format!("Loading image archive {}", file.display()));
                self.fetch_again(outcome, situation, load, None, verb).await?;
                self.take_same_image(outcome, situation, &release, verb).await?;
                Ok(release)
            }
            source @ (Source::Directory(_) | Source::Archive { .. } | Source::Git { .. }) => {
                let Some(revision) = release.revision.clone() else {
                    return Err(lost(format!("nothing says which state of {source} it was made from")));
                };
                let source = as_it_was(source, &revision);
                self.build_again(outcome, situation, release, source, verb).await
            }
        }
    }

    async fn fetch_again(
        &self,
        outcome: &mut VerbOutcome,
        situation: &Situation,
        fetch: ImageAction,
        image: Option<&str>,
        verb: &str,
    ) -> Result<(), OperationError> {
        let mut plan = Plan::new(situation.record.name.clone());
        plan.push(fetch, Cause::Restored, &[]);
        let credentials = match image {
            Some(image) => self.adapters.source.registry_credentials(image).await?,
            None => None,
        };
        let extras = Extras {
            credentials: credentials.as_ref(),
            ..Extras::default()
        };
        self.carry_out(outcome, situation, plan, verb, extras).await?;
        Ok(())
    }

    /// Gives an image that is back its name of ours again; an error when it is not the one that was there.
    async fn take_same_image(
        &self,
        outcome: &mut VerbOutcome,
        situation: &Situation,
        release: &Release,
        verb: &str,
    ) -> Result<(), OperationError> {
        let app = &situation.record.name;
        if !self.is_dry_run() && !self.is_there(&release.image.id).await? {
            return Err(OperationError::ReleaseLost {
                app: app.clone(),
                number: release.number,
                why: format!("{} is another one now", release.source),
            });
        }
        let mut plan = Plan::new(app.clone());
        let tag = ImageAction::Tag {
            image: release.image.id.0.clone(),
            tag: image_tag(app, release.number),
        };
        plan.push(tag, Cause::Restored, &[]);
        self.carry_out(outcome, situation, plan, verb, Extras::default())
            .await?;
        Ok(())
    }

    async fn build_again(
        &self,
        outcome: &mut VerbOutcome,
        situation: &Situation,
        release: Release,
        source: Source,
        verb: &str,
    ) -> Result<Release, OperationError> {
        let app = &situation.record.name;
        let lost = |why: String| OperationError::ReleaseLost {
            app: app.clone(),
            number: release.number,
            why,
        };
        let read = self.read_source(situation, &source, verb).await?;
        let Some(read) = read.filter(|read| read.revision == release.revision) else {
            return Err(lost(format!("the {} changed since", release.source)));
        };
        // The name of the new image must not be taken from another state directory's app of the same name.
        self.has_image(situation, &image_tag(app, situation.record.next_release))
            .await?;
        self.expect_image(situation).await?;
        let prepared = self.build(outcome, situation, &source, read, verb).await?;
        let made = Release {
            number: situation.record.next_release,
            image: prepared.image,
            processes: prepared.processes,
            manifest: prepared.manifest,
            cause: verb.to_owned(),
            by: self.options.by.clone(),
            created_at: self.adapters.clock.now(),
            ..release
        };
        let settings = DeployedSettings {
            formation: situation.record.formation.clone(),
            config: situation.record.config.clone(),
        };
        let mut deployment = Deployment {
            situation: situation.clone(),
            release: made,
            settings: &settings,
            verb,
        };
        self.predeploy(outcome, &mut deployment).await?;
        Ok(deployment.release)
    }
}

/// The source at the state that a release was made from, as far as it can be asked for.
fn as_it_was(source: &Source, revision: &str) -> Source {
    match (source, revision.parse()) {
        (Source::Git { repository, .. }, Ok(commit)) => Source::Git {
            repository: repository.clone(),
            reference: Some(commit),
        },
        (source, _) => source.clone(),
    }
}
