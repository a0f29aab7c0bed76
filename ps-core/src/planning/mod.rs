//! The planners: pure functions from what is wanted and what is there to a [`Plan`](crate::plan::Plan). No I/O, no
//! clock, no chance: the same [`Situation`] gives the same plan. Every planner starts from any observed state.

mod bring_up;
mod deployed_env;
mod deployed_formation;
mod keep_images;
mod launch;
mod links;
mod mend;
mod phase;
mod readiness;
mod remove;
mod restore;
mod retire;
mod rollout;
mod scale;
mod situation;
mod start;
mod stop;
mod stop_first;
mod stop_runs;
mod traffic;

#[cfg(test)]
mod deploy_cases;
#[cfg(test)]
mod link_cases;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod restore_cases;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
mod traffic_cases;

pub use deployed_env::{DeployKind, EnvError, MissingVariable, SECRET_BYTES, deployed_env};
pub use deployed_formation::{FormationError, ScaleOrigin, deployed_formation};
pub use keep_images::{FoundImage, Surplus, plan_keep_images, surplus};
pub use launch::{LaunchError, web_port};
pub(crate) use launch::{has_command, one_off_spec};
pub use links::{FoundService, LinkFault, LinkProblem, LinkState, LinkedService, plan_leave_links, plan_links};
pub(crate) use links::{Leaving, join_links, leave_links, services_of};
pub(crate) use mend::mended;
pub use mend::{plan_mend, plan_tidy};
pub use phase::{Phase, plan_phase, plan_predeploy};
pub(crate) use readiness::check_release;
pub use readiness::{liveness_of, readiness_of};
pub use remove::{Removal, plan_remove_containers};
pub use restore::{RestoreDecision, RestoreSkip, plan_restore, plan_restore_anew, restore_skip};
pub(crate) use restore::{plan_restore_routes, plan_start_served};
pub use retire::plan_retire;
pub use rollout::{Rollout, Selection, plan_record_release, plan_rollout};
pub use scale::plan_scale;
pub(crate) use situation::existing;
pub use situation::{NetworkState, Routing, Situation};
pub use start::plan_start;
pub use stop::{plan_quarantine, plan_stop};
pub use stop_runs::{plan_stop_runs, runs};
pub use traffic::{plan_rewrite, plan_route, plan_unroute};
pub(crate) use traffic::{route_left_out, routed_if_refused};
