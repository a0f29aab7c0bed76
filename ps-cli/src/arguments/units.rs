//! `init` and `doctor`.

use clap::Args;

use super::Format;

const WHERE: &str = "\
Units go to /etc/systemd/system, with --user to ~/.config/systemd/user. With
PSCTL_UNIT_DIR=<dir> they go there, and systemd is asked nothing.";

/// `init`.
#[derive(Debug, Clone, Args)]
#[command(after_help = WHERE)]
pub struct Init {
    /// Units of your own, for a rootless engine
    #[arg(long)]
    pub user: bool,
    /// Print the units and change nothing
    #[arg(long)]
    pub print: bool,
    /// Stop, disable and remove the units that init wrote
    #[arg(long, conflicts_with = "print")]
    pub remove: bool,
}

/// `doctor`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "It changes nothing. Every `cure:` is a command to copy. With --quiet only what is\nwrong is shown. Exit code 1 when anything is wrong, else 0."
)]
pub struct Doctor {
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
