//! Where everything of one state directory lies. Invariant: every path is absolute and can stand between quotes in an nginx file.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use ps_core::names::AppName;
use ps_core::proxy::{ProxyError, ProxyErrorKind};

use crate::config::{NginxConfig, NginxMode};
use crate::durable_file::cannot;

/// What nginx would not take as part of a name, even between quotes.
const UNUSABLE: [char; 9] = ['"', '\'', '\\', '$', '*', '?', '[', ']', ';'];

/// The paths of one state directory.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    root: PathBuf,
    include_file: Option<PathBuf>,
}

impl Places {
    /// Works them out; makes nothing.
    pub(crate) fn of(config: &NginxConfig) -> Result<Self, ProxyError> {
        let state = config.state_directory.as_path();
        let state = fs::canonicalize(state).or_else(|_| std::path::absolute(state));
        let root = state
            .map_err(|error| cannot("find", &config.state_directory, error))?
            .join("nginx");
        let include_file = (config.mode == NginxMode::System).then(|| {
            let name = format!("psctl-{}.conf", config.short_owner());
            config.include_directory.join(name)
        });
        for path in [Some(&root), include_file.as_ref()].into_iter().flatten() {
            let is_usable =
                |text: &str| !text.contains(|letter: char| letter.is_control() || UNUSABLE.contains(&letter));
            if !path.to_str().is_some_and(is_usable) {
                let message = format!(
                    "nginx cannot have files at {}: the path has special characters",
                    path.display()
                );
                return Err(ProxyError::new(ProxyErrorKind::Failed, message));
            }
        }
        Ok(Self { root, include_file })
    }

    /// Makes the folders that there have to be.
    pub(crate) fn make(&self) -> Result<(), ProxyError> {
        for folder in [
            self.root.clone(),
            self.generations(),
            self.root.join("logs"),
            self.root.join("temp"),
        ] {
            make_private_folder(&folder).map_err(|error| cannot("make", &folder, error))?;
        }
        Ok(())
    }

    /// The folder of everything.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Held by the one that makes a change.
    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// The last number given out.
    pub(crate) fn number(&self) -> PathBuf {
        self.root.join("number")
    }

    /// A folder for each generation.
    pub(crate) fn generations(&self) -> PathBuf {
        self.root.join("generations")
    }

    /// The one file that names a generation; it is what a change swaps.
    pub(crate) fn serving(&self) -> PathBuf {
        self.root.join("serving.conf")
    }

    /// What nginx files take in to get at [`Self::serving`]. Wildcards may match nothing: a state directory that is gone does not
    /// keep nginx from starting.
    pub(crate) fn serving_pattern(&self) -> PathBuf {
        self.root.join("serving.*")
    }

    /// A link to the files of apps that serve now; for people, nginx does not read it.
    pub(crate) fn sites(&self) -> PathBuf {
        self.root.join("sites")
    }

    /// The file of an app, as people see it.
    pub(crate) fn site_file(&self, app: &AppName) -> PathBuf {
        self.sites().join(format!("{app}.conf"))
    }

    /// The tree that a configuration is tested in.
    pub(crate) fn test_tree(&self) -> PathBuf {
        self.root.join("test")
    }

    /// The main configuration of an nginx of psctl's own.
    pub(crate) fn own_configuration(&self) -> PathBuf {
        self.root.join("nginx.conf")
    }

    /// The process id of that nginx.
    pub(crate) fn own_pid(&self) -> PathBuf {
        self.root.join("nginx.pid")
    }

    /// What that nginx complains about.
    pub(crate) fn own_error_log(&self) -> PathBuf {
        self.root.join("logs").join("error.log")
    }

    /// What that nginx keeps while it is sent or sends.
    pub(crate) fn temp(&self) -> PathBuf {
        self.root.join("temp")
    }

    /// The file in the system's include directory; `None` for an nginx of psctl's own.
    pub(crate) fn include_file(&self) -> Option<&Path> {
        self.include_file.as_deref()
    }
}

/// Makes a folder that is for its owner alone, unless it is there.
pub(crate) fn make_private_folder(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        outcome => outcome,
    }
}
