//! What is accepted but probably not meant. Invariant: warnings change no answer; they are looked for in entries that were accepted,
//! and stand in file order.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use crate::entry::Entry;
use crate::error::{Location, ProcfileErrors};
use crate::odd_command::odd_places;
use crate::place::location;
use crate::rules::Rules;

/// What kind of warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// A comment was cut off within quotes.
    CommentInQuotes,
    /// A `//` with something right after it was cut off; it may be part of a URL or a path.
    SlashesCut,
    /// What looks like a comment is part of the command, since only the last comment is cut off.
    CommentLeftIn,
    /// The command ends in `\`, and goes not on on the next line.
    TrailingBackslash,
    /// A CR within the command; it is no line end.
    LoneCr,
    /// Another control byte within the command.
    ControlByte,
    /// A blank or a mark within the command that looks like a space, or like nothing, and is neither.
    InvisibleCharacter,
    /// The command is not UTF-8.
    NotUtf8,
    /// Two names differ only in case; other tools take them for one.
    SimilarName,
}

impl WarningKind {
    /// A stable word for programs.
    ///
    /// ```
    /// assert_eq!(ps_procfile::WarningKind::CommentInQuotes.code(), "comment_in_quotes");
    /// ```
    pub const fn code(self) -> &'static str {
        match self {
            Self::CommentInQuotes => "comment_in_quotes",
            Self::SlashesCut => "slashes_cut",
            Self::CommentLeftIn => "comment_left_in",
            Self::TrailingBackslash => "trailing_backslash",
            Self::LoneCr => "lone_cr",
            Self::ControlByte => "control_byte",
            Self::InvisibleCharacter => "invisible_character",
            Self::NotUtf8 => "not_utf8",
            Self::SimilarName => "similar_name",
        }
    }
}

/// One warning, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcfileWarning {
    /// What kind of warning.
    pub kind: WarningKind,
    /// Where.
    pub location: Location,
    /// What is odd, one line without the place.
    pub message: String,
    /// How to mend it, one line.
    pub hint: Option<String>,
}

impl fmt::Display for ProcfileWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Location { line, column, .. } = self.location;
        write!(f, "line {line}, column {column}: warning: {}", self.message)
    }
}

/// The warnings of a file, in file order; there may be none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcfileWarnings<'a> {
    source: &'a [u8],
    warnings: Vec<ProcfileWarning>,
}

impl<'a> ProcfileWarnings<'a> {
    /// The warnings, in file order.
    ///
    /// ```
    /// let procfile = ps_procfile::Procfile::parse(b"web: a # b # c\n")?;
    /// let warnings = procfile.warnings();
    /// assert_eq!(warnings.iter().next().unwrap().location.column, 8);
    /// # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = &ProcfileWarning> {
        self.warnings.iter()
    }

    /// How many there are.
    ///
    /// ```
    /// assert_eq!(ps_procfile::Procfile::parse(b"web: a\n")?.warnings().len(), 0);
    /// # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
    /// ```
    pub const fn len(&self) -> usize {
        self.warnings.len()
    }

    /// Whether there are none.
    ///
    /// ```
    /// assert!(ps_procfile::Procfile::parse(b"web: a # b\n")?.warnings().is_empty());
    /// # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
    /// ```
    pub const fn is_empty(&self) -> bool {
        self.warnings.is_empty()
    }

    /// What was parsed.
    pub(crate) const fn source(&self) -> &'a [u8] {
        self.source
    }

    /// Looks for them. `errors` are those of the same file.
    pub(crate) fn find(
        source: &'a [u8],
        entries: &[Entry<'a>],
        rules: Rules,
        errors: Option<&ProcfileErrors<'_>>,
    ) -> Self {
        let mut search = Search {
            source,
            warnings: Vec::new(),
        };
        let mut folded_names = BTreeMap::new();
        for entry in entries {
            if rules == Rules::Relaxed {
                search.compare_name(entry, &mut folded_names);
            }
            for (kind, span) in odd_places(source, entry) {
                // The line below says it already.
                let is_told = kind == WarningKind::TrailingBackslash
                    && errors.is_some_and(|errors| errors.refuse_line(entry.line() + 1));
                if !is_told {
                    search.add(entry, kind, span, entry);
                }
            }
        }
        Self {
            source,
            warnings: search.warnings,
        }
    }
}

struct Search<'a> {
    source: &'a [u8],
    warnings: Vec<ProcfileWarning>,
}

impl<'a> Search<'a> {
    fn compare_name(&mut self, entry: &Entry<'a>, folded_names: &mut BTreeMap<String, Entry<'a>>) {
        let folded = entry.name().to_ascii_lowercase();
        let Some(first) = folded_names.get(&folded) else {
            folded_names.insert(folded, *entry);
            return;
        };
        let first = *first;
        self.add(entry, WarningKind::SimilarName, entry.name_span(), &first);
    }

    /// Adds a warning about some bytes of an entry's line. `other` is the entry that it is compared with, or itself.
    fn add(&mut self, entry: &Entry<'a>, kind: WarningKind, span: Range<usize>, other: &Entry<'a>) {
        let byte = self.source.get(span.start).copied().unwrap_or_default();
        let message = match kind {
            WarningKind::CommentInQuotes => "the comment that is cut off here begins within quotes".into(),
            WarningKind::SlashesCut => "everything from this `//` on is cut off as a comment".into(),
            WarningKind::CommentLeftIn => "this looks like a comment and is part of the command".into(),
            WarningKind::TrailingBackslash => {
                "the `\\` is part of the command; a command does not go on on the next line".into()
            }
            WarningKind::LoneCr => "there is a CR within the command; it is no line end".into(),
            WarningKind::ControlByte if byte == 0 => "the command has a NUL byte, which no program can be given".into(),
            WarningKind::ControlByte => format!("the command has a control byte (0x{byte:02X})"),
            WarningKind::InvisibleCharacter => "this is no plain space: a command is not split here".into(),
            WarningKind::NotUtf8 => "the command is not UTF-8".into(),
            WarningKind::SimilarName => format!(
                "`{}` differs from `{}` on line {} only in case",
                entry.name(),
                other.name(),
                other.line()
            ),
        };
        self.warnings.push(ProcfileWarning {
            kind,
            location: location(self.source, entry.line(), span),
            message,
            hint: Some(hint_of(kind).into()),
        });
    }
}

const fn hint_of(kind: WarningKind) -> &'static str {
    match kind {
        WarningKind::CommentInQuotes => {
            "quotes do not protect: put the command into a script, or leave out the blank before the comment sign"
        }
        WarningKind::SlashesCut => {
            "if it is part of the command, put the command into a script; if it is a comment, write a blank after `//`"
        }
        WarningKind::CommentLeftIn => {
            "only the last comment of a line is cut off, and not when nothing follows its sign: use one, or a line of its own"
        }
        WarningKind::TrailingBackslash => "put the whole command on one line, or into a script",
        WarningKind::LoneCr => "save the file with LF or CRLF as line ends",
        WarningKind::ControlByte => "remove the byte",
        WarningKind::InvisibleCharacter => "write a plain space, or nothing",
        WarningKind::NotUtf8 => "save the file as UTF-8",
        WarningKind::SimilarName => "other tools take them for one: give one of them another name",
    }
}
