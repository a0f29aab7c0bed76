//! Cuts bytes into lines and reads one line. Invariant: nothing is copied and no encoding is assumed; offsets are bytes from
//! the start of the line.

use std::ops::Range;

use crate::procfile::{LINE_LIMIT, NAME_LIMIT};

/// One line without its LF.
pub(crate) struct RawLine<'a> {
    /// From 1.
    pub(crate) number: usize,
    /// Offset of its first byte in the file.
    pub(crate) start: usize,
    pub(crate) bytes: &'a [u8],
}

/// The lines of a file. What follows the last LF is a line too, unless it is empty.
pub(crate) fn raw_lines(source: &[u8]) -> impl Iterator<Item = RawLine<'_>> {
    let mut start = 0;
    source
        .split_inclusive(|&byte| byte == b'\n')
        .enumerate()
        .map(move |(index, whole)| {
            let line = RawLine {
                number: index + 1,
                start,
                bytes: whole.strip_suffix(b"\n").unwrap_or(whole),
            };
            start += whole.len();
            line
        })
}

/// What a line says.
pub(crate) enum LineMeaning<'a> {
    /// It is blank or a comment.
    Nothing,
    /// `name: command`, the name valid; each part with its offset.
    Entry {
        name: &'a str,
        name_at: usize,
        command: Result<(&'a [u8], usize), LineFault>,
    },
}

/// Why a line is refused, with the bytes concerned.
pub(crate) enum LineFault {
    TooLong,
    /// Not `name: command`; the bytes that are not blank.
    Shape(Range<usize>),
    Name(Range<usize>),
    NameTooLong(Range<usize>),
    CommentInPlace(Range<usize>),
    EmptyCommand(Range<usize>),
}

/// Reads one line; the checks come in the order of the reference, but for uniqueness, which is the caller's: after the name, before
/// the command.
pub(crate) fn read_line(line: &[u8]) -> Result<LineMeaning<'_>, LineFault> {
    if line.len() > LINE_LIMIT {
        return Err(LineFault::TooLong);
    }
    let whole = trim(line);
    let text = slice(line, &whole);
    if text.is_empty() || starts_comment(text) {
        return Ok(LineMeaning::Nothing);
    }
    let Some((name_length, rest_at)) = split_entry(text) else {
        return Err(LineFault::Shape(whole));
    };
    let name_span = whole.start..whole.start + name_length;
    let name_bytes = slice(line, &name_span);
    let Some(name) = std::str::from_utf8(name_bytes).ok().filter(|name| is_strict_name(name)) else {
        return Err(LineFault::Name(name_span));
    };
    if name.len() > NAME_LIMIT {
        return Err(LineFault::NameTooLong(name_span));
    }
    let command = read_command(line, whole.start + rest_at..whole.end);
    Ok(LineMeaning::Entry {
        name,
        name_at: name_span.start,
        command,
    })
}

/// The length of the name and where the rest begins, when the text is `name: rest` with something after the colon.
fn split_entry(text: &[u8]) -> Option<(usize, usize)> {
    let name = text.iter().take_while(|&&byte| is_name_shape(byte)).count();
    let blanks = text.iter().skip(name).take_while(|&&byte| is_blank(byte)).count();
    let colon = name + blanks;
    (name > 0 && text.get(colon) == Some(&b':') && text.len() > colon + 1).then_some((name, colon + 1))
}

fn read_command(line: &[u8], rest: Range<usize>) -> Result<(&[u8], usize), LineFault> {
    let blanks = slice(line, &rest).iter().take_while(|&&byte| is_blank(byte)).count();
    let rest = rest.start + blanks..rest.end;
    let text = slice(line, &rest);
    let end = last_comment(text, b"#")
        .or_else(|| last_comment(text, b"//"))
        .unwrap_or(text.len());
    let uncommented = text.get(..end).unwrap_or(text);
    let kept = trim(uncommented);
    let command = slice(uncommented, &kept);
    if command.is_empty() {
        return Err(LineFault::EmptyCommand(rest));
    }
    if starts_comment(command) {
        return Err(LineFault::CommentInPlace(rest));
    }
    Ok((command, rest.start + kept.start))
}

/// Where the last comment begins: at a blank before the mark, when at least one byte follows the mark.
fn last_comment(text: &[u8], mark: &[u8]) -> Option<usize> {
    let shortest = mark.len() + 2;
    let found = text.windows(shortest).rposition(|window| match window.split_first() {
        Some((&first, rest)) => is_blank(first) && rest.starts_with(mark),
        None => false,
    })?;
    Some(found)
}

/// Whether this is a name by its letters alone: those of the strict rules.
pub(crate) fn is_strict_name(name: &str) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    bytes.first().is_some_and(is_plain)
        && bytes.last().is_some_and(is_plain)
        && bytes.iter().all(|byte| is_plain(byte) || *byte == b'-')
}

/// Whether a byte can stand in what looks like a name.
pub(crate) const fn is_name_shape(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// The blanks around the colon and before a comment; fewer than those trimmed off a line.
pub(crate) const fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

fn starts_comment(text: &[u8]) -> bool {
    text.starts_with(b"#") || text.starts_with(b"//")
}

/// The part of a line; empty when it is out of range.
pub(crate) fn slice<'a>(line: &'a [u8], span: &Range<usize>) -> &'a [u8] {
    line.get(span.clone()).unwrap_or_default()
}

/// What is left without the Unicode white space at both ends. Bytes that are not UTF-8 are not white space.
fn trim(text: &[u8]) -> Range<usize> {
    let mut start = 0;
    for chunk in text.utf8_chunks() {
        start += chunk.valid().len() - chunk.valid().trim_start().len();
        if !chunk.valid().trim_start().is_empty() || !chunk.invalid().is_empty() {
            break;
        }
    }
    let mut end = text.len();
    if let Some(last) = text.utf8_chunks().last().filter(|chunk| chunk.invalid().is_empty()) {
        end -= last.valid().len() - last.valid().trim_end().len();
    }
    start..end.max(start)
}
