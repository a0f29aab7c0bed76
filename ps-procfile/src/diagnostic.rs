//! Errors and warnings as text for people: file, place, the line with carets under the bytes, what is wrong, the mend.
//! Invariant: the pieces put together are the text without colour, which is complete.

use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;

use crate::error::{InvalidProcfile, Location, ProcfileErrors};
use crate::excerpt::Excerpt;
use crate::warning::ProcfileWarnings;

/// So many errors, and so many warnings, are in a text; the others are counted.
const SHOWN_FINDINGS: usize = 20;

/// What a piece of a diagnostic is, for who wants to colour it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// `Procfile:2:1: `.
    Place,
    /// The word `warning: `.
    WarningWord,
    /// What is wrong.
    Message,
    /// Line numbers, bars, indents and line ends.
    Gutter,
    /// The line of the file, in characters that are safe to show.
    Source,
    /// The carets below an error.
    ErrorMark,
    /// The carets below a warning.
    WarningMark,
    /// How to mend it.
    Hint,
}

impl ProcfileErrors<'_> {
    /// The first 20 errors as text, and how many there are besides; without a final newline. `file` is the file's name.
    ///
    /// ```
    /// let invalid = ps_procfile::Procfile::parse(b"web: x\nworker_2: y\n").unwrap_err();
    /// assert_eq!(
    ///     invalid.errors().render("Procfile"),
    ///     "\
    /// Procfile:2:1: `worker_2` is not a process type: lower-case letters, digits and `-`, with a letter or digit at both ends
    ///   2 | worker_2: y
    ///     | ^^^^^^^^
    ///     = write `worker-2`"
    /// );
    /// ```
    pub fn render(&self, file: &str) -> String {
        collect(|paint| self.paint(file, SHOWN_FINDINGS, paint))
    }

    /// Calls `paint` with each piece of the same text, but with up to `most` errors; `usize::MAX` shows all.
    ///
    /// ```
    /// let invalid = ps_procfile::Procfile::parse(b"web\n").unwrap_err();
    /// let mut marks = String::new();
    /// invalid.errors().paint("Procfile", usize::MAX, &mut |role, piece| {
    ///     if role == ps_procfile::Role::ErrorMark {
    ///         marks.push_str(piece);
    ///     }
    /// });
    /// assert_eq!(marks, "^^^");
    /// ```
    pub fn paint(&self, file: &str, most: usize, paint: &mut dyn FnMut(Role, &str)) {
        let mut sheet = Sheet::new(self.source(), file, Severity::Error, paint);
        for error in self.iter().take(most) {
            sheet.add(&Finding {
                location: error.location.as_ref(),
                message: &error.message,
                hint: error.hint.as_deref(),
            });
        }
        sheet.count_others(self.len().saturating_sub(most));
    }
}

impl ProcfileWarnings<'_> {
    /// The first 20 warnings as text, in the layout of errors; empty when there are none.
    ///
    /// ```
    /// let procfile = ps_procfile::Procfile::parse(b"web: x \\\n")?;
    /// assert_eq!(
    ///     procfile.warnings().render("Procfile"),
    ///     "\
    /// Procfile:1:8: warning: the `\\` is part of the command; a command does not go on on the next line
    ///   1 | web: x \\
    ///     |        ^
    ///     = put the whole command on one line, or into a script"
    /// );
    /// # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
    /// ```
    pub fn render(&self, file: &str) -> String {
        collect(|paint| self.paint(file, SHOWN_FINDINGS, paint))
    }

    /// Calls `paint` with each piece of the same text, but with up to `most` warnings; `usize::MAX` shows all.
    ///
    /// ```
    /// let procfile = ps_procfile::Procfile::parse(b"web: x \\\n")?;
    /// let mut text = String::new();
    /// procfile.warnings().paint("Procfile", 5, &mut |_, piece| text.push_str(piece));
    /// assert_eq!(text, procfile.warnings().render("Procfile"));
    /// # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
    /// ```
    pub fn paint(&self, file: &str, most: usize, paint: &mut dyn FnMut(Role, &str)) {
        let mut sheet = Sheet::new(self.source(), file, Severity::Warning, paint);
        for warning in self.iter().take(most) {
            sheet.add(&Finding {
                location: Some(&warning.location),
                message: &warning.message,
                hint: warning.hint.as_deref(),
            });
        }
        sheet.count_others(self.len().saturating_sub(most));
    }
}

impl InvalidProcfile<'_> {
    /// The first 20 errors and the first 20 warnings as text, without a final newline.
    ///
    /// ```
    /// let invalid = ps_procfile::Procfile::parse(b"web: x \\\nworker_2: y\n").unwrap_err();
    /// let text = invalid.render("Procfile");
    /// assert!(text.starts_with("Procfile:2:1: `worker_2` is not a process type"));
    /// assert!(text.contains("\nProcfile:1:8: warning: "));
    /// ```
    pub fn render(&self, file: &str) -> String {
        collect(|paint| self.paint(file, SHOWN_FINDINGS, paint))
    }

    /// Calls `paint` with each piece of the same text, but with up to `most` errors and `most` warnings.
    ///
    /// ```
    /// let invalid = ps_procfile::Procfile::parse(b"web\n").unwrap_err();
    /// let mut text = String::new();
    /// invalid.paint("Procfile", usize::MAX, &mut |_, piece| text.push_str(piece));
    /// assert_eq!(text, invalid.render("Procfile"));
    /// ```
    pub fn paint(&self, file: &str, most: usize, paint: &mut dyn FnMut(Role, &str)) {
        self.errors.paint(file, most, paint);
        let warnings = self.warnings();
        if !warnings.is_empty() {
            paint(Role::Gutter, "\n");
            warnings.paint(file, most, paint);
        }
    }
}

#[derive(Clone, Copy)]
enum Severity {
    Error,
    Warning,
}

/// What errors and warnings have in common.
struct Finding<'f> {
    location: Option<&'f Location>,
    message: &'f str,
    hint: Option<&'f str>,
}

fn collect(work: impl FnOnce(&mut dyn FnMut(Role, &str))) -> String {
    let mut text = String::new();
    work(&mut |_, piece| text.push_str(piece));
    text
}

/// Where diagnostics of one severity go.
struct Sheet<'s> {
    source: &'s [u8],
    file: &'s str,
    severity: Severity,
    is_blank: bool,
    paint: &'s mut dyn FnMut(Role, &str),
}

impl<'s> Sheet<'s> {
    fn new(source: &'s [u8], file: &'s str, severity: Severity, paint: &'s mut dyn FnMut(Role, &str)) -> Self {
        Self {
            source,
            file,
            severity,
            is_blank: true,
            paint,
        }
    }

    fn begin(&mut self) {
        if !self.is_blank {
            (self.paint)(Role::Gutter, "\n");
        }
        self.is_blank = false;
    }

    fn add(&mut self, finding: &Finding<'_>) {
        self.begin();
        let mut place = String::from(self.file);
        if let Some(location) = finding.location {
            // Writing to a `String` cannot fail.
            let _ = write!(place, ":{}:{}", location.line, location.column);
        }
        (self.paint)(Role::Place, &format!("{place}: "));
        if let Severity::Warning = self.severity {
            (self.paint)(Role::WarningWord, "warning: ");
        }
        (self.paint)(Role::Message, finding.message);
        let margin = finding.location.map_or(3, |location| self.add_excerpt(location));
        if let Some(hint) = finding.hint {
            (self.paint)(Role::Gutter, &format!("\n{:margin$} = ", ""));
            (self.paint)(Role::Hint, hint);
        }
    }

    /// Adds the line and its carets, and says how wide the line's number is.
    fn add_excerpt(&mut self, location: &Location) -> usize {
        let number = format!("{:>3}", location.line);
        let margin = number.len();
        let excerpt = Excerpt::of(self.source, location);
        let mark = match self.severity {
            Severity::Error => Role::ErrorMark,
            Severity::Warning => Role::WarningMark,
        };
        (self.paint)(Role::Gutter, &format!("\n{number} | "));
        (self.paint)(Role::Source, &excerpt.line);
        (self.paint)(
            Role::Gutter,
            &format!("\n{:margin$} | {:before$}", "", "", before = excerpt.before),
        );
        (self.paint)(mark, &"^".repeat(excerpt.carets));
        margin
    }

    fn count_others(&mut self, more: usize) {
        let word = match (self.severity, more) {
            (_, 0) => return,
            (Severity::Error, 1) => "error",
            (Severity::Error, _) => "errors",
            (Severity::Warning, 1) => "warning",
            (Severity::Warning, _) => "warnings",
        };
        self.begin();
        (self.paint)(Role::Place, &format!("{}: ", self.file));
        (self.paint)(Role::Message, &format!("and {more} more {word}"));
    }
}
