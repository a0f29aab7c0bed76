//! When a replica counts as ready, as plain data: every default is filled in, so that whoever carries it out decides nothing.

use std::fmt;
use std::time::Duration;

use crate::checks::{CheckWeight, Scheme};

/// When a replica counts as ready: all its checks have passed. They are made side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// The checks, at least one.
    pub checks: Vec<StartupCheck>,
}

impl Readiness {
    /// Nothing is asked of a replica but to run for so long.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ps_core::plan::Readiness;
    /// let second = Duration::from_secs(1);
    /// assert_eq!(Readiness::after(second).limit(), second);
    /// ```
    pub fn after(uptime: Duration) -> Self {
        let check = StartupCheck {
            name: None,
            kind: StartupKind::Uptime(uptime),
            initial_delay: Duration::ZERO,
            attempts: 1,
            timeout: uptime,
            wait: Duration::ZERO,
            weight: CheckWeight::Required,
        };
        Self { checks: vec![check] }
    }

    /// The longest it may take.
    pub fn limit(&self) -> Duration {
        self.checks.iter().map(StartupCheck::limit).max().unwrap_or_default()
    }
}

/// One check of a replica that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartupCheck {
    /// Its name, where the source gives one.
    pub name: Option<String>,
    /// What is asked.
    pub kind: StartupKind,
    /// From the container's start to the first attempt.
    pub initial_delay: Duration,
    /// How often it is tried, at least 1.
    pub attempts: u32,
    /// The longest an attempt may take.
    pub timeout: Duration,
    /// The pause between two attempts.
    pub wait: Duration,
    /// What a failure means.
    pub weight: CheckWeight,
}

/// What a check asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartupKind {
    /// An HTTP request that is answered with a status from 200 to 299.
    Http(HttpCheck),
    /// A command inside the container that ends with 0.
    Command(CommandCheck),
    /// The container listens on a TCP port, some time within all attempts.
    Listening(u16),
    /// It runs for so long and was never restarted.
    Uptime(Duration),
    /// The same, but it passes early once the container has listened on a TCP port for a second, and warns when that never was.
    UptimeOrListening {
        /// How long it runs.
        uptime: Duration,
        /// The port.
        port: u16,
    },
}

/// A command in a container, run as its process is: as arguments of the image's entrypoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandCheck {
    /// The image's entrypoint; empty when it has none.
    pub entrypoint: Vec<String>,
    /// The check's own words.
    pub command: Vec<String>,
}

impl CommandCheck {
    /// What is run: program and arguments.
    pub fn words(&self) -> Vec<String> {
        self.entrypoint.iter().chain(&self.command).cloned().collect()
    }
}

/// An HTTP request to a container. `Debug` shows no value of a header: it may be a password.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpCheck {
    /// The scheme.
    pub scheme: Scheme,
    /// The TCP port inside the container; where the host reaches the container by a published port, that one leads to it.
    pub port: u16,
    /// Path and query, beginning with `/`.
    pub path: String,
    /// The `Host` header; `None` is address and port.
    pub host: Option<String>,
    /// Other headers.
    pub headers: Vec<(String, String)>,
    /// What the beginning of the body must contain.
    pub content: Option<String>,
}

impl fmt::Debug for HttpCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("HttpCheck")
            .field("scheme", &self.scheme)
            .field("port", &self.port)
            .field("path", &self.path)
            .field("host", &self.host)
            .field("headers", &headers)
            .field("content", &self.content)
            .finish()
    }
}

impl StartupCheck {
    /// The longest it may take from the container's start.
    pub fn limit(&self) -> Duration {
        let tries = self.timeout.saturating_mul(self.attempts);
        let pauses = self.wait.saturating_mul(self.attempts.saturating_sub(1));
        let work = match self.kind {
            StartupKind::Uptime(uptime) | StartupKind::UptimeOrListening { uptime, .. } => return uptime,
            StartupKind::Listening(_) => tries,
            StartupKind::Http(_) | StartupKind::Command(_) => tries.saturating_add(pauses),
        };
        self.initial_delay.saturating_add(work)
    }

    /// How often it is asked: one that only waits is asked once.
    pub fn tries(&self) -> u32 {
        match self.kind {
            StartupKind::Http(_) | StartupKind::Command(_) => self.attempts.max(1),
            StartupKind::Listening(_) | StartupKind::Uptime(_) | StartupKind::UptimeOrListening { .. } => 1,
        }
    }

    /// As people know it: `database (command rake)`, and without a name only what is asked.
    pub fn label(&self) -> String {
        self.name
            .as_ref()
            .map_or_else(|| self.to_string(), |name| format!("{name} ({self})"))
    }
}

impl fmt::Display for StartupCheck {
    /// What is asked, in a few words, without arguments and headers, which may be secret: `GET /health`, `command rake`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            StartupKind::Http(check) => write!(f, "GET {}", check.path),
            StartupKind::Command(check) => {
                write!(f, "command {}", check.command.first().map_or("", String::as_str))
            }
            StartupKind::Listening(port) => write!(f, "listening on {port}"),
            StartupKind::Uptime(uptime) => write!(f, "uptime {} s", uptime.as_secs()),
            StartupKind::UptimeOrListening { uptime, port } => {
                write!(f, "uptime {} s, or listening on {port}", uptime.as_secs())
            }
        }
    }
}
