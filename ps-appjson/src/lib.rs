//! The formats that stand beside a Procfile in a source: app.json, and the early CHECKS and `DOKKU_SCALE`. They are read from
//! bytes, without I/O, and every error of a file that does not hide another is reported at once, with its place and how to mend
//! it. Invariant: no input makes a reader panic, and nothing is guessed: a value has the type that is documented, or the file
//! is refused. Start reading at [`AppJson::parse`].
//!
//! ```
//! use ps_appjson::AppJson;
//!
//! let app = AppJson::parse(br#"{ "formation": { "worker": { "quantity": 2 } } } // two are enough"#)?;
//! assert_eq!(app.formation["worker"].quantity, Some(2));
//!
//! let source = br#"{ "formation": { "worker": { "quantity": "2" } } }"#;
//! let errors = AppJson::parse(source).unwrap_err();
//! assert_eq!(errors.first().key_path.as_deref(), Some("formation.worker.quantity"));
//! assert_eq!(errors.first().hint, "write the number without quotes");
//! println!("{}", errors.render("app.json", source));
//! # Ok::<(), ps_appjson::FormatErrors>(())
//! ```

/// The examples of the README run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

mod app_json;
mod app_json_shape;
mod check_reading;
mod checks_file;
mod diagnostic;
mod document;
mod file_text;
mod findings;
mod health_check;
mod key_path;
mod names;
mod outline;
mod piece;
mod rendering;
mod scale_file;
mod schema;
mod shape;
mod shape_reading;

mod text_rule;

pub use app_json::{AppJson, EnvDeclaration, EnvDefault, ProcessFormation, Scripts};
pub use checks_file::ChecksFile;
pub use diagnostic::{Diagnostic, Diagnostics, FormatErrors, Location, ProblemKind};
pub use file_text::SIZE_LIMIT;
pub use health_check::{
    ATTEMPTS_LIMIT, CheckKind, CheckPurpose, DEFAULT_ATTEMPTS, DEFAULT_TIMEOUT, DEFAULT_WAIT, DURATION_LIMIT,
    HealthCheck, HttpHeader, PathCheck, Scheme,
};
pub use names::NAME_LIMIT;
pub use scale_file::{QUANTITY_LIMIT, ScaleFile};
