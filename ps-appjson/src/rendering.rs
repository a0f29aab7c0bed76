//! Diagnostics as text for people: file, place, the line with carets under the bytes, what is wrong, the mend. Invariant:
//! bounded, without control characters of the file, and without what is hidden.

use std::fmt::Write as _;
use std::ops::Range;

use crate::diagnostic::{Diagnostic, Location};

const SHOWN_DIAGNOSTICS: usize = 20;
const SHOWN_COLUMNS: usize = 100;
/// Columns kept before the caret when a line is cut on the left.
const COLUMNS_BEFORE: usize = 40;
/// What stands for each character of a value that is not shown.
const HIDDEN: char = '*';

/// How diagnostics of one file become text.
pub(crate) struct Rendering<'a> {
    pub(crate) file: &'a str,
    pub(crate) source: &'a [u8],
    /// The bytes that are not shown.
    pub(crate) hidden: &'a [Range<usize>],
}

impl Rendering<'_> {
    /// The first ones of `count` diagnostics, and how many more there are.
    pub(crate) fn all<'d>(&self, found: impl Iterator<Item = &'d Diagnostic>, count: usize) -> String {
        let mut text = String::new();
        for diagnostic in found.take(SHOWN_DIAGNOSTICS) {
            if !text.is_empty() {
                text.push('\n');
            }
            self.one(&mut text, diagnostic);
        }
        if count > SHOWN_DIAGNOSTICS {
            let _ = write!(text, "\n{}: and {} more", self.file, count - SHOWN_DIAGNOSTICS);
        }
        text
    }

    // Writing to a `String` cannot fail, so those results are dropped.
    fn one(&self, text: &mut String, diagnostic: &Diagnostic) {
        let mut margin = "   ".to_owned();
        let _ = write!(text, "{}:", self.file);
        if let Some(location) = &diagnostic.location {
            let _ = write!(text, "{}:{}:", location.line, location.column);
        }
        if let Some(key_path) = &diagnostic.key_path {
            let _ = write!(text, " {key_path}:");
        }
        let _ = write!(text, " {}", diagnostic.message);
        if let Some(location) = &diagnostic.location {
            let gutter = format!("{:>3}", location.line);
            margin = " ".repeat(gutter.len());
            let (line, before, carets) = self.excerpt(location);
            let (blanks, carets) = (" ".repeat(before), "^".repeat(carets));
            let _ = write!(text, "\n{gutter} | {line}\n{margin} | {blanks}{carets}");
        }
        let _ = write!(text, "\n{margin} = {}", diagnostic.hint);
    }

    /// The line around the place, how many columns stand before the carets, and how many carets.
    fn excerpt(&self, location: &Location) -> (String, usize, usize) {
        let line = line_around(self.source, location.span.start);
        let text = String::from_utf8_lossy(self.source.get(line.clone()).unwrap_or_default());
        let column = location.column.saturating_sub(1);
        let skipped = if column > SHOWN_COLUMNS {
            column - COLUMNS_BEFORE
        } else {
            0
        };
        let mut letters = text.trim_end().char_indices().skip(skipped);
        let shown = letters.by_ref().take(SHOWN_COLUMNS);
        let mut cut: String = shown.map(|(at, letter)| self.shown(line.start + at, letter)).collect();
        if letters.next().is_some() {
            cut.push('…');
        }
        let marked = self.source.get(location.span.start..location.span.end.min(line.end));
        let before = column - skipped + usize::from(skipped > 0);
        let room = SHOWN_COLUMNS.saturating_sub(before).max(1);
        let carets = String::from_utf8_lossy(marked.unwrap_or_default())
            .chars()
            .count()
            .clamp(1, room);
        if skipped > 0 {
            cut.insert(0, '…');
        }
        (cut, before, carets)
    }

    /// A character of the file as it is shown.
    fn shown(&self, at: usize, letter: char) -> char {
        match letter {
            '"' => '"',
            _ if self.hidden.iter().any(|hidden| hidden.contains(&at)) => HIDDEN,
            letter => printable(letter),
        }
    }
}

/// The bytes of the line that holds this one, without its LF.
fn line_around(source: &[u8], at: usize) -> Range<usize> {
    let at = at.min(source.len());
    let (before, after) = source.split_at_checked(at).unwrap_or((source, &[]));
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |lf| lf + 1);
    let end = after
        .iter()
        .position(|&byte| byte == b'\n')
        .map_or(source.len(), |lf| at + lf);
    start..end
}

/// One column for one character, and nothing that could move a terminal's cursor or turn its text round.
fn printable(letter: char) -> char {
    match letter {
        '\t' | '\r' => ' ',
        '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        letter if letter.is_control() => '\u{fffd}',
        letter => letter,
    }
}
