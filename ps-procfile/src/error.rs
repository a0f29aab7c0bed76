//! What can be wrong with a Procfile. Invariant: [`ProcfileErrors`] is never empty and is in file order.

use std::fmt;
use std::ops::Range;

/// What kind of error; the order is that in which a line is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A line of more than [`crate::LINE_LIMIT`] bytes.
    LineTooLong,
    /// A line that is neither blank, nor a comment, nor `name: command`.
    InvalidLine,
    /// A name with other than lower-case letters, digits and `-`, or with `-` at an end.
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
    /// A stable word for programs, such as `invalid_line`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::LineTooLong => "line_too_long",
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
    /// The bytes concerned, counted from the start of the file.
    pub span: Range<usize>,
}

/// One error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ProcfileError {
    /// What kind of error.
    pub kind: ErrorKind,
    /// Where; `None` for [`ErrorKind::NoEntries`].
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

/// All errors of a file, in file order; at least one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ProcfileErrors {
    first: ProcfileError,
    rest: Vec<ProcfileError>,
}

impl ProcfileErrors {
    /// The errors found, if there are any.
    pub(crate) fn from_found(found: Vec<ProcfileError>) -> Option<Self> {
        let mut found = found.into_iter();
        Some(Self {
            first: found.next()?,
            rest: found.collect(),
        })
    }

    /// The first error of the file.
    pub const fn first(&self) -> &ProcfileError {
        &self.first
    }

    /// All errors, in file order.
    pub fn iter(&self) -> impl Iterator<Item = &ProcfileError> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// How many there are, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub const fn len(&self) -> usize {
        1 + self.rest.len()
    }
}

impl From<ProcfileError> for ProcfileErrors {
    fn from(first: ProcfileError) -> Self {
        Self {
            first,
            rest: Vec::new(),
        }
    }
}

impl fmt::Display for ProcfileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        self.rest.iter().try_for_each(|error| write!(f, "\n{error}"))
    }
}
