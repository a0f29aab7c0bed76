//! Reads a document by its description. Invariant: every value that is described is looked at, so that all wrong ones are
//! reported in one run; what is not described is passed over.

use std::collections::HashMap;
use std::ops::Range;

use jsonc_parser::ast::{ObjectProp, Value};
use jsonc_parser::common::Ranged;

use crate::diagnostic::ProblemKind;
use crate::document::span_of;
use crate::findings::{Findings, Problem};
use crate::key_path::KeyPath;
use crate::names::{NameRule, shown};
use crate::piece::{Content, Fields, Piece};
use crate::shape::{Field, Record, Shape, Unit};
use crate::text_rule::TextRule;

/// The value as the shape has it; what is wrong goes to the findings.
pub(crate) fn read_shape<'a>(
    shape: &Shape,
    value: &'a Value<'a>,
    path: &KeyPath<'_>,
    findings: &mut Findings<'_>,
) -> Piece<'a> {
    if matches!(shape, Shape::TextOrRecord { .. }) && !matches!(value, Value::Object(_)) {
        findings.hide(span_of(value));
    }
    let content = match (shape, value) {
        (Shape::Private(inner), _) => {
            findings.hide(span_of(value));
            return read_shape(inner, value, path, findings);
        }
        (Shape::Ignored { why, hint }, _) => {
            let problem = Problem::new(ProblemKind::Ignored, *why, *hint);
            findings.warning(span_of(value), path.to_string(), problem);
            findings.hide(span_of(value));
            Content::Broken
        }
        (Shape::Text(rule), Value::StringLit(text)) => read_text(*rule, &text.value, span_of(value), path, findings),
        (Shape::TextOrRecord { key, .. }, Value::StringLit(text)) => {
            let span = span_of(value);
            let content = read_text(TextRule::Any, &text.value, span.clone(), path, findings);
            Content::Record(Fields([(*key, Piece { span, content })].into()))
        }
        (Shape::Whole { least, most, unit }, Value::NumberLit(number)) => match whole(number.value, *least..=*most) {
            Ok(number) => Content::Whole(number),
            Err(hint) => {
                let message = format!(
                    "must be {}, not {}",
                    whole_words(*least, *most, *unit),
                    shown(number.value)
                );
                let problem = Problem::new(ProblemKind::OutOfRange, message, hint);
                broken(problem, value, path, findings)
            }
        },
        (Shape::Flag, Value::BooleanLit(flag)) => Content::Flag(flag.value),
        (Shape::List { element, .. }, Value::Array(list)) => {
            let elements = list.elements.iter().enumerate();
            let pieces = elements.map(|(at, value)| read_shape(element, value, &path.index(at), findings));
            Content::List(pieces.collect())
        }
        (Shape::Record(record) | Shape::TextOrRecord { record, .. }, Value::Object(object)) => {
            Content::Record(read_record(record, &object.properties, span_of(value), path, findings))
        }
        (Shape::Table { names, value, .. }, Value::Object(object)) => {
            Content::Table(read_table(*names, value, &object.properties, path, findings))
        }
        (shape, value) => {
            if shape.is_private_somewhere() {
                findings.hide(span_of(value));
            }
            broken(wrong_type(shape, value), value, path, findings)
        }
    };
    let span = span_of(value);
    Piece { span, content }
}

fn broken<'a>(problem: Problem, value: &Value<'_>, path: &KeyPath<'_>, findings: &mut Findings<'_>) -> Content<'a> {
    findings.error(span_of(value), path.to_string(), problem);
    Content::Broken
}

fn read_text<'a>(
    rule: TextRule,
    text: &'a str,
    span: Range<usize>,
    path: &KeyPath<'_>,
    findings: &mut Findings<'_>,
) -> Content<'a> {
    match rule.problem(text) {
        None => Content::Text(text),
        Some(problem) => {
            findings.error(span, path.to_string(), problem);
            Content::Broken
        }
    }
}

fn read_record<'a>(
    record: &Record,
    properties: &'a [ObjectProp<'a>],
    span: Range<usize>,
    path: &KeyPath<'_>,
    findings: &mut Findings<'_>,
) -> Fields<'a> {
    let mut fields = Fields::default();
    let mut first_lines = HashMap::new();
    for property in properties {
        let key = property.name.as_str();
        let Some(field) = record.fields.iter().find(|field| field.key == key) else {
            // Nobody knows what is in it; it may be a misspelt `value`.
            findings.hide(span_of(&property.value));
            warn_of_case(record.fields, property, path, findings);
            continue;
        };
        if matches!(property.value, Value::NullKeyword(_)) {
            continue;
        }
        let path = path.key(key);
        let is_first = check_first(&mut first_lines, property, &path, findings);
        let piece = read_shape(&field.shape, &property.value, &path, findings);
        if is_first && !matches!(field.shape, Shape::Ignored { .. }) {
            fields.0.insert(field.key, piece);
        }
    }
    for field in record.fields {
        let Some(example) = field.required.filter(|_| fields.given(field.key).is_none()) else {
            continue;
        };
        let hint = format!("add `\"{}\": {example}`", field.key);
        let problem = Problem::new(ProblemKind::Missing, format!("has no `{}`", field.key), hint);
        findings.error(span.start..span.start + 1, path.to_string(), problem);
    }
    fields
}

fn read_table<'a>(
    names: NameRule,
    shape: &Shape,
    properties: &'a [ObjectProp<'a>],
    path: &KeyPath<'_>,
    findings: &mut Findings<'_>,
) -> Vec<(&'a str, Piece<'a>)> {
    let mut entries = Vec::new();
    let mut first_lines = HashMap::new();
    for property in properties {
        let name = property.name.as_str();
        let path = path.key(name);
        let is_first = check_first(&mut first_lines, property, &path, findings);
        if !names.accepts(name) {
            let message = format!("is no {}: {}", names.noun(), names.words());
            let hint = match names.mended(name) {
                Some(mended) => format!("write `{mended}`"),
                None => "give it another name".to_owned(),
            };
            let problem = Problem::new(ProblemKind::InvalidName, message, hint);
            findings.error(span_of(&property.name), path.to_string(), problem);
        }
        if matches!(property.value, Value::NullKeyword(_)) {
            continue;
        }
        let piece = read_shape(shape, &property.value, &path, findings);
        if is_first {
            entries.push((name, piece));
        }
    }
    entries
}

/// Whether the key stands for the first time in its object. Dokku takes the last one, so that the one above is a trap: it looks
/// as if it counted.
fn check_first<'a>(
    first_lines: &mut HashMap<&'a str, usize>,
    property: &'a ObjectProp<'a>,
    path: &KeyPath<'_>,
    findings: &mut Findings<'_>,
) -> bool {
    let line = findings.line_of(property.range().start);
    let Some(first) = first_lines.get(property.name.as_str()) else {
        first_lines.insert(property.name.as_str(), line);
        return true;
    };
    let message = format!("stands twice; the first is on line {first}");
    let problem = Problem::new(ProblemKind::Duplicate, message, "remove one of the two");
    findings.error(span_of(&property.name), path.to_string(), problem);
    false
}

/// Dokku's reader does not look at the case of keys.
fn warn_of_case(fields: &[Field], property: &ObjectProp<'_>, path: &KeyPath<'_>, findings: &mut Findings<'_>) {
    let key = property.name.as_str();
    if let Some(field) = fields.iter().find(|field| field.key.eq_ignore_ascii_case(key)) {
        let hint = format!("write `{}`", field.key);
        let problem = Problem::new(ProblemKind::Ignored, "is not read, because of its case", hint);
        findings.warning(span_of(&property.name), path.key(key).to_string(), problem);
    }
}

fn whole(number: &str, bounds: std::ops::RangeInclusive<u32>) -> Result<u32, String> {
    if number.starts_with('-') {
        return Err(format!("write {} or more", bounds.start()));
    }
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("write it without fraction and exponent".to_owned());
    }
    match number.parse().ok().filter(|number| bounds.contains(number)) {
        Some(number) => Ok(number),
        None if number == "0" => Err(format!("write {} or more", bounds.start())),
        None => Err(format!("write at most {}", bounds.end())),
    }
}

fn whole_words(least: u32, most: u32, unit: Unit) -> String {
    let of_unit = match unit {
        Unit::Things => "",
        Unit::Seconds => " of seconds",
    };
    format!("a whole number{of_unit} from {least} to {most}")
}

fn wrong_type(shape: &Shape, value: &Value<'_>) -> Problem {
    let wanted = match shape {
        Shape::Text(_) => "a string".to_owned(),
        Shape::Whole { least, most, unit } => whole_words(*least, *most, *unit),
        Shape::Flag => "`true` or `false`".to_owned(),
        Shape::List { .. } => "a list".to_owned(),
        Shape::TextOrRecord { .. } => "a string or an object".to_owned(),
        _ => "an object".to_owned(),
    };
    let found = match value {
        Value::StringLit(_) => "a string",
        Value::NumberLit(_) => "a number",
        Value::BooleanLit(_) => "a boolean",
        Value::Object(_) => "an object",
        Value::Array(_) => "a list",
        Value::NullKeyword(_) => "`null`",
    };
    let message = format!("must be {wanted}, not {found}");
    Problem::new(ProblemKind::WrongType, message, wrong_type_hint(shape, value))
}

fn wrong_type_hint(shape: &Shape, value: &Value<'_>) -> String {
    match (shape, value) {
        (Shape::Text(_) | Shape::TextOrRecord { .. }, Value::NumberLit(_) | Value::BooleanLit(_)) => {
            "put it in double quotes".to_owned()
        }
        (Shape::Whole { .. }, Value::StringLit(text)) if is_digits(&text.value) => {
            "write the number without quotes".to_owned()
        }
        (
            Shape::Whole {
                unit: Unit::Seconds, ..
            },
            _,
        ) => "write seconds as a number, for example `5`".to_owned(),
        (Shape::Whole { .. }, _) => "write a number, without quotes".to_owned(),
        (Shape::Flag, _) => "write `true` or `false`, without quotes".to_owned(),
        (Shape::List { example, .. } | Shape::Table { example, .. }, _) => format!("write for example `{example}`"),
        (Shape::Record(record) | Shape::TextOrRecord { record, .. }, _) => {
            format!("write for example `{}`", record.example)
        }
        _ => "write a string in double quotes".to_owned(),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
