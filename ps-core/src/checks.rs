//! What has to be true of a replica before it serves, and while it does. Invariant: plain values; whoever reads app.json or CHECKS
//! has validated them, and the executor only carries them out.

use std::fmt;
use std::time::Duration;

/// One check of a process type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// Its name, for people; `None` where the source gives none.
    pub name: Option<String>,
    /// When it is made.
    pub moment: CheckMoment,
    /// What is asked.
    pub kind: CheckKind,
    /// The time from the container's start to the first attempt.
    pub initial_delay: Duration,
    /// How often it is tried, at least 1. A listening check and an uptime are not tried again: they wait.
    pub attempts: u32,
    /// The longest an attempt may take.
    pub timeout: Duration,
    /// The pause between two attempts.
    pub wait: Duration,
    /// What a failure means.
    pub weight: CheckWeight,
}

/// When a check is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckMoment {
    /// Before the replica serves.
    Startup,
    /// Again and again while it serves.
    Liveness,
}

/// What a failed check means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckWeight {
    /// The replica is not ready.
    Required,
    /// It is only said.
    WarnOnly,
}

/// What a check asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckKind {
    /// An HTTP request that is answered with a status from 200 to 299.
    Path(PathCheck),
    /// A command inside the container that ends with 0: program and arguments.
    Command(Vec<String>),
    /// A process of the container listens on the port; `None` is the app's own.
    Listening {
        /// The TCP port.
        port: Option<u16>,
    },
    /// It runs for this long and was never restarted.
    Uptime(Duration),
}

/// An HTTP request.
#[derive(Clone, PartialEq, Eq)]
pub struct PathCheck {
    /// Path and query, beginning with `/`.
    pub path: String,
    /// What the body must contain.
    pub content: Option<String>,
    /// The TCP port inside the container; `None` is the app's own.
    pub port: Option<u16>,
    /// The scheme.
    pub scheme: Scheme,
    /// Headers besides the usual ones; `Host` is one of them where it matters. A value may be a password; `Debug` does not show it.
    pub headers: Vec<(String, String)>,
}

impl fmt::Debug for PathCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("PathCheck")
            .field("path", &self.path)
            .field("content", &self.content)
            .field("port", &self.port)
            .field("scheme", &self.scheme)
            .field("headers", &headers)
            .finish()
    }
}

/// Of an HTTP request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// Plain.
    Http,
    /// With TLS; the certificate is not verified, since nobody issues one for a container's address.
    Https,
}

impl Scheme {
    /// As it stands in a URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl fmt::Display for HealthCheck {
    /// What is asked, in a few words: `GET /health`, `listening`, `uptime 10 s`, `command rake`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl fmt::Display for CheckKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(check) => write!(f, "GET {}", check.path),
            Self::Command(words) => write!(f, "command {}", words.first().map_or("", String::as_str)),
            Self::Listening { port: None } => f.write_str("listening"),
            Self::Listening { port: Some(port) } => write!(f, "listening on {port}"),
            Self::Uptime(uptime) => write!(f, "uptime {} s", uptime.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value_of_a_header() {
        let check = PathCheck {
            path: "/health".to_owned(),
            content: None,
            port: None,
            scheme: Scheme::Http,
            headers: vec![("Authorization".to_owned(), "hunter2".to_owned())],
        };
        let shown = format!("{check:?}");
        assert!(shown.contains("Authorization") && !shown.contains("hunter2"), "{shown}");
    }
}
