//! Checks that something listens. Invariant: it is read from the container's process, so a published port with nothing behind it
//! does not count.

use super::{Alive, CheckFailure, TICK};
use crate::plan::StartupCheck;

/// Passes as soon as the container listens, within the time of all attempts.
pub(super) async fn run(alive: Alive<'_>, check: &StartupCheck, port: u16) -> Result<(), CheckFailure> {
    let clock = alive.candidate.ports.clock;
    let within = check.timeout.saturating_mul(check.attempts);
    alive.tell(check, 1, within);
    let began = clock.monotonic();
    loop {
        if alive.listens(port).await {
            return Ok(());
        }
        let left = within.saturating_sub(clock.monotonic().saturating_sub(began));
        if left.is_zero() {
            return Err(CheckFailure::NotListening { port, within });
        }
        clock.sleep(TICK.min(left)).await;
    }
}
