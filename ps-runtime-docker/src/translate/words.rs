//! Words that become part of a request's path or query, and small conversions.

use std::fmt::Write;
use std::time::Duration;

/// Whether a name can stand in a request's path as it is. Others name nothing on an engine, and could lead the request elsewhere
/// (`../containers/x`).
pub(crate) fn is_plain_word(word: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-:/@+".contains(c);
    let leads_away = |part: &str| part.is_empty() || part.chars().all(|c| c == '.');
    word.chars().all(is_plain) && !word.split('/').any(leads_away)
}

/// A value in a request's query.
pub(crate) fn query_value(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len() * 2);
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// An image's name and tag. A name without a tag means `latest`; with a digest it has none.
pub(crate) fn split_tag(image: &str) -> (&str, &str) {
    if image.contains('@') {
        return (image, "");
    }
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

/// Whole seconds, rounded up.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_add(u64::from(duration.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_lead_elsewhere_are_not_plain() {
        for good in ["shop.web.1", "psctl/shop:v2", "localhost:5000/a/b@sha256:12", "7ce9"] {
            assert!(is_plain_word(good), "{good}");
        }
        for bad in [
            "",
            "..",
            "../containers/x",
            "a/../b",
            "a//b",
            "/a",
            "a?force=1",
            "a#b",
            "a b",
            "a%2e",
            ".",
        ] {
            assert!(!is_plain_word(bad), "{bad}");
        }
    }

    #[test]
    fn a_tag_is_what_follows_the_last_colon_of_the_last_part() {
        assert_eq!(split_tag("psctl/shop:v2"), ("psctl/shop", "v2"));
        assert_eq!(split_tag("localhost:5000/shop"), ("localhost:5000/shop", "latest"));
        assert_eq!(split_tag("localhost:5000/shop:v1"), ("localhost:5000/shop", "v1"));
        assert_eq!(split_tag("shop@sha256:12"), ("shop@sha256:12", ""));
    }

    #[test]
    fn query_values_are_escaped_and_seconds_rounded_up() {
        assert_eq!(query_value("{\"a\":[\"é\"]}"), "%7B%22a%22%3A%5B%22%C3%A9%22%5D%7D");
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(2)), 2);
        assert_eq!(whole_seconds(Duration::MAX), u64::MAX);
    }
}
