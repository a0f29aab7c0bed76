//! The ports to the machine psctl runs on: its clock, and what only the host can tell.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::addresses::Subnet;
use crate::planning::SECRET_BYTES;

/// Time.
#[async_trait]
pub trait Clock: Debug + Send + Sync {
    /// The time of day, for records.
    fn now(&self) -> SystemTime;

    /// A clock that never goes back, from an arbitrary start, for waiting.
    fn monotonic(&self) -> Duration;

    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// What the host tells about containers and addresses.
#[async_trait]
pub trait Host: Debug + Send + Sync {
    /// The TCP ports on which the network namespace of a process listens on an address other hosts can reach, from
    /// `/proc/<pid>/net/tcp` and `tcp6`; a port bound to loopback alone is not among them. `None` when the process is gone or
    /// cannot be seen.
    async fn listening_ports(&self, pid: u32) -> Option<BTreeSet<u16>>;

    /// Whether a loopback TCP port can be bound now.
    fn is_loopback_port_free(&self, port: u16) -> bool;

    /// The IPv4 subnets that the host has routes for, with the interface's name; without the default route.
    fn routes(&self) -> Vec<(Subnet, String)>;

    /// Bytes that nobody can guess, for a generated secret. Fails where the system has none to give.
    fn random_bytes(&self) -> std::io::Result<[u8; SECRET_BYTES]>;

    /// The machine's own name, as it is set; empty where it has none.
    fn name(&self) -> String;

    /// Number of CPUs, at least 1.
    fn cpus(&self) -> usize;
}
