//! Collects what a reader finds. Invariant: places are bytes until the end, then become lines and columns in one pass over
//! the text, so a file of one long line with a thousand errors costs no more than a good one.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, Diagnostics, FormatErrors, Location, ProblemKind};

/// The most errors, and the most warnings, that are kept of one file. A file of nothing but errors must not cost hundreds of
/// times its size.
const KEPT: usize = 1000;

/// A problem that has a place and perhaps keys that lead to it, but no line yet.
pub(crate) struct Problem {
    pub(crate) kind: ProblemKind,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Problem {
    pub(crate) fn new(kind: ProblemKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// Errors, warnings and what must stay hidden, of one text.
pub(crate) struct Findings<'a> {
    text: &'a str,
    line_feeds: Vec<usize>,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    hidden: Vec<Range<usize>>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            line_feeds: text.match_indices('\n').map(|(at, _)| at).collect(),
            errors: Vec::new(),
            warnings: Vec::new(),
            hidden: Vec::new(),
        }
    }

    /// An error at these bytes; `key_path` is empty for the whole document.
    pub(crate) fn error(&mut self, span: Range<usize>, key_path: String, problem: Problem) {
        keep(&mut self.errors, span, key_path, problem);
    }

    /// Something to know that does not stop anything.
    pub(crate) fn warning(&mut self, span: Range<usize>, key_path: String, problem: Problem) {
        keep(&mut self.warnings, span, key_path, problem);
    }

    /// Bytes that no output may show.
    pub(crate) fn hide(&mut self, span: Range<usize>) {
        self.hidden.push(span);
    }

    /// The line of a byte, from 1.
    pub(crate) fn line_of(&self, at: usize) -> usize {
        self.line_feeds.partition_point(|line_feed| *line_feed < at) + 1
    }

    /// The warnings, or the errors if there are any.
    pub(crate) fn finish(mut self) -> Result<Diagnostics, FormatErrors> {
        place(self.text, &mut self.errors);
        place(self.text, &mut self.warnings);
        let hidden = self.hidden;
        let mut errors = self.errors.into_iter();
        let Some(first) = errors.next() else {
            let found = self.warnings;
            return Ok(Diagnostics { found, hidden });
        };
        let found = errors.collect();
        Err(FormatErrors::new(first, Diagnostics { found, hidden }))
    }
}

/// One error that keeps the rest of a text from being read.
pub(crate) fn only_error(text: &str, span: Range<usize>, problem: Problem, hidden: Vec<Range<usize>>) -> FormatErrors {
    let mut error = [unplaced(span, String::new(), problem)];
    place(text, &mut error);
    let [error] = error;
    let found = Vec::new();
    FormatErrors::new(error, Diagnostics { found, hidden })
}

fn keep(found: &mut Vec<Diagnostic>, span: Range<usize>, key_path: String, problem: Problem) {
    if found.len() < KEPT {
        found.push(unplaced(span, key_path, problem));
    }
}

fn unplaced(span: Range<usize>, key_path: String, problem: Problem) -> Diagnostic {
    let location = Location {
        line: 1,
        column: 1,
        span,
    };
    Diagnostic {
        kind: problem.kind,
        location: Some(location),
        key_path: Some(key_path).filter(|path| !path.is_empty()),
        message: problem.message,
        hint: problem.hint,
    }
}

/// Puts diagnostics into file order and gives them lines and columns.
fn place(text: &str, found: &mut [Diagnostic]) {
    found.sort_by_key(|diagnostic| diagnostic.location.as_ref().map_or(0, |location| location.span.start));
    let (mut line, mut column, mut at) = (1, 1, 0);
    for location in found.iter_mut().filter_map(|diagnostic| diagnostic.location.as_mut()) {
        for letter in text.get(at..location.span.start).unwrap_or_default().chars() {
            (line, column) = if letter == '\n' {
                (line + 1, 1)
            } else {
                (line, column + 1)
            };
        }
        at = location.span.start.max(at);
        location.line = line;
        location.column = column;
    }
}
