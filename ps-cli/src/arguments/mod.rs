//! The command line as types: nothing but clap derives, whose doc comments are the help.
//!
//! Invariant: a value of these types is a well-formed command; names in it are checked. Start at [`Command`]. The words pass
//! through [`crate::words`] first.

mod apps;
mod checks;
mod config;
mod global;
mod processes;
mod procfile;
mod ps;
mod releases;
mod selection;

pub use apps::*;
pub use checks::*;
pub use config::*;
pub use global::*;
pub use processes::*;
pub use procfile::*;
pub use ps::*;
pub use releases::*;
pub use selection::*;

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
    /// Stop and remove the old containers that are due
    #[command(name = "ps:retire", visible_alias = "retire")]
    PsRetire(OptionalApp),
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

    /// Print the completion script of a shell
    Completions(Completions),
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

/// One app, or none.
#[derive(Debug, Clone, clap::Args)]
pub struct OptionalApp {
    /// Name of the app; all of them without it
    pub app: Option<AppName>,
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
