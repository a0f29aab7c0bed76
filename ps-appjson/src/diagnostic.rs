//! What can be wrong with a file, or odd about it. Invariant: [`FormatErrors`] is never empty, and diagnostics are in file
//! order.

use std::fmt;
use std::ops::Range;

use crate::rendering::Rendering;

/// What kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProblemKind {
    /// More than [`crate::SIZE_LIMIT`] bytes.
    TooLarge,
    /// Not UTF-8, or with a byte order mark.
    Encoding,
    /// Not the grammar of the format; what follows is not read.
    Syntax,
    /// A value of another type than the documented one.
    WrongType,
    /// A number outside its bounds.
    OutOfRange,
    /// A name that is no process type or no variable.
    InvalidName,
    /// A text that cannot be used for its purpose.
    InvalidValue,
    /// A key, name or setting that stands twice.
    Duplicate,
    /// A key that has to be there and is not.
    Missing,
    /// Keys that cannot stand together.
    Conflict,
    /// Something that is kept quiet elsewhere and does nothing here; only ever a warning.
    Ignored,
}

impl ProblemKind {
    /// A stable word for programs, such as `wrong_type`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Encoding => "encoding",
            Self::Syntax => "syntax",
            Self::WrongType => "wrong_type",
            Self::OutOfRange => "out_of_range",
            Self::InvalidName => "invalid_name",
            Self::InvalidValue => "invalid_value",
            Self::Duplicate => "duplicate",
            Self::Missing => "missing",
            Self::Conflict => "conflict",
            Self::Ignored => "ignored",
        }
    }
}

/// Where in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// From 1; lines end at LF.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The bytes concerned, counted from the start of the file; empty where something is missing.
    pub span: Range<usize>,
}

/// One error or warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of problem.
    pub kind: ProblemKind,
    /// Where; `None` for [`ProblemKind::TooLarge`].
    pub location: Option<Location>,
    /// The keys that lead to it, such as `healthchecks.web[0].attempts`; `None` outside of app.json and for the whole document.
    pub key_path: Option<String>,
    /// What is wrong, one line without place and key path. Values of variables and headers never stand in it.
    pub message: String,
    /// How to mend it, one line.
    pub hint: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "line {}, column {}: ", location.line, location.column)?;
        }
        if let Some(key_path) = &self.key_path {
            write!(f, "{key_path}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// Diagnostics of one file, in file order; perhaps none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnostics {
    pub(crate) found: Vec<Diagnostic>,
    /// The bytes of the file that no output may show: values of variables, of headers, and of keys that are not read.
    pub(crate) hidden: Vec<Range<usize>>,
}

impl Diagnostics {
    /// All of them, in file order.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.found.iter()
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them as text, without a final newline; at most 20, then how many more. `source` is what was parsed. Values of
    /// variables, headers and keys that are not read are shown as asterisks.
    ///
    /// ```
    /// use ps_appjson::AppJson;
    ///
    /// let source = br#"{ "healthchecks": { "web": [{ "type": "readiness", "path": "/" }] } }"#;
    /// let app = AppJson::parse(source)?;
    /// assert!(app.warnings.render("app.json", source).starts_with("app.json:1:39: healthchecks.web[0].type: "));
    /// # Ok::<(), ps_appjson::FormatErrors>(())
    /// ```
    pub fn render(&self, file: &str, source: &[u8]) -> String {
        let rendering = Rendering {
            file,
            source,
            hidden: &self.hidden,
        };
        rendering.all(self.iter(), self.len())
    }
}

/// All errors of a file, in file order; at least one, and of a file with more than 1000 only so many.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct FormatErrors {
    first: Box<Diagnostic>,
    rest: Diagnostics,
}

impl FormatErrors {
    /// The error, and those after it.
    pub(crate) fn new(first: Diagnostic, rest: Diagnostics) -> Self {
        Self {
            first: Box::new(first),
            rest,
        }
    }

    /// The first error of the file.
    pub const fn first(&self) -> &Diagnostic {
        &self.first
    }

    /// All errors, in file order.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        std::iter::once(self.first()).chain(self.rest.iter())
    }

    /// How many there are, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub const fn len(&self) -> usize {
        1 + self.rest.len()
    }

    /// All errors as text, as [`Diagnostics::render`] does.
    ///
    /// ```
    /// let source = b"web=1\nworker=many\n";
    /// let errors = ps_appjson::ScaleFile::parse(source).unwrap_err();
    /// assert_eq!(
    ///     errors.render("DOKKU_SCALE", source),
    ///     "\
    /// DOKKU_SCALE:2:8: `many` is not a whole number from 0 to 1000
    ///   2 | worker=many
    ///     |        ^^^^
    ///     = write for example `worker=1`"
    /// );
    /// ```
    pub fn render(&self, file: &str, source: &[u8]) -> String {
        let rendering = Rendering {
            file,
            source,
            hidden: &self.rest.hidden,
        };
        rendering.all(self.iter(), self.len())
    }
}

impl fmt::Display for FormatErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        self.rest.iter().try_for_each(|error| write!(f, "\n{error}"))
    }
}
