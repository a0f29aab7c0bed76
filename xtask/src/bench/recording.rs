//! A unix socket in front of the engine that passes every byte on and keeps what the client sent.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

use crate::failure::{Outcome, WhileDoing};

/// One request as it went over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// Such as `POST`.
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    /// The body, whole.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The path without version, query and ids, for counting: `/containers/*/start`.
    pub(crate) fn kind(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        let words = path.split('/').filter(|word| !word.is_empty());
        let words = words.filter(|word| !word.starts_with("v1.") && !word.starts_with("v4."));
        let is_id = |word: &str| word.len() == 64 || word.starts_with("psctl-");
        let words: Vec<&str> = words.map(|word| if is_id(word) { "*" } else { word }).collect();
        format!("{} /{}", self.method, words.join("/"))
    }
}

type Connections = Arc<Mutex<Vec<Vec<u8>>>>;

/// The proxy; its threads end with the process.
#[derive(Debug)]
pub(crate) struct Recording {
    folder: TempDir,
    connections: Connections,
}

impl Recording {
    /// Listens in front of `engine`.
    pub(crate) fn before(engine: &Path) -> Outcome<Self> {
        let folder = tempfile::tempdir().while_doing(|| "make a temporary folder".to_owned())?;
        let listener = UnixListener::bind(folder.path().join("engine.sock"));
        let listener = listener.while_doing(|| "listen before the engine".to_owned())?;
        let connections = Connections::default();
        let (engine, record) = (engine.to_owned(), connections.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if let Ok(engine) = UnixStream::connect(&engine) {
                    pass_on(client, engine, &record);
                }
            }
        });
        Ok(Self { folder, connections })
    }

    /// Where to connect to.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("engine.sock")
    }

    /// Everything that was sent so far; requests in the order their connections were made.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.iter().flat_map(|bytes| parse_requests(bytes)).collect()
    }
}

/// Both directions, each in a thread of its own.
fn pass_on(client: UnixStream, engine: UnixStream, record: &Connections) {
    let (Ok(mut from_engine), Ok(mut to_client)) = (engine.try_clone(), client.try_clone()) else {
        return;
    };
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_engine, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Write);
    });
    let position = {
        let mut connections = record.lock().unwrap_or_else(PoisonError::into_inner);
        connections.push(Vec::new());
        connections.len() - 1
    };
    let record = record.clone();
    std::thread::spawn(move || keep_what_is_sent(client, engine, position, &record));
}

fn keep_what_is_sent(mut client: UnixStream, mut engine: UnixStream, position: usize, record: &Connections) {
    let mut piece = [0_u8; 16 * 1024];
    while let Ok(count) = client.read(&mut piece) {
        let sent = piece.get(..count).unwrap_or_default();
        // Kept before it is answered, so that nothing is missing once the client has its answer.
        let mut connections = record.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = connections.get_mut(position) {
            connection.extend_from_slice(sent);
        }
        drop(connections);
        if sent.is_empty() || engine.write_all(sent).is_err() {
            break;
        }
    }
    let _ = engine.shutdown(Shutdown::Write);
}

/// The requests of one connection, one after the other; bodies have a length.
fn parse_requests(mut bytes: &[u8]) -> Vec<Request> {
    let mut requests = Vec::new();
    while let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
        let mut words = head.split_whitespace();
        let (method, path) = (words.next(), words.next());
        let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = lengths
            .next()
            .and_then(|(_, value)| value.trim().parse().ok())
            .unwrap_or(0);
        let body = bytes.get(end + 4..end + 4 + length).unwrap_or_default();
        requests.push(Request {
            method: method.unwrap_or_default().to_owned(),
            path: path.unwrap_or_default().to_owned(),
            body: body.to_vec(),
        });
        bytes = bytes.get(end + 4 + length..).unwrap_or_default();
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sends_is_kept_whole_and_the_answer_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        let listener = UnixListener::bind(&socket).unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0_u8; 1024]);
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        });
        let recording = Recording::before(&socket).unwrap();
        let mut client = UnixStream::connect(recording.socket()).unwrap();
        client
            .write_all(b"POST /v1.41/containers/create?name=a HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
            .unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
        let requests = recording.requests();
        let request = requests.first().unwrap();
        assert_eq!(request.kind(), "POST /containers/create");
        assert_eq!(request.body, b"{}");
    }

    #[test]
    fn two_requests_of_one_connection_are_told_apart() {
        let requests = parse_requests(b"GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\ncontent-length: 1\r\n\r\nx");
        let paths: Vec<&str> = requests.iter().map(|request| request.path.as_str()).collect();
        assert_eq!(paths, ["/a", "/b"]);
    }
}
