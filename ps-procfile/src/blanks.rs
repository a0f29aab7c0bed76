//! The two sets of blanks. Invariant: [`trim`] takes off what `str::trim` takes off, from bytes of any encoding.

use core::ops::Range;

/// The blanks around the colon and before a comment: space, tab, LF, FF, CR. VT and no-break spaces are not among them.
pub(crate) const fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

/// What is left without the Unicode white space at both ends. Bytes that are not UTF-8 are not white space.
pub(crate) fn trim(text: &[u8]) -> Range<usize> {
    let start = trimmed_at_start(text);
    start..start + trimmed_at_end(text.get(start..).unwrap_or_default())
}

/// Where the text begins after its white space.
pub(crate) fn trimmed_at_start(text: &[u8]) -> usize {
    let mut rest = text;
    loop {
        rest = match rest {
            [byte, after @ ..] if is_ascii_space(*byte) => after,
            [0xc2, 0x85 | 0xa0, after @ ..]
            | [0xe1, 0x9a, 0x80, after @ ..]
            | [0xe2, 0x80, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf, after @ ..]
            | [0xe2, 0x81, 0x9f, after @ ..]
            | [0xe3, 0x80, 0x80, after @ ..] => after,
            _ => return text.len() - rest.len(),
        }
    }
}

/// Where the text ends before its white space.
pub(crate) fn trimmed_at_end(text: &[u8]) -> usize {
    let mut rest = text;
    loop {
        rest = match rest {
            [before @ .., byte] if is_ascii_space(*byte) => before,
            [before @ .., 0xc2, 0x85 | 0xa0]
            | [before @ .., 0xe1, 0x9a, 0x80]
            | [before @ .., 0xe2, 0x80, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf]
            | [before @ .., 0xe2, 0x81, 0x9f]
            | [before @ .., 0xe3, 0x80, 0x80] => before,
            _ => return rest.len(),
        }
    }
}

/// The ASCII part of white space: the blanks and VT.
const fn is_ascii_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn exactly_white_space_is_trimmed() {
        for letter in '\0'..=char::MAX {
            let text = format!("{letter}x{letter}");
            let expected = if letter.is_whitespace() { "x" } else { &text };
            assert_eq!(&text[trim(text.as_bytes())], expected, "{letter:?}");
        }
    }

    #[test]
    fn parts_of_a_character_are_not_white_space() {
        for text in [
            &b"\x85"[..],
            b"\xa0",
            b"\x80\x80",
            b"\xe2\x80",
            b"\xc2\xff",
            b"\xff\x85",
        ] {
            assert_eq!(trim(text), 0..text.len(), "{text:?}");
        }
        assert_eq!(trim(b" \xc2\xc2\xa0\t"), 1..2);
        assert_eq!(trim(b"\xe3\x80\x80 \xe2\x80\x8a"), 7..7);
    }
}
