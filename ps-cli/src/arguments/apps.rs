//! `apps:*`, `deploy` and `git:*`.

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

/// `git:from-archive`.
#[derive(Debug, Clone, Args)]
pub struct GitFromArchive {
    /// Name of the app; it is created when there is none
    pub app: AppName,
    /// A tar, tar.gz or zip archive with a Dockerfile; `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// `git:load-image`.
#[derive(Debug, Clone, Args)]
pub struct GitLoadImage {
    /// Name of the app; it is created when there is none
    pub app: AppName,
    /// An archive of one image, as `docker save` writes it; `-` is standard input. The image stays on the engine, where
    /// `ps:rebuild` needs it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// `git:sync`.
#[derive(Debug, Clone, Args)]
pub struct GitSync {
    /// Deploy it at once; without this flag it is only recorded
    #[arg(long, conflicts_with = "build_if_changes")]
    pub build: bool,
    /// Deploy it at once when it has a commit that is not deployed yet
    #[arg(long)]
    pub build_if_changes: bool,
    /// Name of the app; it is created when there is none
    pub app: AppName,
    /// URL or path of the repository
    pub repository: String,
    /// Branch, tag or commit; the repository's default branch without it
    #[arg(value_name = "REF")]
    pub reference: Option<String>,
}

/// `git:from-image`.
#[derive(Debug, Clone, Args)]
pub struct GitFromImage {
    /// Name of the app; it is created when there is none
    pub app: AppName,
    /// Name of the image
    pub image: String,
}
