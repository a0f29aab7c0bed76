//! The conformance suite: one list of obligations for every backend. Invariant: a case sees only the ports, so what passes here
//! can be relied on whatever the engine.
//!
//! A backend is proven by implementing [`EngineUnderTest`] for it and running [`cases`] with [`run_case`].

mod bench;
mod cases;
mod program;

use std::error::Error;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use ps_core::host::{Clock, Host};
use ps_core::runtime::{Engine, RuntimeCapabilities};
use ps_core::testing::Script;

pub(crate) use bench::archive;
pub use bench::{Bench, base_image};
pub use program::Program;

/// Why a case failed.
pub type Failure = Box<dyn Error + Send + Sync>;

/// What a case comes to.
pub type Verdict = Result<(), Failure>;

type Body = for<'a> fn(&'a Bench) -> LocalBoxFuture<'a, Verdict>;

/// Which trait of the port an obligation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// `ContainerRuntime`
    Containers,
    /// `NetworkRuntime`
    Networks,
    /// `ImageRuntime`
    Images,
    /// `TerminalRuntime`
    Terminals,
}

/// One obligation.
#[derive(Clone, Copy)]
pub struct Case {
    /// The obligation as a sentence, for example `starting_twice_reports_already_running`.
    pub name: &'static str,
    /// What it is about.
    pub area: Area,
    needs: Option<fn(&RuntimeCapabilities) -> bool>,
    body: Body,
}

impl Case {
    const fn new(name: &'static str, body: Body) -> Self {
        Self {
            name,
            area: Area::Containers,
            needs: None,
            body,
        }
    }

    const fn when(name: &'static str, needs: fn(&RuntimeCapabilities) -> bool, body: Body) -> Self {
        Self {
            name,
            area: Area::Containers,
            needs: Some(needs),
            body,
        }
    }

    /// Whether an engine with these capabilities has this obligation.
    pub fn applies_to(&self, capabilities: &RuntimeCapabilities) -> bool {
        self.needs.is_none_or(|needs| needs(capabilities))
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// How an engine can fail as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breakage {
    /// Nobody listens any more.
    Gone,
    /// It takes connections and never answers.
    Silent,
}

/// An engine that the suite can be run against.
#[async_trait]
pub trait EngineUnderTest: Send + Sync {
    /// Connects to it.
    async fn connect(&self) -> Result<Arc<dyn Engine>, Failure>;

    /// Connects to it in a way that can break (with short limits for calls), and breaks it.
    async fn connect_broken(&self, breakage: Breakage) -> Result<Arc<dyn Engine>, Failure>;

    /// The clock that its times come from.
    fn clock(&self) -> Arc<dyn Clock>;

    /// The host it runs on.
    fn host(&self) -> Arc<dyn Host>;

    /// Everything that it tells of an image, its history too, as text.
    async fn image_record(&self, image: &str) -> Result<String, Failure>;

    /// Tells an engine that runs no real programs what a command does.
    fn teach(&self, command: &str, script: &Script);
}

/// All obligations.
pub fn cases() -> Vec<Case> {
    cases::all()
}

/// Runs one case under a prefix that no other case has, cleans up, and checks that nothing is left.
pub async fn run_case(case: &Case, engine: Arc<dyn EngineUnderTest>, image: &str, prefix: &str) -> Verdict {
    let connected = engine.connect().await?;
    let bench = Bench::new(engine, connected, image, prefix);
    let result = AssertUnwindSafe((case.body)(&bench)).catch_unwind().await;
    let cleaned = bench.clean().await;
    match result {
        Ok(verdict) => verdict?,
        Err(panic) => return Err(panic_text(panic.as_ref()).into()),
    }
    cleaned
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("the case panicked")
        .to_owned()
}
