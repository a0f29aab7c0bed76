//! How long calls may take. Every call that should answer has a bound here; streams have none but the caller's own.

use std::time::Duration;

/// Bounds of calls. Past a bound the error's kind is `OutcomeUnknown`: the engine may still do what was asked.
///
/// ```
/// use std::time::Duration;
/// use ps_runtime_podman::CallLimits;
/// let patient = CallLimits { answer: Duration::from_secs(120), ..CallLimits::default() };
/// assert_eq!(patient.connect, Duration::from_secs(10));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// Connecting, and the first `/_ping`. Default 10 s.
    pub connect: Duration,
    /// Questions and small changes: list, inspect, kill, rename, processes, logs without `follow` (between two pieces).
    /// Default 60 s, since Podman makes callers wait for a container's lock.
    pub answer: Duration,
    /// Calls that move data or start processes: create, start, remove, import, reading a file. Default 5 minutes, since
    /// storage without overlays copies the whole image.
    pub work: Duration,
    /// Added to a stop's own timeout. Default 60 s.
    pub stop_margin: Duration,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(60),
            work: Duration::from_secs(300),
            stop_margin: Duration::from_secs(60),
        }
    }
}
