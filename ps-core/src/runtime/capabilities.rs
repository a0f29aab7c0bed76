//! Facts about an engine that planners read: a difference between engines changes the plan, never the executor.

use std::path::PathBuf;
use std::time::SystemTime;

/// What an engine can do. Every field is a documented fact, found when the backend connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not a state")]
pub struct RuntimeCapabilities {
    /// `update_restart_policy` works on a live container (Docker; Podman from 5.1).
    pub updates_restart_policy: bool,
    /// A container stopped on request may be started again by the engine's own boot, when its policy is `always`
    /// or `unless-stopped` (Podman's restart service; Docker after a crash of the engine).
    pub revives_stopped_containers: bool,
    /// The host can open connections to a container's address (not rootless, remote or VM engines).
    pub host_reaches_containers: bool,
    /// The container's process is visible under the host's `/proc` (not remote or VM engines).
    pub host_sees_processes: bool,
    /// Events that happened before the subscription can be asked for.
    pub replays_past_events: bool,
    /// The engine can run a container under an init process.
    pub has_init: bool,
    /// The log driver takes a size limit.
    pub limits_log_size: bool,
}

/// What an engine tells of itself at the moment, for `doctor` and the listener. Nothing is planned by it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EngineDetail {
    /// Which engine answered, asked anew: another one may listen there by now.
    pub identity: EngineIdentity,
    /// Whether containers keep running while the engine is down or begins again.
    pub containers_outlive_it: bool,
    /// Its time of day, to the second at least; `None` where it does not tell.
    pub now: Option<SystemTime>,
    /// Where it keeps images and containers, on its own machine; `None` where it keeps none.
    pub storage: Option<PathBuf>,
}

/// Which engine answered. A state directory is bound to one of these.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EngineIdentity {
    /// `docker` or `podman`.
    pub kind: String,
    /// The engine's own id, or its storage root where it has no id.
    pub id: String,
    /// Whether it runs without root.
    pub rootless: bool,
    /// The engine's version, for people; not part of the identity.
    pub version: String,
}

impl EngineIdentity {
    /// Whether both are the same engine, whatever its version.
    ///
    /// ```
    /// use ps_core::runtime::EngineIdentity;
    /// let old = EngineIdentity { kind: "docker".into(), id: "A".into(), rootless: false, version: "20.10".into() };
    /// let new = EngineIdentity { version: "26.1".into(), ..old.clone() };
    /// assert!(old.is_same_engine(&new));
    /// ```
    pub fn is_same_engine(&self, other: &Self) -> bool {
        (&self.kind, &self.id, self.rootless) == (&other.kind, &other.id, other.rootless)
    }
}
