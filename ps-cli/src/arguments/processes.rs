//! `logs`, `run`, `run:*` and `enter`.

use clap::Args;
use ps_core::names::AppName;

use super::{Format, ReplicaSelection};

/// `logs`.
#[derive(Debug, Clone, Args)]
pub struct Logs {
    /// Name of the app
    pub app: AppName,
    /// Go on with what is written from now on
    #[arg(short, long, visible_short_alias = 't', visible_alias = "tail")]
    pub follow: bool,
    /// How many lines of each container
    #[arg(short, long = "num", value_name = "N", default_value = "100")]
    pub number: u32,
    /// A process type, or one of its containers such as web.2
    #[arg(short, long = "ps", value_name = "TYPE[.N]")]
    pub process: Option<ReplicaSelection>,
}

/// `run`.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// Do not wait for it; print the container's name
    #[arg(long)]
    pub detach: bool,
    /// When `psctl ps:retire` may end and remove it; a day without it
    #[arg(long, value_name = "SECONDS", default_value = "86400", hide_default_value = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub ttl_seconds: u32,
    /// Name of the app
    pub app: AppName,
    /// The command and its arguments; a process type of the Procfile alone
    /// stands for its command
    #[arg(value_name = "COMMAND", required = true)]
    pub command: Vec<String>,
}

/// `run:list`.
#[derive(Debug, Clone, Args)]
pub struct RunList {
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

/// `run:stop`.
#[derive(Debug, Clone, Args)]
pub struct RunStop {
    /// Name of the app
    pub app: AppName,
    /// The container, such as shop.run.7 or run.7; all of them without it
    #[arg(value_name = "CONTAINER")]
    pub container: Option<String>,
}

/// `enter`.
#[derive(Debug, Clone, Args)]
#[command(override_usage = "psctl enter [OPTIONS] <APP> [TYPE.N] [COMMAND]...")]
pub struct Enter {
    /// Name of the app
    pub app: AppName,
    /// A container such as web.2, and the command; without them a shell in the
    /// first web container
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
}

impl Enter {
    /// The container and the command. The first word is a container when it looks like `web.2`, or when it is one of the
    /// app's process types.
    pub fn target(&self, is_process_type: impl Fn(&str) -> bool) -> (Option<ReplicaSelection>, &[String]) {
        let Some((first, rest)) = self.words.split_first() else {
            return (None, &[]);
        };
        match first.parse() {
            Ok(selection @ ReplicaSelection::Replica(_)) => (Some(selection), rest),
            Ok(selection) if is_process_type(first) => (Some(selection), rest),
            _ => (None, &self.words),
        }
    }
}
