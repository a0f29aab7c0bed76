//! A client that speaks as much HTTP as the cases need. Invariant: every request is a connection of its own.

use std::io::{Error, Result};
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Sends a GET.
pub(crate) async fn get(port: u16, host: &str, path: &str) -> Result<Answer> {
    send(
        port,
        &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
    )
    .await
}

/// Sends bytes and reads until the other side closes.
pub(crate) async fn send(port: u16, request: &str) -> Result<Answer> {
    let exchange = async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        // A server that refuses a body may close before it has read it.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await?;
        parse(&String::from_utf8_lossy(&bytes)).ok_or_else(|| Error::other("no HTTP"))
    };
    timeout(Duration::from_secs(20), exchange).await?
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let is_chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if is_chunked {
        body.lines().nth(1).unwrap_or_default().to_owned()
    } else {
        body.trim_end().to_owned()
    };
    Some(Answer {
        status,
        head: head.to_owned(),
        body,
    })
}
