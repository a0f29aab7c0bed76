//! From failures of a call to `RuntimeErrorKind`. All text rules stand here, each with a test on a message that an
//! engine really sent; everything else goes by status.

use std::error::Error;
use std::io;
use std::time::Duration;

use podman_api::conn::Error as TransportError;
use ps_core::runtime::{RuntimeError, RuntimeErrorKind};

/// The name of this backend in errors and in the engine's identity.
pub(crate) const RUNTIME: &str = "podman";

/// How a call failed, before anybody asked what that means.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Nothing was sent.
    #[error("no connection to {address}")]
    NotSent {
        address: String,
        #[source]
        source: io::Error,
    },
    /// It was sent, and then the connection broke.
    #[error("the connection broke before the answer was complete")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
    /// It was sent, and no answer came in time.
    #[error("no answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// The engine said no.
    #[error("{message} (status {status})")]
    Refused { status: u16, message: String },
    /// The engine's answer made no sense.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    /// The request cannot be written.
    #[error("{0}")]
    BadRequest(String),
    /// A build or a pull ended with the engine's message.
    #[error("{0}")]
    BuildFailed(String),
    /// The container has no process to look at.
    #[error("the container does not run")]
    NotRunning,
}

impl Failure {
    /// What the failure means.
    pub(crate) fn kind(&self) -> RuntimeErrorKind {
        match self {
            Self::NotSent { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                RuntimeErrorKind::PermissionDenied
            }
            Self::NotSent { .. } => RuntimeErrorKind::Unreachable,
            Self::Broken(_) | Self::TimedOut(_) => RuntimeErrorKind::OutcomeUnknown,
            Self::Refused { status, message } => refusal_kind(*status, message),
            Self::Unreadable(_) => RuntimeErrorKind::Unexpected,
            Self::BadRequest(_) => RuntimeErrorKind::Invalid,
            // The layers of a build's cache were removed while it looked at them (4.3).
            Self::BuildFailed(message) if message.contains("layer not known") => RuntimeErrorKind::Conflict,
            Self::BuildFailed(_) => RuntimeErrorKind::BuildFailed,
            Self::NotRunning => RuntimeErrorKind::Conflict,
        }
    }

    /// Whether the engine's own code crashed, which says nothing about what was asked. Podman 4.3 does so when an image is
    /// looked at while another one is being removed.
    pub(crate) fn is_crash(&self) -> bool {
        matches!(self, Self::Refused { status: 500, message } if message.contains("nil pointer dereference"))
    }

    /// The port's error, with this as its source.
    pub(crate) fn into_error(self, operation: &'static str, subject: impl Into<String>) -> RuntimeError {
        RuntimeError::new(self.kind(), RUNTIME, operation, subject).because(self)
    }

    /// The same failure, where it happened while the engine built or pulled: its refusals are the build's.
    pub(crate) fn while_building(self) -> Self {
        match self {
            Self::Refused { message, .. } => Self::BuildFailed(message),
            other => other,
        }
    }
}

/// Parts of messages, in the order in which they are looked for. Podman answers most of these with status 500.
const RULES: [(&str, RuntimeErrorKind); 28] = [
    ("address already in use", RuntimeErrorKind::AddressInUse),
    ("is already allocated", RuntimeErrorKind::AddressInUse),
    (
        "already used on the host or by another config",
        RuntimeErrorKind::AddressInUse,
    ),
    ("image not known", RuntimeErrorKind::ImageMissing),
    ("that name is already in use", RuntimeErrorKind::NameInUse),
    ("container already exists", RuntimeErrorKind::NameInUse),
    ("network already exists", RuntimeErrorKind::NameInUse),
    (
        "UNIQUE constraint failed: ContainerConfig.Name",
        RuntimeErrorKind::NameInUse,
    ),
    ("no such container", RuntimeErrorKind::NotFound),
    ("no container with", RuntimeErrorKind::NotFound),
    ("no such exec session", RuntimeErrorKind::NotFound),
    ("network not found", RuntimeErrorKind::NotFound),
    ("container state improper", RuntimeErrorKind::Conflict),
    ("top can only be used on running containers", RuntimeErrorKind::Conflict),
    ("image is in use by a container", RuntimeErrorKind::Conflict),
    ("network is being used", RuntimeErrorKind::Conflict),
    // A network that is made while an interface of the host goes away.
    ("no such network interface", RuntimeErrorKind::Conflict),
    // A connection that is there already; one that is not; a container without interfaces of its own.
    ("network is already connected", RuntimeErrorKind::NameInUse),
    ("is not connected to network", RuntimeErrorKind::NotFound),
    ("invalid network mode", RuntimeErrorKind::Conflict),
    (
        "attempted to invoke a command that was not found",
        RuntimeErrorKind::Invalid,
    ),
    ("unable to start container process: exec:", RuntimeErrorKind::Invalid),
    ("OCI permission denied", RuntimeErrorKind::Invalid),
    ("exec format error", RuntimeErrorKind::Invalid),
    ("invalid configuration", RuntimeErrorKind::Invalid),
    ("names must match", RuntimeErrorKind::Invalid),
    (
        "payload does not match any of the supported image formats",
        RuntimeErrorKind::Invalid,
    ),
    // A removal that meets the end of a process that its policy restarts.
    ("as it could not be stopped", RuntimeErrorKind::Conflict),
];

fn refusal_kind(status: u16, message: &str) -> RuntimeErrorKind {
    if let Some((_, kind)) = RULES.iter().find(|(part, _)| message.contains(part)) {
        return *kind;
    }
    match status {
        400 => RuntimeErrorKind::Invalid,
        401 | 403 => RuntimeErrorKind::PermissionDenied,
        404 => RuntimeErrorKind::NotFound,
        409 => RuntimeErrorKind::Conflict,
        501 => RuntimeErrorKind::Unsupported,
        _ => RuntimeErrorKind::Unexpected,
    }
}

impl From<podman_api::Error> for Failure {
    /// Takes the error by value: cloning one of these never returns.
    fn from(error: podman_api::Error) -> Self {
        use podman_api::Error as E;
        match error {
            E::Fault { code, message } => Self::Refused {
                status: code.as_u16(),
                message,
            },
            E::Error(error) => from_transport(error),
            E::IO(error) => Self::Broken(error.into()),
            E::SerdeJsonError(error) => Self::Unreadable(error.to_string()),
            E::InvalidResponse(message) => Self::Unreadable(message),
            other => Self::BadRequest(other.to_string()),
        }
    }
}

fn from_transport(error: TransportError) -> Failure {
    match error {
        TransportError::Hyper(error) if error.is_connect() => Failure::NotSent {
            address: "the engine".to_owned(),
            source: io_kind(&error).map_or_else(|| io::Error::other(error.to_string()), io::Error::from),
        },
        TransportError::Fault { code, message } => Failure::Refused {
            status: code.as_u16(),
            message,
        },
        TransportError::SerdeJsonError(error) => Failure::Unreadable(error.to_string()),
        TransportError::Encoding(error) => Failure::Unreadable(error.to_string()),
        TransportError::ConnectionNotUpgraded => Failure::Unreadable(error.to_string()),
        TransportError::InvalidUri(error) => Failure::BadRequest(error.to_string()),
        TransportError::Http(error) => Failure::BadRequest(error.to_string()),
        other => Failure::Broken(Box::new(other)),
    }
}

/// The first input/output error among an error's causes.
fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    match error.downcast_ref::<io::Error>() {
        Some(error) => Some(error.kind()),
        None => io_kind(error.source()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RuntimeErrorKind as Kind;

    /// Status and message as Podman 4.3.1 and (the last three before the invented one) 5.4.2 sent them, rootful or rootless.
    const RECORDED: [(u16, &str, Kind); 29] = [
        (
            500,
            "route ip+net: no such network interface: no such network interface",
            Kind::Conflict,
        ),
        (
            500,
            "container 277e is already connected to network \"a\": network is already connected",
            Kind::NameInUse,
        ),
        (500, "container a is not connected to network b", Kind::NotFound),
        (
            500,
            "\"slirp4netns\" is not supported: invalid network mode",
            Kind::Conflict,
        ),
        (
            500,
            "creating container storage: the container name \"a\" is already in use by d4497574cef6. You have to remove that container to be able to reuse that name: that name is already in use",
            Kind::NameInUse,
        ),
        (
            409,
            "renaming container 6de6: name a already in use, cannot rename container 6de6: container already exists",
            Kind::NameInUse,
        ),
        (
            409,
            "network name a already used: network already exists",
            Kind::NameInUse,
        ),
        (500, "nope:one: image not known", Kind::ImageMissing),
        (
            404,
            "failed to find image nope:one: nope:one: image not known",
            Kind::ImageMissing,
        ),
        (
            500,
            "cannot listen on the TCP port: listen tcp4 127.0.0.1:28331: bind: address already in use",
            Kind::AddressInUse,
        ),
        (
            500,
            "rootlessport listen tcp 127.0.0.1:28332: bind: address already in use",
            Kind::AddressInUse,
        ),
        (
            500,
            "IPAM error: requested ip address 10.233.1.7 is already allocated to container ID 302c",
            Kind::AddressInUse,
        ),
        (
            500,
            "subnet 10.233.1.0/24 is already used on the host or by another config",
            Kind::AddressInUse,
        ),
        (
            404,
            "no container with name or ID \"nope\" found: no such container",
            Kind::NotFound,
        ),
        (
            404,
            "unable to find network with name or ID net: network not found",
            Kind::NotFound,
        ),
        (404, "no such file or directory", Kind::NotFound),
        (
            500,
            "can only kill running containers. d449 is in state created: container state improper",
            Kind::Conflict,
        ),
        (
            500,
            "can only create exec sessions on running containers: container state improper",
            Kind::Conflict,
        ),
        (
            409,
            "image used by 6de6: image is in use by a container: consider listing external containers and force-removing image",
            Kind::Conflict,
        ),
        (
            500,
            "\"net\" has associated containers with it. Use -f to forcibly delete containers and pods: network is being used",
            Kind::Conflict,
        ),
        (
            500,
            "runc: runc create failed: unable to start container process: exec: \"/nope\": stat /nope: no such file or directory: OCI runtime attempted to invoke a command that was not found",
            Kind::Invalid,
        ),
        (400, "failed to parse parameters", Kind::Invalid),
        (
            500,
            "error running container create option: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument",
            Kind::Invalid,
        ),
        (
            500,
            "cannot remove container 2ee5 as it could not be stopped: sending SIGKILL to container 2ee5",
            Kind::Conflict,
        ),
        (
            500,
            "renaming container 2ee5: updating container config table with new configuration for container 2ee5: UNIQUE constraint failed: ContainerConfig.Name",
            Kind::NameInUse,
        ),
        (
            500,
            "unable to load image: payload does not match any of the supported image formats:\n * oci: open /var/tmp/libpod-images-load.tar10/index.json: not a directory",
            Kind::Invalid,
        ),
        (500, "top can only be used on running containers", Kind::Conflict),
        (
            500,
            "runc: runc create failed: unable to start container process: exec: \"/bin\": is a directory: OCI runtime error",
            Kind::Invalid,
        ),
        (500, "something new", Kind::Unexpected),
    ];

    #[test]
    fn a_crash_of_the_engine_is_told_from_a_refusal() {
        let refused = |status, message: &str| Failure::Refused {
            status,
            message: message.to_owned(),
        };
        let crash = "runtime error: invalid memory address or nil pointer dereference";
        assert!(refused(500, crash).is_crash());
        assert!(!refused(404, crash).is_crash());
        assert!(!refused(500, "no such image").is_crash());
    }

    #[test]
    fn recorded_refusals_are_classified() {
        for (status, message, kind) in RECORDED {
            assert_eq!(refusal_kind(status, message), kind, "{message}");
        }
    }

    #[test]
    fn a_broken_connection_leaves_the_outcome_unknown_and_a_missing_socket_does_not() {
        let not_sent = |kind: io::ErrorKind| Failure::NotSent {
            address: "unix:///x".to_owned(),
            source: kind.into(),
        };
        assert_eq!(not_sent(io::ErrorKind::NotFound).kind(), Kind::Unreachable);
        assert_eq!(not_sent(io::ErrorKind::PermissionDenied).kind(), Kind::PermissionDenied);
        assert_eq!(Failure::TimedOut(Duration::from_secs(1)).kind(), Kind::OutcomeUnknown);
        assert_eq!(Failure::Broken("reset".into()).kind(), Kind::OutcomeUnknown);
    }

    #[test]
    fn a_build_that_meets_a_removal_is_a_conflict() {
        let met = "checking if cached image exists from a previous build: getting top layer info: layer not known";
        assert_eq!(Failure::BuildFailed(met.to_owned()).kind(), Kind::Conflict);
        let failed = Failure::BuildFailed("while running runtime: exit status 1".to_owned());
        assert_eq!(failed.kind(), Kind::BuildFailed);
    }

    #[test]
    fn an_error_names_its_layers_once() {
        let error = Failure::Refused {
            status: 404,
            message: "no such container".to_owned(),
        }
        .into_error("stop", "shop.web.1");
        assert_eq!(error.to_string(), "podman could not stop shop.web.1");
        assert_eq!(error.source().unwrap().to_string(), "no such container (status 404)");
    }
}
