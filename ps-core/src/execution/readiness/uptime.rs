//! Checks by running for a while. Invariant: only time is waited for here; a death ends the wait from outside.

use std::time::Duration;

use super::{Alive, TICK};
use crate::plan::StartupCheck;

/// How long a port must have been listened on.
const LISTENING_FOR: Duration = Duration::from_secs(1);

/// Waits until the container has run for its uptime.
pub(super) async fn run(alive: Alive<'_>, check: &StartupCheck, uptime: Duration) {
    let left = uptime.saturating_sub(alive.age());
    alive.tell(check, 1, left);
    alive.candidate.ports.clock.sleep(left).await;
}

/// The same, or until it has listened on a port for a second. What to say when it never listened.
pub(super) async fn run_or_listen(
    alive: Alive<'_>,
    check: &StartupCheck,
    uptime: Duration,
    port: u16,
) -> Option<String> {
    let clock = alive.candidate.ports.clock;
    alive.tell(check, 1, uptime.saturating_sub(alive.age()));
    let mut listening_since: Option<Duration> = None;
    let mut ever_listened = false;
    loop {
        let (listens, now) = (alive.listens(port).await, clock.monotonic());
        listening_since = listening_since.filter(|_| listens).or_else(|| listens.then_some(now));
        ever_listened |= listens;
        if listening_since.is_some_and(|since| now.saturating_sub(since) >= LISTENING_FOR) {
            return None;
        }
        let left = uptime.saturating_sub(alive.age());
        if left.is_zero() {
            let text = || format!("it does not listen on port {port}; set PORT, or let it listen there");
            return (!ever_listened).then(text);
        }
        clock.sleep(TICK.min(left)).await;
    }
}
