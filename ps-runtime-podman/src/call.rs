//! One request of the direct client, as data. What goes into a path or a query is escaped, so that no name can change
//! which call is made.

use std::fmt::Write as _;
use std::io;

use bytes::Bytes;
use futures_util::TryStreamExt;
use http::{Method, Request, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use ps_core::runtime::ByteStream;

use crate::classify_error::Failure;

/// A request's body: whole or streamed.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What a request carries.
pub(crate) enum Payload {
    Nothing,
    Json(Vec<u8>),
    Tar(ByteStream),
}

/// One request: method, path below the API's prefix, query, body.
pub(crate) struct Call {
    method: Method,
    path: String,
    payload: Payload,
    registry_auth: Option<String>,
}

impl Call {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            payload: Payload::Nothing,
            registry_auth: None,
        }
    }

    /// Adds a query parameter; the value is escaped here.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.path.push(if self.path.contains('?') { '&' } else { '?' });
        self.path.push_str(name);
        self.path.push('=');
        self.path.push_str(&escape(value));
        self
    }

    pub(crate) fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }

    pub(crate) fn registry_auth(mut self, value: Option<String>) -> Self {
        self.registry_auth = value;
        self
    }

    /// The request, its path below `prefix`.
    pub(crate) fn into_request(self, prefix: &str) -> Result<Request<Body>, Failure> {
        let builder = Request::builder()
            .method(self.method)
            .uri(format!("{prefix}{}", self.path))
            .header(header::HOST, "libpod");
        let builder = match self.registry_auth {
            Some(value) => builder.header("X-Registry-Auth", value),
            None => builder,
        };
        let request = match self.payload {
            Payload::Nothing => builder.body(full(Bytes::new())),
            Payload::Json(json) => builder
                .header(header::CONTENT_TYPE, "application/json")
                .body(full(json.into())),
            Payload::Tar(archive) => builder
                .header(header::CONTENT_TYPE, "application/x-tar")
                .body(StreamBody::new(archive.map_ok(Frame::data)).boxed_unsync()),
        };
        request.map_err(|error| Failure::BadRequest(error.to_string()))
    }
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// Escapes one path segment or query value: all that is not unreserved.
pub(crate) fn escape(text: &str) -> String {
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut escaped, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                escaped.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "%{byte:02X}");
            }
            escaped
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_are_escaped() {
        let call = Call::get("/x")
            .query("filters", "{\"label\":[\"a=b c\"]}")
            .query("all", "true");
        assert_eq!(
            call.path,
            "/x?filters=%7B%22label%22%3A%5B%22a%3Db%20c%22%5D%7D&all=true"
        );
        assert_eq!(escape("../a/ö"), "..%2Fa%2F%C3%B6");
    }
}
