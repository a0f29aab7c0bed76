//! What is odd about one accepted command. Invariant: each kind is found at most once a command, in the order of the bytes.

use alloc::vec::Vec;
use core::ops::Range;

use crate::blanks::{is_blank, trimmed_at_start};
use crate::byte_search::find_byte;
use crate::entry::Entry;
use crate::place::{is_invisible, line_span};
use crate::warning::WarningKind;

/// The odd places of an entry's command and of the comment behind it, in bytes of the file.
pub(crate) fn odd_places(source: &[u8], entry: &Entry<'_>) -> Vec<(WarningKind, Range<usize>)> {
    let span = entry.command_span();
    let command = entry.command();
    let reading = read_as_shell(command);
    let mut found = Vec::new();
    let mut add = |kind, at: Range<usize>| found.push((kind, span.start + at.start..span.start + at.end));
    if let Some(mark) = reading.comment {
        add(WarningKind::CommentLeftIn, mark);
    }
    if let Some(at) = find_byte(command, b'\r') {
        add(WarningKind::LoneCr, one(at));
    }
    let is_control = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r');
    if let Some(at) = command.iter().position(is_control) {
        add(WarningKind::ControlByte, one(at));
    }
    match core::str::from_utf8(command) {
        Ok(text) => {
            if let Some((at, letter)) = text.char_indices().find(|(_, letter)| is_invisible(*letter)) {
                add(WarningKind::InvisibleCharacter, at..at + letter.len_utf8());
            }
        }
        Err(error) => add(WarningKind::NotUtf8, one(error.valid_up_to())),
    }
    if command.iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1 {
        add(WarningKind::TrailingBackslash, one(command.len() - 1));
    }
    let cut = source
        .get(span.end..line_span(source, span.start).end)
        .unwrap_or_default();
    if let Some((kind, mark)) = odd_cut(cut, reading.open_quote) {
        add(kind, command.len() + mark.start..command.len() + mark.end);
    }
    found.sort_by_key(|(_, span)| span.start);
    found
}

const fn one(at: usize) -> Range<usize> {
    at..at + 1
}

/// What is odd about what was cut off behind a command, and its comment sign.
fn odd_cut(cut: &[u8], open_quote: Option<u8>) -> Option<(WarningKind, Range<usize>)> {
    let at = trimmed_at_start(cut);
    let comment = cut.get(at..)?;
    let (sign, is_path) = match comment {
        [b'#', ..] => (1, false),
        [b'/', b'/', after, ..] => (2, !is_blank(*after)),
        _ => return None,
    };
    let kind = match open_quote {
        Some(quote) if comment.contains(&quote) => WarningKind::CommentInQuotes,
        _ if is_path => WarningKind::SlashesCut,
        _ => return None,
    };
    Some((kind, at..at + sign))
}

/// A command as a shell would see it.
struct ShellReading {
    /// The quote that is open at its end.
    open_quote: Option<u8>,
    /// The first sign of what looks like a comment, outside quotes.
    comment: Option<Range<usize>>,
}

fn read_as_shell(command: &[u8]) -> ShellReading {
    let mut reading = ShellReading {
        open_quote: None,
        comment: None,
    };
    let mut is_escaped = false;
    let mut follows_blank = false;
    for (at, &byte) in command.iter().enumerate() {
        let escaped = core::mem::replace(&mut is_escaped, false);
        match (reading.open_quote, byte) {
            _ if escaped => {}
            (None | Some(b'"'), b'\\') => is_escaped = true,
            (None, b'\'' | b'"') => reading.open_quote = Some(byte),
            (Some(open), quote) if open == quote => reading.open_quote = None,
            (None, b'#' | b'/') if follows_blank && reading.comment.is_none() => {
                reading.comment = comment_sign(command.get(at..).unwrap_or_default()).map(|sign| at..at + sign);
            }
            _ => {}
        }
        follows_blank = is_blank(byte);
    }
    reading
}

/// How long the sign is, when a comment seems to begin here.
fn comment_sign(text: &[u8]) -> Option<usize> {
    match text {
        [b'#', ..] => Some(1),
        [b'/', b'/'] => Some(2),
        [b'/', b'/', after, ..] if is_blank(*after) => Some(2),
        _ => None,
    }
}
