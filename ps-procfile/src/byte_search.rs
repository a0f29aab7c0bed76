//! Finds bytes eight at a time. Invariant: only whole words are tested, and only a word that has the byte is looked at more closely.

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x8080_8080_8080_8080;
const WORD: usize = 8;

/// The top bit of each byte of `word` that equals `byte`. Above the lowest such bit there may be false ones.
const fn matches_in(word: u64, byte: u64) -> u64 {
    let zero_where_equal = word ^ (ONES * byte);
    zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & TOPS
}

/// Where the first `byte` is.
pub(crate) fn find_byte(text: &[u8], byte: u8) -> Option<usize> {
    let (words, rest) = text.as_chunks::<WORD>();
    for (index, word) in words.iter().enumerate() {
        let found = matches_in(u64::from_le_bytes(*word), u64::from(byte));
        if found != 0 {
            return Some(index * WORD + (found.trailing_zeros() / 8) as usize);
        }
    }
    let at = rest.iter().position(|&other| other == byte)?;
    Some(words.len() * WORD + at)
}

/// Where the last `byte` is that `is_meant` says yes to.
pub(crate) fn find_last(text: &[u8], byte: u8, is_meant: impl Fn(usize) -> bool) -> Option<usize> {
    let search = |part: &[u8], start: usize| {
        let meant = |(at, &other): (usize, &u8)| other == byte && is_meant(start + at);
        part.iter()
            .enumerate()
            .rev()
            .find(|&found| meant(found))
            .map(|(at, _)| start + at)
    };
    let (words, rest) = text.as_chunks::<WORD>();
    search(rest, words.len() * WORD).or_else(|| {
        let candidates = words.iter().enumerate().rev();
        let mut with_byte = candidates.filter(|(_, word)| matches_in(u64::from_le_bytes(**word), u64::from(byte)) != 0);
        with_byte.find_map(|(index, word)| search(word, index * WORD))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_wherever_it_stands() {
        for length in 0..40 {
            for at in 0..length {
                for other in [0, b'\n' - 1, b'\n' + 1, 0x80 | b'\n', 0xff] {
                    let mut text = [other; 40];
                    text[at] = b'\n';
                    assert_eq!(find_byte(&text[..length], b'\n'), Some(at));
                    assert_eq!(find_last(&text[..length], b'\n', |_| true), Some(at));
                    assert_eq!(find_last(&text[..length], b'\n', |found| found != at), None);
                    assert_eq!(find_byte(&text[..at], b'\n'), None);
                }
            }
        }
    }

    #[test]
    fn the_first_and_the_last_of_several_are_told_apart() {
        let text = b"a#b##cdefghij#k#lm##";
        assert_eq!(find_byte(text, b'#'), Some(1));
        assert_eq!(find_last(text, b'#', |_| true), Some(19));
        assert_eq!(find_last(text, b'#', |at| at < 13), Some(4));
    }
}
