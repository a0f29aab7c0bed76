//! Images out of archives. Invariant: an archive is loaded once, when it is given; from then on its image is called by its id, which no
//! other image can have, and is never pulled.

use std::path::Path;

use super::change::Extras;
use super::deploy::deploys;
use super::prepare::{Prepared, to_be_built};
use super::{FailedStep, OperationError, Operations, VerbOutcome};
use crate::execution::{StepError, StepResult};
use crate::plan::{ImageAction, Plan};
use crate::planning::Situation;
use crate::release::Source;
use crate::release_history::image_tag;
use crate::runtime::{ImageId, RuntimeErrorKind};

impl Operations {
    /// Loads an archive that was not loaded yet, and returns the source with the image it held. A dry run does not know that image.
    pub(super) async fn load_source(
        &self,
        outcome: &mut VerbOutcome,
        situation: &Situation,
        source: Source,
        verb: &str,
    ) -> Result<Source, OperationError> {
        let Source::ImageArchive { file, image: None } = source else {
            return Ok(source);
        };
        let app = &situation.record.name;
        self.stage(app, format!("Loading image archive {}", file.display()));
        let mut plan = Plan::new(app.clone());
        let step = plan.push(ImageAction::Load { file: file.clone() }, deploys(situation), &[]);
        let loading = self.carry_out(outcome, situation, plan, verb, Extras::default());
        let execution = loading.await.map_err(|error| refused(error, &file))?;
        let Some(StepResult::Loaded(words)) = execution.as_ref().and_then(|execution| execution.result(step)) else {
            return Ok(Source::ImageArchive { file, image: None });
        };
        let mut images: Vec<(ImageId, &String)> = Vec::new();
        for word in words {
            let id = self.adapters.engine.inspect_image(word).await?.id;
            let is_new = |id: &ImageId| images.iter().all(|(known, _)| known != id);
            images.extend(id.filter(is_new).map(|id| (id, word)));
        }
        let [(image, name)] = images.as_slice() else {
            return Err(OperationError::NotOneImage {
                app: app.clone(),
                file,
                images: images.into_iter().map(|(_, word)| word.clone()).collect(),
            });
        };
        self.stage(app, format!("Loaded image {name}"));
        let image = Some(image.clone());
        Ok(Source::ImageArchive { file, image })
    }

    /// Keeps the image of an archive under a name of ours, and reads what it says of its app. In a dry run there may be none yet.
    pub(super) async fn take_loaded_image(
        &self,
        outcome: &mut VerbOutcome,
        situation: &mut Situation,
        (file, image): (&Path, Option<&ImageId>),
        verb: &str,
    ) -> Result<Prepared, OperationError> {
        let app = situation.record.name.clone();
        let tag = image_tag(&app, situation.record.next_release);
        let detail = match image {
            None => to_be_built(),
            Some(id) => match self.adapters.engine.inspect_image(&id.0).await {
                Err(error) if error.kind == RuntimeErrorKind::ImageMissing => {
                    let file = file.to_owned();
                    return Err(OperationError::LoadedImageGone { app, file });
                }
                found => found?,
            },
        };
        let name = ImageAction::TagLoaded {
            file: file.to_owned(),
            image: image.cloned().unwrap_or_else(|| ImageId(tag.clone())),
            tag: tag.clone(),
        };
        let mut plan = Plan::new(app);
        plan.push(name, deploys(situation), &[]);
        self.carry_out(outcome, situation, plan, verb, Extras::default())
            .await?;
        self.prepare_image(outcome, situation, tag, detail, verb).await
    }
}

/// Bytes that are no archive of images deserve words of their own.
fn refused(error: OperationError, file: &Path) -> OperationError {
    match error {
        OperationError::Step(step) => match *step {
            FailedStep {
                app,
                error: StepError::Runtime(error),
                ..
            } if error.kind == RuntimeErrorKind::Invalid => OperationError::NoImageArchive {
                app,
                file: file.to_owned(),
                error,
            },
            other => OperationError::Step(Box::new(other)),
        },
        other => other,
    }
}
