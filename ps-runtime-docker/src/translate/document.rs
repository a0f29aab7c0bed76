//! An engine's JSON as a [`Document`]: every field, in the engine's order, whether or not this program knows it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use ps_core::runtime::Document;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Reads a whole answer. Whole numbers keep the engine's spelling; the engine sends no others.
pub(crate) fn parse_document(json: &[u8]) -> Result<Document, serde_json::Error> {
    serde_json::from_slice::<Ordered>(json).map(|ordered| ordered.0)
}

/// `serde_json`'s own value sorts the keys.
struct Ordered(Document);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Document, E> {
        Ok(Document::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Document, E> {
        Ok(Document::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Document, E> {
        Ok(Document::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Document, E> {
        Ok(serde_json::Number::from_f64(value).map_or(Document::Null, |number| Document::Number(number.to_string())))
    }

    fn visit_str<E>(self, value: &str) -> Result<Document, E> {
        Ok(Document::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Document, A::Error> {
        let mut list = Vec::new();
        while let Some(Ordered(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Document::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Document, A::Error> {
        let mut object = Vec::new();
        while let Some((name, Ordered(value))) = entries.next_entry::<String, Ordered>()? {
            object.push((name, value));
        }
        Ok(Document::Object(object))
    }
}

/// The value at a path of keys.
pub(crate) fn at<'a>(document: &'a Document, path: &[&str]) -> Option<&'a Document> {
    path.iter().try_fold(document, |value, key| value.get(key))
}

/// The text at a path; empty when there is none.
pub(crate) fn text<'a>(document: &'a Document, path: &[&str]) -> &'a str {
    at(document, path).and_then(Document::as_text).unwrap_or_default()
}

/// The number at a path.
pub(crate) fn number<N: FromStr>(document: &Document, path: &[&str]) -> Option<N> {
    match at(document, path)? {
        Document::Number(number) => number.parse().ok(),
        _ => None,
    }
}

/// The items of a list, or nothing.
pub(crate) fn items(document: Option<&Document>) -> impl Iterator<Item = &Document> {
    let list = match document {
        Some(Document::List(list)) => list.as_slice(),
        _ => &[],
    };
    list.iter()
}

/// The entries of an object, or nothing.
pub(crate) fn entries(document: Option<&Document>) -> impl Iterator<Item = (&str, &Document)> {
    let object = match document {
        Some(Document::Object(object)) => object.as_slice(),
        _ => &[],
    };
    object.iter().map(|(name, value)| (name.as_str(), value))
}

/// An object of texts.
pub(crate) fn text_map(document: Option<&Document>) -> BTreeMap<String, String> {
    let texts = entries(document).filter_map(|(name, value)| Some((name.to_owned(), value.as_text()?.to_owned())));
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_keeps_every_field_in_the_engines_order() {
        let json = br#"{"Zeta":null,"Alpha":[1,-2,true,"x"],"Big":18446744073709551615,"Unheard":{"b":{},"a":1.5}}"#;
        let document = parse_document(json).unwrap();
        let keys: Vec<&str> = entries(Some(&document)).map(|(name, _)| name).collect();
        assert_eq!(keys, ["Zeta", "Alpha", "Big", "Unheard"]);
        assert_eq!(
            at(&document, &["Big"]),
            Some(&Document::Number("18446744073709551615".into()))
        );
        assert_eq!(at(&document, &["Unheard", "a"]), Some(&Document::Number("1.5".into())));
        assert_eq!(items(document.get("Alpha")).count(), 4);
        assert!(parse_document(b"{\"a\":1").is_err());
    }
}
