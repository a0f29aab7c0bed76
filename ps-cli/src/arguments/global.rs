//! The flags that every command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use ps_core::runtime::EngineAddress;

const HEADING: &str = "Global options";

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the command line")]
pub struct GlobalOptions {
    /// Leave out table headers and steps
    #[arg(long, global = true, help_heading = HEADING)]
    pub quiet: bool,
    /// Print the plan and change nothing
    #[arg(long, global = true, help_heading = HEADING)]
    pub dry_run: bool,
    /// With --dry-run, exit with 10 when there is something to do
    #[arg(long, global = true, help_heading = HEADING)]
    pub detailed_exitcode: bool,
    /// The kind of engine
    #[arg(long, global = true, help_heading = HEADING, value_name = "auto|docker|podman", hide_possible_values = true, default_value = "auto", hide_default_value = true)]
    pub runtime: RuntimeChoice,
    /// Address of the engine, unix:… or tcp:…
    #[arg(long, global = true, help_heading = HEADING, value_name = "ADDRESS")]
    pub host: Option<EngineAddress>,
    /// Where psctl keeps its state, else `PSCTL_STATE_DIR`
    #[arg(long, global = true, help_heading = HEADING, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// How long to wait for another command on the app
    #[arg(long, global = true, help_heading = HEADING, value_name = "SECONDS", default_value = "10")]
    pub lock_timeout: u32,
    /// Wait for another command on the app without limit
    #[arg(long, global = true, help_heading = HEADING, conflicts_with = "lock_timeout")]
    pub wait: bool,
    /// Return only when the old containers are gone
    #[arg(long, global = true, help_heading = HEADING)]
    pub wait_retired: bool,
    /// How progress is shown
    #[arg(long, global = true, help_heading = HEADING, value_name = "auto|plain|json|none", hide_possible_values = true, default_value = "auto", hide_default_value = true)]
    pub progress: ProgressChoice,
    /// When to use colours
    #[arg(long, global = true, help_heading = HEADING, value_name = "auto|always|never", hide_possible_values = true, default_value = "auto", hide_default_value = true)]
    pub color: ColorChoice,
    /// Say more; twice for even more
    #[arg(short, long, global = true, help_heading = HEADING, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

impl GlobalOptions {
    /// How long to wait for an app's lock.
    pub fn lock_patience(&self) -> Duration {
        // Ten years are without limit, and can still be added to a clock.
        let unlimited = Duration::from_secs(10 * 365 * 86_400);
        if self.wait {
            unlimited
        } else {
            Duration::from_secs(self.lock_timeout.into())
        }
    }
}

/// Which kind of engine is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RuntimeChoice {
    /// Whichever is found first
    Auto,
    /// Docker
    Docker,
    /// Podman
    Podman,
}

impl RuntimeChoice {
    /// Whether an engine of this kind (`docker`, `podman`) is wanted.
    pub fn accepts(self, kind: &str) -> bool {
        match self {
            Self::Auto => true,
            Self::Docker => kind == "docker",
            Self::Podman => kind == "podman",
        }
    }
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressChoice {
    /// One live line for each replica on a terminal, else plain lines
    Auto,
    /// Plain lines
    Plain,
    /// One JSON object a line
    Json,
    /// Nothing
    None,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Stdout,
    /// One JSON document
    Json,
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ReportFormat {
    /// For people
    #[default]
    Stdout,
    /// One JSON document with typed values
    Json,
    /// Dokku's own JSON
    Dokku,
}
