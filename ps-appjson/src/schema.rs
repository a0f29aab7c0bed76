//! The JSON schema of a shape. Invariant: it is made of the shape alone, so it refuses only what the reader refuses.

use serde_json::{Map, Value, json};

use crate::names::{NAME_LIMIT, NameRule};
use crate::shape::{Field, Record, Shape};
use crate::text_rule::TextRule;

/// The schema as a document of its own, with a final newline.
pub(crate) fn schema_of(shape: &Shape) -> String {
    let mut schema = value_schema(shape);
    schema.insert(
        "$schema".to_owned(),
        "https://json-schema.org/draft/2020-12/schema".into(),
    );
    schema.insert("title".to_owned(), "app.json".into());
    let meaning = "What psctl reads of app.json. Other keys are kept quiet; comments and trailing commas are allowed.";
    schema.insert("description".to_owned(), meaning.into());
    format!("{:#}\n", Value::Object(schema))
}

fn value_schema(shape: &Shape) -> Map<String, Value> {
    let schema = match shape {
        Shape::Text(rule) => return text_schema(*rule),
        Shape::Private(inner) => return value_schema(inner),
        Shape::Record(record) => return record_schema(record),
        Shape::Whole { least, most, .. } => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::List { element, .. } => json!({ "type": "array", "items": value_schema(element) }),
        Shape::Table { names, value, .. } => json!({
            "type": "object",
            "propertyNames": name_schema(*names),
            "additionalProperties": or_null(value_schema(value)),
        }),
        Shape::TextOrRecord { record, .. } => {
            let mut schema = record_schema(record);
            schema.insert("type".to_owned(), json!(["string", "object"]));
            return schema;
        }
        Shape::Ignored { .. } => json!({ "deprecated": true }),
    };
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

fn record_schema(record: &Record) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    let properties = record
        .fields
        .iter()
        .map(|field| (field.key.to_owned(), Value::Object(field_schema(field))));
    schema.insert("properties".to_owned(), Value::Object(properties.collect()));
    let required: Vec<_> = record
        .fields
        .iter()
        .filter(|field| field.required.is_some())
        .map(|field| field.key)
        .collect();
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    if !record.any_of.is_empty() {
        let any_of: Vec<_> = record.any_of.iter().map(|key| json!({ "required": [key] })).collect();
        schema.insert("anyOf".to_owned(), json!(any_of));
    }
    schema
}

fn field_schema(field: &Field) -> Map<String, Value> {
    let mut schema = value_schema(&field.shape);
    if field.required.is_none() {
        schema = or_null(schema);
    }
    schema.insert("description".to_owned(), field.meaning.into());
    schema
}

fn text_schema(rule: TextRule) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "string".into());
    if let TextRule::OneOf(words) = rule {
        schema.insert("enum".to_owned(), json!(words));
    }
    if let Some(pattern) = rule.pattern() {
        schema.insert("pattern".to_owned(), pattern.into());
    }
    schema
}

fn name_schema(rule: NameRule) -> Value {
    match rule {
        NameRule::ProcessType => json!({ "pattern": rule.pattern(), "maxLength": NAME_LIMIT }),
        NameRule::Variable => json!({ "pattern": rule.pattern() }),
    }
}

/// The same, with `null` allowed: a key that is `null` is not there.
fn or_null(mut schema: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.push(Value::Null);
    }
    let Some(kind) = schema.get_mut("type") else {
        return schema;
    };
    match kind {
        Value::Array(kinds) => kinds.push("null".into()),
        one => *one = json!([one.take(), "null"]),
    }
    schema
}
