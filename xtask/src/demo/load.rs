//! Clients that ask the balancer at a steady rate, and what became of their requests.

use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::demo::balancer::{Answered, Balancer};
use crate::demo::replicas::replicas_of;
use crate::demo::stage::Stage;
use crate::failure::{Failure, Outcome};

const CLIENTS: usize = 4;

/// From the beginning of a client's request to that of its next one, unless the answer takes longer.
const BETWEEN_REQUESTS: Duration = Duration::from_millis(20);

/// What became of the requests.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    at_once: usize,
    by_second: usize,
    lost: Vec<String>,
    took: Duration,
}

impl Tally {
    /// How many were lost.
    pub(crate) fn lost(&self) -> usize {
        self.lost.len()
    }

    /// How many were answered.
    pub(crate) fn answered(&self) -> usize {
        self.at_once + self.by_second
    }

    fn count(&mut self, answered: Answered) {
        match answered {
            Answered::AtOnce => self.at_once += 1,
            Answered::BySecond => self.by_second += 1,
            Answered::Lost(reason) => self.lost.push(reason),
        }
    }

    fn add(&mut self, other: Self) {
        self.at_once += other.at_once;
        self.by_second += other.by_second;
        self.lost.extend(other.lost);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = u32::try_from(self.answered() + self.lost()).unwrap_or(u32::MAX);
        let seconds = self.took.as_secs_f64();
        let rate = f64::from(total) / seconds.max(0.001);
        let (second, lost) = (self.by_second, self.lost());
        write!(
            formatter,
            "{total} in {seconds:.1} s ({rate:.0} a second), {second} of them sent to a second replica, {lost} lost"
        )?;
        for reason in self.lost.iter().take(5) {
            write!(formatter, "\n  lost: {reason}")?;
        }
        Ok(())
    }
}

/// Clients at work.
#[derive(Debug)]
pub(crate) struct Load {
    balancer: Arc<Balancer>,
    reports: JoinHandle<()>,
    clients: Vec<JoinHandle<Tally>>,
    began: Instant,
}

impl Load {
    /// Starts the balancer and its clients.
    pub(crate) fn start(stage: &Stage, app: &str) -> Outcome<Self> {
        let balancer = Arc::new(Balancer::new(replicas_of(&stage.report(app)?)?));
        let (reader, query, app) = (balancer.clone(), stage.query(), app.to_owned());
        let reports = std::thread::spawn(move || reader.follow(|| replicas_of(&query.report(&app)?)));
        let clients = (0..CLIENTS).map(|client| {
            let balancer = balancer.clone();
            std::thread::spawn(move || ask_until_ended(&balancer, client))
        });
        Ok(Self {
            clients: clients.collect(),
            balancer,
            reports,
            began: Instant::now(),
        })
    }

    /// Ends the clients and sums up. A request under way is finished and counted.
    pub(crate) fn end(self) -> Outcome<Tally> {
        self.balancer.end();
        let crashed = |_| Failure::new("a client of the demo crashed");
        let mut tally = Tally {
            took: self.began.elapsed(),
            ..Tally::default()
        };
        for client in self.clients {
            tally.add(client.join().map_err(crashed)?);
        }
        self.reports.join().map_err(crashed)?;
        Ok(tally)
    }
}

fn ask_until_ended(balancer: &Balancer, client: usize) -> Tally {
    let mut tally = Tally::default();
    let mut turn = client;
    while !balancer.is_ended() {
        let began = Instant::now();
        tally.count(balancer.request(turn));
        turn += 1;
        std::thread::sleep(BETWEEN_REQUESTS.saturating_sub(began.elapsed()));
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tally_says_total_rate_retries_and_why_requests_were_lost() {
        let mut tally = Tally {
            took: Duration::from_secs(2),
            ..Tally::default()
        };
        tally.count(Answered::AtOnce);
        tally.count(Answered::BySecond);
        tally.count(Answered::Lost("closed".into()));
        tally.count(Answered::AtOnce);
        assert_eq!(
            tally.to_string(),
            "4 in 2.0 s (2 a second), 1 of them sent to a second replica, 1 lost\n  lost: closed"
        );
    }
}
