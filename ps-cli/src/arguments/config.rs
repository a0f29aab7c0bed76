//! `config:*`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ps_core::store::Scope;

use super::{ScopeError, split_scope};

/// `config:set`.
#[derive(Debug, Clone, Args)]
#[command(override_usage = "psctl config:set [OPTIONS] <APP|--global> <NAME=VALUE>...")]
pub struct ConfigSet {
    /// The environment of all apps
    #[arg(long)]
    pub global: bool,
    /// The app, then NAME=VALUE; a NAME alone takes its value from standard
    /// input
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// Only store it
    #[arg(long)]
    pub no_restart: bool,
    /// The values are base64
    #[arg(long)]
    pub encoded: bool,
}

/// `config:clear`.
#[derive(Debug, Clone, Args)]
#[command(override_usage = "psctl config:clear [OPTIONS] <APP|--global>")]
pub struct ConfigClear {
    /// The environment of all apps
    #[arg(long)]
    pub global: bool,
    /// The app
    #[arg(value_name = "APP")]
    pub words: Vec<String>,
    /// Only store it
    #[arg(long)]
    pub no_restart: bool,
}

/// `config:keys`.
#[derive(Debug, Clone, Args)]
#[command(override_usage = "psctl config:keys [OPTIONS] <APP|--global>")]
pub struct ConfigKeys {
    /// The environment of all apps
    #[arg(long)]
    pub global: bool,
    /// With the global environment under the app's
    #[arg(long, conflicts_with = "global")]
    pub merged: bool,
    /// The app
    #[arg(value_name = "APP")]
    pub words: Vec<String>,
}

/// `config:unset`.
#[derive(Debug, Clone, Args)]
#[command(override_usage = "psctl config:unset [OPTIONS] <APP|--global> <NAME>...")]
pub struct ConfigUnset {
    /// The environment of all apps
    #[arg(long)]
    pub global: bool,
    /// The app, then the names
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// Only store it
    #[arg(long)]
    pub no_restart: bool,
}

/// `config:get`.
#[derive(Debug, Clone, Args)]
#[command(override_usage = "psctl config:get [OPTIONS] <APP|--global> <NAME>...")]
pub struct ConfigGet {
    /// The environment of all apps
    #[arg(long)]
    pub global: bool,
    /// The app, then the names
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// Quoted for a shell
    #[arg(long)]
    pub quoted: bool,
}

/// `config:show`.
#[derive(Debug, Clone, Args)]
#[command(override_usage = "psctl config:show [OPTIONS] <APP|--global>")]
pub struct ConfigShow {
    /// The environment of all apps
    #[arg(long)]
    pub global: bool,
    /// With the global environment under the app's
    #[arg(long, conflicts_with = "global")]
    pub merged: bool,
    /// The app
    #[arg(value_name = "APP")]
    pub words: Vec<String>,
}

/// `config:export`.
#[derive(Debug, Clone, Args)]
#[command(override_usage = "psctl config:export [OPTIONS] <APP|--global>")]
pub struct ConfigExport {
    /// The environment of all apps
    #[arg(long)]
    pub global: bool,
    /// With the global environment under the app's
    #[arg(long, conflicts_with = "global")]
    pub merged: bool,
    /// The app
    #[arg(value_name = "APP")]
    pub words: Vec<String>,
    /// What it looks like: exports (without --format), envfile, shell,
    /// docker-args, docker-args-keys, json, json-list or pretty
    #[arg(
        long,
        default_value = "exports",
        hide_default_value = true,
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    pub format: ExportFormat,
}

/// How an environment is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// `export NAME='value'`
    Exports,
    /// `NAME="value"`, as `config:import` reads it
    Envfile,
    /// `NAME='value'`, all in one line
    Shell,
    /// `--env=NAME='value'`, all in one line
    DockerArgs,
    /// `--env=NAME`, all in one line
    DockerArgsKeys,
    /// One JSON object
    Json,
    /// A JSON list of objects with `name` and `value`
    JsonList,
    /// As `config:show` has it
    Pretty,
}

/// `config:import`.
#[derive(Debug, Clone, Args)]
#[command(override_usage = "psctl config:import [OPTIONS] <APP|--global> [FILE]")]
pub struct ConfigImport {
    /// The environment of all apps
    #[arg(long)]
    pub global: bool,
    /// The app, then a file with NAME=VALUE lines; standard input without one
    /// or for -
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// Only store it
    #[arg(long)]
    pub no_restart: bool,
}

impl ConfigImport {
    /// Whose environment, and the file; `None` is standard input.
    pub fn scope_and_file(&self) -> Result<(Scope, Option<PathBuf>), ScopeError> {
        let (scope, rest) = split_scope(self.global, &self.words)?;
        let file = rest.first().filter(|file| *file != "-");
        Ok((scope, file.map(PathBuf::from)))
    }
}
