//! A tiny HTTP/1.1 client over unix sockets and TCP: one request a connection, and the whole exchange ends by its deadline.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome, WhileDoing};

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// A unix socket.
    Unix(PathBuf),
    /// `host:port`, also sent as the `Host` header.
    Tcp(String),
}

impl std::str::FromStr for Address {
    type Err = Failure;

    /// `unix:///path`, `/path`, `http://host:port` or `host:port`.
    fn from_str(text: &str) -> Outcome<Self> {
        let path = text.strip_prefix("unix://").unwrap_or(text);
        if path.starts_with('/') {
            return Ok(Self::Unix(PathBuf::from(path)));
        }
        let host = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
        if host.contains('/') || !host.contains(':') {
            return Err(Failure::new(format!("`{text}` is neither a socket path nor host:port")));
        }
        Ok(Self::Tcp(host.to_owned()))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(formatter, "unix://{}", path.display()),
            Self::Tcp(host) => write!(formatter, "http://{host}"),
        }
    }
}

/// A server's answer, complete.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status code, such as 200.
    pub(crate) status: u16,
    /// The body, with any chunked coding undone.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as text, for messages and JSON.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Asks for `path` and waits at most `limit` for all of the answer.
pub(crate) fn http_get(address: &Address, path: &str, limit: Duration) -> Outcome<Answer> {
    exchange(address, &head("GET", address, path, ""), &[], limit).while_doing(|| format!("get {path} from {address}"))
}

/// Posts `body` to `path` and waits at most `limit` for all of the answer.
pub(crate) fn http_post(address: &Address, path: &str, kind: &str, body: &[u8], limit: Duration) -> Outcome<Answer> {
    let more = format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
    exchange(address, &head("POST", address, path, &more), body, limit)
        .while_doing(|| format!("post to {path} of {address}"))
}

/// Deletes `path` and waits at most `limit` for the answer.
pub(crate) fn http_delete(address: &Address, path: &str, limit: Duration) -> Outcome<Answer> {
    let head = head("DELETE", address, path, "");
    exchange(address, &head, &[], limit).while_doing(|| format!("delete {path} of {address}"))
}

fn head(method: &str, address: &Address, path: &str, more: &str) -> String {
    let host = match address {
        Address::Unix(_) => "localhost",
        Address::Tcp(host) => host,
    };
    format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n")
}

trait Connection: Read + Write {
    fn limit(&self, limit: Duration) -> io::Result<()>;
}

impl Connection for UnixStream {
    fn limit(&self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))?;
        self.set_write_timeout(Some(limit))
    }
}

impl Connection for TcpStream {
    fn limit(&self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))?;
        self.set_write_timeout(Some(limit))
    }
}

fn connect(address: &Address, limit: Duration) -> io::Result<Box<dyn Connection>> {
    match address {
        Address::Unix(path) => Ok(Box::new(UnixStream::connect(path)?)),
        Address::Tcp(host) => {
            let unknown = || io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
            let resolved = host.to_socket_addrs()?.next().ok_or_else(unknown)?;
            Ok(Box::new(TcpStream::connect_timeout(&resolved, limit)?))
        }
    }
}

fn exchange(address: &Address, head: &str, body: &[u8], limit: Duration) -> io::Result<Answer> {
    let deadline = Instant::now() + limit;
    let mut connection = connect(address, limit)?;
    connection.limit(limit)?;
    connection.write_all(head.as_bytes())?;
    connection.write_all(body)?;
    connection.flush()?;
    let mut received = Vec::new();
    let mut piece = [0_u8; 16 * 1024];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("no whole answer within {limit:?}"),
            ));
        }
        connection.limit(left)?;
        let count = connection.read(&mut piece)?;
        received.extend_from_slice(piece.get(..count).unwrap_or_default());
        if let Some(answer) = parse_answer(&received, count == 0)? {
            return Ok(answer);
        }
        if count == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the connection closed within the answer",
            ));
        }
    }
}

/// The answer once `received` holds all of it; `ended` says that no more will come.
pub(crate) fn parse_answer(received: &[u8], ended: bool) -> io::Result<Option<Answer>> {
    let Some(end) = find(received, b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(received.get(..end).unwrap_or_default()).into_owned();
    let rest = received.get(end + 4..).unwrap_or_default();
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP");
    let status: u16 = head
        .split_whitespace()
        .nth(1)
        .and_then(|word| word.parse().ok())
        .ok_or_else(malformed)?;
    let body = if status == 204 || status == 304 {
        Some(Vec::new())
    } else if header(&head, "transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        dechunk(rest)
    } else if let Some(length) = header(&head, "content-length") {
        let length: usize = length.parse().map_err(|_| malformed())?;
        rest.get(..length).map(<[u8]>::to_vec)
    } else {
        ended.then(|| rest.to_vec())
    };
    Ok(body.map(|body| Answer { status, body }))
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields
        .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// The body out of its chunks, or `None` while the last chunk is missing.
fn dechunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = find(rest, b"\r\n")?;
        let size = std::str::from_utf8(rest.get(..line)?).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(line + 2..line + 2 + size)?);
        rest = rest.get(line + 2 + size + 2..)?;
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn serve_once(answer: &'static [u8]) -> Address {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap().to_string());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut seen = [0_u8; 1024];
            let _ = stream.read(&mut seen);
            stream.write_all(answer).unwrap();
        });
        address
    }

    #[test]
    fn an_answer_with_a_length_is_read_to_that_length() {
        let address = serve_once(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOKrubbish");
        let answer = http_get(&address, "/_ping", Duration::from_secs(5)).unwrap();
        assert_eq!(
            answer,
            Answer {
                status: 200,
                body: b"OK".to_vec()
            }
        );
    }

    #[test]
    fn a_chunked_answer_is_put_together() {
        let address =
            serve_once(b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n");
        let answer = http_get(&address, "/", Duration::from_secs(5)).unwrap();
        assert_eq!(
            answer,
            Answer {
                status: 404,
                body: b"abcde".to_vec()
            }
        );
    }

    #[test]
    fn an_answer_without_a_length_ends_with_the_connection() {
        let address = serve_once(b"HTTP/1.0 200 OK\r\n\r\nall of it");
        assert_eq!(
            http_get(&address, "/", Duration::from_secs(5)).unwrap().text(),
            "all of it"
        );
    }

    #[test]
    fn a_silent_server_is_given_up_at_the_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap().to_string());
        let begun = Instant::now();
        assert!(http_get(&address, "/", Duration::from_millis(100)).is_err());
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn a_truncated_answer_is_an_error() {
        let address = serve_once(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nshort");
        assert!(http_get(&address, "/", Duration::from_secs(5)).is_err());
    }

    #[test]
    fn addresses_are_read_in_every_spelling() {
        assert_eq!(
            "unix:///a.sock".parse::<Address>().unwrap(),
            Address::Unix("/a.sock".into())
        );
        assert_eq!("/a.sock".parse::<Address>().unwrap(), Address::Unix("/a.sock".into()));
        assert_eq!("http://h:80/".parse::<Address>().unwrap(), Address::Tcp("h:80".into()));
        assert!("nothing".parse::<Address>().is_err());
    }
}
