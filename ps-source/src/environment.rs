//! What is taken from the process's environment. Invariant: nothing in this crate looks at it but through this.

use std::ffi::OsString;
use std::path::PathBuf;

/// The variables that say where a user's registry files and credential helpers are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `REGISTRY_AUTH_FILE`.
    pub registry_auth_file: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_directory: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub config_home: Option<PathBuf>,
    /// `DOCKER_CONFIG`.
    pub docker_config: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `PATH`, where credential helpers and `git` are looked for.
    pub search_path: Option<OsString>,
    /// Whether `GIT_SSH_COMMAND` or `GIT_SSH` says which ssh git is to run.
    pub has_ssh_command: bool,
}

impl Environment {
    /// Asks for each variable once; an empty one counts as not set.
    #[must_use]
    pub fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name| lookup(name).filter(|value| !value.is_empty());
        let path = |name| set(name).map(PathBuf::from);
        Self {
            registry_auth_file: path("REGISTRY_AUTH_FILE"),
            runtime_directory: path("XDG_RUNTIME_DIR"),
            config_home: path("XDG_CONFIG_HOME"),
            docker_config: path("DOCKER_CONFIG"),
            home: path("HOME"),
            search_path: set("PATH"),
            has_ssh_command: set("GIT_SSH_COMMAND").or(set("GIT_SSH")).is_some(),
        }
    }

    /// The registry files in the order they are asked.
    pub(crate) fn registry_files(&self) -> Vec<PathBuf> {
        let below_home = |name: &str| self.home.as_ref().map(|home| home.join(name));
        let config_home = self.config_home.clone().or_else(|| below_home(".config"));
        let docker = self.docker_config.clone().or_else(|| below_home(".docker"));
        let candidates = [
            self.registry_auth_file.clone(),
            self.runtime_directory
                .as_ref()
                .map(|directory| directory.join("containers/auth.json")),
            config_home.map(|directory| directory.join("containers/auth.json")),
            docker.map(|directory| directory.join("config.json")),
        ];
        candidates.into_iter().flatten().collect()
    }
}
