//! The namespaces `domains`, `ports` and `proxy`, and `ps:retire`.

use clap::Args;
use ps_core::names::AppName;

use super::Format;

/// `domains:add`, `domains:remove` and `domains:set`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Without domains of its own an app answers for <app>.<global domain>, or for\n<app>.<name of this host> where none is set, and for <app>.localhost. A domain\nsuch as *.example.com stands for every name one label below."
)]
pub struct DomainsChange {
    /// The domains below which apps without their own answer
    #[arg(long)]
    pub global: bool,
    /// The app, and one domain or more
    #[arg(value_name = "WORD", required = true)]
    pub words: Vec<String>,
}

/// `domains:clear`.
#[derive(Debug, Clone, Args)]
pub struct ScopeOnly {
    /// The domains below which apps without their own answer
    #[arg(long, conflicts_with = "app")]
    pub global: bool,
    /// Name of the app
    #[arg(required_unless_present = "global")]
    pub app: Option<AppName>,
}

/// `domains:report` and `proxy:report`.
#[derive(Debug, Clone, Args)]
pub struct TrafficReport {
    /// What is set for all apps
    #[arg(long, conflicts_with = "app")]
    pub global: bool,
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
    /// Print one value: --proxy-type, --domains-app-vhosts, …
    #[arg(
        long,
        value_name = "INFO FLAG",
        conflicts_with = "format",
        allow_hyphen_values = true,
        hide = true
    )]
    pub info_flag: Option<String>,
}

/// `ports:publish`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "The port is open on every address of this host, whatever the proxy does. Only web\ncan have one, and with one replica. Two containers cannot have the same port, so\nthe old web stops before the new one starts; how long it was away is told."
)]
pub struct PortsPublish {
    /// Name of the app
    pub app: AppName,
    /// The host's TCP port
    #[arg(value_name = "HOST PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
}

/// `ports:report`.
#[derive(Debug, Clone, Args)]
pub struct PortsReport {
    /// Name of the app; all of them without it
    pub app: Option<AppName>,
}

/// `proxy:set`.
#[derive(Debug, Clone, Args)]
#[command(
    override_usage = "psctl proxy:set [OPTIONS] <APP|--global> <nginx|none>\n       psctl proxy:set [OPTIONS] <APP|--global> <PROPERTY> [VALUE]",
    after_help = "Without a value the property is cleared. What changes the proxy's file is written\nat once."
)]
pub struct ProxySet {
    /// Set it for all apps
    #[arg(long)]
    pub global: bool,
    /// The app, and nginx or none, or a property and its value
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
}

/// `ps:retire`.
#[derive(Debug, Clone, Args)]
pub struct PsRetire {
    /// Name of the app; all of them without it
    pub app: Option<AppName>,
    /// Wait until the old containers are due
    #[arg(long, hide = true)]
    pub when_due: bool,
}
