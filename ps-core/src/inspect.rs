//! The sanitiser of `ps:inspect`: denies by default. Every environment value is masked but a few harmless ones; wherever else
//! a value of that environment, or something that looks like a secret, appears, it is masked too.

use std::collections::BTreeSet;

use crate::names::OwnerToken;
use crate::redaction::{MASK, Redactor};
use crate::runtime::{ContainerDetail, Document};

/// Variables whose values are shown.
const SHOWN_VARIABLES: [&str; 3] = ["PATH", "PORT", "DYNO"];

/// Parts of names whose values are secrets.
const SECRET_NAMES: [&str; 11] = [
    "secret",
    "token",
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "api-key",
    "api_key",
    "private-key",
    "private_key",
    "credential",
];

/// Beginnings of words that are secrets by their form.
const SECRET_FORMS: [&str; 12] = [
    "AKIA",
    "ASIA",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "sk_live_",
    "sk-",
    "eyJ",
];

/// The engine's document of a container without secrets.
///
/// Keys of the document stay as they are; only texts are masked, so that the shape is the engine's.
pub fn sanitise(detail: &ContainerDetail, owner: &OwnerToken) -> Document {
    let shown: BTreeSet<&str> = SHOWN_VARIABLES.into_iter().collect();
    let hidden = detail
        .env
        .iter()
        .filter(|variable| !shown.contains(variable.name.as_str()));
    let mut redactor = Redactor::new(hidden.map(|variable| variable.value.clone()));
    redactor.hide([owner.as_str().to_owned()]);
    // Words that are public anyway would only make the document unreadable.
    let redactor = redactor.sparing([detail.name.as_str(), detail.id.0.as_str(), detail.image.0.as_str()]);
    sanitise_value(&detail.document, &redactor, Place::Anywhere)
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Anywhere,
    /// Inside a list of `NAME=value`.
    Environment,
    /// Under a key that names a secret.
    Secret,
}

fn sanitise_value(value: &Document, redactor: &Redactor, place: Place) -> Document {
    match value {
        Document::Text(text) => Document::Text(sanitise_text(text, redactor, place)),
        Document::List(items) => Document::List(sanitise_list(items, redactor, place)),
        Document::Object(entries) => Document::Object(
            entries
                .iter()
                .map(|(key, value)| {
                    let inner = if place == Place::Secret {
                        Place::Secret
                    } else {
                        place_of(key)
                    };
                    (
                        redactor.redact(key).into_owned(),
                        sanitise_value(value, redactor, inner),
                    )
                })
                .collect(),
        ),
        Document::Number(_) if place == Place::Secret => Document::Text(MASK.to_owned()),
        Document::Number(number) => {
            let redacted = redactor.redact(number);
            if redacted == number.as_str() {
                value.clone()
            } else {
                Document::Text(redacted.into_owned())
            }
        }
        Document::Null | Document::Bool(_) => value.clone(),
    }
}

/// A list of words, in which `--password` says that the next word is a secret.
fn sanitise_list(items: &[Document], redactor: &Redactor, place: Place) -> Vec<Document> {
    let mut names_next = false;
    let mut result = Vec::with_capacity(items.len());
    for item in items {
        let is_flag = item
            .as_text()
            .is_some_and(|text| text.starts_with('-') && !text.contains('='));
        let here = if names_next && !is_flag { Place::Secret } else { place };
        names_next = is_flag && item.as_text().is_some_and(is_secret_name);
        result.push(sanitise_value(item, redactor, here));
    }
    result
}

fn place_of(key: &str) -> Place {
    if key == "Env" {
        Place::Environment
    } else if is_secret_name(key) {
        Place::Secret
    } else {
        Place::Anywhere
    }
}

fn sanitise_text(text: &str, redactor: &Redactor, place: Place) -> String {
    match place {
        Place::Secret if text.is_empty() => String::new(),
        Place::Secret => MASK.to_owned(),
        Place::Environment => match text.split_once('=') {
            Some((name, _)) if SHOWN_VARIABLES.contains(&name) => text.to_owned(),
            Some((name, _)) => format!("{name}={MASK}"),
            None => text.to_owned(),
        },
        Place::Anywhere => {
            let text = redactor.redact(text);
            text.split_inclusive(char::is_whitespace)
                .map(mask_secret_word)
                .collect()
        }
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// Masks a word that looks like a secret: a key's value, a URL's credentials, a known token form.
fn mask_secret_word(word: &str) -> String {
    let trimmed = word.trim_end();
    let gap = word.get(trimmed.len()..).unwrap_or_default();
    if let Some((name, value)) = trimmed
        .split_once('=')
        .filter(|(name, value)| is_secret_name(name) && !value.is_empty())
    {
        let _ = value;
        return format!("{name}={MASK}{gap}");
    }
    if let Some(masked) = mask_url(trimmed) {
        return format!("{masked}{gap}");
    }
    let bare = trimmed.trim_start_matches(['"', '\'', '=', ':']);
    let looks_secret = bare.len() >= 16 && SECRET_FORMS.iter().any(|form| bare.starts_with(form));
    if looks_secret || trimmed.contains("-----BEGIN") {
        format!("{MASK}{gap}")
    } else {
        word.to_owned()
    }
}

/// `scheme://user:password@host` without the credentials; `None` when there are none.
fn mask_url(word: &str) -> Option<String> {
    let (scheme, rest) = word.split_once("://")?;
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let at = rest.get(..authority_end)?.rfind('@')?;
    Some(format!("{scheme}://{MASK}{}", rest.get(at..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_look_like_secrets_are_masked() {
        let cases = [
            ("--password=hunter22", "--password=XXXXXX"),
            ("postgres://user:pw@db/shop", "postgres://XXXXXX@db/shop"),
            ("curl -H api-key=abc http://x", "curl -H api-key=XXXXXX http://x"),
            ("AKIAIOSFODNN7EXAMPLE", "XXXXXX"),
            ("https://example.org/a@b", "https://example.org/a@b"),
            ("plain words stay", "plain words stay"),
        ];
        let redactor = Redactor::default();
        for (text, expected) in cases {
            assert_eq!(sanitise_text(text, &redactor, Place::Anywhere), expected, "{text}");
        }
    }

    #[test]
    fn the_word_after_a_secret_flag_is_masked() {
        let words = ["--db-password", "hunter22", "--verbose", "run"].map(|word| Document::Text(word.to_owned()));
        let masked = sanitise_list(&words, &Redactor::default(), Place::Anywhere);
        let texts: Vec<&str> = masked.iter().filter_map(Document::as_text).collect();
        assert_eq!(texts, ["--db-password", "XXXXXX", "--verbose", "run"]);
    }

    #[test]
    fn environment_values_are_denied_by_default() {
        let text = |text| sanitise_text(text, &Redactor::default(), Place::Environment);
        assert_eq!(text("PATH=/bin"), "PATH=/bin");
        assert_eq!(text("USER=ann"), "USER=XXXXXX");
    }
}
