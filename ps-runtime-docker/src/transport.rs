//! The connection to the engine: one for each request, under bollard and beside it.
//!
//! bollard hides whether a request was sent before it failed, the difference between 204 and 304, and the fields of an answer that
//! its models lack. So the connection is ours, bollard runs on it, and the few calls that need more than bollard shows
//! ([`Transport::ask`]) go over the same one.

use std::io;
use std::time::Duration;

use bollard::BollardRequest;
use bollard::errors::Error;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, UPGRADE};
use hyper::http::request::Builder;
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use ps_core::runtime::EngineAddress;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// Inside an [`io::Error`]: the request never left this process.
#[derive(Debug, thiserror::Error)]
#[error("no connection to {address}: {reason}")]
pub(crate) struct NotSent {
    address: String,
    reason: String,
}

/// A whole answer of status 2xx or 304.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// How requests reach the engine.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    address: EngineAddress,
    connect_limit: Duration,
}

impl Transport {
    pub(crate) fn new(address: EngineAddress, connect_limit: Duration) -> Self {
        Self { address, connect_limit }
    }

    /// Sends one request over a connection of its own. Not bounded after the connection is there.
    pub(crate) async fn send(&self, request: BollardRequest) -> Result<Response<Incoming>, Error> {
        let request = self.prepared(request)?;
        match &self.address {
            EngineAddress::Unix(path) => {
                self.exchange(self.opened(UnixStream::connect(path)).await?, request)
                    .await
            }
            EngineAddress::Tcp(host) => {
                self.exchange(self.opened(TcpStream::connect(host)).await?, request)
                    .await
            }
        }
    }

    /// Sends a request with a JSON body and reads the whole answer. Another status than 2xx or 304 is an error.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Bytes) -> Result<Answer, Error> {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(CONTENT_TYPE, "application/json");
        let (parts, body) = self.send(request.body(bollard::body_full(body))?).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        if parts.status.is_success() || parts.status == StatusCode::NOT_MODIFIED {
            return Ok(Answer {
                status: parts.status,
                headers: parts.headers,
                body,
            });
        }
        Err(refusal(parts.status, &body))
    }

    /// Sends a request whose answer is read as it comes. Another status than 2xx is an error.
    pub(crate) async fn stream(&self, request: BollardRequest) -> Result<Response<Incoming>, Error> {
        let response = self.send(request).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        Err(refusal(status, &response.into_body().collect().await?.to_bytes()))
    }

    /// Sends a request after which the connection carries another protocol, both ways.
    pub(crate) async fn upgrade(
        &self,
        request: Builder,
        protocol: &'static str,
        body: Bytes,
    ) -> Result<TokioIo<Upgraded>, Error> {
        let request = request.header(CONNECTION, "Upgrade").header(UPGRADE, protocol);
        let response = self.send(request.body(bollard::body_full(body))?).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(TokioIo::new(hyper::upgrade::on(response).await?));
        }
        let status = response.status();
        Err(refusal(status, &response.into_body().collect().await?.to_bytes()))
    }

    /// The request as it goes over the wire.
    fn prepared(&self, request: BollardRequest) -> Result<BollardRequest, Error> {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = path.parse::<Uri>()?;
        let host = match &self.address {
            EngineAddress::Unix(_) => "localhost",
            EngineAddress::Tcp(host) => host,
        };
        let host = HeaderValue::from_str(host).map_err(|error| self.not_sent(io::ErrorKind::InvalidInput, &error))?;
        parts.headers.insert(HOST, host);
        // The engine reads the URL-safe alphabet and silently drops credentials written in bollard's standard one.
        if let Some(credentials) = parts.headers.get_mut("x-registry-auth") {
            let safe = String::from_utf8_lossy(credentials.as_bytes())
                .replace('+', "-")
                .replace('/', "_");
            if let Ok(mut safe) = HeaderValue::from_str(&safe) {
                safe.set_sensitive(true);
                *credentials = safe;
            }
        }
        Ok(Request::from_parts(parts, body))
    }

    async fn opened<S>(&self, connecting: impl Future<Output = io::Result<S>>) -> Result<S, Error> {
        match tokio::time::timeout(self.connect_limit, connecting).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(self.not_sent(error.kind(), &error)),
            Err(elapsed) => Err(self.not_sent(io::ErrorKind::TimedOut, &elapsed)),
        }
    }

    async fn exchange<S>(&self, stream: S, request: BollardRequest) -> Result<Response<Incoming>, Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| self.not_sent(io::ErrorKind::NotConnected, &error))?;
        // Ends by itself when the response, or the wait for it, is dropped.
        tokio::spawn(connection.with_upgrades());
        sender.try_send_request(request).await.map_err(|mut failed| {
            if failed.take_message().is_some() {
                return self.not_sent(io::ErrorKind::NotConnected, failed.error());
            }
            Error::from(failed.into_error())
        })
    }

    fn not_sent(&self, kind: io::ErrorKind, reason: &dyn std::error::Error) -> Error {
        let address = self.address.to_string();
        Error::from(io::Error::new(
            kind,
            NotSent {
                address,
                reason: reason.to_string(),
            },
        ))
    }
}

fn refusal(status: StatusCode, body: &[u8]) -> Error {
    let message = serde_json::from_slice::<serde_json::Value>(body)
        .ok()
        .and_then(|answer| Some(answer.get("message")?.as_str()?.to_owned()))
        .unwrap_or_else(|| String::from_utf8_lossy(body).trim().to_owned());
    Error::DockerResponseServerError {
        status_code: status.as_u16(),
        message,
    }
}
