//! The demo's own little balancer: it knows where the replicas are from `psctl ps:report --format json`, which it reads again
//! and again, and at once when a replica did not answer.
//!
//! A request is sent a second time only when the first replica cannot have begun to answer it, and only to where a report
//! newer than that failure points.

use std::net::SocketAddr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::demo::page::{Miss, fetch_page};
use crate::demo::replicas::Replica;
use crate::failure::Outcome;

/// How often the report is read when nobody asks for a new one.
const BETWEEN_REPORTS: Duration = Duration::from_millis(100);

/// A request with its second attempt must be answered within this.
const REQUEST_LIMIT: Duration = Duration::from_secs(3);

/// How a request ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// By the first replica.
    AtOnce,
    /// By another one.
    BySecond,
    /// Not, or late, or wrong.
    Lost(String),
}

/// Where the replicas are.
#[derive(Debug)]
struct Known {
    replicas: Vec<Replica>,
    /// When the report that says so was asked for.
    as_of: Instant,
    wanted: bool,
    ended: bool,
}

/// The balancer, shared by its clients and the one thread that reads reports.
#[derive(Debug)]
pub(crate) struct Balancer {
    known: Mutex<Known>,
    changed: Condvar,
}

impl Balancer {
    /// A balancer that begins with these.
    pub(crate) fn new(replicas: Vec<Replica>) -> Self {
        let known = Known {
            replicas,
            as_of: Instant::now(),
            wanted: false,
            ended: false,
        };
        Self {
            known: Mutex::new(known),
            changed: Condvar::new(),
        }
    }

    /// Reads reports until [`Balancer::end`]; a report that cannot be read leaves what was known.
    pub(crate) fn follow(&self, read: impl Fn() -> Outcome<Vec<Replica>>) {
        loop {
            let asked = Instant::now();
            let fresh = read();
            let mut known = self.known();
            if let Ok(replicas) = fresh {
                known.replicas = replicas;
                known.as_of = asked;
                known.wanted = false;
                self.changed.notify_all();
            }
            let pause = |known: &mut Known| !known.wanted && !known.ended;
            let waited = self.changed.wait_timeout_while(known, BETWEEN_REPORTS, pause);
            let (known, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if known.ended {
                return;
            }
        }
    }

    /// Ends [`Balancer::follow`].
    pub(crate) fn end(&self) {
        self.known().ended = true;
        self.changed.notify_all();
    }

    /// Whether [`Balancer::end`] was called.
    pub(crate) fn is_ended(&self) -> bool {
        self.known().ended
    }

    /// Where to send a request; `turn` chooses the replica.
    pub(crate) fn replica(&self, turn: usize) -> Option<SocketAddr> {
        chosen(&self.known().replicas, turn, None).map(|replica| replica.address)
    }

    /// The same by a report that is asked for from now on.
    pub(crate) fn replica_by_newer_report(&self, turn: usize, deadline: Instant) -> Option<SocketAddr> {
        let replicas = self.newer_than(Instant::now(), deadline);
        chosen(&replicas, turn, None).map(|replica| replica.address)
    }

    /// One request; `turn` chooses the replica.
    pub(crate) fn request(&self, turn: usize) -> Answered {
        let deadline = Instant::now() + REQUEST_LIMIT;
        let Some(first) = chosen(&self.known().replicas, turn, None) else {
            return Answered::Lost("no replica runs".to_owned());
        };
        let reason = match fetch_page(first.address, deadline) {
            Ok(_) => return Answered::AtOnce,
            Err(Miss::Broken(reason)) => return Answered::Lost(reason),
            Err(Miss::Unserved(reason)) => reason,
        };
        let second = chosen(&self.newer_than(Instant::now(), deadline), turn, Some(&first));
        let Some(second) = second else {
            return Answered::Lost(format!("{reason}; no other replica runs"));
        };
        match fetch_page(second.address, deadline) {
            Ok(_) if Instant::now() <= deadline => Answered::BySecond,
            Ok(_) => Answered::Lost(format!("{reason}; the second replica was late")),
            Err(miss) => Answered::Lost(format!("{reason}; then {miss}")),
        }
    }

    /// The replicas by a report that was asked for after `moment`; by an older one when none comes before the deadline.
    fn newer_than(&self, moment: Instant, deadline: Instant) -> Vec<Replica> {
        let mut known = self.known();
        known.wanted = true;
        self.changed.notify_all();
        let left = deadline.saturating_duration_since(Instant::now());
        let is_old = |known: &mut Known| {
            known.wanted = known.as_of < moment;
            known.wanted && !known.ended
        };
        let waited = self.changed.wait_timeout_while(known, left, is_old);
        waited.unwrap_or_else(PoisonError::into_inner).0.replicas.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn chosen(replicas: &[Replica], turn: usize, but: Option<&Replica>) -> Option<Replica> {
    let others: Vec<&Replica> = replicas
        .iter()
        .filter(|replica| but.is_none_or(|but| but.address != replica.address))
        .collect();
    let position = turn.checked_rem(others.len())?;
    others.get(position).map(|replica| (*replica).clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::Arc;

    fn replica(name: &str, address: SocketAddr) -> Replica {
        Replica {
            name: name.to_owned(),
            address,
        }
    }

    fn server() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0_u8; 1024]);
                let page = "Hello from psctl!\nreplica: web.1\n";
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{page}", page.len());
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    fn nobody() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    #[test]
    fn a_request_to_a_replica_that_is_gone_is_answered_by_one_that_a_new_report_names() {
        let (gone, there) = (replica("web.1", nobody()), replica("web.1", server()));
        let balancer = Arc::new(Balancer::new(vec![gone]));
        let reader = balancer.clone();
        let reports = std::thread::spawn(move || reader.follow(|| Ok(vec![there.clone()])));
        assert!(matches!(balancer.request(0), Answered::AtOnce | Answered::BySecond));
        balancer.end();
        reports.join().unwrap();
    }

    #[test]
    fn a_request_that_nobody_answers_is_lost() {
        let balancer = Balancer::new(Vec::new());
        assert!(matches!(balancer.request(0), Answered::Lost(_)));
    }

    #[test]
    fn replicas_take_turns_and_the_one_that_failed_is_left_out() {
        let all = [replica("web.1", nobody()), replica("web.2", nobody())];
        assert_eq!(chosen(&all, 3, None).as_ref(), all.get(1));
        assert_eq!(chosen(&all, 3, all.get(1)).as_ref(), all.first());
        assert_eq!(chosen(&[], 3, None), None);
    }
}
