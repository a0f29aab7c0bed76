//! What libpod streams: JSON values in any chunking, framed output, events. A stream ends after its first error.

use std::time::{Duration, SystemTime};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use ps_core::runtime::{ContainerEvent, ContainerEventKind, ContainerId, OutputChannel, OutputChunk};
use serde::de::DeserializeOwned;

use crate::answers::EngineEvent;
use crate::classify_error::Failure;

type Pieces = BoxStream<'static, Result<Bytes, Failure>>;

/// Takes the next item off the front of a buffer; `None` when it needs more bytes.
type Take<T> = fn(&mut BytesMut) -> Result<Option<T>, Failure>;

/// JSON values one after the other, wherever the pieces are cut.
pub(crate) fn json_values<T: DeserializeOwned + Send + 'static>(
    pieces: Pieces,
) -> impl Stream<Item = Result<T, Failure>> + Send {
    decode(pieces, take_json)
}

/// Output in frames of 8 header bytes (channel, 0, 0, 0, length) and the text. libpod frames the logs of terminals too.
pub(crate) fn output_frames(pieces: Pieces) -> impl Stream<Item = Result<OutputChunk, Failure>> + Send {
    decode(pieces, take_frame)
}

fn decode<T: Send + 'static>(pieces: Pieces, take: Take<T>) -> impl Stream<Item = Result<T, Failure>> + Send {
    let start = Some((pieces, BytesMut::new()));
    stream::unfold(start, move |state| async move {
        let (mut pieces, mut buffer) = state?;
        loop {
            match take(&mut buffer) {
                Ok(Some(item)) => return Some((Ok(item), Some((pieces, buffer)))),
                Ok(None) => {}
                Err(failure) => return Some((Err(failure), None)),
            }
            match pieces.next().await {
                Some(Ok(piece)) => buffer.extend_from_slice(&piece),
                Some(Err(failure)) => return Some((Err(failure), None)),
                None if buffer.iter().all(u8::is_ascii_whitespace) => return None,
                None => return Some((Err(Failure::Broken("the stream ended inside an item".into())), None)),
            }
        }
    })
}

fn take_json<T: DeserializeOwned>(buffer: &mut BytesMut) -> Result<Option<T>, Failure> {
    let mut values = serde_json::Deserializer::from_slice(buffer).into_iter::<T>();
    let value = match values.next() {
        None => return Ok(None),
        Some(Err(error)) if error.is_eof() => return Ok(None),
        Some(Err(error)) => return Err(Failure::Unreadable(error.to_string())),
        Some(Ok(value)) => value,
    };
    let read = values.byte_offset();
    buffer.advance(read);
    Ok(Some(value))
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of all takers")]
fn take_frame(buffer: &mut BytesMut) -> Result<Option<OutputChunk>, Failure> {
    let Some(&[channel, _, _, _, a, b, c, d]) = buffer.first_chunk::<8>() else {
        return Ok(None);
    };
    let Ok(length) = usize::try_from(u32::from_be_bytes([a, b, c, d])) else {
        return Ok(None);
    };
    if buffer.len() - 8 < length {
        return Ok(None);
    }
    buffer.advance(8);
    Ok(Some(OutputChunk {
        channel: if channel == 2 {
            OutputChannel::Err
        } else {
            OutputChannel::Out
        },
        bytes: buffer.split_to(length).freeze(),
    }))
}

/// The port's event; `None` for what is not about a container, or was before `since`.
pub(crate) fn container_event(event: EngineEvent, since: Option<SystemTime>) -> Option<ContainerEvent> {
    let at = event_time(&event);
    if since.is_some_and(|since| at < since) {
        return None;
    }
    let mut labels = event.actor.attributes;
    let exit_code = labels.remove("containerExitCode");
    let name = labels.remove("name").unwrap_or_default();
    for own in ["image", "podId", "podName"] {
        labels.remove(own);
    }
    let kind = match (event.r#type.as_str(), event.action.as_str()) {
        ("network", "connect" | "disconnect") => ContainerEventKind::NetworkChanged,
        ("network", _) => return None,
        (_, "create") => ContainerEventKind::Created,
        (_, "start") => ContainerEventKind::Started,
        // Podman 4.3 says `containerExitCode: 0` on every other event too; on this one it is true.
        (_, "died") => ContainerEventKind::Died {
            exit_code: exit_code.and_then(|code| code.parse().ok()),
        },
        (_, "stop") => ContainerEventKind::Stopped,
        (_, "rename") => ContainerEventKind::Renamed,
        (_, "remove") => ContainerEventKind::Removed,
        (_, "health_status") if !event.health_status.is_empty() => ContainerEventKind::Health {
            healthy: event.health_status == "healthy",
        },
        (_, other) => ContainerEventKind::Other(other.to_owned()),
    };
    Some(ContainerEvent {
        container: ContainerId(event.actor.id),
        name,
        kind,
        at,
        labels,
    })
}

fn event_time(event: &EngineEvent) -> SystemTime {
    let since_1970 = match event.nanoseconds {
        0 => Duration::from_secs(event.seconds),
        nanoseconds => Duration::from_nanos(nanoseconds),
    };
    SystemTime::UNIX_EPOCH
        .checked_add(since_1970)
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn collect<T>(decoded: impl Stream<Item = Result<T, Failure>>) -> (Vec<T>, Option<String>) {
        let results: Vec<_> = decoded.collect().await;
        let mut error = None;
        let items = results.into_iter().filter_map(|result| match result {
            Ok(item) => Some(item),
            Err(failure) => {
                error = Some(failure.to_string());
                None
            }
        });
        (items.collect(), error)
    }

    /// The bytes in pieces of one size.
    fn cut(bytes: &[u8], size: usize) -> Pieces {
        let pieces: Vec<_> = bytes
            .chunks(size)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect();
        stream::iter(pieces).boxed()
    }

    #[tokio::test]
    async fn values_and_frames_are_found_wherever_the_pieces_are_cut() {
        let frames = b"\x01\0\0\0\0\0\0\x04out\n\x02\0\0\0\0\0\0\x04err\n\x01\0\0\0\0\0\0\0";
        for size in [1, 3, 8, 100] {
            let (values, error) = collect(json_values::<Vec<u8>>(cut(b"[1,2]\n[3] \n", size))).await;
            assert_eq!((values, error), (vec![vec![1, 2], vec![3]], None));
            let (chunks, error) = collect(output_frames(cut(frames, size))).await;
            let texts: Vec<_> = chunks
                .iter()
                .map(|chunk| (chunk.channel, chunk.bytes.as_ref()))
                .collect();
            let expected: [(_, &[u8]); 3] = [
                (OutputChannel::Out, b"out\n"),
                (OutputChannel::Err, b"err\n"),
                (OutputChannel::Out, b""),
            ];
            assert_eq!((texts.as_slice(), error), (expected.as_slice(), None));
        }
    }

    #[tokio::test]
    async fn a_stream_cut_inside_an_item_ends_with_an_error() {
        let (values, error) = collect(json_values::<Vec<u8>>(cut(b"[1][2", 2))).await;
        assert_eq!(values, vec![vec![1]]);
        assert!(error.unwrap().contains("connection broke"));
        let (values, error) = collect(json_values::<Vec<u8>>(cut(b"[1]x[2]", 2))).await;
        assert_eq!((values.len(), error.is_some()), (1, true));
    }

    fn event(action: &str) -> EngineEvent {
        let json = format!(
            r#"{{"Type":"container","Action":"{action}","Actor":{{"ID":"d4","Attributes":{{"containerExitCode":"3",
            "image":"i","k":"v","name":"shop.web.1","podId":""}}}},"time":1795360344,"timeNano":1795360344991177329}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn a_death_carries_its_exit_code_labels_and_time() {
        let died = container_event(event("died"), None).unwrap();
        assert_eq!(died.kind, ContainerEventKind::Died { exit_code: Some(3) });
        assert_eq!((died.name.as_str(), died.container.0.as_str()), ("shop.web.1", "d4"));
        assert_eq!(
            died.labels.into_iter().collect::<Vec<_>>(),
            [("k".to_owned(), "v".to_owned())]
        );
        let nanos = died.at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
        assert_eq!(nanos, 1_795_360_344_991_177_329);
    }

    #[test]
    fn events_before_the_asked_moment_are_left_out() {
        let at = event_time(&event("start"));
        assert!(container_event(event("start"), Some(at)).is_some());
        assert!(container_event(event("start"), Some(at + Duration::from_nanos(1))).is_none());
    }

    #[test]
    fn unknown_actions_keep_the_engines_word() {
        let kind = |action: &str| container_event(event(action), None).unwrap().kind;
        assert_eq!(kind("remove"), ContainerEventKind::Removed);
        assert_eq!(kind("cleanup"), ContainerEventKind::Other("cleanup".to_owned()));
    }
}
