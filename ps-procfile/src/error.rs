//! What can be wrong with a Procfile. Invariant: [`ProcfileErrors`] is never empty and is in file order; while a file is read
//! an error is only a few numbers, and its words are made when somebody asks.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use crate::entry::Entry;
use crate::explain::explain;
use crate::rules::Rules;
use crate::warning::ProcfileWarnings;

/// What kind of error; the order is that in which a line is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file of more than [`crate::FILE_LIMIT`] bytes; nothing of it is read.
    FileTooLarge,
    /// A line of more than [`crate::LINE_LIMIT`] bytes; its code is the reference's word.
    LineTooLong,
    /// A line that is neither blank, nor a comment, nor `name: command`.
    InvalidLine,
    /// Under the strict rules: a name with other than lower-case letters, digits and `-`, or with `-` at an end.
    InvalidName,
    /// A name of more than [`crate::NAME_LIMIT`] bytes.
    NameTooLong,
    /// A name that an earlier line has.
    Duplicate,
    /// A comment where the command should be.
    CommentInPlace,
    /// Nothing but exotic blanks where the command should be.
    EmptyCommand,
    /// A file without a single entry.
    NoEntries,
    /// A command that is not UTF-8; only [`crate::Procfile::require_text`] reports it.
    NotUtf8,
    /// A command with a NUL byte; only [`crate::Procfile::require_text`] reports it.
    NulByte,
}

impl ErrorKind {
    /// A stable word for programs.
    ///
    /// ```
    /// assert_eq!(ps_procfile::ErrorKind::InvalidLine.code(), "invalid_line");
    /// ```
    pub const fn code(self) -> &'static str {
        match self {
            Self::FileTooLarge => "file_too_large",
            Self::LineTooLong => "token_too_long",
            Self::InvalidLine => "invalid_line",
            Self::InvalidName => "invalid_name",
            Self::NameTooLong => "name_too_long",
            Self::Duplicate => "duplicate",
            Self::CommentInPlace => "comment_in_place",
            Self::EmptyCommand => "empty_command",
            Self::NoEntries => "no_entries",
            Self::NotUtf8 => "not_utf8",
            Self::NulByte => "nul_byte",
        }
    }
}

/// Where in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// From 1; lines end at LF, blank lines and comments count.
    pub line: usize,
    /// From 1, in characters; a byte that is not UTF-8 counts as one.
    pub column: usize,
    /// The bytes concerned, counted from the start of the file; at least one.
    pub span: Range<usize>,
}

/// One error, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcfileError {
    /// What kind of error.
    pub kind: ErrorKind,
    /// Where; `None` for [`ErrorKind::NoEntries`] and [`ErrorKind::FileTooLarge`].
    pub location: Option<Location>,
    /// What is wrong, one line without the place.
    pub message: String,
    /// How to mend it, one line.
    pub hint: Option<String>,
}

impl fmt::Display for ProcfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "line {}, column {}: ", location.line, location.column)?;
        }
        f.write_str(&self.message)
    }
}

impl core::error::Error for ProcfileError {}

/// An error before it is put into words. A file is at most [`crate::FILE_LIMIT`] bytes long, so 32 bits are enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: ErrorKind,
    /// From 1; 0 when it concerns no line.
    pub(crate) line: u32,
    /// The bytes concerned, from the start of the file.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// The line that has the name already; 0 when it is no [`ErrorKind::Duplicate`].
    pub(crate) first_line: u32,
}

impl Fault {
    /// A fault of the file, not of a line.
    pub(crate) const fn of_file(kind: ErrorKind) -> Self {
        Self {
            kind,
            line: 0,
            start: 0,
            end: 0,
            first_line: 0,
        }
    }
}

/// All errors of a file, in file order; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcfileErrors<'a> {
    source: &'a [u8],
    first: Fault,
    rest: Vec<Fault>,
}

impl<'a> ProcfileErrors<'a> {
    /// The errors found, if there are any.
    pub(crate) fn from_found(source: &'a [u8], found: Vec<Fault>) -> Option<Self> {
        let mut found = found.into_iter();
        Some(Self {
            source,
            first: found.next()?,
            rest: found.collect(),
        })
    }

    /// The first error of the file; the reference names the same one.
    ///
    /// ```
    /// use ps_procfile::{ErrorKind, Procfile};
    ///
    /// let invalid = Procfile::parse(b"web: x\nweb: y\nclock\n").unwrap_err();
    /// let first = invalid.errors().first();
    /// assert_eq!(first.kind, ErrorKind::Duplicate);
    /// assert_eq!(first.message, "`web` is already on line 1");
    /// ```
    pub fn first(&self) -> ProcfileError {
        explain(self.source, &self.first)
    }

    /// All errors, in file order, put into words one after another.
    ///
    /// ```
    /// let invalid = ps_procfile::Procfile::parse(b"web: x\nweb: y\nclock\n").unwrap_err();
    /// let codes: Vec<_> = invalid.errors().iter().map(|error| error.kind.code()).collect();
    /// assert_eq!(codes, ["duplicate", "invalid_line"]);
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = ProcfileError> {
        self.faults().map(|fault| explain(self.source, fault))
    }

    /// How many there are, at least 1.
    ///
    /// ```
    /// let invalid = ps_procfile::Procfile::parse(b"web: x\nweb: y\nclock\n").unwrap_err();
    /// assert_eq!(invalid.errors().len(), 2);
    /// ```
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub const fn len(&self) -> usize {
        1 + self.rest.len()
    }

    /// What was parsed.
    pub(crate) const fn source(&self) -> &'a [u8] {
        self.source
    }

    fn faults(&self) -> impl Iterator<Item = &Fault> {
        core::iter::once(&self.first).chain(&self.rest)
    }

    /// Whether a line, counted from 1, is refused as not being `name: command`.
    pub(crate) fn refuse_line(&self, line: usize) -> bool {
        let is_there = |fault: &Fault| fault.line as usize == line && fault.kind == ErrorKind::InvalidLine;
        let at = self.rest.partition_point(|fault| (fault.line as usize) < line);
        is_there(&self.first) || self.rest.get(at).is_some_and(is_there)
    }
}

/// The first error, and how many more there are.
impl fmt::Display for ProcfileErrors<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first())?;
        match self.rest.len() {
            0 => Ok(()),
            1 => f.write_str(" (and 1 more error)"),
            more => write!(f, " (and {more} more errors)"),
        }
    }
}

impl core::error::Error for ProcfileErrors<'_> {}

/// A file that is refused: every error, and what was good in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidProcfile<'a> {
    pub(crate) errors: ProcfileErrors<'a>,
    pub(crate) entries: Vec<Entry<'a>>,
    pub(crate) rules: Rules,
}

impl<'a> InvalidProcfile<'a> {
    /// The errors.
    ///
    /// ```
    /// let invalid = ps_procfile::Procfile::parse(b"web\n").unwrap_err();
    /// assert_eq!(invalid.errors().first().hint.as_deref(), Some("write `web: <command>`"));
    /// ```
    pub const fn errors(&self) -> &ProcfileErrors<'a> {
        &self.errors
    }

    /// The entries of lines without an error, in file order; there may be none.
    ///
    /// ```
    /// let invalid = ps_procfile::Procfile::parse(b"web: x\nclock\n").unwrap_err();
    /// assert_eq!(invalid.entries().iter().map(|entry| entry.name()).collect::<Vec<_>>(), ["web"]);
    /// ```
    pub fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// What is odd about those entries.
    ///
    /// ```
    /// let invalid = ps_procfile::Procfile::parse(b"web: x 'a # b'\nclock\n").unwrap_err();
    /// assert_eq!(invalid.warnings().iter().next().map(|warning| warning.kind.code()), Some("comment_in_quotes"));
    /// ```
    pub fn warnings(&self) -> ProcfileWarnings<'a> {
        ProcfileWarnings::find(self.errors.source, &self.entries, self.rules, Some(&self.errors))
    }
}

/// As [`ProcfileErrors`].
impl fmt::Display for InvalidProcfile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.errors.fmt(f)
    }
}

impl core::error::Error for InvalidProcfile<'_> {}
