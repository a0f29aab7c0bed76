//! Places of a file in lines and columns. Invariant: a column is a character, and a byte that is not UTF-8 counts as one, so
//! that what is shown below each other agrees.

use core::iter::repeat_n;
use core::ops::Range;

use crate::byte_search::{find_byte, find_last};
use crate::error::Location;

/// The line that a byte is on, without its LF.
pub(crate) fn line_span(source: &[u8], at: usize) -> Range<usize> {
    let before = source.get(..at).unwrap_or(source);
    let start = find_last(before, b'\n', |_| true).map_or(0, |newline| newline + 1);
    let end = find_byte(source.get(start..).unwrap_or_default(), b'\n').map_or(source.len(), |length| start + length);
    start..end
}

/// The place of some bytes of a line, counted from the start of the file.
pub(crate) fn location(source: &[u8], line: usize, span: Range<usize>) -> Location {
    let start = line_span(source, span.start).start;
    let column = letters(source.get(start..span.start).unwrap_or_default()).count() + 1;
    Location { line, column, span }
}

/// The characters; U+FFFD for each byte that is not UTF-8.
pub(crate) fn letters(text: &[u8]) -> impl Iterator<Item = char> {
    let replaced = |bytes: &[u8]| repeat_n(char::REPLACEMENT_CHARACTER, bytes.len());
    text.utf8_chunks()
        .flat_map(move |chunk| chunk.valid().chars().chain(replaced(chunk.invalid())))
}

/// A character as it can be shown: one that is visible, and cannot move a terminal's cursor or turn its text around.
pub(crate) fn printable(letter: char) -> char {
    match letter {
        '\t' => ' ',
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
            char::REPLACEMENT_CHARACTER
        }
        letter if letter.is_control() => char::REPLACEMENT_CHARACTER,
        letter => letter,
    }
}

/// Whether a character looks like a space, or like nothing, and is neither a plain space nor a tab.
pub(crate) fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
        || (letter.is_whitespace() && !letter.is_ascii())
}
