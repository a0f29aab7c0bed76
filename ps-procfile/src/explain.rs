//! Puts an error into words: what is wrong and how to mend it. Invariant: only words are chosen here; whether a line is refused, and
//! under which kind, was decided before.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use core::ops::Range;

use crate::error::{ErrorKind, Fault, ProcfileError};
use crate::place::{letters, line_span, location, printable};
use crate::rules::{FILE_LIMIT, LINE_LIMIT, NAME_LIMIT, is_strict_name};
use crate::shape::explain_shape;

pub(crate) const NAME_RULE: &str = "lower-case letters, digits and `-`, with a letter or digit at both ends";

/// The words of an error, and the bytes they are about, counted from the start of the file.
pub(crate) struct Explanation {
    pub(crate) message: String,
    pub(crate) hint: String,
    pub(crate) span: Range<usize>,
}

impl Explanation {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>, span: Range<usize>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
            span,
        }
    }
}

/// The error that a fault stands for.
pub(crate) fn explain(source: &[u8], fault: &Fault) -> ProcfileError {
    let Explanation { message, hint, span } = explanation(source, fault);
    ProcfileError {
        kind: fault.kind,
        location: (fault.line > 0).then(|| location(source, fault.line as usize, span)),
        message,
        hint: Some(hint),
    }
}

fn explanation(source: &[u8], fault: &Fault) -> Explanation {
    let span = fault.start as usize..fault.end as usize;
    let text = source.get(span.clone()).unwrap_or_default();
    let (message, hint) = match fault.kind {
        ErrorKind::FileTooLarge => (
            format!("the file has {} bytes; at most {FILE_LIMIT} are read", source.len()),
            "a Procfile is small: is this another file?".to_owned(),
        ),
        ErrorKind::LineTooLong => (
            format!(
                "the line has {} bytes; at most {LINE_LIMIT} are read",
                line_span(source, span.start).len()
            ),
            "put the command into a script and call that".to_owned(),
        ),
        ErrorKind::InvalidLine => return explain_shape(source, span),
        ErrorKind::InvalidName => explain_name(&quoted(text), text),
        ErrorKind::NameTooLong => (
            format!("the name has {} bytes; at most {NAME_LIMIT} are allowed", text.len()),
            "shorten it".to_owned(),
        ),
        ErrorKind::Duplicate => explain_duplicate(&quoted(text), fault.first_line),
        ErrorKind::CommentInPlace => (
            "there is a comment where the command should be".to_owned(),
            "write the command before the comment, or put `#` first to leave the line out".to_owned(),
        ),
        ErrorKind::EmptyCommand => (
            "there are only blanks where the command should be".to_owned(),
            "write a command, or remove the line".to_owned(),
        ),
        ErrorKind::NoEntries => (
            "there is no process type in this file".to_owned(),
            "add a line such as `web: <command>`, or remove the file".to_owned(),
        ),
        ErrorKind::NotUtf8 => (
            "the command is not UTF-8".to_owned(),
            "save the file as UTF-8".to_owned(),
        ),
        ErrorKind::NulByte => (
            "the command has a NUL byte".to_owned(),
            "remove the byte; no program can be given it".to_owned(),
        ),
    };
    Explanation { message, hint, span }
}

/// What is said of a name that the strict rules do not have.
pub(crate) fn explain_name(shown: &str, name: &[u8]) -> (String, String) {
    let hint = mended_name(name).map_or_else(|| format!("use {NAME_RULE}"), |mended| format!("write `{mended}`"));
    (format!("`{shown}` is not a process type: {NAME_RULE}"), hint)
}

fn explain_duplicate(name: &str, first_line: u32) -> (String, String) {
    let hint = if name.len() + 2 <= NAME_LIMIT {
        format!("remove one of the two, or give this one another name, such as `{name}-2`")
    } else {
        "remove one of the two, or give this one another name".to_owned()
    };
    (format!("`{name}` is already on line {first_line}"), hint)
}

/// A part of the file for use within a sentence: short, and safe to show.
pub(crate) fn quoted(text: &[u8]) -> String {
    let mut shown = letters(text).map(printable);
    let mut short: String = shown.by_ref().take(NAME_LIMIT).collect();
    if shown.next().is_some() {
        short.push('…');
    }
    short
}

/// The nearest name of the strict rules, where there is one.
pub(crate) fn mended_name(name: &[u8]) -> Option<String> {
    let mut mended = String::new();
    for letter in letters(name).take(2 * NAME_LIMIT) {
        match letter.to_ascii_lowercase() {
            plain @ ('a'..='z' | '0'..='9') => mended.push(plain),
            '"' | '\'' | '`' => {}
            _ if mended.is_empty() || mended.ends_with('-') => {}
            _ => mended.push('-'),
        }
    }
    let mended = mended.trim_end_matches('-').to_owned();
    (is_strict_name(mended.as_bytes()) && mended.len() <= NAME_LIMIT).then_some(mended)
}
