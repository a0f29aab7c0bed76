//! The fake engine, and fakes that break a rule on purpose.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ps_core::host::{Clock, Host};
use ps_core::runtime::{Engine, ImageDetail, RuntimeCapabilities};
use ps_core::testing::{Defect, FakeClock, FakeEngine, FakeHost, Fault, FaultEffect, Script};

use crate::conformance::{Breakage, EngineUnderTest, Failure};

/// The name of the base image that every fake has.
pub const FAKE_IMAGE: &str = "psctl-test-base:v1";

/// A fresh fake.
#[derive(Debug)]
pub struct FakeUnderTest {
    engine: FakeEngine,
}

impl FakeUnderTest {
    /// A fake that keeps every rule, or breaks one.
    pub fn new(defect: Option<Defect>) -> Self {
        let engine = FakeEngine::new(&FakeClock::automatic());
        if let Some(defect) = defect {
            engine.set_defect(defect);
        }
        Self::of(engine)
    }

    /// A fake that can do only this.
    pub fn with_capabilities(capabilities: RuntimeCapabilities) -> Self {
        Self::of(FakeEngine::with_capabilities(&FakeClock::automatic(), capabilities))
    }

    fn of(engine: FakeEngine) -> Self {
        engine.add_image(FAKE_IMAGE, ImageDetail::default());
        engine.add_image_file(FAKE_IMAGE, "bin/busybox", vec![0; 1_000_000]);
        // Calls take time, as on a real engine.
        engine.set_latency(Duration::from_millis(1));
        Self { engine }
    }
}

#[async_trait]
impl EngineUnderTest for FakeUnderTest {
    async fn connect(&self) -> Result<Arc<dyn Engine>, Failure> {
        Ok(Arc::new(self.engine.clone()))
    }

    async fn connect_broken(&self, breakage: Breakage) -> Result<Arc<dyn Engine>, Failure> {
        let engine = FakeEngine::new(self.engine.clock());
        match breakage {
            Breakage::Gone => engine.die(),
            Breakage::Silent => engine.inject(Fault::new(FaultEffect::Hang)),
        }
        Ok(Arc::new(engine))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.engine.clock().clone())
    }

    fn host(&self) -> Arc<dyn Host> {
        Arc::new(FakeHost::new(&self.engine))
    }

    async fn image_record(&self, image: &str) -> Result<String, Failure> {
        Ok(self.engine.image_record(image).ok_or("no such image")?)
    }

    fn teach(&self, command: &str, script: &Script) {
        self.engine.on_start(command, script.clone());
    }
}
