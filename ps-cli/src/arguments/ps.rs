//! The `ps` namespace.

use clap::Args;
use ps_core::names::AppName;

use super::{AppSelection, Format, Parallelism, ReplicaSelection, ReportFormat};

/// `ps`.
#[derive(Debug, Clone, Args)]
pub struct PsList {
    /// Name of the app; without it, the commands of the ps namespace
    pub app: Option<AppName>,
}

/// `ps:inspect`.
#[derive(Debug, Clone, Args)]
pub struct PsInspect {
    /// Name of the app
    pub app: AppName,
    /// Also the stopped, retiring and one-off containers
    #[arg(long)]
    pub all: bool,
}

/// `ps:report`.
#[derive(Debug, Clone, Args)]
#[command(
    override_usage = "psctl ps:report [OPTIONS] [APP|--global] [--<INFO FLAG>]",
    after_help = "An info flag prints one value: --deployed, --running, --ps-restart-policy,\n--status-web.1, … With a wrong one the error lists all of them."
)]
pub struct PsReport {
    /// Name of the app; all of them without it
    #[arg(conflicts_with = "global")]
    pub app: Option<AppName>,
    /// Only what is set for all apps
    #[arg(long)]
    pub global: bool,
    /// How to print it
    #[arg(
        long,
        default_value = "stdout",
        hide_default_value = true,
        value_name = "stdout|json|dokku",
        hide_possible_values = true
    )]
    pub format: ReportFormat,
    /// Print one value: --deployed, --running, --status-web.1, …
    #[arg(
        long,
        value_name = "INFO FLAG",
        conflicts_with = "format",
        allow_hyphen_values = true,
        hide = true
    )]
    pub info_flag: Option<String>,
}

/// `ps:restart`.
#[derive(Debug, Clone, Args)]
pub struct PsRestart {
    /// Name of the app
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub app: Option<AppName>,
    /// A process type, or one of its containers such as web.2
    #[arg(value_name = "TYPE[.N]", conflicts_with = "all")]
    pub process: Option<ReplicaSelection>,
    /// All apps; one that fails does not stop the others
    #[arg(long)]
    pub all: bool,
    /// How many apps at a time; -1 is the number of CPUs
    #[arg(
        long,
        value_name = "N",
        default_value = "0",
        hide_default_value = true,
        allow_negative_numbers = true
    )]
    pub parallel: Parallelism,
}

impl PsRestart {
    /// Which apps are meant. clap has seen to it that it is either.
    pub fn selection(&self) -> AppSelection {
        self.app
            .clone()
            .map_or(AppSelection::All(self.parallel), AppSelection::One)
    }
}

/// `ps:restore`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "An app that its operator stopped, that is in quarantine, or whose property restore\nis false is skipped. `psctl ps:set <app> restore-priority <n>`: lower ones come\nfirst, then names decide."
)]
pub struct PsRestore {
    /// Name of the app; all of them without it
    #[arg(conflicts_with = "all")]
    pub app: Option<AppName>,
    /// All apps; one that fails does not stop the others
    #[arg(long)]
    pub all: bool,
    /// How many apps at a time; -1 is the number of CPUs
    #[arg(
        long,
        value_name = "N",
        default_value = "0",
        hide_default_value = true,
        allow_negative_numbers = true
    )]
    pub parallel: Parallelism,
    /// How long to wait for an engine that is starting
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub engine_patience: u64,
    /// How to print the report
    #[arg(
        long,
        default_value = "stdout",
        hide_default_value = true,
        value_name = "stdout|json",
        hide_possible_values = true
    )]
    pub format: Format,
}

impl PsRestore {
    /// Which apps are meant: all when none is named.
    pub fn selection(&self) -> AppSelection {
        self.app
            .clone()
            .map_or(AppSelection::All(self.parallel), AppSelection::One)
    }
}

/// `ps:scale`.
#[derive(Debug, Clone, Args)]
pub struct PsScale {
    /// Name of the app
    pub app: AppName,
    /// How many: web=2, web+=1, web-=1; without any, show them
    #[arg(value_name = "TYPE=N")]
    pub changes: Vec<String>,
    /// Only store it
    #[arg(long)]
    pub skip_deploy: bool,
    /// How to print it
    #[arg(
        long,
        default_value = "stdout",
        hide_default_value = true,
        value_name = "stdout|json",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// `ps:set`.
#[derive(Debug, Clone, Args)]
#[command(override_usage = "psctl ps:set [OPTIONS] <APP|--global> <PROPERTY> [VALUE]")]
pub struct PsSet {
    /// Set it for all apps
    #[arg(long)]
    pub global: bool,
    /// The app, the property and its value; without a value it is cleared
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
}
