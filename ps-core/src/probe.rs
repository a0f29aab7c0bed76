//! The port to HTTP, for checks: one request, one bounded answer. Invariant: what is asked and how much is read stands in the
//! request; whoever asks bounds the time by dropping the call.

use std::fmt::{self, Debug};
use std::net::SocketAddrV4;

use async_trait::async_trait;
use bytes::Bytes;

use crate::checks::Scheme;

/// The source of a [`ProbeError`].
type Source = Box<dyn std::error::Error + Send + Sync>;

/// One GET request. `Debug` shows no value of a header: it may be a password.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpProbe {
    /// Plain, or with TLS whose certificate is not verified.
    pub scheme: Scheme,
    /// Where the connection is made to.
    pub address: SocketAddrV4,
    /// Path and query, beginning with `/`.
    pub path: String,
    /// The `Host` header; with TLS also the name that is asked for, where it is one.
    pub host: String,
    /// Other headers.
    pub headers: Vec<(String, String)>,
    /// The most bytes read of the body; with 0 it is not waited for.
    pub body_limit: usize,
}

impl fmt::Debug for HttpProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("HttpProbe")
            .field("scheme", &self.scheme)
            .field("address", &self.address)
            .field("path", &self.path)
            .field("host", &self.host)
            .field("headers", &headers)
            .field("body_limit", &self.body_limit)
            .finish()
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The beginning of the body, as long as the probe's limit at most.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// Nobody took the connection.
    #[error("no connection to {address}")]
    NoConnection {
        /// Where.
        address: SocketAddrV4,
        /// The next layer.
        source: Source,
    },
    /// TLS could not be agreed on.
    #[error("no TLS with {address}")]
    NoTls {
        /// With whom.
        address: SocketAddrV4,
        /// The next layer.
        source: Source,
    },
    /// The connection broke, or what came is no HTTP.
    #[error("no whole HTTP answer")]
    Broken(#[source] Source),
    /// The path, the host or a header cannot stand in a request.
    #[error("the request cannot be written")]
    InvalidRequest(#[source] Source),
}

/// Makes HTTP requests. No redirect is followed, no connection is kept, nothing is tried again. Dropping the call closes
/// its connection at once.
///
/// ```
/// use ps_core::checks::Scheme;
/// use ps_core::probe::{HttpProbe, HttpProber};
/// use ps_core::testing::{FakeAnswer, FakeClock, FakeProber};
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let prober = FakeProber::new(&FakeClock::automatic());
/// prober.answer("/health", FakeAnswer::Status(503));
/// let probe = HttpProbe {
///     scheme: Scheme::Http,
///     address: "10.210.0.2:5000".parse()?,
///     path: "/health".to_owned(),
///     host: "shop.example".to_owned(),
///     headers: Vec::new(),
///     body_limit: 0,
/// };
/// assert_eq!(prober.probe(&probe).await?.status, 503);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[async_trait]
pub trait HttpProber: Debug + Send + Sync {
    /// Asks once. The answer is complete when its status, and as much of its body as the probe asks for, were read.
    async fn probe(&self, probe: &HttpProbe) -> Result<HttpAnswer, ProbeError>;
}
