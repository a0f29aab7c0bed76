//! Clients that ask every host all the time, each in the machine's own network, and what became of their requests.
//!
//! An answer is wrong when it is a 200 that does not say the name of the host's own app, or a 200 of a host whose app its operator
//! stopped.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::failure::{Failure, Outcome, WhileDoing};
use crate::http::{Answer, parse_answer};

/// From the beginning of a host's request to that of its next one, unless the answer takes longer.
const BETWEEN_REQUESTS: Duration = Duration::from_millis(40);

/// An answer takes no longer than this, or the request counts as lost.
const REQUEST_LIMIT: Duration = Duration::from_secs(2);

/// How many wrong answers are kept whole; all are counted.
const KEPT: usize = 200;

/// A host and the app that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    /// The app's name, which is all that its pages say.
    pub(crate) app: String,
    /// What the `Host` header says.
    pub(crate) host: String,
    /// Whether the app's operator stopped it: nothing may answer.
    pub(crate) is_stopped: bool,
}

/// An answer from the wrong app.
#[derive(Debug, Clone)]
pub(crate) struct WrongAnswer {
    /// Whose host was asked.
    pub(crate) host: String,
    /// What was answered, its beginning.
    pub(crate) body: String,
    /// In which round.
    pub(crate) round: usize,
    /// How long after the beginning of that round.
    pub(crate) after: Duration,
}

/// What became of all requests.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Answered by the host's own app.
    pub(crate) right: usize,
    /// Answered by something else.
    pub(crate) wrong: usize,
    /// Answered with an error or not at all.
    pub(crate) lost: usize,
    /// The first of the wrong ones.
    pub(crate) wrong_answers: Vec<WrongAnswer>,
    round: usize,
    round_began: Option<Instant>,
    right_since: BTreeMap<String, Instant>,
}

impl Tally {
    /// How many were sent.
    pub(crate) fn requests(&self) -> usize {
        self.right + self.wrong + self.lost
    }

    fn note(&mut self, site: &Site, answer: Option<&Answer>) {
        let answer = answer.filter(|answer| answer.status == 200);
        let Some(answer) = answer else {
            // Silence is right for one that is stopped.
            self.lost += usize::from(!site.is_stopped);
            self.right_since.remove(&site.host);
            return;
        };
        if answer.text().trim() == site.app && !site.is_stopped {
            self.right += 1;
            self.right_since.entry(site.host.clone()).or_insert_with(Instant::now);
            return;
        }
        self.wrong += 1;
        self.right_since.remove(&site.host);
        if self.wrong_answers.len() < KEPT {
            self.wrong_answers.push(WrongAnswer {
                host: site.host.clone(),
                body: answer.text().trim().chars().take(60).collect(),
                round: self.round,
                after: self.round_began.map(|began| began.elapsed()).unwrap_or_default(),
            });
        }
    }
}

/// The tally of several boots.
pub(crate) type SharedTally = Arc<Mutex<Tally>>;

/// The tally as it is now.
pub(crate) fn look(tally: &SharedTally) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A round begins.
pub(crate) fn begin_round(tally: &SharedTally, round: usize) {
    let mut tally = look(tally);
    tally.round = round;
    tally.round_began = Some(Instant::now());
}

/// What was right before does not count any more.
pub(crate) fn forget_who_was_right(tally: &SharedTally) {
    look(tally).right_since.clear();
}

/// Since when all hosts whose apps should run have been answered by their own, without a break; else those that are not.
pub(crate) fn all_right_since(tally: &SharedTally, sites: &[Site]) -> Result<Instant, Vec<String>> {
    let tally = look(tally);
    let expected = || sites.iter().filter(|site| !site.is_stopped);
    let missing = expected().filter(|site| !tally.right_since.contains_key(&site.host));
    let missing: Vec<String> = missing.map(|site| site.host.clone()).collect();
    let latest = expected().filter_map(|site| tally.right_since.get(&site.host)).max();
    match latest {
        Some(latest) if missing.is_empty() => Ok(*latest),
        _ => Err(missing),
    }
}

/// Clients of one boot, one for each host.
#[derive(Debug)]
pub(crate) struct Clients {
    end: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Outcome<()>>>,
}

impl Clients {
    /// Starts asking nginx's port in the network that `network` is a link to.
    pub(crate) fn start(network: &Path, port: u16, sites: &[Site], tally: &SharedTally) -> Outcome<Self> {
        let network = File::open(network).while_doing(|| "open the machine's network".to_owned())?;
        let (network, end) = (Arc::new(network), Arc::new(AtomicBool::new(false)));
        let one = |site: &Site| {
            let (network, site) = (Arc::clone(&network), site.clone());
            let (tally, end) = (Arc::clone(tally), Arc::clone(&end));
            std::thread::spawn(move || ask(&network, port, &site, &tally, &end))
        };
        let threads = sites.iter().map(one).collect();
        Ok(Self { end, threads })
    }

    /// Ends them; fails when one could not ask.
    pub(crate) fn end(self) -> Outcome<()> {
        self.end.store(true, Ordering::Relaxed);
        let crashed = |_| Err(Failure::new("a client crashed"));
        let ends = self
            .threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(crashed));
        ends.collect()
    }
}

fn ask(network: &File, port: u16, site: &Site, tally: &SharedTally, end: &AtomicBool) -> Outcome<()> {
    // Of this thread alone.
    let entered = move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network));
    entered.while_doing(|| "enter the machine's network".to_owned())?;
    while !end.load(Ordering::Relaxed) {
        let began = Instant::now();
        let answer = request(port, &site.host);
        look(tally).note(site, answer.as_ref().ok());
        std::thread::sleep(BETWEEN_REQUESTS.saturating_sub(began.elapsed()));
    }
    Ok(())
}

fn request(port: u16, host: &str) -> io::Result<Answer> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let deadline = Instant::now() + REQUEST_LIMIT;
    let mut connection = TcpStream::connect_timeout(&address, REQUEST_LIMIT)?;
    connection.set_write_timeout(Some(REQUEST_LIMIT))?;
    connection.write_all(format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let (mut received, mut piece) = (Vec::new(), [0_u8; 4096]);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        connection.set_read_timeout(Some(left))?;
        let count = connection.read(&mut piece)?;
        received.extend_from_slice(piece.get(..count).unwrap_or_default());
        if let Some(answer) = parse_answer(&received, count == 0)? {
            return Ok(answer);
        }
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(app: &str, is_stopped: bool) -> Site {
        Site {
            app: app.into(),
            host: format!("{app}.test"),
            is_stopped,
        }
    }

    fn says(status: u16, body: &str) -> Answer {
        Answer {
            status,
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn only_the_own_name_is_right() {
        let (mut tally, own) = (Tally::default(), site("one", false));
        tally.note(&own, Some(&says(200, "one\n")));
        tally.note(&own, Some(&says(200, "two\n")));
        tally.note(&own, Some(&says(200, "")));
        tally.note(&own, Some(&says(502, "one")));
        tally.note(&own, None);
        assert_eq!((tally.right, tally.wrong, tally.lost), (1, 2, 2));
        assert_eq!(tally.wrong_answers[0].body, "two");
    }

    #[test]
    fn a_stopped_app_that_answers_is_wrong() {
        let (mut tally, stopped) = (Tally::default(), site("one", true));
        tally.note(&stopped, Some(&says(200, "one\n")));
        tally.note(&stopped, Some(&says(502, "")));
        assert_eq!((tally.right, tally.wrong, tally.lost), (0, 1, 0));
    }

    #[test]
    fn all_are_back_when_the_last_one_is_right_without_a_break() {
        let tally = SharedTally::default();
        let sites = [site("one", false), site("two", false), site("off", true)];
        assert_eq!(all_right_since(&tally, &sites).unwrap_err(), ["one.test", "two.test"]);
        look(&tally).note(&sites[0], Some(&says(200, "one")));
        look(&tally).note(&sites[1], Some(&says(200, "two")));
        assert!(all_right_since(&tally, &sites).is_ok());
        look(&tally).note(&sites[1], Some(&says(502, "")));
        assert_eq!(all_right_since(&tally, &sites).unwrap_err(), ["two.test"]);
    }
}
