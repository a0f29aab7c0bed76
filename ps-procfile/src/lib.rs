//! A strict Procfile parser. It reads bytes, does no I/O, expands nothing, and reports every error of a file at once, with
//! its place and how to mend it. Invariant: what it accepts is what `procfile-util --strict` accepts, with the same names and
//! commands. Start reading at [`Procfile::parse`].
//!
//! ```
//! use ps_procfile::{ErrorKind, Procfile};
//!
//! let procfile = Procfile::parse(b"web: node server.js # the site\nworker: node worker.js\n")?;
//! assert_eq!(procfile.get("web").and_then(|entry| entry.command_text()), Some("node server.js"));
//!
//! let invalid = Procfile::parse(b"web: node server.js\nworker_2: node worker.js\n").unwrap_err();
//! assert_eq!(invalid.errors().first().kind, ErrorKind::InvalidName);
//! assert_eq!(invalid.errors().first().hint.as_deref(), Some("write `worker-2`"));
//! assert_eq!(invalid.entries().len(), 1);
//! println!("{}", invalid.render("Procfile"));
//! # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
//! ```
#![no_std]

extern crate alloc;

/// The examples of the README run too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod blanks;
mod byte_search;
mod diagnostic;
mod edit;
mod entry;
mod error;
mod excerpt;
mod explain;
mod line_reading;
mod odd_command;
mod place;
mod procfile;
mod rules;
mod seen_names;
mod shape;
mod warning;

pub use diagnostic::Role;
pub use edit::EditError;
pub use entry::Entry;
pub use error::{ErrorKind, InvalidProcfile, Location, ProcfileError, ProcfileErrors};
pub use procfile::Procfile;
pub use rules::{FILE_LIMIT, LINE_LIMIT, NAME_LIMIT, Rules};
pub use warning::{ProcfileWarning, ProcfileWarnings, WarningKind};
