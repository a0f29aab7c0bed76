//! The command line as types: nothing but clap derives, whose doc comments are the help.
//!
//! Invariant: a value of these types is a well-formed command; names in it are checked. Start at [`Command`]. The words pass
//! through [`crate::words`] first.

mod apps;
mod checks;
mod config;
mod events;
mod global;
mod links;
mod processes;
mod procfile;
mod ps;
mod releases;
mod selection;
mod traffic;
mod units;

pub use apps::*;
pub use checks::*;
pub use config::*;
pub use events::*;
pub use global::*;
pub use links::*;
pub use processes::*;
pub use procfile::*;
pub use ps::*;
pub use releases::*;
pub use selection::*;
pub use traffic::*;
pub use units::*;

use clap::{Parser, Subcommand};
use ps_core::names::AppName;

/// Dokku-style process management for any Docker or Podman host
#[derive(Debug, Parser)]
#[command(
    name = "psctl",
    version,
    disable_help_subcommand = true,
    subcommand_required = true,
    max_term_width = 80
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How to do it.
    #[command(flatten)]
    pub global: GlobalOptions,
}

/// One command; the variants stand in the order of the help.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Create an app
    #[command(name = "apps:create")]
    AppsCreate(OneApp),
    /// Remove an app, its containers and its images
    #[command(name = "apps:destroy")]
    AppsDestroy(AppsDestroy),
    /// List the apps
    #[command(name = "apps:list")]
    AppsList(AppsList),
    /// Tell by the exit code whether an app exists
    #[command(name = "apps:exists")]
    AppsExists(OneApp),
    /// Rename an app; its containers are recreated
    #[command(name = "apps:rename")]
    AppsRename(AppsRename),

    /// Deploy an app from a directory
    Deploy(Deploy),
    /// Deploy an app from an archive
    #[command(name = "git:from-archive")]
    GitFromArchive(GitFromArchive),
    /// Deploy an app from an image
    #[command(name = "git:from-image")]
    GitFromImage(GitFromImage),
    /// Deploy an app from an archive that holds an image
    #[command(name = "git:load-image")]
    GitLoadImage(GitLoadImage),
    /// Record a git repository as an app's source, and deploy it
    #[command(name = "git:sync")]
    GitSync(GitSync),
    /// List an app's releases, newest first
    Releases(Releases),
    /// Set how many releases can be put back
    #[command(name = "releases:set")]
    ReleasesSet(ReleasesSet),

    /// Check a Procfile: every error and warning at once
    #[command(name = "procfile:check")]
    ProcfileCheck(ProcfileReading),
    /// List the process types of a Procfile
    #[command(name = "procfile:list")]
    ProcfileList(ProcfileReading),
    /// Show the commands of a Procfile
    #[command(name = "procfile:show")]
    ProcfileShow(ProcfileShow),

    /// Set environment variables and roll them out
    #[command(name = "config:set")]
    ConfigSet(ConfigSet),
    /// Remove environment variables and roll that out
    #[command(name = "config:unset")]
    ConfigUnset(ConfigUnset),
    /// Remove all environment variables and roll that out
    #[command(name = "config:clear")]
    ConfigClear(ConfigClear),
    /// Print the value of environment variables
    #[command(name = "config:get")]
    ConfigGet(ConfigGet),
    /// List the names of environment variables
    #[command(name = "config:keys")]
    ConfigKeys(ConfigKeys),
    /// Show the environment with its values
    #[command(name = "config:show")]
    ConfigShow(ConfigShow),
    /// Print the environment for a shell or a file
    #[command(name = "config:export")]
    ConfigExport(ConfigExport),
    /// Set environment variables from a file
    #[command(name = "config:import")]
    ConfigImport(ConfigImport),

    /// Link an app with a container that is not psctl's, such as a database
    #[command(name = "links:add")]
    LinksAdd(ChangeLink),
    /// List an app's links
    #[command(name = "links:list")]
    LinksList(LinksList),
    /// End a link
    #[command(name = "links:remove")]
    LinksRemove(ChangeLink),

    /// List the processes running in an app's containers
    Ps(PsList),
    /// Show the commands of the ps namespace
    #[command(name = "ps:help")]
    PsHelp,
    /// Show the engine's documents of an app's containers, sanitised
    #[command(name = "ps:inspect", visible_alias = "inspect")]
    PsInspect(PsInspect),
    /// Build an app from its source again and deploy it
    #[command(name = "ps:rebuild", visible_alias = "rebuild")]
    PsRebuild(ManyApps),
    /// Rebuild all apps: early name of `ps:rebuild --all`
    #[command(name = "ps:rebuildall", visible_alias = "rebuildall")]
    PsRebuildall(EveryApp),
    /// Show what is set and what runs
    #[command(name = "ps:report", visible_alias = "report")]
    PsReport(PsReport),
    /// Replace an app's containers without losing a request
    #[command(name = "ps:restart", visible_alias = "restart")]
    PsRestart(PsRestart),
    /// Restart all apps: early name of `ps:restart --all`
    #[command(name = "ps:restartall", visible_alias = "restartall", alias = "deploy:all")]
    PsRestartall(EveryApp),
    /// Bring back what served, after the host or the engine started
    #[command(name = "ps:restore", visible_alias = "restore")]
    PsRestore(PsRestore),
    /// Stop and remove the old containers that are due
    #[command(name = "ps:retire", visible_alias = "retire")]
    PsRetire(PsRetire),
    /// Put an earlier release back, without losing a request
    #[command(name = "ps:rollback", visible_alias = "rollback")]
    PsRollback(PsRollback),
    /// Show or set how many containers each process type has
    #[command(name = "ps:scale", visible_alias = "scale")]
    PsScale(PsScale),
    /// Set or clear a property
    #[command(name = "ps:set", visible_alias = "set")]
    PsSet(PsSet),
    /// Start an app
    #[command(name = "ps:start", visible_alias = "start")]
    PsStart(ManyApps),
    /// Stop an app
    #[command(name = "ps:stop", visible_alias = "stop")]
    PsStop(ManyApps),

    /// Stop old containers before new ones start, and check nothing
    #[command(name = "checks:disable")]
    ChecksDisable(CheckedTypes),
    /// Check new containers before they serve again
    #[command(name = "checks:enable")]
    ChecksEnable(CheckedTypes),
    /// Show how new containers are checked
    #[command(name = "checks:report")]
    ChecksReport(ChecksReport),
    /// Check the containers that run now
    #[command(name = "checks:run")]
    ChecksRun(ChecksRun),
    /// Set or clear a property of checks
    #[command(name = "checks:set")]
    ChecksSet(ChecksSet),
    /// Let new containers serve without checking them
    #[command(name = "checks:skip")]
    ChecksSkip(CheckedTypes),

    /// Keep apps running: follow the engine's events, as a service
    #[command(name = "events:listen")]
    EventsListen(EventsListen),

    /// Answer for more hosts
    #[command(name = "domains:add")]
    DomainsAdd(DomainsChange),
    /// Answer for the default hosts again
    #[command(name = "domains:clear")]
    DomainsClear(ScopeOnly),
    /// Answer for fewer hosts
    #[command(name = "domains:remove")]
    DomainsRemove(DomainsChange),
    /// Show the hosts that apps answer for
    #[command(name = "domains:report")]
    DomainsReport(TrafficReport),
    /// Answer for these hosts and no others
    #[command(name = "domains:set")]
    DomainsSet(DomainsChange),

    /// Give an app's web a port of the host
    #[command(name = "ports:publish")]
    PortsPublish(PortsPublish),
    /// Show the ports of the host that apps have
    #[command(name = "ports:report")]
    PortsReport(PortsReport),
    /// Take an app's port of the host away
    #[command(name = "ports:unpublish")]
    PortsUnpublish(OneApp),

    /// Write an app's proxy file again
    #[command(name = "proxy:build-config")]
    ProxyBuildConfig(ManyApps),
    /// Take an app's proxy file away
    #[command(name = "proxy:clear-config")]
    ProxyClearConfig(ManyApps),
    /// Show what the proxy does for apps
    #[command(name = "proxy:report")]
    ProxyReport(TrafficReport),
    /// Choose the proxy of an app, or set a property of it
    #[command(name = "proxy:set")]
    ProxySet(ProxySet),

    /// Show what psctl did, to which app and by whom
    Events(Events),
    /// Show what an app's containers write
    Logs(Logs),
    /// Run a command in a new container of an app
    Run(Run),
    /// Run a command in the background: `run --detach`
    #[command(name = "run:detached")]
    RunDetached(Run),
    /// List the containers of `run`
    #[command(name = "run:list")]
    RunList(RunList),
    /// Stop and remove containers of `run`
    #[command(name = "run:stop")]
    RunStop(RunStop),
    /// Open a shell, or run a command, in a running container
    Enter(Enter),

    /// Write the systemd units that keep the apps running
    Init(Init),
    /// Say what is wrong on this host, and what mends it
    Doctor(Doctor),
    /// Print the completion script of a shell
    Completions(Completions),
    /// Print the manual page, for `man -l -`
    Man,
    /// Show the commands, or how one is used
    Help(Help),
    /// Show the version
    Version,
}

/// Exactly one app.
#[derive(Debug, Clone, clap::Args)]
pub struct OneApp {
    /// Name of the app
    pub app: AppName,
}

/// `completions`.
#[derive(Debug, Clone, clap::Args)]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// `help`.
#[derive(Debug, Clone, clap::Args)]
pub struct Help {
    /// The command
    pub command: Option<String>,
}
