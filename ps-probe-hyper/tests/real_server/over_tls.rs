//! HTTPS: whatever the certificate says, it is taken.

use std::sync::Arc;

use ps_core::checks::Scheme;
use ps_core::probe::{HttpProbe, HttpProber, ProbeError};
use ps_probe_hyper::HyperProber;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::{default_provider, sign::any_ecdsa_type};
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ServerConfig, SupportedProtocolVersion};
use tokio_rustls::server::TlsStream;

use crate::server::{head, probe, serve, soon};

/// A key, and a certificate that is none.
#[derive(Debug)]
struct Unverifiable(Arc<CertifiedKey>);

impl ResolvesServerCert for Unverifiable {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

fn acceptor(version: &'static SupportedProtocolVersion) -> TlsAcceptor {
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
    let key = any_ecdsa_type(&PrivatePkcs8KeyDer::from(key.as_ref().to_vec()).into()).unwrap();
    let nothing = b"this is no certificate".to_vec();
    let certified = CertifiedKey::new(vec![nothing.into()], key);
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_protocol_versions(&[version]).unwrap().with_no_client_auth();
    let config = config.with_cert_resolver(Arc::new(Unverifiable(Arc::new(certified))));
    TlsAcceptor::from(Arc::new(config))
}

fn over_tls(probe: HttpProbe) -> HttpProbe {
    HttpProbe {
        scheme: Scheme::Https,
        ..probe
    }
}

#[tokio::test]
async fn any_certificate_is_taken() {
    for version in [&TLS12, &TLS13] {
        let acceptor = acceptor(version);
        let address = serve(move |stream: TcpStream| {
            let acceptor = acceptor.clone();
            async move {
                let mut stream: TlsStream<TcpStream> = acceptor.accept(stream).await.unwrap();
                head(&mut stream).await;
                let hello = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
                stream.write_all(hello).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        })
        .await;
        for host in ["shop.example", "shop.example:443", "127.0.0.1", "not a name"] {
            let probe = HttpProbe {
                host: host.to_owned(),
                ..over_tls(probe(address))
            };
            let answer = soon(HyperProber.probe(&probe)).await.unwrap();
            assert_eq!(
                (answer.status, &*answer.body),
                (200, &b"hello"[..]),
                "{host} {version:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_apart() {
    let address = serve(|mut stream: TcpStream| async move {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    })
    .await;
    let result = soon(HyperProber.probe(&over_tls(probe(address)))).await;
    assert!(matches!(result, Err(ProbeError::NoTls { .. })), "{result:?}");
}
