//! One check of a process type, whichever file it comes from. Invariant: a check has exactly one kind, at least one attempt,
//! and no duration above [`DURATION_LIMIT`].

use std::fmt;
use std::time::Duration;

/// How often a check of app.json is tried, unless it says otherwise.
pub const DEFAULT_ATTEMPTS: u32 = 3;

/// How long an attempt of a check of app.json may take, unless it says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait between attempts of a check of app.json, unless it says otherwise.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(5);

/// The most attempts of a check.
pub const ATTEMPTS_LIMIT: u32 = 10_000;

/// The longest duration of a check in seconds, as files write it.
pub(crate) const SECONDS_LIMIT: u32 = 24 * 60 * 60;

/// The longest duration of a check: one day.
pub const DURATION_LIMIT: Duration = Duration::from_secs(SECONDS_LIMIT as u64);

/// A check of each replica of a process type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// What it is called in output; `check-1` and so on, by its place in the list, unless the file names it.
    pub name: String,
    /// What the file says about it, for readers.
    pub description: Option<String>,
    /// When it is run.
    pub purpose: CheckPurpose,
    /// What is checked, and how.
    pub kind: CheckKind,
    /// How long after the start of the container the first attempt is made.
    pub initial_delay: Duration,
    /// How often it is tried before it has failed, at least once. An uptime check has no second attempt, whatever stands here.
    pub attempts: u32,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How long to wait between two attempts.
    pub wait: Duration,
    /// Whether a failure is reported and stops nothing.
    pub warn: bool,
}

/// When a check is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckPurpose {
    /// While a new replica comes up: it is ready when all of these pass.
    Startup,
    /// As long as a replica runs: it is replaced when one of these fails.
    Liveness,
    /// Never, as in Dokku without Kubernetes; it is kept so that one file serves both, and a warning says so.
    Readiness,
}

/// What is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckKind {
    /// An answer over HTTP.
    Path(PathCheck),
    /// A program inside the container, which has to exit with 0: its name and arguments, at least one word.
    Command(Vec<String>),
    /// The process listens on a port.
    Listening {
        /// The port; `None` is the port of the process.
        port: Option<u16>,
    },
    /// The container has run for so long and was never restarted.
    Uptime(Duration),
}

/// A request over HTTP and what its answer must be: 2xx, with the content if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathCheck {
    /// Path and query, beginning with `/`; visible ASCII only.
    pub path: String,
    /// A text that the answer's body has to contain.
    pub content: Option<String>,
    /// The port; `None` is the port of the process.
    pub port: Option<u16>,
    /// With or without TLS.
    pub scheme: Scheme,
    /// Headers to send, in the order of the file; of two with the same name the last counts.
    pub headers: Vec<HttpHeader>,
}

/// With or without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Scheme {
    /// Without.
    #[default]
    Http,
    /// With.
    Https,
}

/// A header of a request.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpHeader {
    /// Its name, a token of HTTP in the case of the file.
    pub name: String,
    /// Its value, without control characters but tabs. It may be a password; `Debug` does not show it.
    pub value: String,
}

impl fmt::Debug for HttpHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpHeader")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
