//! Which engine answers at an address: decided by the headers of `/_ping`, never by the name of the socket.

use std::time::Duration;

use http::HeaderMap;
use ps_core::runtime::{EngineAddress, RuntimeError, RuntimeErrorKind};

use crate::classify_error::Failure;
use crate::libpod::Libpod;

/// Who answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// Podman; it serves Docker's API too.
    Podman {
        /// Its version, for example `4.3.1`.
        version: String,
    },
    /// Docker, or something that speaks its API only.
    Docker {
        /// The newest API version it speaks, for example `1.41`; empty when it does not say.
        api_version: String,
    },
}

/// Asks an address who is there, within `limit`. Works for every engine, so that discovery needs no other client.
///
/// Fails with `Unreachable` when nobody listens, `PermissionDenied` when the socket belongs to someone else, and
/// `OutcomeUnknown` when there is no answer in time.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::time::Duration;
/// use ps_core::runtime::{EngineAddress, RuntimeErrorKind};
/// let nobody = EngineAddress::Unix("/nonexistent/podman.sock".into());
/// let error = ps_runtime_podman::probe(&nobody, Duration::from_secs(1)).await.unwrap_err();
/// assert_eq!(error.kind, RuntimeErrorKind::Unreachable);
/// # }
/// ```
pub async fn probe(address: &EngineAddress, limit: Duration) -> Result<Probe, RuntimeError> {
    let answer = Libpod::new(address.clone(), limit).ping().await;
    answer.map(|headers| told_by(&headers)).map_err(|failure| {
        let kind = failure.kind();
        let kind = match failure {
            // A port where something else than an engine speaks.
            Failure::Refused { .. } => RuntimeErrorKind::Unexpected,
            _ => kind,
        };
        RuntimeError::new(kind, "the engine", "answer at", address.to_string()).because(failure)
    })
}

fn told_by(headers: &HeaderMap) -> Probe {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    match text("libpod-api-version") {
        Some(version) => Probe::Podman { version },
        None => Probe::Docker {
            api_version: text("api-version").unwrap_or_default(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_libpod_header_tells_podman_from_docker() {
        let mut headers = HeaderMap::new();
        headers.insert("api-version", "1.41".parse().unwrap());
        let docker = Probe::Docker {
            api_version: "1.41".to_owned(),
        };
        assert_eq!(told_by(&headers), docker);
        headers.insert("libpod-api-version", "4.3.1".parse().unwrap());
        let podman = Probe::Podman {
            version: "4.3.1".to_owned(),
        };
        assert_eq!(told_by(&headers), podman);
    }
}
