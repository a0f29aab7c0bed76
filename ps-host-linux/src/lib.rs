//! The machine psctl runs on, for Linux: time from the system, sockets and routes from `/proc`. Invariant: reading never
//! changes anything, and what cannot be read is reported as not known, never as empty.
//!
//! ```
//! use ps_core::host::{Clock, Host};
//! use ps_host_linux::LinuxHost;
//!
//! let host = LinuxHost::new();
//! assert!(host.cpus() >= 1);
//! assert!(host.monotonic() <= host.monotonic());
//! ```

mod proc_net_route;
mod proc_net_tcp;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use ps_core::addresses::Subnet;
use ps_core::host::{Clock, Host};
use ps_core::planning::SECRET_BYTES;

pub use proc_net_route::parse_routes;
pub use proc_net_tcp::parse_listening_ports;

/// The clock and the facts of this Linux machine.
#[derive(Debug, Clone, Copy)]
pub struct LinuxHost {
    started: Instant,
}

impl LinuxHost {
    /// This machine; its monotonic clock starts now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Default for LinuxHost {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for LinuxHost {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[async_trait]
impl Host for LinuxHost {
    async fn listening_ports(&self, pid: u32) -> Option<BTreeSet<u16>> {
        // Pid 0 is what engines tell for a container that does not run.
        if pid == 0 {
            return None;
        }
        let read = async |table: &str| tokio::fs::read_to_string(format!("/proc/{pid}/net/{table}")).await.ok();
        let mut ports = parse_listening_ports(&read("tcp").await?);
        // A kernel without IPv6 has no such file.
        ports.extend(read("tcp6").await.iter().flat_map(|table| parse_listening_ports(table)));
        Some(ports)
    }

    fn is_loopback_port_free(&self, port: u16) -> bool {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
    }

    fn routes(&self) -> Vec<(Subnet, String)> {
        std::fs::read_to_string("/proc/net/route")
            .map(|table| parse_routes(&table))
            .unwrap_or_default()
    }

    fn random_bytes(&self) -> std::io::Result<[u8; SECRET_BYTES]> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        Ok(bytes)
    }

    fn name(&self) -> String {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        name.trim().to_owned()
    }

    fn cpus(&self) -> usize {
        std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
    }
}
