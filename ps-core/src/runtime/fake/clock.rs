//! Time that tests own. Invariant: it never goes back, and what is due earlier happens earlier.
//!
//! In automatic mode nobody really waits: when everything that waits for this clock has been polled many times and nothing else
//! happened, time jumps to the earliest deadline. Work that really takes time elsewhere (a thread, a socket) can therefore
//! be overtaken; such tests use [`FakeClock::manual`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::host::Clock;

/// How often a waiting future is polled without anything happening before time jumps. Executors are not fair: tokio's polls its
/// main future only every 61 turns, so it must be some multiple of that.
const QUIET_POLLS: u32 = 200;

/// What day it is when a clock is made: in 2027.
const FIRST_DAY: Duration = Duration::from_secs(1_800_000_000);

enum Timer {
    Wake(Waker),
    Run(Box<dyn FnOnce() + Send>),
}

struct State {
    now: Duration,
    is_manual: bool,
    activity: u64,
    next_timer: u64,
    timers: BTreeMap<(Duration, u64), Timer>,
    /// Sleepers whose time has come, and who have not gone on yet.
    woken: BTreeSet<(Duration, u64)>,
    parked: Vec<Waker>,
}

/// A clock that only moves when told to, or when there is nothing else to do. Clones share the time.
///
/// ```
/// use std::time::Duration;
/// use ps_core::host::Clock;
/// use ps_core::testing::FakeClock;
///
/// let clock = FakeClock::manual();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.monotonic(), Duration::from_secs(60));
/// ```
#[derive(Clone)]
pub struct FakeClock {
    state: Arc<Mutex<State>>,
}

/// How long one future has been waiting without anything else happening.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    activity: u64,
    polls: u32,
}

impl FakeClock {
    /// A clock that jumps to the next deadline when all work waits.
    pub fn automatic() -> Self {
        Self::with_mode(false)
    }

    /// A clock that only [`FakeClock::advance`] moves.
    pub fn manual() -> Self {
        Self::with_mode(true)
    }

    fn with_mode(is_manual: bool) -> Self {
        let state = State {
            now: Duration::ZERO,
            is_manual,
            activity: 1,
            next_timer: 0,
            timers: BTreeMap::new(),
            woken: BTreeSet::new(),
            parked: Vec::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves time on; everything that becomes due happens in order, each at its own moment.
    pub fn advance(&self, by: Duration) {
        let target = self.lock().now.saturating_add(by);
        while self.fire_next(|due, _| due <= target) {}
        let mut state = self.lock();
        state.now = state.now.max(target);
        drop(state);
        self.touch();
    }

    /// Fires the earliest timer when `accept` (given its moment and the activity count) agrees; whether it did.
    fn fire_next(&self, accept: impl FnOnce(Duration, u64) -> bool) -> bool {
        let mut state = self.lock();
        let activity = state.activity;
        let is_accepted = state
            .timers
            .keys()
            .next()
            .is_some_and(|(due, _)| accept(*due, activity));
        let Some((key, timer)) = is_accepted.then(|| state.timers.pop_first()).flatten() else {
            return false;
        };
        state.now = state.now.max(key.0);
        state.activity += 1;
        if matches!(timer, Timer::Wake(_)) {
            state.woken.insert(key);
        }
        drop(state);
        match timer {
            Timer::Wake(waker) => waker.wake(),
            Timer::Run(run) => run(),
        }
        true
    }

    /// Something happened: whoever waits looks again.
    pub(super) fn touch(&self) {
        let mut state = self.lock();
        state.activity += 1;
        let parked = std::mem::take(&mut state.parked);
        drop(state);
        parked.into_iter().for_each(Waker::wake);
    }

    /// Runs something at a moment.
    pub(super) fn schedule(&self, after: Duration, run: impl FnOnce() + Send + 'static) {
        let mut state = self.lock();
        let key = (state.now.saturating_add(after), state.next_timer);
        state.next_timer += 1;
        state.timers.insert(key, Timer::Run(Box::new(run)));
    }

    /// To be called by a future that is about to return `Pending`: it will be polled again when something happened, and
    /// moves the time when nothing else does.
    pub(super) fn wait_quietly(&self, quiet: &mut Quiet, context: &Context<'_>) {
        let mut state = self.lock();
        if quiet.activity != state.activity {
            *quiet = Quiet {
                activity: state.activity,
                polls: 0,
            };
        }
        quiet.polls += 1;
        if state.is_manual || (quiet.polls > QUIET_POLLS && state.timers.is_empty()) {
            state.parked.push(context.waker().clone());
            return;
        }
        // A sleeper that is kept but not polled any more must not hold the time for ever.
        let patience = if state.woken.is_empty() {
            QUIET_POLLS
        } else {
            10 * QUIET_POLLS
        };
        drop(state);
        if quiet.polls > patience {
            let seen = quiet.activity;
            self.fire_next(|_, activity| activity == seen);
        } else {
            std::thread::yield_now();
        }
        context.waker().wake_by_ref();
    }
}

/// Takes its timer out again when the sleeper is dropped.
struct Registration<'a> {
    clock: &'a FakeClock,
    key: (Duration, u64),
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        let mut state = self.clock.lock();
        state.timers.remove(&self.key);
        state.woken.remove(&self.key);
    }
}

#[async_trait]
impl Clock for FakeClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + FIRST_DAY + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.lock().now
    }

    async fn sleep(&self, duration: Duration) {
        let key = {
            let mut state = self.lock();
            let key = (state.now.saturating_add(duration), state.next_timer);
            state.next_timer += 1;
            state.activity += 1;
            key
        };
        let registration = Registration { clock: self, key };
        let mut quiet = Quiet::default();
        poll_fn(|context| {
            let mut state = self.lock();
            if state.now >= key.0 {
                return Poll::Ready(());
            }
            state.timers.insert(key, Timer::Wake(context.waker().clone()));
            drop(state);
            self.wait_quietly(&mut quiet, context);
            Poll::Pending
        })
        .await;
        drop(registration);
    }
}

impl fmt::Debug for FakeClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FakeClock({:?})", self.monotonic())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::{Either, join_all, select};

    use super::*;

    #[tokio::test]
    async fn the_earliest_sleeper_wakes_first_and_nobody_really_waits() {
        let clock = FakeClock::automatic();
        let order = Mutex::new(Vec::new());
        join_all([3600_u64, 10, 86_400, 10].map(|seconds| {
            let (clock, order) = (&clock, &order);
            async move {
                clock.sleep(Duration::from_secs(seconds)).await;
                order.lock().unwrap().push((seconds, clock.monotonic().as_secs()));
            }
        }))
        .await;
        let expected = vec![(10, 10), (10, 10), (3600, 3600), (86_400, 86_400)];
        assert_eq!(order.into_inner().unwrap(), expected);
    }

    #[tokio::test]
    async fn tasks_that_sleep_in_turns_see_one_time() {
        let clock = FakeClock::automatic();
        let other = clock.clone();
        let task = tokio::spawn(async move {
            for _ in 0..10 {
                other.sleep(Duration::from_secs(1)).await;
            }
            other.monotonic()
        });
        clock.sleep(Duration::from_secs(5)).await;
        assert_eq!(clock.monotonic(), Duration::from_secs(5));
        assert_eq!(task.await.unwrap(), Duration::from_secs(10));
    }

    #[tokio::test]
    async fn a_dropped_sleeper_does_not_move_the_time() {
        let clock = FakeClock::automatic();
        let (long, short) = (
            clock.sleep(Duration::from_secs(100)),
            clock.sleep(Duration::from_secs(1)),
        );
        assert!(matches!(select(long, short).await, Either::Right(_)));
        clock.sleep(Duration::from_secs(1)).await;
        assert_eq!(clock.monotonic(), Duration::from_secs(2));
    }

    #[tokio::test]
    async fn a_manual_clock_only_moves_when_told() {
        let clock = FakeClock::manual();
        let other = clock.clone();
        let task = tokio::spawn(async move { other.sleep(Duration::from_secs(5)).await });
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        assert!(!task.is_finished());
        clock.advance(Duration::from_secs(5));
        task.await.unwrap();
    }
}
