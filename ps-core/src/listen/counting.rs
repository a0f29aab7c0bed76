//! Counting exits: by the engine's own count of restarts, so that none is lost when nobody listened and none counts twice.

use std::time::{Duration, SystemTime};

use super::sight::Sight;
use crate::crashes::{Crash, CrashKind};

/// Two exits at least lie so far apart.
pub(super) const TICK: Duration = Duration::from_millis(1);

/// The exits of a container that were not counted yet, oldest first, each with its moment: the one an event told, else somewhere
/// between the last look and now. `first_look` is the moment since which all exits of a container never seen before count.
pub(super) fn new_exits(sight: &Sight, first_look: Option<SystemTime>, now: SystemTime) -> Vec<Crash> {
    let (known, since) = match (&sight.before, first_look) {
        (Some(before), _) => (before.exits, before.looked_at),
        (None, Some(since)) => (0, since),
        // What happened before anybody listened is not known to be recent; only an end that is there to see is.
        (None, None) => (sight.restart_count, now),
    };
    let new = usize::try_from(sight.exits().saturating_sub(known)).unwrap_or(usize::MAX);
    // More would say nothing more, and must not fill the store.
    let new = new.min(super::BUDGET_EXITS.saturating_mul(2));
    let mut told = sight.told_deaths();
    told.drain(..told.len().saturating_sub(new));
    let until = told.first().copied().unwrap_or(now);
    let mut moments = spread(new.saturating_sub(told.len()), since, until);
    moments.extend(told);
    moments.into_iter().map(|at| ended(sight, at)).collect()
}

/// The exits before anybody listened, of which events still tell and which are not remembered: together with those that are, at most as many
/// as the engine restarted it. It may have been stopped on request too, and those of a gap are remembered with other moments.
pub(super) fn past_exits(sight: &Sight, remembered: &[Crash]) -> Vec<Crash> {
    let is_of_this = |crash: &&Crash| crash.kind == CrashKind::Ended && crash.generation == sight.generation;
    let known = remembered.iter().filter(is_of_this).count();
    let restarts = usize::try_from(sight.restart_count).unwrap_or(usize::MAX);
    let told = sight.past.iter().map(|at| ended(sight, *at));
    let mut exits: Vec<Crash> = told.filter(|crash| !remembered.contains(crash)).collect();
    exits.drain(..exits.len().saturating_sub(restarts.saturating_sub(known)));
    exits
}

fn ended(sight: &Sight, at: SystemTime) -> Crash {
    Crash {
        replica: sight.replica.clone(),
        generation: sight.generation,
        kind: CrashKind::Ended,
        at,
    }
}

/// So many different moments before `until`, as evenly between `since` and it as there is room.
fn spread(count: usize, since: SystemTime, until: SystemTime) -> Vec<SystemTime> {
    let Ok(parts) = u32::try_from(count) else {
        return Vec::new();
    };
    let room = until.duration_since(since).unwrap_or_default();
    let step = room.checked_div(parts.saturating_add(1)).unwrap_or_default().max(TICK);
    let back = |part: u32| until.checked_sub(step.saturating_mul(part)).unwrap_or(until);
    (1..=parts).rev().map(back).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_exits_lie_evenly_between_the_last_look_and_now() {
        let second = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(spread(3, second(0), second(40)), [second(10), second(20), second(30)]);
        assert_eq!(spread(0, second(0), second(40)), []);
        // No room: still different moments.
        let tight = spread(3, second(5), second(5));
        assert!(tight.windows(2).all(|pair| pair[0] < pair[1]), "{tight:?}");
    }
}
