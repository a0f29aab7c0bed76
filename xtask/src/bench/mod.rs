//! `cargo xtask bench`: the figures that this project promises, measured. Nothing here is a test: machines are noisy, so
//! a person reads the figures, and ratios of one run are what counts.

mod floor;
mod recording;
mod report;
mod samples;
mod scale;
mod start;

use clap::Subcommand;

use crate::failure::Outcome;

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
}

impl Bench {
    /// Measures and prints.
    pub(crate) fn run(self) -> Outcome<()> {
        match self {
            Self::Scale => scale::bench_scale(),
            Self::Report => report::bench_report(),
            Self::Start => start::bench_start(),
        }
    }
}
