//! The progress of builds and pulls: an engine's fragments of text as whole lines, an error wherever it says one.

use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt, TryStreamExt, future};
use ps_core::runtime::{BuildEvent, BuildStep, StepOrigin};

use crate::answers::Progress;
use crate::classify_error::Failure;
use crate::translate::image_id;

/// What the engine sends while it works.
pub(crate) type Progresses = BoxStream<'static, Result<Progress, Failure>>;

/// A value that tells an error is one.
pub(crate) fn successful(values: impl Stream<Item = Result<Progress, Failure>> + Send + 'static) -> Progresses {
    values
        .and_then(|progress| {
            future::ready(if progress.error.is_empty() {
                Ok(progress)
            } else {
                Err(Failure::BuildFailed(progress.error.trim_end().to_owned()))
            })
        })
        .boxed()
}

/// The lines of a progress, wherever the engine cut them.
pub(crate) fn lines(progress: Progresses) -> BoxStream<'static, Result<String, Failure>> {
    let ended = stream::once(future::ready(None));
    let pieces = progress.map(Some).chain(ended);
    let split = |rest: &mut String, piece: Option<Result<Progress, Failure>>| {
        let lines: Vec<Result<String, Failure>> = match piece {
            Some(Ok(progress)) => {
                rest.push_str(&progress.stream);
                let complete = rest.rfind('\n').map_or(0, |end| end + 1);
                let complete: String = rest.drain(..complete).collect();
                complete.lines().map(|line| Ok(line.to_owned())).collect()
            }
            Some(Err(failure)) => vec![Err(failure)],
            None => Some(std::mem::take(rest))
                .filter(|rest| !rest.is_empty())
                .map(Ok)
                .into_iter()
                .collect(),
        };
        future::ready(Some(stream::iter(lines)))
    };
    pieces.scan(String::new(), split).flatten().boxed()
}

/// Lines and steps, and at the end the image: its id is the last line of the engine's output.
pub(crate) fn build_events(progress: Progresses) -> BoxStream<'static, Result<BuildEvent, Failure>> {
    let ended = stream::once(future::ready(None));
    let to_events = |building: &mut Building, line: Option<Result<String, Failure>>| {
        let events = match line {
            Some(Ok(line)) => building.read(line).into_iter().map(Ok).collect(),
            Some(Err(failure)) => {
                building.has_failed = true;
                vec![Err(failure)]
            }
            None => building.end(),
        };
        future::ready(Some(stream::iter(events)))
    };
    lines(progress)
        .map(Some)
        .chain(ended)
        .scan(Building::default(), to_events)
        .flatten()
        .boxed()
}

/// How far a build is, by its lines.
#[derive(Debug, Default)]
struct Building {
    step: Option<BuildStep>,
    id: Option<String>,
    has_failed: bool,
}

impl Building {
    fn read(&mut self, line: String) -> Vec<BuildEvent> {
        if is_image_id(&line) {
            self.id = Some(line);
            return Vec::new();
        }
        let mut events = Vec::new();
        if let Some(name) = begun_step(&line) {
            events.extend(self.done());
            // `FROM` makes nothing.
            self.step = (!name.contains("] FROM ")).then_some(BuildStep {
                name,
                origin: StepOrigin::Made,
            });
        } else if let Some(step) = self.step.as_mut().filter(|_| line.starts_with("--> Using cache ")) {
            step.origin = StepOrigin::Cache;
        }
        events.push(BuildEvent::Line(line));
        events
    }

    /// The step that went on until now.
    fn done(&mut self) -> Option<BuildEvent> {
        self.step.take().map(BuildEvent::Step)
    }

    fn end(&mut self) -> Vec<Result<BuildEvent, Failure>> {
        if self.has_failed {
            return Vec::new();
        }
        let Some(id) = self.id.take() else {
            return vec![Err(Failure::BuildFailed("the build ended without an image".to_owned()))];
        };
        let built = BuildEvent::Built(image_id(&id));
        self.done().into_iter().chain([built]).map(Ok).collect()
    }
}

/// `[2/4] RUN true` of the line `STEP 2/4: RUN true`; with several stages `[1/2] STEP 2/4: …` becomes `[1/2 2/4] …`.
fn begun_step(line: &str) -> Option<String> {
    let (stage, step) = match line.strip_prefix("STEP ") {
        Some(step) => ("", step),
        None => line.strip_prefix('[')?.split_once("] STEP ")?,
    };
    let (place, instruction) = step.split_once(": ")?;
    let is_place = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '/');
    let place = [stage, place].into_iter().filter(|part| !part.is_empty());
    let place: Vec<&str> = place.collect();
    let is_step = place.iter().all(|part| is_place(part));
    is_step.then(|| format!("[{}] {instruction}", place.join(" ")))
}

fn is_image_id(line: &str) -> bool {
    line.len() == 64 && line.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn events(texts: &[&str], error: &str) -> Vec<Result<BuildEvent, String>> {
        let value = |stream: &str, error: &str| {
            Ok(Progress {
                stream: stream.to_owned(),
                error: error.to_owned(),
            })
        };
        let mut values: Vec<_> = texts.iter().map(|text| value(text, "")).collect();
        if !error.is_empty() {
            values.push(value("", error));
        }
        let events = build_events(successful(stream::iter(values)));
        events
            .map(|event| event.map_err(|failure| failure.to_string()))
            .collect()
            .await
    }

    fn line(text: &str) -> BuildEvent {
        BuildEvent::Line(text.to_owned())
    }

    #[tokio::test]
    async fn fragments_become_lines_and_the_last_id_the_image() {
        let id = "ab".repeat(32);
        let texts = ["STEP 1", "/2: FROM x\nSTEP 2/2", "\n", &format!("{id}\n")];
        let built = Ok(BuildEvent::Built(image_id(&id)));
        let expected = [Ok(line("STEP 1/2: FROM x")), Ok(line("STEP 2/2")), built];
        assert_eq!(events(&texts, "").await, expected);
    }

    fn step(name: &str, origin: StepOrigin) -> BuildEvent {
        let name = name.to_owned();
        BuildEvent::Step(BuildStep { name, origin })
    }

    #[tokio::test]
    async fn a_step_is_told_when_the_next_begins_and_says_whether_the_cache_answered() {
        let id = "ab".repeat(32);
        let texts = [
            "[1/2] STEP 1/2: FROM x AS b\n[1/2] STEP 2/2: RUN true\n",
            "--> Using cache cb411fd49be8\n--> cb411fd49be\n",
            "[2/2] STEP 1/1: COPY a b\nSTEP by step: no step\n--> fbf71fd53f1\n[2/2] COMMIT x\n",
            &format!("{id}\n"),
        ];
        let events = events(&texts, "").await;
        let steps: Vec<_> = events
            .iter()
            .filter(|event| !matches!(event, Ok(BuildEvent::Line(_))))
            .cloned()
            .collect();
        assert_eq!(
            steps,
            [
                Ok(step("[1/2 2/2] RUN true", StepOrigin::Cache)),
                Ok(step("[2/2 1/1] COPY a b", StepOrigin::Made)),
                Ok(BuildEvent::Built(image_id(&id)))
            ]
        );
        assert_eq!(events.len(), 8 + steps.len());
    }

    #[tokio::test]
    async fn a_failed_build_ends_with_one_error() {
        let failed = events(&["STEP 1\n"], "no such step\n").await;
        assert_eq!(failed, [Ok(line("STEP 1")), Err("no such step".to_owned())]);
        let cut = events(&["STEP 1"], "").await;
        assert_eq!(
            cut,
            [Ok(line("STEP 1")), Err("the build ended without an image".to_owned())]
        );
    }
}
