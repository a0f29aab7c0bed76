//! Keeps config values out of everything that is printed, logged or journalled.
//!
//! Invariant: a hidden value appears in no redacted text, neither as it is, nor URL-encoded, nor with JSON's escapes, nor in
//! base64, whole or as part of something longer. Start at [`Redactor`].

use std::borrow::Cow;

/// What stands in the place of a hidden value.
pub const MASK: &str = "XXXXXX";

/// Values with fewer characters are never hidden: they would be found everywhere.
pub const MIN_SECRET_CHARS: usize = 4;

/// A line of a hidden value of several lines is hidden on its own from this length.
const MIN_LINE_CHARS: usize = 8;

/// Values that tell nothing, and stand in nearly every report.
const TELL_NOTHING: [&str; 2] = ["true", "false"];

/// Replaces values in texts.
///
/// ```
/// use ps_core::redaction::Redactor;
/// let redactor = Redactor::new(["s3cret/&".to_owned(), "abc".to_owned()]);
/// assert_eq!(redactor.redact("abc: s3cret/&"), "abc: XXXXXX");
/// assert_eq!(redactor.redact("?key=s3cret%2F%26#"), "?key=XXXXXX#");
/// ```
#[derive(Clone, Default)]
pub struct Redactor {
    values: Vec<String>,
    needles: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor")
            .field("values", &self.values.len())
            .finish_non_exhaustive()
    }
}

impl Redactor {
    /// Hides these values. Short ones, `true` and `false` are left out.
    pub fn new(values: impl IntoIterator<Item = String>) -> Self {
        let mut redactor = Self::default();
        redactor.hide(values);
        redactor
    }

    /// Hides these values too.
    pub fn hide(&mut self, values: impl IntoIterator<Item = String>) {
        for value in values {
            if is_worth_hiding(&value) && !self.values.contains(&value) {
                self.needles.extend(needles(&value));
                self.values.push(value);
            }
        }
    }

    /// Stops hiding values that equal a public word, such as the name of an app.
    #[must_use]
    pub fn sparing<'a>(&self, public: impl IntoIterator<Item = &'a str>) -> Self {
        let public: Vec<&str> = public.into_iter().collect();
        let is_hidden = |value: &&String| !public.contains(&value.as_str());
        Self::new(self.values.iter().filter(is_hidden).cloned())
    }

    /// The text with [`MASK`] for every hidden value; overlapping ones share a mask.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let ranges = self.hidden_ranges(text.as_bytes());
        if ranges.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut result = String::with_capacity(text.len());
        let mut shown_from = 0;
        for (start, end) in ranges {
            result.push_str(text.get(shown_from..start).unwrap_or_default());
            result.push_str(MASK);
            shown_from = end;
        }
        result.push_str(text.get(shown_from..).unwrap_or_default());
        Cow::Owned(result)
    }

    fn hidden_ranges(&self, text: &[u8]) -> Vec<(usize, usize)> {
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        let starts = if self.needles.is_empty() { 0 } else { text.len() };
        for start in 0..starts {
            let rest = text.get(start..).unwrap_or_default();
            let longest = self
                .needles
                .iter()
                .filter_map(|needle| match_length(rest, needle))
                .max();
            let Some(end) = longest.map(|length| start + length) else {
                continue;
            };
            match ranges.last_mut() {
                Some(last) if start < last.1 => last.1 = last.1.max(end),
                _ => ranges.push((start, end)),
            }
        }
        ranges
    }
}

fn is_worth_hiding(value: &str) -> bool {
    value.chars().count() >= MIN_SECRET_CHARS && !TELL_NOTHING.contains(&value)
}

/// The byte strings whose presence betrays the value.
fn needles(value: &str) -> Vec<Vec<u8>> {
    let lines = value
        .lines()
        .map(str::trim)
        .filter(|line| line.chars().count() >= MIN_LINE_CHARS);
    let mut needles = Vec::new();
    for secret in std::iter::once(value).chain(lines) {
        needles.push(secret.as_bytes().to_vec());
        for offset in 0..3 {
            needles.extend(base64_forms(secret.as_bytes(), offset));
        }
    }
    needles.sort();
    needles.dedup();
    needles
}

/// How much of the start of `text` spells `needle`, each byte written as it is, as `%2F`, as `+` for a blank, or with a
/// backslash as JSON and Rust write strings.
fn match_length(text: &[u8], needle: &[u8]) -> Option<usize> {
    let mut position = 0;
    for wanted in needle {
        let rest = text.get(position..)?;
        position += 1 + match (rest, wanted) {
            ([first, ..], wanted) if first == wanted => 0,
            ([b'+', ..], b' ') => 0,
            ([b'\\', b'n', ..], b'\n') | ([b'\\', b't', ..], b'\t') | ([b'\\', b'r', ..], b'\r') => 1,
            ([b'\\', escaped, ..], wanted) if escaped == wanted => 1,
            ([b'%', high, low, ..], wanted) if hex(*high, *low) == Some(*wanted) => 2,
            ([b'\\', b'u', b'0', b'0', high, low, ..], wanted) if hex(*high, *low) == Some(*wanted) => 5,
            _ => return None,
        };
    }
    Some(position)
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// The value in both base64 alphabets when `offset` bytes (0, 1 or 2) stand before it in the encoded text, without the
/// characters that depend on its neighbours; with the last one too where nothing follows.
fn base64_forms(value: &[u8], offset: usize) -> Vec<Vec<u8>> {
    let mut padded = vec![0; offset];
    padded.extend(value);
    let skip = (offset * 8).div_ceil(6);
    let certain = padded.len() * 8 / 6;
    let mut forms = Vec::new();
    for alphabet in [(b'+', b'/'), (b'-', b'_')] {
        let encoded = base64(&padded, alphabet);
        for end in [certain, encoded.len()] {
            // Shorter pieces would be found by chance.
            forms.extend(encoded.get(skip..end).filter(|form| form.len() > 4).map(<[u8]>::to_vec));
        }
    }
    forms
}

/// Base64 without padding.
fn base64(bytes: &[u8], (plus, slash): (u8, u8)) -> Vec<u8> {
    let digit = |bits: u32| match u8::try_from(bits & 63).unwrap_or_default() {
        bits @ 0..26 => b'A' + bits,
        bits @ 26..52 => b'a' + bits - 26,
        bits @ 52..62 => b'0' + bits - 52,
        62 => plus,
        _ => slash,
    };
    let mut encoded = Vec::with_capacity(bytes.len() * 4 / 3 + 2);
    for chunk in bytes.chunks(3) {
        let byte = |position: usize| u32::from(chunk.get(position).copied().unwrap_or_default());
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        let digits = [18, 12, 6, 0].into_iter().take(chunk.len() + 1);
        encoded.extend(digits.map(|shift| digit(group >> shift)));
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "p?ss w~rd/\"é>";

    fn redact(text: &str) -> String {
        Redactor::new([SECRET.to_owned()]).redact(text).into_owned()
    }

    #[test]
    fn base64_is_the_usual_one() {
        let encode = |text: &str| String::from_utf8(base64(text.as_bytes(), (b'+', b'/'))).unwrap();
        assert_eq!(encode("foobar"), "Zm9vYmFy");
        assert_eq!(encode("fooba"), "Zm9vYmE");
        assert_eq!(encode("foob"), "Zm9vYg");
        assert_eq!(encode("i>?\u{ff}"), "aT4/w78");
    }

    #[test]
    fn every_spelling_is_hidden() {
        let cases = [
            (SECRET, "XXXXXX"),
            ("a=p?ss w~rd/\"é>&b", "a=XXXXXX&b"),
            ("p%3Fss%20w~rd%2F%22%C3%A9%3E", "XXXXXX"),
            ("p%3fss+w%7erd%2f%22%c3%a9%3e", "XXXXXX"),
            (r#"{"a":"p?ss w~rd/\"é>"}"#, r#"{"a":"XXXXXX"}"#),
            (r"p?ss w~rd\/\u0022é\u003e", "XXXXXX"),
            ("cD9zcyB3fnJkLyLDqT4=", "XXXXXX="),
            ("cD9zcyB3fnJkLyLDqT4", "XXXXXX"),
            ("cD9zcyB3fnJkLyLDqT4%3D", "XXXXXX%3D"),
        ];
        for (text, expected) in cases {
            assert_eq!(redact(text), expected, "{text}");
        }
    }

    #[test]
    fn a_value_inside_longer_base64_is_hidden() {
        // `user:hunter22` and the same with a line end, in front of 1, 2 and 3 other bytes.
        let redactor = Redactor::new(["hunter22".to_owned()]);
        for before in ["", "a", "ab", "abc", "user:"] {
            for after in ["", "\n", "!!"] {
                let text = base64(format!("{before}hunter22{after}").as_bytes(), (b'+', b'/'));
                let text = String::from_utf8(text).unwrap();
                assert!(redactor.redact(&text).contains(MASK), "{before:?} {after:?} {text}");
            }
        }
    }

    #[test]
    fn overlapping_values_leave_nothing_behind() {
        let redactor = Redactor::new(["abcdef".to_owned(), "defghi".to_owned(), "abcd".to_owned()]);
        assert_eq!(redactor.redact("<abcdefghi>"), "<XXXXXX>");
        assert_eq!(redactor.redact("abcdef defghi"), "XXXXXX XXXXXX");
        assert_eq!(redactor.redact("abcdefabcd"), "XXXXXXXXXXXX");
    }

    #[test]
    fn lines_of_a_long_value_are_hidden_alone() {
        let redactor = Redactor::new(["-----KEY-----\n  MIIEvQIBADAN\nend\n".to_owned()]);
        assert_eq!(redactor.redact("bad line: MIIEvQIBADAN end"), "bad line: XXXXXX end");
    }

    #[test]
    fn what_tells_nothing_is_shown() {
        let redactor = Redactor::new(["abc", "true", "ünï", "shop"].map(str::to_owned)).sparing(["shop"]);
        let text = "abc true ünï shop";
        assert!(matches!(redactor.redact(text), Cow::Borrowed(same) if same == text));
        assert!(!format!("{:?}", Redactor::new([SECRET.to_owned()])).contains("ss w"));
    }
}
