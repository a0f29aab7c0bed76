//! `cargo xtask bench`: the figures that this project promises, measured. Nothing here is a test: machines are noisy, so
//! a person reads the figures, and ratios of one run are what counts.

mod clients;
mod deploy;
mod floor;
mod recording;
mod report;
mod samples;
mod scale;
mod start;
mod zero_downtime;

use clap::Subcommand;

use crate::failure::Outcome;
use crate::{DemoRuntime, chosen_engine};

/// What is measured.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Bench {
    /// `psctl scale` from 1 to 11 on Docker, against the bare calls
    ///
    /// A recording proxy sees what psctl sends. The floor is the same create and start calls, byte for byte, sent by a
    /// bare HTTP client at the same concurrency; both take turns.
    Scale,
    /// The report of 1,000 apps with 5,000 containers, in the fake engine
    Report,
    /// How long `psctl --version` and `psctl help` take
    Start,
    /// A deploy of an unchanged source on Docker, one replica and ten, step by step, against the bare calls
    Deploy,
    /// Requests that fail while an app is deployed, restarted, scaled, rolled back and configured
    ///
    /// Clients with kept and with new connections ask the example in Python all the time, post, and ask for what takes two
    /// seconds. Fails when a single request failed.
    ZeroDowntime {
        /// Which engine
        #[arg(long, value_enum, default_value_t = DemoRuntime::Docker)]
        runtime: DemoRuntime,
        /// Podman as the ordinary test user
        #[arg(long)]
        rootless: bool,
        /// How often each verb is played
        #[arg(long, default_value_t = 10)]
        rounds: usize,
    },
}

impl Bench {
    /// Measures and prints.
    pub(crate) fn run(self) -> Outcome<()> {
        match self {
            Self::Scale => scale::bench_scale(),
            Self::Report => report::bench_report(),
            Self::Start => start::bench_start(),
            Self::Deploy => deploy::bench_deploy(),
            Self::ZeroDowntime {
                runtime,
                rootless,
                rounds,
            } => zero_downtime::bench_zero_downtime(chosen_engine(runtime, rootless)?, rounds),
        }
    }
}
