//! The engines that this workspace knows, as the conformance suite sees them. Invariant: an engine that is not there says so, and
//! is never mistaken for one that passed.

mod fake;
mod gate;
mod real;

pub use fake::{FAKE_IMAGE, FakeUnderTest};
pub use real::{Kind, RealEngine, static_busybox};
