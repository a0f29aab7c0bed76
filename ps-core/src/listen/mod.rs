//! The rules of the event listener: what an app's containers look like now, and what they looked like before, to one decision.
//!
//! Invariant: pure. No event is believed by itself: it only says where to look, so that events which come twice, late or not at all
//! change nothing. Start at [`decide`].

mod counting;
mod limits;
mod rules;
mod sight;

#[cfg(test)]
mod table;

pub use limits::{
    BUDGET_EXITS, BUDGET_WINDOW, MEMORY, back_off, is_over_budget, reconnect_delay, was_exhausted_before,
};
pub use rules::{Act, Decision, Scene, decide};
pub use sight::{EndTold, Sight, Watched};
