//! The progress of builds and pulls: an engine's fragments of text as whole lines, an error wherever it says one.

use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt, TryStreamExt, future};
use ps_core::runtime::BuildEvent;

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

/// Lines, and at the end the image: its id is the last line of the engine's output.
pub(crate) fn build_events(progress: Progresses) -> BoxStream<'static, Result<BuildEvent, Failure>> {
    let ended = stream::once(future::ready(None));
    let to_event = |id: &mut Option<String>, line: Option<Result<String, Failure>>| {
        let event = match line {
            Some(Ok(line)) if is_image_id(&line) => {
                *id = Some(line);
                None
            }
            Some(Ok(line)) => Some(Ok(BuildEvent::Line(line))),
            Some(Err(failure)) => {
                *id = Some(String::new());
                Some(Err(failure))
            }
            None => match id.take() {
                Some(id) if id.is_empty() => None,
                Some(id) => Some(Ok(BuildEvent::Built(image_id(&id)))),
                None => Some(Err(Failure::BuildFailed("the build ended without an image".to_owned()))),
            },
        };
        future::ready(Some(stream::iter(event)))
    };
    lines(progress)
        .map(Some)
        .chain(ended)
        .scan(None, to_event)
        .flatten()
        .boxed()
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
        assert_eq!(
            events(&texts, "").await,
            [Ok(line("STEP 1/2: FROM x")), Ok(line("STEP 2/2")), built]
        );
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
