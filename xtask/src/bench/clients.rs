//! Clients that ask an app without a pause: some keep their connection, some open one for each request, some post, and some ask for
//! what takes two seconds. What became of each request is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::demo::{Balancer, Query, Replica, Stage, replicas_of};
use crate::failure::{Failure, Outcome};
use crate::http::parse_answer;

/// How many clients of each kind.
const CLIENTS: [(Kind, usize); 4] = [
    (Kind::KeepAlive, 4),
    (Kind::NewConnection, 4),
    (Kind::Post, 2),
    (Kind::Slow, 4),
];

/// From the beginning of a client's request to that of its next one, unless the answer takes longer.
const BETWEEN_REQUESTS: Duration = Duration::from_millis(25);

/// A request with its retry must be answered within this.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// An address that nobody has any more gives no answer at all.
const CONNECT_LIMIT: Duration = Duration::from_millis(500);

/// What a client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    KeepAlive,
    NewConnection,
    Post,
    Slow,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::KeepAlive => "GET, kept connections",
            Self::NewConnection => "GET, new connections",
            Self::Post => "POST, kept connections",
            Self::Slow => "GET of 2 s, new connections",
        }
    }

    fn request(self, app: &str) -> String {
        let host = format!("Host: {app}.localhost\r\n");
        match self {
            Self::KeepAlive => format!("GET / HTTP/1.1\r\n{host}\r\n"),
            Self::NewConnection => format!("GET / HTTP/1.1\r\n{host}Connection: close\r\n\r\n"),
            Self::Slow => format!("GET /slow HTTP/1.1\r\n{host}Connection: close\r\n\r\n"),
            Self::Post => {
                let body = "x".repeat(3000);
                format!("POST / HTTP/1.1\r\n{host}Content-Length: {}\r\n\r\n{body}", body.len())
            }
        }
    }

    const fn keeps_connection(self) -> bool {
        matches!(self, Self::KeepAlive | Self::Post)
    }
}

/// Whom the clients ask.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked {
    /// The web replicas that a report names.
    Replicas,
    /// An nginx on this port.
    Nginx(u16),
}

impl fmt::Display for Asked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Replicas => "without a proxy",
            Self::Nginx(_) => "through nginx",
        })
    }
}

impl Asked {
    fn places(self, query: &Query, app: &str) -> Outcome<Vec<Replica>> {
        match self {
            Self::Replicas => replicas_of(&query.report(app)?),
            Self::Nginx(port) => Ok(vec![Replica {
                name: "nginx".to_owned(),
                address: (Ipv4Addr::LOCALHOST, port).into(),
            }]),
        }
    }
}

/// What an answer's body has to say.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    /// The app.
    pub(crate) app: &'static str,
    /// The releases that were, or will be, deployed.
    pub(crate) releases: BTreeSet<String>,
}

impl Served {
    fn is_said_by(&self, body: &str) -> bool {
        let release = body.lines().find_map(|line| line.strip_prefix("release: "));
        body.contains(self.app) && release.is_some_and(|release| self.releases.contains(release))
    }
}

/// Why a request got no answer.
enum Miss {
    /// Not connected, or closed before the first byte: it may be sent once more.
    Unserved(String),
    /// Anything else.
    Broken(String),
}

/// What became of the requests of one kind.
#[derive(Debug, Default)]
struct Count {
    at_once: usize,
    after_retry: usize,
    failed: Vec<String>,
}

/// What became of all requests.
#[derive(Debug, Default)]
pub(crate) struct ClientTally {
    counts: BTreeMap<Kind, Count>,
    took: Duration,
}

impl ClientTally {
    /// How many failed.
    pub(crate) fn failed(&self) -> usize {
        self.counts.values().map(|count| count.failed.len()).sum()
    }

    /// How many were answered.
    pub(crate) fn answered(&self) -> usize {
        self.counts
            .values()
            .map(|count| count.at_once + count.after_retry)
            .sum()
    }

    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        let total = u32::try_from(self.answered() + self.failed()).unwrap_or(u32::MAX);
        f64::from(total) / self.took.as_secs_f64().max(0.001)
    }
}

impl fmt::Display for ClientTally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, count) in &self.counts {
            let total = count.at_once + count.after_retry + count.failed.len();
            let (again, failed) = (count.after_retry, count.failed.len());
            writeln!(
                formatter,
                "  {:28} {total:7} requests, {again:4} sent once more, {failed} failed",
                kind.name()
            )?;
            for reason in count.failed.iter().take(5) {
                writeln!(formatter, "    failed: {reason}")?;
            }
        }
        Ok(())
    }
}

/// Clients at work.
#[derive(Debug)]
pub(crate) struct Clients {
    balancer: Arc<Balancer>,
    reports: JoinHandle<()>,
    threads: Vec<(Kind, JoinHandle<Count>)>,
    began: Instant,
}

impl Clients {
    /// Starts them, and the thread that follows where the replicas are.
    pub(crate) fn start(stage: &Stage, app: &str, served: &Served, asked: Asked) -> Outcome<Self> {
        let query = stage.query();
        let balancer = Arc::new(Balancer::new(asked.places(&query, app)?));
        let (reader, name) = (balancer.clone(), app.to_owned());
        let reports = std::thread::spawn(move || reader.follow(|| asked.places(&query, &name)));
        let kinds = CLIENTS
            .into_iter()
            .flat_map(|(kind, count)| std::iter::repeat_n(kind, count));
        let threads = kinds.enumerate().map(|(turn, kind)| {
            let client = Client {
                balancer: balancer.clone(),
                served: served.clone(),
                kind,
                request: kind.request(app),
                turn,
                kept: None,
            };
            (kind, std::thread::spawn(move || client.ask_until_ended()))
        });
        Ok(Self {
            threads: threads.collect(),
            balancer,
            reports,
            began: Instant::now(),
        })
    }

    /// Ends the clients and sums up. A request under way is finished and counted.
    pub(crate) fn end(self) -> Outcome<ClientTally> {
        self.balancer.end();
        let crashed = |_| Failure::new("a client of the bench crashed");
        let mut tally = ClientTally {
            took: self.began.elapsed(),
            ..ClientTally::default()
        };
        for (kind, thread) in self.threads {
            let count = thread.join().map_err(crashed)?;
            let sum = tally.counts.entry(kind).or_default();
            sum.at_once += count.at_once;
            sum.after_retry += count.after_retry;
            sum.failed.extend(count.failed);
        }
        self.reports.join().map_err(crashed)?;
        Ok(tally)
    }
}

struct Client {
    balancer: Arc<Balancer>,
    served: Served,
    kind: Kind,
    request: String,
    turn: usize,
    kept: Option<TcpStream>,
}

impl Client {
    fn ask_until_ended(mut self) -> Count {
        let mut count = Count::default();
        while !self.balancer.is_ended() {
            let began = Instant::now();
            self.ask(&mut count);
            self.turn += 1;
            std::thread::sleep(BETWEEN_REQUESTS.saturating_sub(began.elapsed()));
        }
        count
    }

    fn ask(&mut self, count: &mut Count) {
        let deadline = Instant::now() + REQUEST_LIMIT;
        let first = match self.kept.take() {
            Some(stream) => self.exchange(stream, deadline),
            None => self.exchange_with(self.balancer.replica(self.turn), deadline),
        };
        let reason = match first {
            Ok(()) => return count.at_once += 1,
            Err(Miss::Broken(reason)) => return count.failed.push(reason),
            Err(Miss::Unserved(reason)) => reason,
        };
        let now = self.balancer.replica_by_newer_report(self.turn, deadline);
        match self.exchange_with(now, deadline) {
            Ok(()) => count.after_retry += 1,
            Err(Miss::Broken(again) | Miss::Unserved(again)) => count.failed.push(format!("{reason}; then {again}")),
        }
    }

    fn exchange_with(&mut self, address: Option<SocketAddr>, deadline: Instant) -> Result<(), Miss> {
        let address = address.ok_or_else(|| Miss::Unserved("no replica runs".to_owned()))?;
        let unserved = |error: std::io::Error| Miss::Unserved(format!("{address}: {error}"));
        let stream = TcpStream::connect_timeout(&address, CONNECT_LIMIT).map_err(unserved)?;
        stream.set_nodelay(true).map_err(unserved)?;
        self.exchange(stream, deadline)
    }

    fn exchange(&mut self, mut stream: TcpStream, deadline: Instant) -> Result<(), Miss> {
        let unserved = |error: std::io::Error| Miss::Unserved(error.to_string());
        stream.write_all(self.request.as_bytes()).map_err(unserved)?;
        let mut received = Vec::new();
        let mut piece = [0_u8; 4096];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let limited = stream.set_read_timeout(Some(left.max(Duration::from_millis(1))));
            match limited.and_then(|()| stream.read(&mut piece)) {
                Ok(0) if received.is_empty() => return Err(Miss::Unserved("closed before any byte".to_owned())),
                Err(error) if received.is_empty() && error.kind() == ErrorKind::ConnectionReset => {
                    return Err(unserved(error));
                }
                Err(error) => return Err(Miss::Broken(error.to_string())),
                Ok(count) => {
                    received.extend_from_slice(piece.get(..count).unwrap_or_default());
                    let answer =
                        parse_answer(&received, count == 0).map_err(|error| Miss::Broken(error.to_string()))?;
                    if let Some(answer) = answer {
                        self.check(answer.status, &answer.text())?;
                        if self.kind.keeps_connection() && !closes(&received) {
                            self.kept = Some(stream);
                        }
                        return Ok(());
                    }
                    if count == 0 {
                        return Err(Miss::Broken("closed within the answer".to_owned()));
                    }
                }
            }
        }
    }

    fn check(&self, status: u16, body: &str) -> Result<(), Miss> {
        if status == 200 && self.served.is_said_by(body) {
            return Ok(());
        }
        Err(Miss::Broken(format!("status {status} with the body {body:?}")))
    }
}

/// Whether the server says that it closes the connection.
fn closes(received: &[u8]) -> bool {
    let head = String::from_utf8_lossy(received).to_ascii_lowercase();
    let head = head.split("\r\n\r\n").next().unwrap_or_default();
    head.lines().any(|line| line.trim_end() == "connection: close")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_must_name_the_app_and_a_release_that_was_deployed() {
        let served = Served {
            app: "python",
            releases: BTreeSet::from(["1".to_owned(), "2".to_owned()]),
        };
        assert!(served.is_said_by("Hello from python\nreplica: web.1\nrelease: 2\n"));
        assert!(!served.is_said_by("Hello from python\nreplica: web.1\nrelease: 3\n"));
        assert!(!served.is_said_by("Hello from node\nrelease: 1\n"));
        assert!(!served.is_said_by("Hello from python\n"));
    }

    #[test]
    fn the_end_of_a_connection_is_read_in_any_case() {
        assert!(closes(b"HTTP/1.1 200 OK\r\nConnection: Close\r\n\r\nbody"));
        assert!(!closes(b"HTTP/1.1 200 OK\r\n\r\nconnection: close"));
    }
}
