//! What a text in app.json or CHECKS must be like. Invariant: what passes can be used for its purpose as it is; in particular no
//! header can break out of its line, and no text holds a NUL byte, which no program can be given.

use crate::diagnostic::ProblemKind;
use crate::findings::Problem;
use crate::names::shown;

/// A rule for a text. The empty text stands for a key that is not given.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TextRule {
    /// Any text.
    Any,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// The path of a URL.
    UrlPath,
    /// The name of an HTTP header.
    HeaderName,
    /// One line without control characters but tabs: the value of an HTTP header, or a name that is printed.
    Line,
}

impl TextRule {
    /// What is wrong with the text. Values of headers are not in the message.
    pub(crate) fn problem(self, text: &str) -> Option<Problem> {
        let invalid = |message: String, hint: &str| Some(Problem::new(ProblemKind::InvalidValue, message, hint));
        match self {
            Self::Any if text.contains('\0') => invalid(
                "has a NUL character".to_owned(),
                "remove it; no program can be given it",
            ),
            Self::OneOf(words) if !words.contains(&text) => {
                let named = words
                    .iter()
                    .filter(|word| word.starts_with(|first: char| first.is_ascii_lowercase()));
                let named: Vec<_> = named.map(|word| format!("`{word}`")).collect();
                let found = if text.is_empty() {
                    "the empty string".to_owned()
                } else {
                    format!("`{}`", shown(text))
                };
                invalid(
                    format!("{found} is not known here"),
                    &format!("write {}", named.join(" or ")),
                )
            }
            Self::UrlPath if text.is_empty() => None,
            Self::UrlPath if !text.starts_with('/') => invalid(
                "is a path that does not begin with `/`".to_owned(),
                "write for example `/health`",
            ),
            Self::UrlPath if !text.bytes().all(|byte| byte.is_ascii_graphic()) => invalid(
                "is a path with a blank or another character that no URL has".to_owned(),
                "write `%20` for a blank, and other characters likewise",
            ),
            Self::HeaderName if text.is_empty() || !text.bytes().all(is_token) => invalid(
                "is not the name of an HTTP header".to_owned(),
                "write letters, digits and `-`, for example `X-Forwarded-Proto`",
            ),
            Self::Line if !text.chars().all(|letter| letter == '\t' || !letter.is_control()) => {
                invalid("has a control character".to_owned(), "remove it")
            }
            _ => None,
        }
    }

    /// The rule as a regular expression, where it is one.
    pub(crate) const fn pattern(self) -> Option<&'static str> {
        match self {
            Self::Any | Self::OneOf(_) => None,
            Self::UrlPath => Some("^(/[!-~]*)?$"),
            Self::HeaderName => Some("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"),
            Self::Line => Some(r"^[^\x00-\x08\x0a-\x1f\x7f-\x9f]*$"),
        }
    }
}

/// A character of a token of HTTP.
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}
