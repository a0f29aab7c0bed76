//! `cargo xtask bench`: the figures that this project promises, measured. Nothing here is a test: machines are noisy, so
//! a person reads the figures, and ratios of one run are what counts.

mod clients;
mod deploy;
mod floor;
mod listener;
mod reboot;
mod recording;
mod report;
mod restore;
mod samples;
mod scale;
mod start;
mod zero_downtime;

use std::path::PathBuf;

use clap::Subcommand;

use reboot::RebootBench;

use crate::failure::Outcome;
use crate::{DemoRuntime, chosen_engine};

/// What is measured.
#[derive(Debug, Clone, Subcommand)]
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
    /// What an idle `psctl events:listen` costs on Docker: memory, CPU and system calls
    ///
    /// Ten apps of workers that do nothing, then a minute in which nothing happens. Fails when the listener has 15 MB of memory or
    /// more, when it used CPU, or when strace saw it use a socket. Removes everything, after Ctrl-C too.
    Listener {
        /// How many containers run
        #[arg(long, default_value_t = 500)]
        containers: usize,
    },
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
        /// Ask an nginx that psctl runs; without it clients ask the replicas that `psctl ps:report` names
        #[arg(long)]
        nginx: bool,
    },
    /// `psctl ps:restore` of 20 apps after a power cut, against the bare start calls at the same concurrency
    ///
    /// In a machine of its own, whose engine starts nothing by itself; both take turns. Fails when the ratio of the medians is above
    /// 1.3. Needs root.
    Restore {
        /// Another psctl than the release build
        #[arg(long)]
        program: Option<PathBuf>,
        /// How often each is measured
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// Whether the wrong app ever answers after a power cut
    ///
    /// 20 apps and two stopped ones on an engine of its own, in a machine of its own that is cut at random moments, amid boots and
    /// amid restores; some containers are started behind psctl's back, then comes `ps:restore`, while a client for each host asks all
    /// the time. The control is the same with addresses that the engine chooses and nginx files that nobody mends: it must show wrong
    /// answers, and psctl none. Needs root.
    Reboot(RebootBench),
}

impl Bench {
    /// Measures and prints.
    pub(crate) fn run(&self) -> Outcome<()> {
        match self {
            Self::Scale => scale::bench_scale(),
            Self::Report => report::bench_report(),
            Self::Start => start::bench_start(),
            &Self::Listener { containers } => listener::bench_listener(containers),
            Self::Deploy => deploy::bench_deploy(),
            Self::Restore { program, rounds } => restore::bench_restore(program.clone(), *rounds),
            Self::Reboot(bench) => bench.run(),
            &Self::ZeroDowntime {
                runtime,
                rootless,
                rounds,
                nginx,
            } => zero_downtime::bench_zero_downtime(chosen_engine(runtime, rootless)?, rounds, nginx),
        }
    }
}
