//! Calls about images. Invariant: what an engine tells of a build passes the redactor.

use std::collections::BTreeMap;

use futures_util::StreamExt;

use super::events::OperationEvent;
use super::execute::ExecutionPorts;
use super::perform::{StepError, StepResult, remove};
use crate::names::AppName;
use crate::plan::ImageAction;
use crate::runtime::{BuildEvent, BuildRequest, BuildStep, OutputChannel, PullEvent, RuntimeErrorKind, StepOrigin};

/// How often a build is begun that meets the removal of another image, which it then calls a conflict.
const BUILD_TRIES: u32 = 3;

async fn build(
    ports: &ExecutionPorts<'_>,
    tag: &str,
    labels: &BTreeMap<String, String>,
    line: impl Fn(&str) -> OperationEvent,
) -> Result<StepResult, StepError> {
    let context = ports.context.ok_or(StepError::MissingResult)?;
    let mut progress = ports.engine.build_image(BuildRequest {
        context: context.open(),
        dockerfile: context.dockerfile(),
        tag: tag.to_owned(),
        labels: labels.clone(),
    });
    let mut steps = Vec::new();
    while let Some(event) = progress.next().await {
        match event? {
            BuildEvent::Line(text) => ports.events.emit(line(&text)),
            BuildEvent::Step(step) => steps.push(step),
            BuildEvent::Built(id) => {
                if let Some(text) = told_of_cache(&steps) {
                    ports.events.emit(line(&text));
                }
                return Ok(StepResult::Image(id));
            }
        }
    }
    Err(StepError::MissingResult)
}

/// Makes the call.
pub(super) async fn perform_on_image(
    ports: &ExecutionPorts<'_>,
    app: &AppName,
    action: &ImageAction,
) -> Result<StepResult, StepError> {
    // The engine repeats what stands in the source, and an app's values may stand there too.
    let line = |line: &str| OperationEvent::Output {
        app: app.clone(),
        from: "build",
        channel: OutputChannel::Out,
        line: ports.redactor.redact(line).into_owned(),
    };
    match action {
        ImageAction::Build { tag, labels, .. } => {
            for _ in 1..BUILD_TRIES {
                match build(ports, tag, labels, &line).await {
                    Err(StepError::Runtime(error)) if error.kind == RuntimeErrorKind::Conflict => {}
                    built => return built,
                }
            }
            build(ports, tag, labels, &line).await
        }
        ImageAction::Pull { image } => {
            let mut progress = ports.engine.pull_image(image, ports.credentials);
            while let Some(event) = progress.next().await {
                let PullEvent::Line(text) = event?;
                ports.events.emit(line(&text));
            }
            Ok(StepResult::Nothing)
        }
        ImageAction::Load { file } => {
            let archive = ports.source.open_image_archive(file).await?;
            Ok(StepResult::Loaded(ports.engine.load_image(archive).await?))
        }
        ImageAction::TagLoaded { image, tag, .. } => {
            ports.engine.tag_image(&image.0, tag).await?;
            Ok(StepResult::Nothing)
        }
        ImageAction::Tag { image, tag } => {
            ports.engine.tag_image(image, tag).await?;
            Ok(StepResult::Nothing)
        }
        ImageAction::Remove { image } => {
            remove(ports, || ports.engine.remove_image(image)).await?;
            Ok(StepResult::Nothing)
        }
    }
}

/// What the build cache answered; `None` when it answered nothing.
fn told_of_cache(steps: &[BuildStep]) -> Option<String> {
    let all = steps.len();
    let cached = steps.iter().filter(|step| step.origin == StepOrigin::Cache).count();
    let made = steps.iter().find(|step| step.origin == StepOrigin::Made);
    match (cached, made) {
        (0, _) => None,
        (1, None) => Some("the build cache answered the only step".to_owned()),
        (_, None) => Some(format!("the build cache answered all {all} steps")),
        (_, Some(first)) => Some(format!(
            "the build cache answered {cached} of {all} steps; the first that was made is {}",
            first.name
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(origins: &[StepOrigin]) -> Vec<BuildStep> {
        let named = origins.iter().zip(1..).map(|(origin, number)| BuildStep {
            name: format!("[{number}/{}] RUN true", origins.len()),
            origin: *origin,
        });
        named.collect()
    }

    #[test]
    fn what_the_build_cache_answered_is_told() {
        use StepOrigin::{Cache, Made};
        let told = |origins: &[StepOrigin]| told_of_cache(&steps(origins));
        assert_eq!(told(&[]), None);
        assert_eq!(told(&[Made, Made]), None);
        assert_eq!(
            told(&[Cache]).as_deref(),
            Some("the build cache answered the only step")
        );
        assert_eq!(
            told(&[Cache, Cache]).as_deref(),
            Some("the build cache answered all 2 steps")
        );
        assert_eq!(
            told(&[Cache, Made, Made]).as_deref(),
            Some("the build cache answered 1 of 3 steps; the first that was made is [2/3] RUN true")
        );
    }
}
