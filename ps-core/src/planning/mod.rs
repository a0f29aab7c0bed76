//! The planners: pure functions from what is wanted and what is there to a [`Plan`](crate::plan::Plan). No I/O, no
//! clock, no chance: the same [`Situation`] gives the same plan. Every planner starts from any observed state.

mod bring_up;
mod launch;
mod mend;
mod remove;
mod retire;
mod rollout;
mod scale;
mod situation;
mod start;
mod stop;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub(crate) use launch::one_off_spec;
pub use launch::{LaunchError, web_port};
pub(crate) use mend::mended;
pub use mend::plan_mend;
pub use remove::{Removal, plan_remove_containers};
pub use retire::plan_retire;
pub use rollout::{Rollout, Selection, plan_record_release, plan_release_phase, plan_rollout};
pub use scale::plan_scale;
pub use situation::{NetworkState, Situation};
pub use start::plan_start;
pub use stop::plan_stop;
