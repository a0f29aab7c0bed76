//! Clients of a proxy. Invariant: an answer counts only when it is the app's own, whole.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::conformance::Failure;

/// An answer: its status and its body.
pub(super) type Answer = (u16, String);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks for `/` on a connection of its own.
pub(super) fn get(port: u16, host: &str) -> Result<Answer, Error> {
    Connection::open(port, PATIENCE)?.get(host)
}

/// The same with little patience: a proxy that asks an address where nobody is answers after seconds.
pub(super) fn get_at_once(port: u16, host: &str) -> Result<Answer, Error> {
    Connection::open(port, Duration::from_millis(100))?.get(host)
}

struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(port: u16, patience: Duration) -> Result<Self, Error> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(patience))?;
        Ok(Self(BufReader::new(stream)))
    }

    fn line(&mut self) -> Result<String, Error> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    fn get(&mut self, host: &str) -> Result<Answer, Error> {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        self.0.get_mut().write_all(request.as_bytes())?;
        let head = self.line()?;
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status: u16 = status.ok_or_else(|| Error::other(format!("no HTTP: {head}")))?;
        let mut length = 0;
        let mut is_chunked = false;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(Error::other)?;
            }
            is_chunked |= line.starts_with("transfer-encoding: chunked");
        }
        let mut body = Vec::new();
        if is_chunked {
            loop {
                let size = usize::from_str_radix(&self.line()?, 16).map_err(Error::other)?;
                let mut chunk = vec![0; size + 2];
                self.0.read_exact(&mut chunk)?;
                if size == 0 {
                    break;
                }
                body.extend_from_slice(chunk.get(..size).unwrap_or_default());
            }
        } else {
            body = vec![0; length];
            self.0.read_exact(&mut body)?;
        }
        Ok((status, String::from_utf8_lossy(&body).trim().to_owned()))
    }
}

/// Two clients that ask again and again: one on new connections, one on a connection that it keeps.
pub(super) struct Load {
    ends: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Counted>>,
}

/// What a client saw.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) answered: usize,
    pub(super) failed: Vec<String>,
}

impl Load {
    /// Begins. Every answer has to be 200 with this body.
    pub(super) fn begin(port: u16, host: &str, body: &str) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let clients = [false, true].map(|keeps| {
            let (ends, host, body) = (Arc::clone(&ends), host.to_owned(), body.to_owned());
            std::thread::spawn(move || ask(port, &host, &body, keeps, &ends))
        });
        let clients = clients.into();
        Self { ends, clients }
    }

    /// Ends; both clients together.
    pub(super) fn end(self) -> Result<Counted, Failure> {
        self.ends.store(true, Ordering::Relaxed);
        let mut all = Counted::default();
        for client in self.clients {
            let counted = client.join().map_err(|_| "a client panicked")?;
            if counted.answered == 0 {
                return Err(format!("a client got no answer: {counted:?}").into());
            }
            all.answered += counted.answered;
            all.failed.extend(counted.failed);
        }
        Ok(all)
    }
}

fn ask(port: u16, host: &str, body: &str, keeps: bool, ends: &AtomicBool) -> Counted {
    let mut counted = Counted::default();
    let mut kept: Option<Connection> = None;
    while !ends.load(Ordering::Relaxed) {
        let is_used = kept.is_some();
        let connection = kept.take().map_or_else(|| Connection::open(port, PATIENCE), Ok);
        let answer = connection.and_then(|mut connection| {
            let answer = connection.get(host)?;
            kept = Some(connection).filter(|_| keeps);
            Ok(answer)
        });
        match answer {
            Ok((200, found)) if found == body => counted.answered += 1,
            // A server may close a connection that is kept; every client asks again on another one.
            Err(error) if is_used && is_closed(&error) => {}
            other => counted.failed.push(format!("{other:?}")),
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    counted
}

fn is_closed(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
    )
}
