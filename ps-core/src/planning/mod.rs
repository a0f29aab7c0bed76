//! The planners: pure functions from what is wanted and what is there to a [`Plan`](crate::plan::Plan). No I/O, no
//! clock, no chance: the same [`Situation`] gives the same plan. Every planner starts from any observed state.

mod bring_up;
mod deployed_env;
mod deployed_formation;
mod keep_images;
mod launch;
mod mend;
mod phase;
mod readiness;
mod remove;
mod retire;
mod rollout;
mod scale;
mod situation;
mod start;
mod stop;
mod stop_first;
mod stop_runs;

#[cfg(test)]
mod deploy_cases;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use deployed_env::{DeployKind, EnvError, MissingVariable, SECRET_BYTES, deployed_env};
pub use deployed_formation::{FormationError, ScaleOrigin, deployed_formation};
pub use keep_images::{FoundImage, Surplus, plan_keep_images, surplus};
pub use launch::{LaunchError, web_port};
pub(crate) use launch::{has_command, one_off_spec};
pub(crate) use mend::mended;
pub use mend::{plan_mend, plan_tidy};
pub use phase::{Phase, plan_phase, plan_predeploy};
pub(crate) use readiness::check_release;
pub use readiness::readiness_of;
pub use remove::{Removal, plan_remove_containers};
pub use retire::plan_retire;
pub use rollout::{Rollout, Selection, plan_record_release, plan_rollout};
pub use scale::plan_scale;
pub(crate) use situation::existing;
pub use situation::{NetworkState, Situation};
pub use start::plan_start;
pub use stop::plan_stop;
pub use stop_runs::{plan_stop_runs, runs};
