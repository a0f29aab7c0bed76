//! The small direct client of the libpod API: one connection a request, a bound on every answer, bodies streamed both
//! ways. It knows HTTP and nothing of containers.

use std::io;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use http::{Request, Response};
use http_body_util::{BodyExt, BodyStream};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use ps_core::runtime::EngineAddress;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;

use crate::call::{Body, Call};
use crate::classify_error::Failure;
use crate::timestamps::parse_http_date;

/// Every Podman since 4.0 answers this version.
const PREFIX: &str = "/v4.0.0/libpod";

type Result<T> = std::result::Result<T, Failure>;

/// A complete answer with a status below 400.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    /// When it was given, by the engine's clock.
    pub(crate) date: Option<SystemTime>,
}

impl Answer {
    /// Reads the body as JSON.
    pub(crate) fn json<T: for<'de> Deserialize<'de>>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| Failure::Unreadable(error.to_string()))
    }
}

/// An engine's address, and how to ask there.
#[derive(Debug, Clone)]
pub(crate) struct Libpod {
    address: EngineAddress,
    connect_limit: Duration,
}

/// The task that drives a connection; the connection closes when this is dropped.
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Libpod {
    pub(crate) fn new(address: EngineAddress, connect_limit: Duration) -> Self {
        Self { address, connect_limit }
    }

    /// The headers of `/_ping`, lower case, within the connect limit.
    pub(crate) async fn ping(&self) -> Result<http::HeaderMap> {
        bounded(self.connect_limit, async {
            let request = Call::get("/_ping").into_request("")?;
            let (response, _connection) = self.send(request).await?;
            Ok(accepted(response).await?.headers().clone())
        })
        .await
    }

    /// A whole answer within `limit`; without a limit where the engine answers only when something has happened.
    pub(crate) async fn ask(&self, call: Call, limit: impl Into<Option<Duration>>) -> Result<Answer> {
        let asking = async {
            let (response, _connection) = self.send(call.into_request(PREFIX)?).await?;
            let response = accepted(response).await?;
            let status = response.status().as_u16();
            let date = response.headers().get(http::header::DATE);
            let date = date.and_then(|date| parse_http_date(date.to_str().ok()?));
            let body = response.into_body().collect().await.map_err(broken)?.to_bytes();
            Ok(Answer { status, body, date })
        };
        match limit.into() {
            Some(limit) => bounded(limit, asking).await,
            None => asking.await,
        }
    }

    /// The body as it comes. With `idle`, the wait for the headers and between two pieces is bounded. Dropping the
    /// stream closes the connection.
    pub(crate) fn stream(&self, call: Call, idle: Option<Duration>) -> BoxStream<'static, Result<Bytes>> {
        let libpod = self.clone();
        let opening = async move {
            let sending = async {
                let (response, connection) = libpod.send(call.into_request(PREFIX)?).await?;
                Ok((accepted(response).await?, connection))
            };
            let (response, connection) = idle_bounded(idle, sending).await?;
            Ok::<_, Failure>(pieces(response, connection, idle))
        };
        stream::once(opening).try_flatten().boxed()
    }

    async fn send(&self, request: Request<Body>) -> Result<(Response<Incoming>, Connection)> {
        let (mut sender, connection) = tokio::time::timeout(self.connect_limit, self.connect())
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|source| self.not_sent(source))?;
        let response = sender.send_request(request).await.map_err(|error| {
            if error.is_canceled() {
                self.not_sent(io::Error::other(error))
            } else {
                broken(error)
            }
        })?;
        Ok((response, connection))
    }

    fn not_sent(&self, source: io::Error) -> Failure {
        Failure::NotSent {
            address: self.address.to_string(),
            source,
        }
    }

    async fn connect(&self) -> io::Result<(SendRequest<Body>, Connection)> {
        match &self.address {
            EngineAddress::Unix(path) => shake_hands(UnixStream::connect(path).await?).await,
            EngineAddress::Tcp(host) => shake_hands(TcpStream::connect(host.as_str()).await?).await,
        }
    }
}

async fn shake_hands(
    socket: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> io::Result<(SendRequest<Body>, Connection)> {
    let (sender, connection) = http1::handshake(TokioIo::new(socket)).await.map_err(io::Error::other)?;
    let driving = tokio::spawn(async move {
        // Its errors reach whoever waits for the answer.
        let _ = connection.await;
    });
    Ok((sender, Connection(driving)))
}

fn broken(error: hyper::Error) -> Failure {
    Failure::Broken(Box::new(error))
}

fn pieces(
    response: Response<Incoming>,
    connection: Connection,
    idle: Option<Duration>,
) -> impl futures_util::Stream<Item = Result<Bytes>> {
    let body = BodyStream::new(response.into_body());
    stream::unfold((body, connection), move |(mut body, connection)| async move {
        loop {
            let frame = match idle_bounded(idle, async { Ok(body.next().await) }).await {
                Ok(None) => return None,
                Ok(Some(frame)) => frame.map_err(broken),
                Err(failure) => Err(failure),
            };
            match frame.map(Frame::into_data) {
                Ok(Ok(bytes)) => return Some((Ok(bytes), (body, connection))),
                Ok(Err(_trailers)) => {}
                Err(failure) => return Some((Err(failure), (body, connection))),
            }
        }
    })
}

async fn idle_bounded<T>(limit: Option<Duration>, work: impl Future<Output = Result<T>>) -> Result<T> {
    match limit {
        Some(limit) => bounded(limit, work).await,
        None => work.await,
    }
}

/// The work's result, or `TimedOut`.
pub(crate) async fn bounded<T>(limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or(Err(Failure::TimedOut(limit)))
}

/// What the engine says when it refuses.
#[derive(Deserialize, Default)]
struct Refusal {
    #[serde(default)]
    message: String,
    #[serde(default)]
    cause: String,
}

/// The response when its status is below 400 (304 says "already so"), else the engine's words.
async fn accepted(response: Response<Incoming>) -> Result<Response<Incoming>> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return Ok(response);
    }
    let body = response.into_body().collect().await.map_err(broken)?.to_bytes();
    Err(refusal(status.as_u16(), &body))
}

fn refusal(status: u16, body: &[u8]) -> Failure {
    let Refusal { message, cause } = serde_json::from_slice(body).unwrap_or_else(|_| Refusal {
        message: String::from_utf8_lossy(body).trim().to_owned(),
        cause: String::new(),
    });
    let message = match (message.is_empty(), message.contains(&cause)) {
        (true, _) if cause.is_empty() => "the engine gave no reason".to_owned(),
        (true, _) => cause,
        (false, true) => message,
        (false, false) => format!("{message}: {cause}"),
    };
    Failure::Refused { status, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_message_and_cause_once() {
        let text = |body: &str| refusal(500, body.as_bytes()).to_string();
        assert_eq!(
            text(r#"{"cause":"c","message":"a: c","response":500}"#),
            "a: c (status 500)"
        );
        assert_eq!(text(r#"{"cause":"c","message":"a"}"#), "a: c (status 500)");
        assert_eq!(text("Not Found\n"), "Not Found (status 500)");
        assert_eq!(text(""), "the engine gave no reason (status 500)");
    }
}
