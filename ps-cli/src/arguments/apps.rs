//! `apps:*`, `deploy`, `git:from-image` and `checks:*`.

use std::path::PathBuf;

use clap::Args;
use ps_core::names::AppName;

use super::Format;

/// `apps:destroy`.
#[derive(Debug, Clone, Args)]
pub struct AppsDestroy {
    /// Name of the app
    pub app: AppName,
    /// Do not ask
    #[arg(long, short)]
    pub force: bool,
}

/// `apps:list`.
#[derive(Debug, Clone, Args)]
pub struct AppsList {
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

/// `apps:rename`.
#[derive(Debug, Clone, Args)]
pub struct AppsRename {
    /// Name of the app
    pub app: AppName,
    /// Its new name
    pub new_name: AppName,
}

/// `deploy`.
#[derive(Debug, Clone, Args)]
pub struct Deploy {
    /// Name of the app; it is created when there is none
    pub app: AppName,
    /// Directory with a Dockerfile; without it the recorded source
    #[arg(value_name = "DIR")]
    pub directory: Option<PathBuf>,
}

/// `git:from-image`.
#[derive(Debug, Clone, Args)]
pub struct GitFromImage {
    /// Name of the app; it is created when there is none
    pub app: AppName,
    /// Name of the image
    pub image: String,
}

/// `checks:skip` and `checks:enable`.
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
}
