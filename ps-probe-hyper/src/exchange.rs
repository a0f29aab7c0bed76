//! One request and its answer over a connection. Invariant: not more of a body is kept than was asked for, and nothing is
//! read after that.

use std::pin::pin;

use bytes::{Bytes, BytesMut};
use futures_util::future::{Either, select};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::rt::{Read, Write};
use hyper::{Request, Response, Uri};
use ps_core::probe::{HttpAnswer, HttpProbe, ProbeError};

/// What servers see in their logs.
const AGENT: &str = concat!("psctl/", env!("CARGO_PKG_VERSION"));

/// The request of a probe.
pub(crate) fn request(probe: &HttpProbe) -> Result<Request<Empty<Bytes>>, ProbeError> {
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = probe.path.parse::<Uri>().map_err(invalid)?;
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_str(&probe.host).map_err(invalid)?);
    for (name, value) in &probe.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(invalid)?;
        headers.append(name, HeaderValue::from_str(value).map_err(invalid)?);
    }
    for (name, value) in [(USER_AGENT, AGENT), (ACCEPT, "*/*"), (CONNECTION, "close")] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    Ok(request)
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> ProbeError {
    ProbeError::InvalidRequest(Box::new(error))
}

fn broken(error: hyper::Error) -> ProbeError {
    ProbeError::Broken(Box::new(error))
}

/// Sends the request and reads the answer, as much of its body as is wanted.
pub(crate) async fn exchange<S>(
    stream: S,
    request: Request<Empty<Bytes>>,
    body_limit: usize,
) -> Result<HttpAnswer, ProbeError>
where
    S: Read + Write + Unpin,
{
    let (mut sender, connection) = http1::handshake(stream).await.map_err(broken)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        read(response, body_limit).await
    };
    match select(pin!(answer), pin!(connection)).await {
        Either::Left((answer, _)) => answer,
        // The connection is over; what it brought before is still there to be read.
        Either::Right((_, answer)) => answer.await,
    }
}

async fn read(response: Response<Incoming>, limit: usize) -> Result<HttpAnswer, ProbeError> {
    let status = response.status().as_u16();
    let mut incoming = response.into_body();
    let mut body = BytesMut::new();
    while body.len() < limit {
        let Some(frame) = incoming.frame().await else { break };
        if let Some(bytes) = frame.map_err(broken)?.data_ref() {
            let left = limit.saturating_sub(body.len());
            body.extend_from_slice(bytes.get(..left).unwrap_or(bytes));
        }
    }
    Ok(HttpAnswer {
        status,
        body: body.freeze(),
    })
}
