//! HTTP checks with hyper. Invariant: one call is one connection and one request, everything of it belongs to the call, and it
//! is closed when the call ends or is dropped.

mod exchange;
mod tls;

use async_trait::async_trait;
use hyper_util::rt::TokioIo;
use ps_core::checks::Scheme;
use ps_core::probe::{HttpAnswer, HttpProbe, HttpProber, ProbeError};
use tokio::net::TcpStream;

/// Asks over HTTP/1.1. Certificates are not verified: nobody issues one for a container's address.
///
/// ```no_run
/// use ps_core::checks::Scheme;
/// use ps_core::probe::{HttpProbe, HttpProber};
/// use ps_probe_hyper::HyperProber;
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let probe = HttpProbe {
///     scheme: Scheme::Http,
///     address: "10.210.0.2:5000".parse()?,
///     path: "/health".to_owned(),
///     host: "shop.example".to_owned(),
///     headers: Vec::new(),
///     body_limit: 0,
/// };
/// println!("{}", HyperProber.probe(&probe).await?.status);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct HyperProber;

#[async_trait]
impl HttpProber for HyperProber {
    async fn probe(&self, probe: &HttpProbe) -> Result<HttpAnswer, ProbeError> {
        let request = exchange::request(probe)?;
        let address = probe.address;
        let connected = TcpStream::connect(address).await;
        let stream = connected.map_err(|error| ProbeError::NoConnection {
            address,
            source: error.into(),
        })?;
        match probe.scheme {
            Scheme::Http => exchange::exchange(TokioIo::new(stream), request, probe.body_limit).await,
            Scheme::Https => {
                let stream = tls::agree(stream, probe).await?;
                exchange::exchange(TokioIo::new(stream), request, probe.body_limit).await
            }
        }
    }
}
