//! How long a call may take. No call that answers is without a limit; streams are bounded only where that is said here.

use std::time::Duration;

/// The limits of calls.
///
/// ```
/// use std::time::Duration;
/// use ps_runtime_docker::CallLimits;
/// let patient = CallLimits { change: Duration::from_secs(600), ..CallLimits::default() };
/// assert_eq!(patient.ping, Duration::from_secs(3));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// Opening a connection; each call opens one. Default 3 s.
    pub connect: Duration,
    /// The first question, whether an engine is there at all. Default 3 s.
    pub ping: Duration,
    /// Calls that only look: list, inspect, top, exit codes. Default 30 s.
    pub look: Duration,
    /// Calls that change something: create, start, kill, rename, remove, tag. Default 120 s.
    pub change: Duration,
    /// What a stop may take longer than the stop timeout it was given. Default 30 s.
    pub stop_margin: Duration,
    /// Sending an image's archive or fetching a container's file. Default 15 min.
    pub transfer: Duration,
    /// How long a build or a pull may say nothing. Default 30 min. Events, followed logs, waits and terminals may be
    /// silent for ever.
    pub silence: Duration,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            ping: Duration::from_secs(3),
            look: Duration::from_secs(30),
            change: Duration::from_secs(120),
            stop_margin: Duration::from_secs(30),
            transfer: Duration::from_secs(15 * 60),
            silence: Duration::from_secs(30 * 60),
        }
    }
}
