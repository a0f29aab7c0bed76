//! The pure core of psctl: it decides how apps are deployed, scaled, restarted and kept running, and performs nothing
//! itself. Everything outside is behind a port: the engine ([`runtime`]), what is remembered ([`store`]), where code comes from
//! ([`source`]), the machine ([`host`]), what sends requests
//! to apps ([`proxy`]).

pub mod addresses;
pub mod app;
pub mod audit;
pub mod checks;
pub mod command_line;
pub mod config;
pub mod crashes;
pub mod diagnosis;
pub mod domains;
pub mod execution;
pub mod formation;
pub mod host;
pub mod inspect;
pub mod labels;
pub mod links;
pub mod listen;
pub mod manifest;
pub mod names;
pub mod observation;
pub mod operations;
pub mod plan;
pub mod planning;
pub mod policies;
pub mod probe;
pub mod proxy;
pub mod redaction;
pub mod release;
pub mod release_history;
pub mod report;
pub mod repository;
pub mod runtime;
pub mod shell_script;
pub mod source;
pub mod source_files;
pub mod store;
mod store_text;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
