//! A socket that answers as told, and remembers what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ps_core::runtime::EngineAddress;
use ps_runtime_docker::{CallLimits, DockerRuntime};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

/// What the fake engine does after it has read a request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// A status and a JSON body.
    Json(u16, &'static str),
    /// Pieces of a chunked body, each in a packet of its own.
    Pieces(&'static [&'static str]),
    /// Nothing, for ever.
    Silence,
    /// The connection closes.
    Hangup,
    /// Headers, then nothing.
    Headers,
}

/// A socket that talks like an engine.
pub(crate) struct FakeEngine {
    folder: TempDir,
    /// The heads of all requests, and `closed` for each silent connection that the client ended.
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
}

impl FakeEngine {
    /// An engine that answers the questions of a connect, and everything else as told.
    pub(crate) fn start(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = UnixListener::bind(folder.path().join("socket")).expect("a socket");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, reply) = (requests.clone(), Arc::new(reply));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, reply.clone(), seen.clone()));
            }
        });
        Self { folder, requests }
    }

    pub(crate) fn address(&self) -> EngineAddress {
        EngineAddress::Unix(self.folder.path().join("socket"))
    }

    pub(crate) async fn connect(&self) -> DockerRuntime {
        DockerRuntime::connect(&self.address(), short_limits())
            .await
            .expect("the fake engine answers")
    }
}

async fn answer(
    mut stream: UnixStream,
    reply: Arc<impl Fn(&str) -> Reply>,
    seen: Arc<Mutex<Vec<String>>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    seen.lock().unwrap().push(head.clone());
    let path = head.split(' ').nth(1).unwrap_or_default();
    let reply = match path {
        "/version" => Reply::Json(200, r#"{"Version":"20.10.24","ApiVersion":"1.41"}"#),
        "/info" => Reply::Json(200, r#"{"ID":"AAAA","LoggingDriver":"json-file"}"#),
        "/_ping" => match reply(path) {
            Reply::Json(..) => Reply::Json(200, "OK"),
            other => other,
        },
        other => reply(other),
    };
    match reply {
        Reply::Json(status, body) => {
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await?;
        }
        Reply::Pieces(pieces) => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                .await?;
            for piece in pieces {
                stream
                    .write_all(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes())
                    .await?;
                tokio::task::yield_now().await;
            }
            stream.write_all(b"0\r\n\r\n").await?;
        }
        Reply::Hangup => {}
        Reply::Headers => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
                .await?;
            std::future::pending::<()>().await;
        }
        Reply::Silence => {
            // Until the other side gives up.
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await?;
            seen.lock().unwrap().push("closed".to_owned());
        }
    }
    Ok(())
}

pub(crate) fn short_limits() -> CallLimits {
    let short = Duration::from_millis(300);
    CallLimits {
        ping: short,
        look: short,
        change: short,
        stop_margin: short,
        silence: short,
        ..CallLimits::default()
    }
}
