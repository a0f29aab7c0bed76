//! The engines that tests run against, by name. The order is the one they are started in.

use crate::busybox_image::ImportCall;
use crate::failure::Failure;

/// One of the engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EngineName {
    /// The system's Docker Engine.
    Docker,
    /// The system's Podman, as root.
    Podman,
    /// The system's Podman, as an ordinary user.
    PodmanRootless,
    /// A newer Docker Engine in a root tree and a network namespace of its own.
    DockerNewer,
    /// A newer Podman in the same root tree, as root.
    PodmanNewer,
}

impl EngineName {
    /// What a Debian 12 machine has.
    pub(crate) const STANDARD: [Self; 3] = [Self::Docker, Self::Podman, Self::PodmanRootless];
    /// What `--newer` adds.
    pub(crate) const NEWER: [Self; 2] = [Self::DockerNewer, Self::PodmanNewer];

    /// The standard engines, and with `newer` the others too.
    pub(crate) fn selection(newer: bool) -> Vec<Self> {
        let more = if newer { &Self::NEWER[..] } else { &[] };
        Self::STANDARD.iter().chain(more).copied().collect()
    }

    /// The name in records, tables and arguments.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::PodmanRootless => "podman-rootless",
            Self::DockerNewer => "docker-newer",
            Self::PodmanNewer => "podman-newer",
        }
    }

    /// The environment variable that hands its socket's path to tests.
    pub(crate) fn test_variable(self) -> &'static str {
        match self {
            Self::Docker => "PSCTL_TEST_DOCKER",
            Self::Podman => "PSCTL_TEST_PODMAN",
            Self::PodmanRootless => "PSCTL_TEST_PODMAN_ROOTLESS",
            Self::DockerNewer => "PSCTL_TEST_DOCKER_NEWER",
            Self::PodmanNewer => "PSCTL_TEST_PODMAN_NEWER",
        }
    }

    /// How it takes an image.
    pub(crate) fn import_call(self) -> ImportCall {
        match self {
            Self::Docker | Self::DockerNewer => ImportCall::Docker,
            Self::Podman | Self::PodmanRootless | Self::PodmanNewer => ImportCall::Libpod,
        }
    }
}

impl std::fmt::Display for EngineName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl std::str::FromStr for EngineName {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let found = Self::selection(true).into_iter().find(|name| name.as_str() == text);
        found.ok_or_else(|| Failure::new(format!("no engine is called `{text}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for name in EngineName::selection(true) {
            assert_eq!(name.as_str().parse::<EngineName>().unwrap(), name);
        }
        assert!("containerd".parse::<EngineName>().is_err());
    }
}
