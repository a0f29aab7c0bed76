//! The composition root: what a command works with, opened when it is first asked for.
//!
//! Invariant: only [`adapters`] names concrete adapters, and nothing is opened, asked or made before a command needs it. Every
//! config value that is read through a [`Session`] is hidden from the terminal at once. Start at [`Session`].

pub mod adapters;
mod background;
pub mod candidates;
pub mod discovery;
mod empty_store;
mod engine_search;
mod session;
mod state_directory;
mod user_name;

pub use background::retire_in_background;
pub use session::Session;
pub use state_directory::state_directory;
pub use user_name::user_name;
