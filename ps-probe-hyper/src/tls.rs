//! TLS with whoever answers. Invariant: every certificate is taken; nothing secret may be sent over it but what a check holds.

use std::sync::Arc;

use ps_core::probe::{HttpProbe, ProbeError};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

/// Agrees on TLS over a connection.
pub(crate) async fn agree(stream: TcpStream, probe: &HttpProbe) -> Result<TlsStream<TcpStream>, ProbeError> {
    let no_tls = |source: Box<dyn std::error::Error + Send + Sync>| ProbeError::NoTls {
        address: probe.address,
        source,
    };
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone());
    let config = config
        .with_safe_default_protocol_versions()
        .map_err(|error| no_tls(error.into()))?;
    let taker = Arc::new(TakeAnyCertificate(provider));
    let config = config.dangerous().with_custom_certificate_verifier(taker);
    let connector = TlsConnector::from(Arc::new(config.with_no_client_auth()));
    let stream = connector.connect(server_name(probe), stream).await;
    stream.map_err(|error| no_tls(error.into()))
}

/// The name of the `Host` header, else the address.
fn server_name(probe: &HttpProbe) -> ServerName<'static> {
    let name = probe
        .host
        .rsplit_once(':')
        .map_or(probe.host.as_str(), |(name, _)| name);
    let address = || ServerName::IpAddress((*probe.address.ip()).into());
    ServerName::try_from(name.to_owned()).unwrap_or_else(|_| address())
}

#[derive(Debug)]
struct TakeAnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for TakeAnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
