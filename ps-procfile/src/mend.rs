//! Says what is wrong with a refused line and how to mend it. Invariant: only words are chosen here; whether a line is
//! refused, and under which kind, was decided before.

use std::ops::Range;

use crate::error::{ErrorKind, Location, ProcfileError};
use crate::line_reading::{LineFault, RawLine, is_blank, is_name_shape, is_strict_name, raw_lines, slice};
use crate::procfile::{Entry, LINE_LIMIT, NAME_LIMIT, location};

const BOM: &[u8] = b"\xef\xbb\xbf";
const CONFLICT_MARKERS: [&[u8]; 4] = [b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>"];
const NAME_RULE: &str = "lower-case letters, digits and `-`, with a letter or digit at both ends";

fn error(kind: ErrorKind, message: impl Into<String>, hint: impl Into<String>) -> ProcfileError {
    ProcfileError {
        kind,
        location: None,
        message: message.into(),
        hint: Some(hint.into()),
    }
}

/// A file in UTF-16 is one error, not one a line.
pub(crate) fn utf16_error(source: &[u8]) -> Option<ProcfileError> {
    let is_utf16 = source.starts_with(b"\xff\xfe") || source.starts_with(b"\xfe\xff");
    let place = Location {
        line: 1,
        column: 1,
        span: 0..2,
    };
    is_utf16.then(|| ProcfileError {
        location: Some(place),
        ..error(
            ErrorKind::InvalidLine,
            "the file is in UTF-16",
            "save it as UTF-8 without a byte order mark",
        )
    })
}

/// A name that an earlier line has.
pub(crate) fn duplicate_error(name: &str, first_line: usize) -> ProcfileError {
    error(
        ErrorKind::Duplicate,
        format!("`{name}` is already on line {first_line}"),
        format!("remove one of the two, or give this one another name, such as `{name}-2`"),
    )
}

/// The first byte of a command that no program can be given as an argument.
pub(crate) fn text_error(source: &[u8], entry: &Entry<'_>) -> Option<ProcfileError> {
    let (at, found) = match std::str::from_utf8(entry.command()) {
        Err(invalid) => {
            let hint = "save the file as UTF-8";
            (
                invalid.valid_up_to(),
                error(ErrorKind::NotUtf8, "the command is not UTF-8", hint),
            )
        }
        Ok(command) => {
            let hint = "remove the byte; no program can be given it";
            (
                command.find('\0')?,
                error(ErrorKind::NulByte, "the command has a NUL byte", hint),
            )
        }
    };
    let start = (entry.command_span().start + at).checked_sub(entry.line_start())?;
    let bytes = source.get(entry.line_start()..entry.command_span().end)?;
    let line = RawLine {
        number: entry.line(),
        start: entry.line_start(),
        bytes,
    };
    Some(ProcfileError {
        location: Some(location(&line, start..start + 1)),
        ..found
    })
}

/// The error of a refused line, still without its place, and the bytes of the line that it points at.
pub(crate) fn explain(line: &[u8], fault: &LineFault, previous: Option<&[u8]>) -> (ProcfileError, Range<usize>) {
    match fault {
        LineFault::TooLong => {
            let message = format!("the line has {} bytes; at most {LINE_LIMIT} are read", line.len());
            let hint = "put the command into a script and call that";
            (error(ErrorKind::LineTooLong, message, hint), LINE_LIMIT..line.len())
        }
        LineFault::Shape(span) => explain_shape(slice(line, span), span, previous),
        LineFault::Name(span) => {
            let name = String::from_utf8_lossy(slice(line, span)).into_owned();
            let hint = mended_name(&name).map_or_else(|| format!("use {NAME_RULE}"), |name| format!("write `{name}`"));
            let message = format!("`{name}` is not a process type: {NAME_RULE}");
            (error(ErrorKind::InvalidName, message, hint), span.clone())
        }
        LineFault::NameTooLong(span) => {
            let message = format!("the name has {} bytes; at most {NAME_LIMIT} are allowed", span.len());
            (error(ErrorKind::NameTooLong, message, "shorten the name"), span.clone())
        }
        LineFault::CommentInPlace(span) => {
            let hint = "write the command before the comment, or put `#` first to leave the line out";
            (
                error(
                    ErrorKind::CommentInPlace,
                    "there is a comment where the command should be",
                    hint,
                ),
                span.clone(),
            )
        }
        LineFault::EmptyCommand(span) => {
            let message = "there are only blanks where the command should be";
            (
                error(ErrorKind::EmptyCommand, message, "write a command, or remove the line"),
                span.clone(),
            )
        }
    }
}

/// Why a text is not `name: command`.
fn explain_shape(text: &[u8], span: &Range<usize>, previous: Option<&[u8]>) -> (ProcfileError, Range<usize>) {
    let part = |from: usize, to: usize| span.start + from..span.start + to;
    let invalid = |message: &str, hint: String| error(ErrorKind::InvalidLine, message, hint);
    if text.starts_with(BOM) {
        let hint = "save it as UTF-8 without a byte order mark".to_owned();
        return (
            invalid("the line begins with a byte order mark (BOM)", hint),
            part(0, BOM.len()),
        );
    }
    if CONFLICT_MARKERS.iter().any(|marker| text.starts_with(marker)) {
        let hint = "finish the merge: keep one side and remove the marker lines".to_owned();
        return (invalid("this is a conflict marker of a merge", hint), span.clone());
    }
    if previous.is_some_and(|line| line.trim_ascii_end().ends_with(b"\\")) {
        let hint = "put the whole command on one line, or into a script".to_owned();
        return (
            invalid("a command cannot go on from the line before", hint),
            span.clone(),
        );
    }
    let name = text.iter().take_while(|&&byte| is_name_shape(byte)).count();
    let rest = text.get(name..).unwrap_or_default();
    let shown_name = String::from_utf8_lossy(text.get(..name).unwrap_or_default()).into_owned();
    match rest.trim_ascii_start() {
        b":" if name > 0 => {
            let hint = format!("write a command after `{shown_name}:`, or remove the line");
            (
                invalid("there is no command after the colon", hint),
                part(0, text.len()),
            )
        }
        [b':', ..] => (
            invalid("there is no name before the colon", "write `web: <command>`".to_owned()),
            part(0, 1),
        ),
        after => match bad_name(text) {
            Some((bad, end)) => {
                let hint =
                    mended_name(&bad).map_or_else(|| format!("use {NAME_RULE}"), |name| format!("write `{name}`"));
                let message = format!("`{bad}` is not a process type: {NAME_RULE}");
                (invalid(&message, hint), part(0, end))
            }
            None => (
                explain_missing_colon(&shown_name, rest, after),
                part(name, (name + 1).max(1)),
            ),
        },
    }
}

/// What stands before the first plain colon, when it looks like a name that is merely misspelt, and its length.
fn bad_name(text: &[u8]) -> Option<(String, usize)> {
    let colon = text.iter().position(|&byte| byte == b':')?;
    let before = text.get(..colon)?.trim_ascii_end();
    let is_like_name = before.len() <= NAME_LIMIT && !before.contains(&b'=');
    let words = before
        .split(|&byte| is_blank(byte))
        .filter(|word| !word.is_empty())
        .count();
    // `we b: x` is a misspelt name; a whole sentence, or a command with a colon somewhere inside, is not.
    let ends_the_word = text.get(colon + 1).is_none_or(|&byte| is_blank(byte));
    (is_like_name && (words == 1 || (words == 2 && ends_the_word)))
        .then(|| (String::from_utf8_lossy(before).into_owned(), before.len()))
}

fn explain_missing_colon(name: &str, rest: &[u8], after: &[u8]) -> ProcfileError {
    let command = String::from_utf8_lossy(after).into_owned();
    let mended = mended_name(name);
    let (message, hint) = match (mended, rest.first()) {
        (Some(_), None) => (
            format!("there is no colon and no command after `{name}`"),
            format!("write `{name}: <command>`"),
        ),
        (Some(_), Some(b'=')) if name.bytes().any(|byte| byte.is_ascii_uppercase()) => (
            "a Procfile has no variables".to_owned(),
            "set it in the app's config, or write it before the command: `env NAME=value …`".to_owned(),
        ),
        (Some(mended), Some(b'=')) => (
            "`=` does not separate name and command".to_owned(),
            format!("write `{mended}: {}`", command.trim_start_matches('=').trim()),
        ),
        (Some(mended), Some(_)) if command.starts_with('：') => (
            "the colon is not the plain `:`".to_owned(),
            format!("write `{mended}: {}`", command.trim_start_matches('：').trim()),
        ),
        (Some(mended), Some(&byte)) if is_blank(byte) => (
            format!("there is no colon after `{name}`"),
            format!("write `{mended}: {}`", shortened(&command)),
        ),
        _ => (
            "this is not `name: command`".to_owned(),
            "write `web: <command>`, or `#` first for a comment".to_owned(),
        ),
    };
    error(ErrorKind::InvalidLine, message, hint)
}

fn shortened(command: &str) -> String {
    let mut short: String = command.chars().take(40).collect();
    if short.len() < command.len() {
        short.push('…');
    }
    short
}

/// The nearest valid name, where there is one.
fn mended_name(name: &str) -> Option<String> {
    let mut mended = String::new();
    for letter in name.to_ascii_lowercase().chars() {
        match letter {
            'a'..='z' | '0'..='9' => mended.push(letter),
            '"' | '\'' | '`' => {}
            _ if mended.is_empty() || mended.ends_with('-') => {}
            _ => mended.push('-'),
        }
    }
    let mended = mended.trim_end_matches('-').to_owned();
    (is_strict_name(&mended) && mended.len() <= NAME_LIMIT).then_some(mended)
}

/// The line a location is on.
pub(crate) fn line_at<'a>(source: &'a [u8], location: &Location) -> Option<RawLine<'a>> {
    raw_lines(source).nth(location.line.checked_sub(1)?)
}
