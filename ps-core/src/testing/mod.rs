//! Everything for tests of psctl's parts and of programs that embed them; behind the feature `testing`.
//!
//! [`FakeEngine`] plays whole scenarios, [`MockContainerRuntime`] checks expectations. Nothing here waits, reads or writes.

mod prober;
mod proxy;
mod source;
mod store;

pub use prober::{FakeAnswer, FakeProber};
pub use proxy::{FakeProxy, FakeProxyCall};
pub use source::FakeSource;
pub use store::MemoryStore;

pub use crate::runtime::MockContainerRuntime;
pub use crate::runtime::fake::{
    Behaviour, Defect, FakeCall, FakeClock, FakeEngine, FakeHost, Fault, FaultEffect, ProcessStep, Script, TermReaction,
};
