//! What kind of failure an error of bollard is: by the transport first, then by status code, by text only at the end.
//!
//! Invariant: every rule on a text has a test with a message that a real engine sent; the one exception says so.

use std::time::Duration;

use bollard::errors::Error;
use ps_core::runtime::{RuntimeError, RuntimeErrorKind};

use crate::transport::NotSent;

/// One call, for its errors: what was tried, on what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    operation: &'static str,
    subject: &'a str,
}

impl<'a> Call<'a> {
    pub(crate) fn new(operation: &'static str, subject: &'a str) -> Self {
        Self { operation, subject }
    }

    /// What it was tried on.
    pub(crate) fn subject(self) -> &'a str {
        self.subject
    }

    /// A failure that is found out here.
    pub(crate) fn failed(self, kind: RuntimeErrorKind) -> RuntimeError {
        RuntimeError::new(kind, "docker", self.operation, self.subject)
    }

    /// A failure that bollard tells. The source is the engine's own message, where there is one.
    pub(crate) fn error(self, error: Error) -> RuntimeError {
        let failed = self.failed(kind_of(&error));
        match error {
            Error::DockerResponseServerError { message, .. } => failed.because(message),
            Error::DockerStreamError { error } => failed.because(error),
            Error::RequestTimeoutError => failed.because("no answer in time"),
            other => failed.because(other),
        }
    }

    /// As [`Call::error`], for builds and pulls: what the engine refuses has failed there.
    pub(crate) fn build_error(self, error: Error) -> RuntimeError {
        let refused = matches!(
            error,
            Error::DockerResponseServerError { .. } | Error::DockerStreamError { .. }
        );
        let mut failed = self.error(error);
        if refused {
            failed.kind = RuntimeErrorKind::BuildFailed;
        }
        failed
    }

    /// The answer, or an error of kind `OutcomeUnknown` when it does not come in time.
    pub(crate) async fn bounded<T>(
        self,
        limit: Duration,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, RuntimeError> {
        let answer = tokio::time::timeout(limit, answer).await;
        answer
            .unwrap_or(Err(Error::RequestTimeoutError))
            .map_err(|error| self.error(error))
    }

    /// As [`Call::bounded`], where what may be missing is an image.
    pub(crate) async fn bounded_image<T>(
        self,
        limit: Duration,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, RuntimeError> {
        let mut answer = self.bounded(limit, answer).await;
        if let Err(error) = &mut answer
            && error.kind == RuntimeErrorKind::NotFound
        {
            error.kind = RuntimeErrorKind::ImageMissing;
        }
        answer
    }
}

fn kind_of(error: &Error) -> RuntimeErrorKind {
    match error {
        Error::DockerResponseServerError { status_code, message } => kind_of_refusal(*status_code, message),
        Error::IOError { err } => match err.get_ref().and_then(|inner| inner.downcast_ref::<NotSent>()) {
            Some(_) if err.kind() == std::io::ErrorKind::PermissionDenied => RuntimeErrorKind::PermissionDenied,
            Some(_) => RuntimeErrorKind::Unreachable,
            None => RuntimeErrorKind::OutcomeUnknown,
        },
        // Our own request body failed: the file that was to be sent could not be read.
        Error::HyperResponseError { err } if err.is_user() => RuntimeErrorKind::Unexpected,
        Error::HyperResponseError { .. } | Error::RequestTimeoutError => RuntimeErrorKind::OutcomeUnknown,
        _ => RuntimeErrorKind::Unexpected,
    }
}

/// Texts that say more than the status they come with, in lower case. A code may mean several things (403 is a taken
/// address and a network in use), and several codes one thing (a missing program is 400 or 500).
const TEXTS: &[(&[u16], &str, RuntimeErrorKind)] = &[
    (&[403, 500], "address already in use", RuntimeErrorKind::AddressInUse),
    (&[500], "port is already allocated", RuntimeErrorKind::AddressInUse),
    (
        &[400, 403, 500],
        "pool overlaps with other one",
        RuntimeErrorKind::AddressInUse,
    ),
    (
        &[403, 500],
        "networks have overlapping ipv4",
        RuntimeErrorKind::AddressInUse,
    ),
    (&[403], "has active endpoints", RuntimeErrorKind::Conflict),
    (&[403], "is a pre-defined network", RuntimeErrorKind::Conflict),
    // A connection that is there already; one that is not; a container without interfaces of its own.
    (&[403], "already exists in network", RuntimeErrorKind::NameInUse),
    (&[500], "is not connected to network", RuntimeErrorKind::NotFound),
    (
        &[400, 403, 500],
        "cannot be connected to any other network",
        RuntimeErrorKind::Conflict,
    ),
    (
        &[400, 403, 500],
        "cannot be connected to multiple networks",
        RuntimeErrorKind::Conflict,
    ),
    (&[404], "no such image", RuntimeErrorKind::ImageMissing),
    (&[409], "is already in use by container", RuntimeErrorKind::NameInUse),
    (&[409], "already exists", RuntimeErrorKind::NameInUse),
    (&[500], "invalid reference format", RuntimeErrorKind::Invalid),
    (
        &[500],
        "does not belong to any of this network's subnets",
        RuntimeErrorKind::Invalid,
    ),
    (&[500], "error setting rlimit", RuntimeErrorKind::Invalid),
    (&[500], "executable file not found", RuntimeErrorKind::Invalid),
    (&[500], "no such file or directory: unknown", RuntimeErrorKind::Invalid),
    (&[500], "permission denied: unknown", RuntimeErrorKind::Invalid),
    // Not seen: Docker 20.10 with runc starts such a program, which then ends at once. For runtimes that refuse it.
    (&[500], "exec format error", RuntimeErrorKind::Invalid),
];

fn kind_of_refusal(status: u16, message: &str) -> RuntimeErrorKind {
    let message = message.to_ascii_lowercase();
    let told = TEXTS
        .iter()
        .find(|(codes, text, _)| codes.contains(&status) && message.contains(text));
    if let Some((_, _, kind)) = told {
        return *kind;
    }
    match status {
        400 => RuntimeErrorKind::Invalid,
        401 | 403 => RuntimeErrorKind::PermissionDenied,
        // The container is there; its network sandbox is not while it waits for its restart. Names of others stand after other words.
        404 if message.starts_with("sandbox ") => RuntimeErrorKind::Conflict,
        404 => RuntimeErrorKind::NotFound,
        409 => RuntimeErrorKind::Conflict,
        501 => RuntimeErrorKind::Unsupported,
        _ => RuntimeErrorKind::Unexpected,
    }
}

/// Whether a failed remove met another one that is under way.
pub(crate) fn is_being_removed(error: &RuntimeError) -> bool {
    let message = error.source.as_ref().map(ToString::to_string).unwrap_or_default();
    error.kind == RuntimeErrorKind::Conflict && message.contains("is already in progress")
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use RuntimeErrorKind as Kind;

    use super::*;

    /// What Docker 20.10 really sent.
    const SENT: &[(u16, &str, Kind)] = &[
        (
            403,
            "endpoint with name a already exists in network a-net",
            Kind::NameInUse,
        ),
        (500, "container bc64 is not connected to network a-net", Kind::NotFound),
        (
            400,
            "container sharing network namespace with another container or host cannot be connected to any other network",
            Kind::Conflict,
        ),
        (
            400,
            "container cannot be connected to multiple networks with one of the networks in private (none) mode",
            Kind::Conflict,
        ),
        (403, "Address already in use", Kind::AddressInUse),
        (
            500,
            "driver failed programming external connectivity on endpoint a-h (a4f8): Error starting userland proxy: \
             listen tcp4 127.0.0.1:18931: bind: address already in use",
            Kind::AddressInUse,
        ),
        (
            500,
            "driver failed programming external connectivity on endpoint a-k (58a8): Bind for 127.0.0.1:18932 failed: \
             port is already allocated",
            Kind::AddressInUse,
        ),
        (
            403,
            "Pool overlaps with other one on this address space",
            Kind::AddressInUse,
        ),
        (
            403,
            "cannot create network 3c23 (br-3c23): conflicts with network 1dc5 (br-1dc5): networks have overlapping \
             IPv4",
            Kind::AddressInUse,
        ),
        (
            403,
            "error while removing network: network a id 4a94 has active endpoints",
            Kind::Conflict,
        ),
        (
            403,
            "bridge is a pre-defined network and cannot be removed",
            Kind::Conflict,
        ),
        (404, "No such image: nosuch:1", Kind::ImageMissing),
        (
            404,
            "no such image: nosuch:1: No such image: nosuch:1",
            Kind::ImageMissing,
        ),
        (
            404,
            "sandbox 96b35c23430d9e2f44fffdaf95de55146ab91fdc851768e657221e9bfb4a837a not found",
            Kind::Conflict,
        ),
        (404, "No such container: nope", Kind::NotFound),
        (404, "network nosuchnet not found", Kind::NotFound),
        (404, "Could not find the file /nope in container a-c", Kind::NotFound),
        (
            409,
            "Conflict. The container name \"/a-c\" is already in use by container \"b7f3\". You have to remove (or \
             rename) that container to be able to reuse that name.",
            Kind::NameInUse,
        ),
        (409, "network with name a already exists", Kind::NameInUse),
        (
            409,
            "Cannot kill container: a-e: Container e8e1 is not running",
            Kind::Conflict,
        ),
        (
            409,
            "conflict: unable to remove repository reference \"a:1\" (must force) - container 5bd2 is using its \
             referenced image 79f8",
            Kind::Conflict,
        ),
        (
            500,
            "invalid reference format: repository name must be lowercase",
            Kind::Invalid,
        ),
        (
            500,
            "Invalid address 10.99.7.20: It does not belong to any of this network's subnets",
            Kind::Invalid,
        ),
        (
            500,
            "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container \
             process: error during container init: error setting rlimits for ready process: error setting rlimit type 7: \
             operation not permitted: unknown",
            Kind::Invalid,
        ),
        (
            400,
            "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container \
             process: exec: \"nosuchcmd\": executable file not found in $PATH: unknown",
            Kind::Invalid,
        ),
        (400, "No command specified", Kind::Invalid),
        (
            500,
            "Get \"http://localhost:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
            Kind::Unexpected,
        ),
    ];

    #[test]
    fn each_message_that_engines_sent_has_its_kind() {
        for (status, message, kind) in SENT {
            assert_eq!(kind_of_refusal(*status, message), *kind, "{status} {message}");
        }
    }

    #[test]
    fn a_program_that_cannot_run_is_invalid_under_either_code() {
        let start = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ";
        for end in [
            "exec: \"nosuchcmd\": executable file not found in $PATH: unknown",
            "exec: \"/no/such\": stat /no/such: no such file or directory: unknown",
            "exec: \"/bin\": permission denied: unknown",
        ] {
            for status in [400, 500] {
                assert_eq!(
                    kind_of_refusal(status, &format!("{start}{end}")),
                    Kind::Invalid,
                    "{status} {end}"
                );
            }
        }
    }

    #[test]
    fn a_refusal_shows_the_engines_own_message_as_its_source() {
        let refused = Error::DockerResponseServerError {
            status_code: 409,
            message: "no".into(),
        };
        let error = Call::new("stop", "shop.web.1").error(refused);
        assert_eq!(error.to_string(), "docker could not stop shop.web.1");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("no"));
    }

    #[test]
    fn only_a_remove_under_way_counts_as_gone() {
        let conflict = |message: &str| {
            Call::new("remove", "a")
                .failed(Kind::Conflict)
                .because(message.to_owned())
        };
        assert!(is_being_removed(&conflict(
            "removal of container a is already in progress"
        )));
        assert!(!is_being_removed(&conflict("container a is paused")));
    }
}
