//! The use cases on the in-memory fakes: deploys, scales, restarts, stops and what interrupts them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod bench;
mod deploy;
mod faults;
mod lifecycle;
mod planned_text;
mod readiness;
mod strangers;
