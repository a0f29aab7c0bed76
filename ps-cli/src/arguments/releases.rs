//! `ps:rollback`, `releases` and `releases:set`.

use clap::Args;
use ps_core::names::AppName;
use ps_core::release::ReleaseNumber;

use super::Format;

/// `ps:rollback`.
#[derive(Debug, Clone, Args)]
pub struct PsRollback {
    /// Name of the app
    pub app: AppName,
    /// The release, such as v3; without it the last one that served before the
    /// current one
    #[arg(value_name = "RELEASE")]
    pub release: Option<ReleaseNumber>,
}

/// `releases`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "A release is current, kept (`psctl ps:rollback` can put it back) or removed\n(its image is gone)."
)]
pub struct Releases {
    /// Name of the app
    pub app: AppName,
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

/// `releases:set`.
#[derive(Debug, Clone, Args)]
#[command(
    override_usage = "psctl releases:set [OPTIONS] <APP|--global> keep [N]",
    after_help = "keep is a number of releases, the current one among them. Without a value the\napp follows the global one, and that is 5 again. Images that are not kept any\nmore go with the next command that changes the app."
)]
pub struct ReleasesSet {
    /// Set it for all apps
    #[arg(long)]
    pub global: bool,
    /// The app, the word keep and a number from 1 to 1000
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
}
