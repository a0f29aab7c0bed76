//! What `procfile:* --format json` prints.
//!
//! Invariant: the schema's number grows with every change that could break a reader; bytes that are no text are lost nowhere.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ps_procfile::{Entry, ErrorKind, InvalidProcfile, Procfile, ProcfileError, ProcfileWarning};
use serde::Serialize;
use serde_json::Value;

/// One process type and its command, wherever it is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessCommand<'a> {
    /// The process type.
    pub name: &'a str,
    /// The command; not always UTF-8.
    pub command: &'a [u8],
    /// The line of the file, from 1; `None` when it is not read from a file.
    pub line: Option<usize>,
}

impl<'a> From<&Entry<'a>> for ProcessCommand<'a> {
    fn from(entry: &Entry<'a>) -> Self {
        Self {
            name: entry.name(),
            command: entry.command(),
            line: Some(entry.line()),
        }
    }
}

/// `psctl.procfile/1`
#[derive(Debug, Serialize)]
pub struct ProcfileView {
    schema: &'static str,
    processes: Vec<ProcessView>,
    errors: Vec<FindingView>,
    warnings: Vec<FindingView>,
}

#[derive(Debug, Serialize)]
struct ProcessView {
    name: String,
    command: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_base64: Option<String>,
    line: Option<usize>,
}

#[derive(Debug, Serialize)]
struct FindingView {
    kind: &'static str,
    line: Option<usize>,
    column: Option<usize>,
    message: String,
    hint: Option<String>,
}

impl ProcfileView {
    /// These commands, and nothing wrong with them.
    ///
    /// ```
    /// use ps_cli::rendering::procfile_view::{ProcessCommand, ProcfileView};
    /// let web = ProcessCommand { name: "web", command: b"caf\xe9", line: None };
    /// let document = ProcfileView::new(&[web]).document();
    /// assert_eq!(document["processes"][0]["command"], "caf\u{fffd}");
    /// assert_eq!(document["processes"][0]["command_base64"], "Y2Fm6Q==");
    /// ```
    pub fn new(processes: &[ProcessCommand<'_>]) -> Self {
        Self {
            schema: "psctl.procfile/1",
            processes: processes.iter().map(ProcessView::of).collect(),
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// What the parser made of a file. `processes` are those to be shown.
    pub fn of_parsed(parsed: &Result<Procfile<'_>, InvalidProcfile<'_>>, processes: &[ProcessCommand<'_>]) -> Self {
        let (errors, warnings) = match parsed {
            Ok(procfile) => (Vec::new(), procfile.warnings()),
            Err(invalid) => (
                invalid.errors().iter().map(FindingView::from).collect(),
                invalid.warnings(),
            ),
        };
        Self {
            errors,
            warnings: warnings.iter().map(FindingView::from).collect(),
            ..Self::new(processes)
        }
    }

    /// A file that is larger than a Procfile may be, of which nothing was parsed.
    pub fn too_large() -> Self {
        let error = FindingView {
            kind: ErrorKind::FileTooLarge.code(),
            line: None,
            column: None,
            message: "the file is larger than 1 MiB".to_owned(),
            hint: Some("a Procfile is small: is this another file?".to_owned()),
        };
        Self {
            errors: vec![error],
            ..Self::new(&[])
        }
    }

    /// The document.
    pub fn document(&self) -> Value {
        super::json_view::document(self)
    }
}

impl ProcessView {
    fn of(process: &ProcessCommand<'_>) -> Self {
        let is_text = std::str::from_utf8(process.command).is_ok();
        Self {
            name: process.name.to_owned(),
            command: String::from_utf8_lossy(process.command).into_owned(),
            command_base64: (!is_text).then(|| BASE64_STANDARD.encode(process.command)),
            line: process.line,
        }
    }
}

impl From<ProcfileError> for FindingView {
    fn from(error: ProcfileError) -> Self {
        Self {
            kind: error.kind.code(),
            line: error.location.as_ref().map(|location| location.line),
            column: error.location.as_ref().map(|location| location.column),
            message: error.message,
            hint: error.hint,
        }
    }
}

impl From<&ProcfileWarning> for FindingView {
    fn from(warning: &ProcfileWarning) -> Self {
        Self {
            kind: warning.kind.code(),
            line: Some(warning.location.line),
            column: Some(warning.location.column),
            message: warning.message.clone(),
            hint: warning.hint.clone(),
        }
    }
}
