//! How often is too often, and how long to wait.

use std::time::{Duration, SystemTime};

use crate::app::AppRecord;
use crate::crashes::{Crash, CrashKind};
use crate::names::{Generation, Replica};

/// So many exits of a replica within [`BUDGET_WINDOW`] are borne; one more is too many.
pub const BUDGET_EXITS: usize = 10;

/// The time within which exits are counted.
pub const BUDGET_WINDOW: Duration = Duration::from_secs(10 * 60);

/// How long failures are remembered: a restart policy that is used up again within it ends in quarantine.
pub const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The pause after so many failures in a row: 1 s, 2 s, 4 s, at most a minute.
///
/// ```
/// use std::time::Duration;
/// use ps_core::listen::back_off;
/// assert_eq!([1, 2, 3, 40].map(back_off).map(|pause| pause.as_secs()), [1, 2, 4, 60]);
/// ```
pub fn back_off(failures: u32) -> Duration {
    let doubled = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX);
    Duration::from_secs(doubled).min(LONGEST_PAUSE)
}

/// The pause before the next connection, after `losses` in a row. A stream that was good counts as the first loss: one that lived
/// for 30 seconds, or that told something.
///
/// ```
/// use std::time::Duration;
/// use ps_core::listen::reconnect_delay;
/// let second = Duration::from_secs(1);
/// assert_eq!(reconnect_delay(5, 31 * second, false), (1, second));
/// assert_eq!(reconnect_delay(2, second, false), (3, 4 * second));
/// ```
pub fn reconnect_delay(losses: u32, lived: Duration, has_told: bool) -> (u32, Duration) {
    let is_good = has_told || lived >= Duration::from_secs(30);
    let losses = if is_good { 1 } else { losses.saturating_add(1) };
    (losses, back_off(losses))
}

/// How often a replica failed within the window that ends now, when that is too often.
pub fn is_over_budget(crashes: &[Crash], replica: &Replica, now: SystemTime) -> Option<usize> {
    let from = now.checked_sub(BUDGET_WINDOW);
    let counts = |crash: &&Crash| {
        crash.replica == *replica && crash.kind != CrashKind::Exhausted && from.is_none_or(|from| crash.at > from)
    };
    let exits = crashes.iter().filter(counts).count();
    (exits > BUDGET_EXITS).then_some(exits)
}

/// Whether restarts were used up before by a container that serves no more, so that the app was redeployed for it. Those that serve
/// may use them up together.
pub fn was_exhausted_before(crashes: &[Crash], record: &AppRecord, now: SystemTime) -> bool {
    let from = now.checked_sub(MEMORY);
    let serves = |generation: Generation| record.serving.values().any(|serving| serving.generation == generation);
    crashes.iter().any(|crash| {
        crash.kind == CrashKind::Exhausted && !serves(crash.generation) && from.is_none_or(|from| crash.at > from)
    })
}
