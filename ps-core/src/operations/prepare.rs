//! The image of a deploy: built from a source that was read, or pulled and named, with the commands that go with it. Nothing that runs is
//! touched.

use std::collections::BTreeMap;

use super::change::Extras;
use super::deploy::deploys;
use super::{OperationError, Operations, VerbOutcome};
use crate::execution::StepResult;
use crate::labels;
use crate::manifest::{EnvRequests, Manifest};
use crate::plan::{ImageAction, Plan, StepId};
use crate::planning::Situation;
use crate::release::{Processes, ReleaseImage, Source};
use crate::release_history::image_tag;
use crate::runtime::{ImageDetail, ImageId, RuntimeErrorKind};
use crate::source::PreparedSource;

/// Says so where the image's own command will be known only after the build.
const NOT_YET_BUILT: &str = "(to be built)";

/// An image with the commands that go with it.
pub(super) struct Prepared {
    pub(super) image: ReleaseImage,
    pub(super) processes: Processes,
    pub(super) manifest: Manifest,
    pub(super) env: EnvRequests,
}

impl Operations {
    /// Whether an image of this name is there; `Err` when it carries the label of another state directory.
    pub(super) async fn has_image(&self, situation: &Situation, image: &str) -> Result<bool, OperationError> {
        let detail = match self.adapters.engine.inspect_image(image).await {
            Err(error) if error.kind == RuntimeErrorKind::ImageMissing => return Ok(false),
            found => found?,
        };
        let owner = detail.labels.get(labels::OWNER).map(String::as_str);
        if owner.is_some_and(|owner| owner != situation.owner.as_str()) {
            return Err(OperationError::ImageTaken {
                image: image.to_owned(),
            });
        }
        Ok(true)
    }

    /// Builds the image of a source that was read.
    pub(super) async fn build(
        &self,
        outcome: &mut VerbOutcome,
        situation: &Situation,
        source: &Source,
        read: PreparedSource,
        verb: &str,
    ) -> Result<Prepared, OperationError> {
        let app = &situation.record.name;
        self.stage(app, format!("Building {app} from {source}"));
        let tag = image_tag(app, situation.record.next_release);
        let mut plan = Plan::new(app.clone());
        let labels = BTreeMap::from([
            (labels::APP.to_owned(), app.to_string()),
            (labels::OWNER.to_owned(), situation.owner.as_str().to_owned()),
        ]);
        let build = ImageAction::Build {
            source: source.clone(),
            tag: tag.clone(),
            labels,
        };
        let step = plan.push(build, deploys(situation), &[]);
        let extras = Extras {
            context: Some(&*read.context),
            ..Extras::default()
        };
        let execution = self.carry_out(outcome, situation, plan, verb, extras).await?;
        let id = match execution.as_ref().and_then(|execution| execution.result(step)) {
            Some(StepResult::Image(id)) => Some(id.clone()),
            _ => None,
        };
        let detail = match &id {
            Some(id) => self.adapters.engine.inspect_image(&id.0).await?,
            None => to_be_built(),
        };
        let id = detail.id.clone().or(id).unwrap_or_else(|| ImageId(tag.clone()));
        Ok(Prepared {
            image: kept(id, tag, detail),
            processes: read.processes,
            manifest: read.manifest,
            env: read.env,
        })
    }

    /// Pulls an image that is not there, keeps it under a name of ours, and reads what it says of its app.
    pub(super) async fn fetch_image(
        &self,
        outcome: &mut VerbOutcome,
        situation: &mut Situation,
        image: &str,
        verb: &str,
    ) -> Result<Prepared, OperationError> {
        let app = situation.record.name.clone();
        let engine = &self.adapters.engine;
        let known = match engine.inspect_image(image).await {
            Err(error) if error.kind == RuntimeErrorKind::ImageMissing => None,
            found => Some(found?),
        };
        let tag = image_tag(&app, situation.record.next_release);
        let cause = deploys(situation);
        let mut plan = Plan::new(app.clone());
        let mut after: Vec<StepId> = Vec::new();
        let mut credentials = None;
        if known.is_none() {
            self.stage(&app, format!("Pulling {image}"));
            credentials = self.adapters.source.registry_credentials(image).await?;
            after = vec![plan.push(
                ImageAction::Pull {
                    image: image.to_owned(),
                },
                cause.clone(),
                &[],
            )];
        }
        plan.push(
            ImageAction::Tag {
                image: image.to_owned(),
                tag: tag.clone(),
            },
            cause,
            &after,
        );
        let extras = Extras {
            credentials: credentials.as_ref(),
            ..Extras::default()
        };
        let execution = self.carry_out(outcome, situation, plan, verb, extras).await?;
        let detail = match (execution, known) {
            (Some(_), _) => engine.inspect_image(&tag).await?,
            (None, Some(known)) => known,
            (None, None) => to_be_built(),
        };
        self.prepare_image(outcome, situation, image.to_owned(), detail, verb)
            .await
    }

    /// Reads what an image, named as the next release's, says of its app. `name` is for people.
    pub(super) async fn prepare_image(
        &self,
        outcome: &mut VerbOutcome,
        situation: &mut Situation,
        name: String,
        detail: ImageDetail,
        verb: &str,
    ) -> Result<Prepared, OperationError> {
        let tag = image_tag(&situation.record.name, situation.record.next_release);
        let declared = self.declared_by_image(outcome, situation, &tag, &detail, verb).await?;
        let id = detail.id.clone().unwrap_or_else(|| ImageId(name.clone()));
        Ok(Prepared {
            image: kept(id, name, detail),
            processes: declared.processes,
            manifest: declared.manifest,
            env: declared.env,
        })
    }
}

/// What a release remembers of its image. Labels can repeat anything, a config value too, and nothing here needs them.
pub(super) fn kept(id: ImageId, name: String, mut detail: ImageDetail) -> ReleaseImage {
    detail.labels.clear();
    ReleaseImage { id, name, detail }
}

/// What is known of an image that a dry run does not build, pull or load: it has a command of its own.
pub(super) fn to_be_built() -> ImageDetail {
    ImageDetail {
        command: vec![NOT_YET_BUILT.to_owned()],
        ..ImageDetail::default()
    }
}
