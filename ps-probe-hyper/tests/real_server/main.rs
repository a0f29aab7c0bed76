//! The prober against servers on this machine, honest and hostile ones.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod over_tls;
mod plain;
mod server;
