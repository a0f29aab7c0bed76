//! The composition root: what a command works with, opened when it is first asked for.
//!
//! Invariant: only [`adapters`] names concrete adapters, and nothing is opened, asked or made before a command needs it. Every
//! config value that is read through a [`Session`] is hidden from the terminal at once. Start at [`Session`].

pub mod adapters;
mod background;
pub mod candidates;
mod current_proxy;
pub mod discovery;
mod empty_store;
mod engine_search;
mod examination;
mod session;
mod state_directory;
pub mod systemd;
mod unit_settings;
mod user_name;

pub use background::{listener_runs, retire_in_background};
pub use examination::examine;
pub use session::{EngineSearch, Session};
pub use state_directory::{state_directory, usual_state_directory};
pub use unit_settings::{unit_directory, unit_scope, unit_settings};
pub use user_name::user_name;
