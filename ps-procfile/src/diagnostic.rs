//! Errors as text for people: file, place, the line with carets under the bytes, what is wrong, the mend. Invariant: bounded;
//! at most [`SHOWN_ERRORS`] errors and [`SHOWN_COLUMNS`] columns of a line are shown, and no control byte of the file.

use std::fmt::Write as _;

use crate::error::{Location, ProcfileError, ProcfileErrors};
use crate::mend::line_at;

const SHOWN_ERRORS: usize = 20;
const SHOWN_COLUMNS: usize = 100;
/// Columns kept before the caret when a line is cut on the left.
const COLUMNS_BEFORE: usize = 40;

impl ProcfileErrors {
    /// All errors as text, without a final newline. `source` is what was parsed.
    ///
    /// ```
    /// let source = b"web: x\nworker_2: y\n";
    /// let errors = ps_procfile::Procfile::parse(source).unwrap_err();
    /// assert_eq!(
    ///     errors.render("Procfile", source),
    ///     "\
    /// Procfile:2:1: `worker_2` is not a process type: lower-case letters, digits and `-`, with a letter or digit at both ends
    ///   2 | worker_2: y
    ///     | ^^^^^^^^
    ///     = write `worker-2`"
    /// );
    /// ```
    pub fn render(&self, file: &str, source: &[u8]) -> String {
        let mut text = String::new();
        for error in self.iter().take(SHOWN_ERRORS) {
            if !text.is_empty() {
                text.push('\n');
            }
            render_error(&mut text, file, source, error);
        }
        if self.len() > SHOWN_ERRORS {
            let _ = write!(text, "\n{file}: and {} more errors", self.len() - SHOWN_ERRORS);
        }
        text
    }
}

// Writing to a `String` cannot fail, so those results are dropped.
fn render_error(text: &mut String, file: &str, source: &[u8], error: &ProcfileError) {
    let Some(location) = &error.location else {
        let _ = write!(text, "{file}: {}", error.message);
        if let Some(hint) = &error.hint {
            let _ = write!(text, "\n    = {hint}");
        }
        return;
    };
    let _ = write!(text, "{file}:{}:{}: {}", location.line, location.column, error.message);
    let gutter = format!("{:>3}", location.line);
    let margin = " ".repeat(gutter.len());
    if let Some((line, before, carets)) = excerpt(source, location) {
        let _ = write!(
            text,
            "\n{gutter} | {line}\n{margin} | {}{}",
            " ".repeat(before),
            "^".repeat(carets)
        );
    }
    if let Some(hint) = &error.hint {
        let _ = write!(text, "\n{margin} = {hint}");
    }
}

/// The line around the place, how many columns stand before the carets, and how many carets.
fn excerpt(source: &[u8], location: &Location) -> Option<(String, usize, usize)> {
    let line = line_at(source, location)?;
    let shown = String::from_utf8_lossy(line.bytes.trim_ascii_end());
    let column = location.column.saturating_sub(1);
    let skipped = if column > SHOWN_COLUMNS {
        column - COLUMNS_BEFORE
    } else {
        0
    };
    let mut cut: String = shown.chars().skip(skipped).take(SHOWN_COLUMNS).map(printable).collect();
    if shown.chars().count() > skipped + SHOWN_COLUMNS {
        cut.push('…');
    }
    let marked = source.get(location.span.clone()).unwrap_or_default();
    let before = column - skipped + usize::from(skipped > 0);
    let room = SHOWN_COLUMNS.saturating_sub(before).max(1);
    let carets = String::from_utf8_lossy(marked).chars().count().clamp(1, room);
    if skipped > 0 {
        cut.insert(0, '…');
    }
    Some((cut, before, carets))
}

/// One column for one character, and nothing that could move a terminal's cursor.
fn printable(letter: char) -> char {
    match letter {
        '\t' => ' ',
        '\u{feff}' => '\u{fffd}',
        letter if letter.is_control() => '\u{fffd}',
        letter => letter,
    }
}
