//! The pure core of psctl: it decides how apps are deployed, scaled, restarted and kept running, and performs nothing
//! itself. Everything outside is behind a port: the engine ([`runtime`]), what is remembered ([`store`]), where code comes from
//! ([`source`]), the machine ([`host`]).

pub mod addresses;
pub mod app;
pub mod command_line;
pub mod config;
pub mod execution;
pub mod formation;
pub mod host;
pub mod inspect;
pub mod labels;
pub mod names;
pub mod observation;
pub mod operations;
pub mod plan;
pub mod planning;
pub mod policies;
pub mod redaction;
pub mod release;
pub mod report;
pub mod runtime;
pub mod source;
pub mod store;
mod store_text;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
