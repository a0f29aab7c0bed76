//! The published schema is what the crate writes, and agrees with the parser: what the parser accepts it accepts, and what the
//! parser refuses for a type, a bound or a name it refuses. `PSCTL_WRITE_GOLDEN=1` renews the published file.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

use std::path::{Path, PathBuf};

use jsonc_parser::{CollectOptions, ParseOptions};
use ps_appjson::{AppJson, ProblemKind};
use regex_lite::Regex;
use serde_json::{Value, json};

fn schema() -> Value {
    serde_json::from_str(&AppJson::schema()).unwrap()
}

#[test]
fn the_published_schema_is_the_one_that_the_crate_writes() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/app.schema.json");
    if std::env::var_os("PSCTL_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, AppJson::schema()).unwrap();
    }
    let published: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(published, schema(), "if this change is meant, set PSCTL_WRITE_GOLDEN=1");
}

#[test]
fn the_example_of_the_readme_is_valid() {
    let readme = std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let example = readme.split("```").find(|block| block.contains("\"$schema\"")).unwrap();
    let app = AppJson::parse(example.as_bytes()).unwrap();
    assert!(
        app.warnings.is_empty() && app.formation.len() == 2 && app.env.len() == 2,
        "{app:?}"
    );
}

/// Whether the value keeps the schema. A rule that is not known here fails the test, so that none is passed over.
fn keeps(schema: &Value, value: &Value) -> bool {
    schema
        .as_object()
        .unwrap()
        .iter()
        .all(|(rule, wanted)| match rule.as_str() {
            "type" => match wanted {
                Value::Array(types) => types.iter().any(|word| has_type(word, value)),
                one => has_type(one, value),
            },
            "enum" => wanted.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= wanted.as_f64().unwrap()),
            "maxLength" => value
                .as_str()
                .is_none_or(|text| text.chars().count() as u64 <= wanted.as_u64().unwrap()),
            "pattern" => value
                .as_str()
                .is_none_or(|text| Regex::new(wanted.as_str().unwrap()).unwrap().is_match(text)),
            "items" => value
                .as_array()
                .is_none_or(|items| items.iter().all(|item| keeps(wanted, item))),
            "required" => value.as_object().is_none_or(|object| {
                let keys = wanted.as_array().unwrap();
                keys.iter().all(|key| object.contains_key(key.as_str().unwrap()))
            }),
            "anyOf" => wanted.as_array().unwrap().iter().any(|schema| keeps(schema, value)),
            "properties" => wanted
                .as_object()
                .unwrap()
                .iter()
                .all(|(key, schema)| value.get(key).is_none_or(|value| keeps(schema, value))),
            "propertyNames" => value
                .as_object()
                .is_none_or(|object| object.keys().all(|key| keeps(wanted, &json!(key)))),
            "additionalProperties" => {
                assert!(schema.get("properties").is_none(), "this test knows tables only");
                value
                    .as_object()
                    .is_none_or(|object| object.values().all(|value| keeps(wanted, value)))
            }
            "$schema" | "title" | "description" | "deprecated" => true,
            unknown => panic!("this test does not know the rule {unknown}"),
        })
}

fn has_type(word: &Value, value: &Value) -> bool {
    match word.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        other => panic!("this test does not know the type {other}"),
    }
}

/// What only the parser knows.
fn is_beyond_the_schema(kind: ProblemKind, message: &str) -> bool {
    match kind {
        ProblemKind::Syntax | ProblemKind::Conflict => true,
        ProblemKind::Missing => message.starts_with("does not say what is checked"),
        ProblemKind::InvalidValue => ["NUL character", "first word", "`release`"]
            .iter()
            .any(|part| message.contains(part)),
        _ => false,
    }
}

/// How many documents the parser accepted and refused.
#[derive(Default)]
struct Tally {
    accepted: usize,
    refused: usize,
}

/// Panics unless schema and parser agree about a document.
fn check_agreement(schema: &Value, source: &str, document: &Value, tally: &mut Tally) {
    let by_schema = keeps(schema, document);
    let Err(errors) = AppJson::parse(source.as_bytes()) else {
        assert!(by_schema, "the parser accepts what the schema refuses: {source}");
        tally.accepted += 1;
        return;
    };
    tally.refused += 1;
    // A document as a value has lost the keys that stand twice.
    let is_lossy = errors.iter().any(|error| error.kind == ProblemKind::Duplicate);
    let is_beyond = errors
        .iter()
        .all(|error| is_beyond_the_schema(error.kind, &error.message));
    assert!(
        !by_schema || is_lossy || is_beyond,
        "the schema accepts what the parser refuses: {errors}\n{source}"
    );
}

#[test]
fn schema_and_parser_agree_about_the_corpus() {
    let schema = schema();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/app_json");
    let mut tally = Tally::default();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap();
        if path.extension().is_none_or(|end| end != "in") {
            continue;
        }
        let tree = jsonc_parser::parse_to_ast(&source, &CollectOptions::default(), &ParseOptions::default());
        let Some(document) = tree.ok().and_then(|tree| tree.value).map(Value::from) else {
            continue;
        };
        check_agreement(&schema, &source, &document, &mut tally);
    }
    let Tally { accepted, refused } = tally;
    assert!(accepted >= 8 && refused >= 15, "{accepted} accepted, {refused} refused");
}

/// A document with every key there is.
fn whole_document() -> Value {
    json!({
        "formation": { "web": { "quantity": 2, "max_parallel": 1 }, "release": { "quantity": 0 } },
        "scripts": { "dokku": { "predeploy": "a", "postdeploy": "b" }, "postdeploy": "c" },
        "healthchecks": {
            "web": [
                {
                    "type": "startup", "name": "a", "description": "b", "path": "/", "content": "c", "port": 80,
                    "scheme": "http", "httpHeaders": [{ "name": "A", "value": "b" }], "attempts": 1, "timeout": 1,
                    "wait": 1, "initialDelay": 1, "warn": true, "onFailure": {}
                },
                { "type": "liveness", "command": ["a", "b"] },
                { "type": "startup", "listening": true },
                { "type": "startup", "uptime": 5 }
            ]
        },
        "env": { "A": "a", "B": { "description": "b", "value": "c", "required": true, "sync": false }, "C": { "generator": "secret" } }
    })
}

/// The places of all values, as JSON pointers.
fn places(value: &Value, place: &str, found: &mut Vec<String>) {
    found.push(place.to_owned());
    match value {
        Value::Object(object) => object
            .iter()
            .for_each(|(key, value)| places(value, &format!("{place}/{key}"), found)),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(at, value)| places(value, &format!("{place}/{at}"), found)),
        _ => {}
    }
}

/// Values at the bounds of every type, right in some places and wrong in the others.
fn values() -> Vec<Value> {
    let texts = [
        "",
        "a",
        "/a",
        "/a b",
        "https",
        "HTTP",
        "ftp",
        "secret",
        "readiness",
        "a\r\nb",
        "é",
    ]
    .map(Value::from);
    let numbers = [0, 1, -1, 1000, 1001, 10_000, 10_001, 65_535, 65_536, 86_400, 86_401].map(Value::from);
    let others = [
        json!(null),
        json!(true),
        json!(false),
        json!(1.5),
        json!(1e300),
        json!([]),
        json!(["a"]),
        json!([1]),
        json!([null]),
        json!([{}]),
        json!({}),
        json!({ "a": 1 }),
        json!({ "A": "a" }),
        json!({ "a_b": {} }),
        json!({ "a-b": {} }),
        json!({ "": null }),
        json!({ "quantity": 1 }),
        json!({ "type": "startup" }),
        json!({ "a".repeat(64): {} }),
    ];
    texts.into_iter().chain(numbers).chain(others).collect()
}

#[test]
fn schema_and_parser_agree_about_every_value_in_every_place() {
    let schema = schema();
    let whole = whole_document();
    assert!(AppJson::parse(whole.to_string().as_bytes()).is_ok());
    let mut everywhere = Vec::new();
    places(&whole, "", &mut everywhere);
    let mut tally = Tally::default();
    for place in &everywhere {
        for value in &values() {
            let mut changed = whole.clone();
            *changed.pointer_mut(place).unwrap() = value.clone();
            check_agreement(&schema, &changed.to_string(), &changed, &mut tally);
        }
    }
    let Tally { accepted, refused } = tally;
    assert!(
        accepted > 300 && refused > 1000,
        "{accepted} accepted, {refused} refused"
    );
}

#[test]
fn a_schema_that_is_wrong_somewhere_would_be_noticed() {
    let good = schema();
    let whole = whole_document();
    let mut places_of_types = Vec::new();
    places(&good, "", &mut places_of_types);
    let types: Vec<_> = places_of_types
        .into_iter()
        .filter(|place| place.ends_with("/type") && !place.ends_with("properties/type"))
        .collect();
    assert!(types.len() > 30, "{}", types.len());
    for place in types {
        let mut wrong = good.clone();
        *wrong.pointer_mut(&place).unwrap() = json!("null");
        assert!(!keeps(&wrong, &whole), "{place}");
    }
}
