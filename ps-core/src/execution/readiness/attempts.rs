//! Trying a check again. Invariant: an attempt never takes longer than the check's timeout.

use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::pin_mut;

use super::{Alive, CheckFailure};
use crate::host::Clock;
use crate::plan::StartupCheck;

/// Makes attempts until one succeeds or all have failed, with the check's pause between them.
pub(super) async fn run<F>(alive: Alive<'_>, check: &StartupCheck, attempt: impl Fn() -> F) -> Result<(), CheckFailure>
where
    F: Future<Output = Result<(), CheckFailure>>,
{
    let mut number = 1;
    loop {
        alive.tell(check, number, check.timeout);
        let result = attempt().await;
        if result.is_ok() || number >= check.attempts {
            return result;
        }
        number += 1;
        alive.candidate.ports.clock.sleep(check.wait).await;
    }
}

/// Ends an attempt, and whatever it has open, when its time is over.
pub(super) async fn within(
    clock: &dyn Clock,
    limit: Duration,
    work: impl Future<Output = Result<(), CheckFailure>>,
) -> Result<(), CheckFailure> {
    let time = clock.sleep(limit);
    pin_mut!(work, time);
    match select(work, time).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(CheckFailure::TimedOut(limit)),
    }
}
