//! A server that says exactly what a test tells it to. Invariant: each connection is read up to the end of one request head, then the
//! test's own code has it.

use std::net::{SocketAddr, SocketAddrV4};
use std::time::Duration;

use ps_core::checks::Scheme;
use ps_core::probe::HttpProbe;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};

/// The longest that anything may take that has to happen at all.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Listens on a port of its own and answers every connection.
pub(crate) async fn serve<F, Answer>(answer: F) -> SocketAddrV4
where
    F: Fn(TcpStream) -> Answer + Send + 'static,
    Answer: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let SocketAddr::V4(address) = listener.local_addr().unwrap() else {
        panic!("an IPv4 address")
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    address
}

/// The head of a request, with its empty line.
pub(crate) async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

pub(crate) fn probe(address: SocketAddrV4) -> HttpProbe {
    HttpProbe {
        scheme: Scheme::Http,
        address,
        path: "/health".to_owned(),
        host: address.to_string(),
        headers: Vec::new(),
        body_limit: 1024,
    }
}

/// Fails instead of waiting for ever.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, work).await.unwrap()
}
