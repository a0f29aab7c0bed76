//! The core's document as JSON.

use ps_core::runtime::Document;
use serde_json::{Map, Number, Value};

/// The same value in JSON; a number that JSON cannot hold becomes text.
///
/// ```
/// use ps_core::runtime::Document;
/// let number = Document::Number("12".to_owned());
/// assert_eq!(ps_cli::rendering::document::to_json(&number), serde_json::json!(12));
/// ```
pub fn to_json(document: &Document) -> Value {
    match document {
        Document::Null => Value::Null,
        Document::Bool(value) => Value::Bool(*value),
        Document::Number(number) => number
            .parse::<Number>()
            .map_or_else(|_| Value::String(number.clone()), Value::Number),
        Document::Text(text) => Value::String(text.clone()),
        Document::List(items) => Value::Array(items.iter().map(to_json).collect()),
        Document::Object(entries) => Value::Object(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), to_json(value)))
                .collect::<Map<_, _>>(),
        ),
    }
}
