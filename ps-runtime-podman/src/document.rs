//! An engine's JSON as a `Document`: whole, in the engine's order.

use std::fmt;

use ps_core::runtime::Document;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::classify_error::Failure;

/// Reads a whole JSON text.
pub(crate) fn read_document(json: &[u8]) -> Result<Document, Failure> {
    let Whole(document) = serde_json::from_slice(json).map_err(|error| Failure::Unreadable(error.to_string()))?;
    Ok(document)
}

struct Whole(Document);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Whole)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
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
        Ok(Document::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Document, E> {
        Ok(Document::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Document, E> {
        Ok(Document::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Document, A::Error> {
        let mut list = Vec::new();
        while let Some(Whole(value)) = values.next_element()? {
            list.push(value);
        }
        Ok(Document::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Document, A::Error> {
        let mut object = Vec::new();
        while let Some((key, Whole(value))) = entries.next_entry()? {
            object.push((key, value));
        }
        Ok(Document::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_keeps_order_and_every_kind_of_value() {
        let document = read_document(br#"{"b":[null,true,-1,18446744073709551615,1.5],"a":{"x":"y"}}"#).unwrap();
        let number = |text: &str| Document::Number(text.to_owned());
        let list = vec![
            Document::Null,
            Document::Bool(true),
            number("-1"),
            number("18446744073709551615"),
            number("1.5"),
        ];
        let inner = Document::Object(vec![("x".to_owned(), Document::Text("y".to_owned()))]);
        let expected = vec![("b".to_owned(), Document::List(list)), ("a".to_owned(), inner)];
        assert_eq!(document, Document::Object(expected));
        assert!(read_document(b"{").is_err());
    }
}
