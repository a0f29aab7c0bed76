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
//! let source = b"web: node server.js\nworker_2: node worker.js\n";
//! let errors = Procfile::parse(source).unwrap_err();
//! assert_eq!(errors.first().kind, ErrorKind::InvalidName);
//! assert_eq!(errors.first().hint.as_deref(), Some("write `worker-2`"));
//! println!("{}", errors.render("Procfile", source));
//! # Ok::<(), ps_procfile::ProcfileErrors>(())
//! ```

mod diagnostic;
mod error;
mod line_reading;
mod mend;
mod procfile;

pub use error::{ErrorKind, Location, ProcfileError, ProcfileErrors};
pub use procfile::{Entry, LINE_LIMIT, NAME_LIMIT, Procfile};
