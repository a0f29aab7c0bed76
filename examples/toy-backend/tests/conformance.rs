//! Proves the toy: it keeps every obligation about containers that its capabilities leave.

use std::sync::Arc;

use async_trait::async_trait;
use ps_core::host::{Clock, Host};
use ps_core::runtime::{ContainerRuntime, Engine};
use ps_core::testing::Script;
use ps_host_linux::LinuxHost;
use ps_tests::conformance::{Area, Breakage, EngineUnderTest, Failure, cases, run_case};
use toy_backend::{IMAGE, ToyRuntime};

/// Obligations of engines that are another program, behind a socket.
const ONLY_BEHIND_A_SOCKET: [&str; 2] = [
    "an_engine_that_is_gone_is_unreachable",
    "a_silent_engine_leaves_the_outcome_unknown_within_the_limit",
];

struct Toy;

#[async_trait]
impl EngineUnderTest for Toy {
    async fn connect(&self) -> Result<Arc<dyn Engine>, Failure> {
        Ok(Arc::new(ToyRuntime::new()))
    }

    async fn connect_broken(&self, _breakage: Breakage) -> Result<Arc<dyn Engine>, Failure> {
        Err("a toy in the same process does not break alone".into())
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(LinuxHost::new())
    }

    fn host(&self) -> Arc<dyn Host> {
        Arc::new(LinuxHost::new())
    }

    async fn image_record(&self, _image: &str) -> Result<String, Failure> {
        Err("a toy has no images".into())
    }

    fn teach(&self, _command: &str, _script: &Script) {}
}

#[tokio::test]
async fn the_toy_keeps_every_obligation_about_containers() {
    let capabilities = ToyRuntime::new().capabilities();
    let mut failed = Vec::new();
    let mut passed = 0;
    for case in cases() {
        let is_ours = case.area == Area::Containers && !ONLY_BEHIND_A_SOCKET.contains(&case.name);
        if !is_ours || !case.applies_to(&capabilities) {
            continue;
        }
        match run_case(&case, Arc::new(Toy), IMAGE, "toy-test").await {
            Ok(()) => passed += 1,
            Err(failure) => failed.push(format!("{}: {failure}", case.name)),
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(passed >= 60, "only {passed} cases passed");
}
