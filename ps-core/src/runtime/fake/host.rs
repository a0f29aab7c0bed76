//! The machine a fake engine runs on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;

use super::FakeEngine;
use crate::addresses::Subnet;
use crate::host::Host;
use crate::planning::SECRET_BYTES;

/// A host that sees the processes of a [`FakeEngine`]. It has no routes.
///
/// ```
/// use ps_core::host::Host;
/// use ps_core::testing::{FakeClock, FakeEngine, FakeHost};
/// let host = FakeHost::new(&FakeEngine::new(&FakeClock::automatic())).with_cpus(8);
/// assert_eq!(host.cpus(), 8);
/// ```
#[derive(Debug, Clone)]
pub struct FakeHost {
    engine: FakeEngine,
    cpus: usize,
    routes: Vec<(Subnet, String)>,
    /// How many secrets were given out.
    secrets: Arc<AtomicU8>,
}

impl FakeHost {
    /// The host of an engine, with two CPUs.
    pub fn new(engine: &FakeEngine) -> Self {
        Self {
            engine: engine.clone(),
            cpus: 2,
            routes: Vec::new(),
            secrets: Arc::default(),
        }
    }

    /// With so many CPUs.
    #[must_use]
    pub fn with_cpus(mut self, cpus: usize) -> Self {
        self.cpus = cpus.max(1);
        self
    }

    /// With a route to a subnet.
    #[must_use]
    pub fn with_route(mut self, subnet: Subnet, interface: &str) -> Self {
        self.routes.push((subnet, interface.to_owned()));
        self
    }

    /// Another program on the host takes a TCP port.
    pub fn take_port(&self, port: u16) {
        self.engine.world().taken_ports.insert(port);
    }

    /// The other program leaves it.
    pub fn leave_port(&self, port: u16) {
        self.engine.world().taken_ports.remove(&port);
    }
}

#[async_trait]
impl Host for FakeHost {
    async fn listening_ports(&self, pid: u32) -> Option<BTreeSet<u16>> {
        let world = self.engine.world();
        let process = world
            .processes
            .get(&pid)
            .filter(|_| world.capabilities.host_sees_processes)?;
        Some(process.listening.clone())
    }

    fn is_loopback_port_free(&self, port: u16) -> bool {
        let world = self.engine.world();
        let mut running = world.containers.values().filter(|container| container.pid.is_some());
        let is_published = running.any(|c| {
            c.spec
                .published_ports
                .iter()
                .any(|published| published.host_port == port)
        });
        !is_published && !world.taken_ports.contains(&port)
    }

    fn routes(&self) -> Vec<(Subnet, String)> {
        self.routes.clone()
    }

    /// The first secret is made of ones, the second of twos.
    fn random_bytes(&self) -> std::io::Result<[u8; SECRET_BYTES]> {
        let given = self.secrets.fetch_add(1, Ordering::Relaxed);
        Ok([given.wrapping_add(1); SECRET_BYTES])
    }

    fn name(&self) -> String {
        "box".to_owned()
    }

    fn cpus(&self) -> usize {
        self.cpus
    }
}
