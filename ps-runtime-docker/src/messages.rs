//! The messages of a build or of a load: one JSON object a line.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard::errors::Error;
use bytes::BytesMut;
use futures_util::{Stream, StreamExt, stream};
use http_body_util::BodyStream;
use hyper::body::{Body, Bytes};
use serde::Deserialize;
use serde_json::Value;

/// One message; every field may be missing.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Message {
    #[serde(default)]
    id: String,
    /// A piece of text.
    #[serde(default)]
    pub(crate) stream: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    aux: Value,
}

impl Message {
    /// The engine's words, when this is the end of something that failed.
    pub(crate) fn failure(&self) -> Option<&str> {
        (!self.error.is_empty()).then_some(self.error.as_str())
    }

    /// The image that was built.
    pub(crate) fn image_id(&self) -> Option<&str> {
        (self.id == "moby.image.id")
            .then(|| self.aux.get("ID")?.as_str())
            .flatten()
    }

    /// News of the build, as BuildKit's bytes. News that cannot be read are no reason to fail a build.
    pub(crate) fn trace(&self) -> Option<Vec<u8>> {
        let encoded = (self.id == "moby.buildkit.trace")
            .then(|| self.aux.as_str())
            .flatten()?;
        STANDARD.decode(encoded).ok()
    }
}

/// The messages of an answer's body.
pub(crate) fn messages_of<B>(body: B) -> impl Stream<Item = Result<Message, Error>>
where
    B: Body<Data = Bytes> + Unpin,
    Error: From<B::Error>,
{
    let body = BodyStream::new(body).filter_map(async |frame| match frame {
        Ok(frame) => frame.into_data().ok().map(Ok),
        Err(error) => Some(Err(Error::from(error))),
    });
    stream::unfold((Box::pin(body), BytesMut::new()), async |(mut body, mut received)| {
        loop {
            let end = received.iter().position(|byte| *byte == b'\n');
            if let Some(end) = end {
                let line = received.split_to(end + 1);
                if !line.trim_ascii().is_empty() {
                    return Some((read(&line), (body, received)));
                }
                continue;
            }
            match body.next().await {
                Some(Ok(bytes)) => received.extend_from_slice(&bytes),
                Some(Err(error)) => return Some((Err(error), (body, received))),
                None if received.trim_ascii().is_empty() => return None,
                None => return Some((read(&received.split()), (body, received))),
            }
        }
    })
}

fn read(line: &[u8]) -> Result<Message, Error> {
    Ok(serde_json::from_slice(line)?)
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    async fn read_all(pieces: &[&'static str]) -> Result<Vec<Message>, Error> {
        let pieces = pieces
            .iter()
            .map(|piece| Ok::<_, std::io::Error>(Frame::data(Bytes::from(*piece))));
        let pieces: Vec<_> = pieces.collect();
        messages_of(StreamBody::new(stream::iter(pieces))).try_collect().await
    }

    #[tokio::test]
    async fn messages_are_told_apart_wherever_they_are_cut() {
        let pieces = [
            "{\"id\":\"a",
            "\\n\"}\r\n{\"error\":\"no\"}\r",
            "\n\r\n{\"id\":\"last\"}",
        ];
        let messages = read_all(&pieces).await.unwrap();
        let ids: Vec<&str> = messages.iter().map(|message| message.id.as_str()).collect();
        assert_eq!(ids, ["a\n", "", "last"]);
        assert_eq!(messages[1].failure(), Some("no"));
        assert!(read_all(&["{\"id\""]).await.is_err());
    }

    #[test]
    fn the_image_is_told_by_its_own_message() {
        let message = br#"{"id":"moby.image.id","aux":{"ID":"sha256:1be9"}}"#;
        assert_eq!(read(message).unwrap().image_id(), Some("sha256:1be9"));
        let other = br#"{"id":"moby.buildkit.trace","aux":"Cm8K"}"#;
        assert_eq!(read(other).unwrap().image_id(), None);
    }
}
