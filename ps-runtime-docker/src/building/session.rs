//! A build session: BuildKit asks its client through it, over HTTP/2 on a connection that the client opened. Steps that mount a secret
//! fail without one, even when the secret may be missing.
//!
//! Invariant: the client lives and has nothing to give. Health is the only question that gets an answer; to any other it is "not
//! implemented here", which BuildKit takes for "no such secret" and "no credentials".

use std::convert::Infallible;
use std::future::ready;
use std::hash::{BuildHasher, RandomState};

use bollard::errors::Error;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioExecutor;
use tokio::task::AbortHandle;

use crate::transport::Transport;

const HEALTH: &str = "/grpc.health.v1.Health/Check";

/// A gRPC message: not compressed, two bytes long, `status: SERVING`.
const SERVING: &[u8] = &[0, 0, 0, 0, 2, 0x08, 0x01];

const OK: HeaderValue = HeaderValue::from_static("0");
const NOT_IMPLEMENTED: HeaderValue = HeaderValue::from_static("12");

/// An open session; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Session {
    id: String,
    serving: AbortHandle,
}

impl Session {
    /// Opens a session of a fresh id.
    pub(super) async fn open(transport: &Transport) -> Result<Self, Error> {
        let id = fresh_id();
        let request = Request::builder()
            .method(Method::POST)
            .uri("/session")
            .header("X-Docker-Expose-Session-Uuid", &id)
            .header("X-Docker-Expose-Session-Name", "psctl")
            .header("X-Docker-Expose-Session-Sharedkey", "")
            .header("X-Docker-Expose-Session-Grpc-Method", HEALTH);
        let connection = transport.upgrade(request, "h2c", Bytes::new()).await?.into_inner();
        let serving = http2::Builder::new(TokioExecutor::new()).serve_connection(connection, service_fn(answer));
        // When it breaks, the build says so.
        let serving = tokio::spawn(async { drop(serving.await) }).abort_handle();
        Ok(Self { id, serving })
    }

    /// What a build names it by.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// 128 bits that no other session has.
fn fresh_id() -> String {
    let half = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", half(), half())
}

async fn answer(
    request: Request<Incoming>,
) -> Result<Response<impl Body<Data = Bytes, Error = Infallible>>, Infallible> {
    let (message, status) = match request.uri().path() {
        HEALTH => (SERVING, OK),
        _ => (&[][..], NOT_IMPLEMENTED),
    };
    let trailers = HeaderMap::from_iter([(hyper::header::HeaderName::from_static("grpc-status"), status)]);
    let body = Full::new(Bytes::from_static(message)).with_trailers(ready(Some(Ok(trailers))));
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_session_has_an_id_of_its_own() {
        let (one, two) = (fresh_id(), fresh_id());
        assert_eq!((one.len(), two.len()), (32, 32));
        assert_ne!(one, two);
    }
}
