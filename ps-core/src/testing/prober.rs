//! HTTP that tests describe. Invariant: nothing is sent, and only the fake clock is waited for.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::host::Clock;
use crate::probe::{HttpAnswer, HttpProbe, HttpProber, ProbeError};
use crate::testing::FakeClock;

/// Longer than anybody waits.
const FOR_EVER: Duration = Duration::from_secs(1_000_000);

/// What a path answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FakeAnswer {
    /// A status, and an empty body.
    Status(u16),
    /// A status and a body.
    Body(u16, String),
    /// A status after a while.
    After(Duration, u16),
    /// Nobody listens.
    Refused,
    /// The connection is taken, and nothing comes.
    Silence,
}

/// A prober without a network: paths have answers, every other one is refused. Clones share what they know.
///
/// ```
/// use ps_core::testing::{FakeAnswer, FakeClock, FakeProber};
/// let prober = FakeProber::new(&FakeClock::automatic());
/// prober.answers("/health", [FakeAnswer::Refused, FakeAnswer::Status(200)]);
/// assert!(prober.probes().is_empty());
/// ```
#[derive(Debug, Clone)]
pub struct FakeProber {
    clock: FakeClock,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    answers: BTreeMap<String, Vec<FakeAnswer>>,
    probes: Vec<HttpProbe>,
    asked: BTreeMap<(SocketAddrV4, String), usize>,
}

impl FakeProber {
    /// A prober that knows no path.
    pub fn new(clock: &FakeClock) -> Self {
        Self {
            clock: clock.clone(),
            known: Arc::default(),
        }
    }

    /// What a path answers from now on.
    pub fn answer(&self, path: &str, answer: FakeAnswer) {
        self.answers(path, [answer]);
    }

    /// What a path answers to the requests of one address, one after the other; the last one for ever.
    pub fn answers(&self, path: &str, answers: impl IntoIterator<Item = FakeAnswer>) {
        let mut known = self.known();
        known.answers.insert(path.to_owned(), answers.into_iter().collect());
        known.asked.retain(|(_, asked), _| asked != path);
    }

    /// The requests so far, in order.
    pub fn probes(&self) -> Vec<HttpProbe> {
        self.known().probes.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_answer(&self, probe: &HttpProbe) -> FakeAnswer {
        let mut known = self.known();
        known.probes.push(probe.clone());
        let asked = known.asked.entry((probe.address, probe.path.clone())).or_default();
        let number = *asked;
        *asked += 1;
        let answers = known.answers.get(&probe.path).map_or(&[][..], Vec::as_slice);
        let answer = answers.get(number).or(answers.last());
        answer.cloned().unwrap_or(FakeAnswer::Refused)
    }
}

#[async_trait]
impl HttpProber for FakeProber {
    async fn probe(&self, probe: &HttpProbe) -> Result<HttpAnswer, ProbeError> {
        let answer = |status, body: &str| {
            let shown = body.as_bytes().get(..probe.body_limit).unwrap_or(body.as_bytes());
            Ok(HttpAnswer {
                status,
                body: Bytes::copy_from_slice(shown),
            })
        };
        match self.next_answer(probe) {
            FakeAnswer::Status(status) => answer(status, ""),
            FakeAnswer::Body(status, body) => answer(status, &body),
            FakeAnswer::After(time, status) => {
                self.clock.sleep(time).await;
                answer(status, "")
            }
            FakeAnswer::Silence => {
                self.clock.sleep(FOR_EVER).await;
                answer(200, "")
            }
            FakeAnswer::Refused => Err(ProbeError::NoConnection {
                address: probe.address,
                source: "connection refused".into(),
            }),
        }
    }
}
