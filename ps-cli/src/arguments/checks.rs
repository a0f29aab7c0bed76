//! The `checks` namespace.

use clap::Args;
use ps_core::names::AppName;

use super::Format;

/// `checks:skip`, `checks:disable` and `checks:enable`.
#[derive(Debug, Clone, Args)]
pub struct CheckedTypes {
    /// Name of the app
    pub app: AppName,
    /// Process types, separated by commas or blanks; all without any
    #[arg(value_name = "TYPE", value_delimiter = ',')]
    pub types: Vec<String>,
}

/// `checks:report`.
#[derive(Debug, Clone, Args)]
#[command(
    override_usage = "psctl checks:report [OPTIONS] [APP] [--<INFO FLAG>]",
    after_help = "An info flag prints one value: --checks-disabled-list,\n--checks-wait-to-retire, … With a wrong one the error lists all of them."
)]
pub struct ChecksReport {
    /// Name of the app; all of them without it
    pub app: Option<AppName>,
    /// How to print it
    #[arg(
        long,
        default_value = "stdout",
        hide_default_value = true,
        value_name = "stdout|json",
        hide_possible_values = true
    )]
    pub format: Format,
    /// Print one value: --checks-skipped-list, --checks-default-wait, …
    #[arg(
        long,
        value_name = "INFO FLAG",
        conflicts_with = "format",
        allow_hyphen_values = true,
        hide = true
    )]
    pub info_flag: Option<String>,
}

/// `checks:run`.
#[derive(Debug, Clone, Args)]
pub struct ChecksRun {
    /// Name of the app
    pub app: AppName,
    /// Process types, and containers such as web.2, separated by commas or
    /// blanks; all without any
    #[arg(value_name = "TYPE[.N]", value_delimiter = ',')]
    pub processes: Vec<String>,
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

/// `checks:set`.
#[derive(Debug, Clone, Args)]
#[command(override_usage = "psctl checks:set [OPTIONS] <APP|--global> <PROPERTY> [VALUE]")]
pub struct ChecksSet {
    /// Set it for all apps
    #[arg(long)]
    pub global: bool,
    /// The app, the property and its value; without a value it is cleared
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
}
