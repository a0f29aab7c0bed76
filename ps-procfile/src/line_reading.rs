//! Reads one line. Invariant: nothing is copied and no encoding is assumed; spans are bytes from the start of the line.

use core::ops::Range;

use crate::blanks::{is_blank, trim, trimmed_at_end, trimmed_at_start};
use crate::byte_search::find_last;
use crate::error::ErrorKind;
use crate::rules::{LINE_LIMIT, NAME_LIMIT, Rules, is_name_byte};

/// What a line says.
pub(crate) enum LineMeaning {
    /// It is blank or a comment.
    Nothing,
    /// `name: command`, the name valid.
    Entry {
        name: Range<usize>,
        command: Result<Range<usize>, LineFault>,
    },
}

/// Why a line is refused, and the bytes concerned, at least one.
pub(crate) struct LineFault {
    pub(crate) kind: ErrorKind,
    pub(crate) span: Range<usize>,
}

impl LineFault {
    pub(crate) const fn new(kind: ErrorKind, span: Range<usize>) -> Self {
        Self { kind, span }
    }
}

/// Reads one line without its LF. The checks come in the order of the reference, but for uniqueness, which is the caller's: after the
/// name, before the command.
pub(crate) fn read_line(line: &[u8], rules: Rules) -> Result<LineMeaning, LineFault> {
    if line.len() > LINE_LIMIT {
        return Err(LineFault::new(ErrorKind::LineTooLong, LINE_LIMIT..line.len()));
    }
    let begin = trimmed_at_start(line);
    let content = line.get(begin..).unwrap_or_default();
    if let [] | [b'#', ..] | [b'/', b'/', ..] = content {
        return Ok(LineMeaning::Nothing);
    }
    let whole = begin..begin + trimmed_at_end(content);
    let text = slice(line, &whole);
    let Some((name_length, rest_at)) = split_entry(text) else {
        return Err(LineFault::new(ErrorKind::InvalidLine, whole));
    };
    let name = begin..begin + name_length;
    if !rules.allow_name(slice(line, &name)) {
        return Err(LineFault::new(ErrorKind::InvalidName, name));
    }
    if name_length > NAME_LIMIT {
        return Err(LineFault::new(ErrorKind::NameTooLong, name));
    }
    let command = read_command(line, begin + rest_at..whole.end);
    Ok(LineMeaning::Entry { name, command })
}

/// The length of the name and where the rest begins, when the text is `name: rest` with something after the colon.
fn split_entry(text: &[u8]) -> Option<(usize, usize)> {
    let after_name = text.iter().position(|&byte| !is_name_byte(byte))?;
    let blanks = text.iter().skip(after_name).take_while(|&&byte| is_blank(byte)).count();
    let colon = after_name + blanks;
    (after_name > 0 && text.get(colon) == Some(&b':') && text.len() > colon + 1).then_some((after_name, colon + 1))
}

fn read_command(line: &[u8], rest: Range<usize>) -> Result<Range<usize>, LineFault> {
    let blanks = slice(line, &rest).iter().take_while(|&&byte| is_blank(byte)).count();
    let rest = rest.start + blanks..rest.end;
    let text = slice(line, &rest);
    let end = last_comment(text).unwrap_or(text.len());
    let kept = trim(text.get(..end).unwrap_or(text));
    match slice(text, &kept) {
        [] => Err(LineFault::new(ErrorKind::EmptyCommand, rest)),
        [b'#', ..] | [b'/', b'/', ..] => Err(LineFault::new(ErrorKind::CommentInPlace, rest)),
        _ => Ok(rest.start + kept.start..rest.start + kept.end),
    }
}

/// Where the last ` #` is that something follows, or else the last ` //`.
fn last_comment(text: &[u8]) -> Option<usize> {
    let follows_blank = |at: usize| {
        at.checked_sub(1)
            .and_then(|before| text.get(before))
            .is_some_and(|&byte| is_blank(byte))
    };
    let is_hash = |at: usize| follows_blank(at) && at + 1 < text.len();
    let are_slashes = |at: usize| text.get(at + 1) == Some(&b'/') && follows_blank(at) && at + 2 < text.len();
    find_last(text, b'#', is_hash).or_else(|| find_last(text, b'/', are_slashes))
}

/// The part of a line; empty when it is out of range.
pub(crate) fn slice<'a>(line: &'a [u8], span: &Range<usize>) -> &'a [u8] {
    line.get(span.clone()).unwrap_or_default()
}
