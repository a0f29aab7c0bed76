//! A file's bytes as text. Invariant: what comes out is UTF-8 without a byte order mark, of at most [`SIZE_LIMIT`] bytes.

use std::ops::{Range, RangeInclusive};

use crate::diagnostic::{Diagnostic, Diagnostics, FormatErrors, ProblemKind};
use crate::findings::{Problem, only_error};
use crate::names::shown;

/// The largest file that is read, in bytes: 1 MiB.
pub const SIZE_LIMIT: usize = 1024 * 1024;

/// The text of a file, or the one error that keeps it from being read.
pub(crate) fn file_text(source: &[u8]) -> Result<&str, FormatErrors> {
    if source.len() > SIZE_LIMIT {
        return Err(too_large(source.len()));
    }
    if source.starts_with(b"\xff\xfe") || source.starts_with(b"\xfe\xff") {
        return Err(encoding(source, "", 0..2, "the file is in UTF-16"));
    }
    match std::str::from_utf8(source) {
        Ok(text) if text.starts_with('\u{feff}') => {
            Err(encoding(source, "", 0..3, "the file begins with a byte order mark"))
        }
        Ok(text) => Ok(text),
        Err(invalid) => {
            let at = invalid.valid_up_to();
            let valid = source.get(..at).and_then(|valid| std::str::from_utf8(valid).ok());
            let before = valid.unwrap_or_default();
            Err(encoding(source, before, at..at + 1, "this byte is not UTF-8"))
        }
    }
}

fn encoding(source: &[u8], before: &str, span: Range<usize>, message: &str) -> FormatErrors {
    let hint = "save it as UTF-8 without a byte order mark";
    let problem = Problem::new(ProblemKind::Encoding, message, hint);
    // What is no text has no values that could be told from keys.
    let everything = may_hold_values(source).then_some(0..usize::MAX);
    let hidden = everything.into_iter().collect();
    only_error(before, span, problem, hidden)
}

fn too_large(size: usize) -> FormatErrors {
    let error = Diagnostic {
        kind: ProblemKind::TooLarge,
        location: None,
        key_path: None,
        message: format!("the file has {size} bytes; at most {SIZE_LIMIT} are read"),
        hint: "remove what does not belong into it".to_owned(),
    };
    FormatErrors::new(error, Diagnostics::default())
}

/// A line of CHECKS or `DOKKU_SCALE` that says something: without its comment and outer blanks, never empty.
pub(crate) struct TextLine<'a> {
    /// From 1.
    pub(crate) number: usize,
    /// Offset of its text in the file.
    start: usize,
    pub(crate) text: &'a str,
}

impl TextLine<'_> {
    /// A part of the line as bytes of the file.
    pub(crate) const fn span(&self, part: Range<usize>) -> Range<usize> {
        self.start + part.start..self.start + part.end
    }
}

/// The lines that say something.
pub(crate) fn lines_of(text: &str) -> impl Iterator<Item = TextLine<'_>> {
    let mut next_start = 0;
    let lines = text.split_inclusive('\n').enumerate().map(move |(index, whole)| {
        let start = next_start;
        next_start += whole.len();
        let uncommented = whole.split('#').next().unwrap_or_default();
        let text = uncommented.trim_start();
        TextLine {
            number: index + 1,
            start: start + uncommented.len() - text.len(),
            text: text.trim_end(),
        }
    });
    lines.filter(|line| !line.text.is_empty())
}

/// Whether an app.json may hold values that no output shows, by the keys they stand under.
pub(crate) fn may_hold_values(source: &[u8]) -> bool {
    let holds = |key: &[u8]| source.windows(key.len()).any(|window| window.eq_ignore_ascii_case(key));
    holds(b"\"env\"") || holds(b"\"httpHeaders\"") || holds(b"\"onFailure\"")
}

/// The problem of a text that begins with a conflict marker of a merge.
pub(crate) fn conflict_marker(text: &str) -> Option<Problem> {
    let is_marker = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"]
        .iter()
        .any(|marker| text.starts_with(marker));
    let message = "this is a conflict marker of a merge";
    let hint = "finish the merge: keep one side and remove the marker lines";
    is_marker.then(|| Problem::new(ProblemKind::Syntax, message, hint))
}

/// The whole number that a text is, or what to say when it is none within the bounds.
pub(crate) fn whole_number(text: &str, bounds: &RangeInclusive<u32>) -> Result<u32, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| is_number && bounds.contains(number));
    number.ok_or_else(|| {
        let range = format!("a whole number from {} to {}", bounds.start(), bounds.end());
        match text {
            "" => format!("there has to be {range} here"),
            other => format!("`{}` is not {range}", shown(other)),
        }
    })
}
