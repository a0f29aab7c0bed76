//! Environment files: what `config:import` reads and `config:export` writes.
//!
//! Invariant: pure; what is written is read back the same, in a shell too; an error names the line, never its value.

use ps_core::config::Config;
use serde_json::{Value, json};

use crate::arguments::ExportFormat;
use crate::rendering::human::config_rows;

/// Why a text is no environment file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvFileError {
    /// No `=`, or nothing that could be a name before it.
    #[error("line {line} is not NAME=VALUE")]
    NoAssignment {
        /// From 1.
        line: usize,
    },
    /// A quote is not closed, or something follows it.
    #[error("the quotes of the value in line {line} do not match")]
    Quotes {
        /// From 1.
        line: usize,
    },
}

/// Reads `NAME=VALUE` lines. Blank lines and `#` lines are skipped and `export ` before a name is ignored. A value is taken as it
/// is, without the blanks around it; in `'…'` nothing is special, in `"…"` a backslash protects and `\n` is a line
/// end, both may go on over several lines, and a comment may follow them.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, EnvFileError> {
    let mut entries = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().enumerate();
    while let Some((position, first)) = lines.next() {
        let line = position + 1;
        let trimmed = first.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let assignment = trimmed.strip_prefix("export ").unwrap_or(trimmed).trim_start();
        let (name, rest) = assignment.split_once('=').ok_or(EnvFileError::NoAssignment { line })?;
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(EnvFileError::NoAssignment { line });
        }
        let mut value = rest.to_owned();
        let value = if rest.starts_with(['\'', '"']) {
            loop {
                match unquote(&value) {
                    Unquoted::Complete(value) => break value,
                    Unquoted::Open => {
                        let (_, next) = lines.next().ok_or(EnvFileError::Quotes { line })?;
                        value.push('\n');
                        value.push_str(next);
                    }
                    Unquoted::Wrong => return Err(EnvFileError::Quotes { line }),
                }
            }
        } else {
            value
        };
        entries.push((name.to_owned(), value));
    }
    Ok(entries)
}

enum Unquoted {
    Complete(String),
    Open,
    Wrong,
}

/// What may follow the quotes.
fn is_comment(rest: &str) -> bool {
    rest.trim_start().starts_with('#')
}

/// Reads quoted pieces that follow each other, as a shell does: `'it'\''s'`.
fn unquote(text: &str) -> Unquoted {
    let mut value = String::new();
    let mut letters = text.trim_end().chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => value.extend(letters.next()),
            '\'' | '"' => loop {
                match letters.next() {
                    None => return Unquoted::Open,
                    Some(end) if end == letter => break,
                    Some('\\') if letter == '"' => match letters.next() {
                        Some('n') => value.push('\n'),
                        Some(protected @ ('"' | '\\' | '$' | '`')) => value.push(protected),
                        Some(other) => value.extend(['\\', other]),
                        None => return Unquoted::Open,
                    },
                    Some(other) => value.push(other),
                }
            },
            blank if blank.is_whitespace() && is_comment(letters.as_str()) => break,
            _ => return Unquoted::Wrong,
        }
    }
    Unquoted::Complete(value)
}

/// The text of an environment; each line with its end.
pub fn write(config: &Config, format: ExportFormat) -> String {
    let lines = |line: fn(&str, &str) -> String| config.iter().map(|(name, value)| line(name, value) + "\n").collect();
    let in_one_line = |word: fn(&str, &str) -> String| {
        let words: Vec<String> = config.iter().map(|(name, value)| word(name, value)).collect();
        if words.is_empty() {
            String::new()
        } else {
            words.join(" ") + "\n"
        }
    };
    match format {
        ExportFormat::Exports => lines(|name, value| format!("export {name}={}", quoted(value))),
        ExportFormat::Envfile => lines(|name, value| format!("{name}=\"{}\"", escaped(value))),
        ExportFormat::Shell => in_one_line(|name, value| format!("{name}={}", quoted(value))),
        ExportFormat::DockerArgs => in_one_line(|name, value| format!("--env={name}={}", quoted(value))),
        ExportFormat::DockerArgsKeys => in_one_line(|name, _| format!("--env={name}")),
        ExportFormat::Pretty => config_rows(config),
        ExportFormat::Json => {
            let entries = config.iter().map(|(name, value)| (name.to_owned(), value.into()));
            format!("{:#}\n", Value::Object(entries.collect()))
        }
        ExportFormat::JsonList => {
            let entries = config
                .iter()
                .map(|(name, value)| json!({ "name": name, "value": value }));
            format!("{:#}\n", Value::Array(entries.collect()))
        }
    }
}

/// A value in a shell's single quotes.
pub fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            '\n' => text.push_str("\\n"),
            '"' | '\\' | '$' | '`' => text.extend(['\\', letter]),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap()
    }

    #[test]
    fn lines_are_read_as_people_write_them() {
        let text = "# a comment\n\nA=1\n export B=two words \nC='it'\\''s'\nD=\"a\\nb\\\"\"\nE=\nF='x\ny'\nG=a#b=c\nH=\"a # b\"  # why\r\n";
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "it's"),
            ("D", "a\nb\""),
            ("E", ""),
            ("F", "x\ny"),
            ("G", "a#b=c"),
            ("H", "a # b"),
        ];
        let expected: Vec<_> = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(parsed(text), expected);
    }

    #[test]
    fn bad_lines_are_named_without_their_value() {
        assert_eq!(parse("A=1\nsecret\n"), Err(EnvFileError::NoAssignment { line: 2 }));
        assert_eq!(parse("A B=1"), Err(EnvFileError::NoAssignment { line: 1 }));
        assert_eq!(parse("\nA='x"), Err(EnvFileError::Quotes { line: 2 }));
        assert_eq!(parse("A='x' y"), Err(EnvFileError::Quotes { line: 1 }));
    }

    #[test]
    fn a_byte_order_mark_and_a_comment_after_quotes_are_passed_over() {
        assert_eq!(parsed("\u{feff}A=1\n"), [("A".to_owned(), "1".to_owned())]);
        assert_eq!(parse("A='x'#y"), Err(EnvFileError::Quotes { line: 1 }));
    }

    #[test]
    fn every_format_holds_every_value() {
        let mut config = Config::default();
        config.set("A", "it's").unwrap();
        config.set("B", "x\ny").unwrap();
        let cases = [
            (ExportFormat::Shell, "A='it'\\''s' B='x\ny'\n"),
            (ExportFormat::DockerArgs, "--env=A='it'\\''s' --env=B='x\ny'\n"),
            (ExportFormat::DockerArgsKeys, "--env=A --env=B\n"),
            (ExportFormat::Pretty, "A:  it's\nB:  x\n    y\n"),
        ];
        for (format, expected) in cases {
            assert_eq!(write(&config, format), expected, "{format:?}");
        }
        let list: Value = serde_json::from_str(&write(&config, ExportFormat::JsonList)).unwrap();
        assert_eq!(
            list,
            json!([{ "name": "A", "value": "it's" }, { "name": "B", "value": "x\ny" }])
        );
        let object: Value = serde_json::from_str(&write(&config, ExportFormat::Json)).unwrap();
        assert_eq!(object, json!({ "A": "it's", "B": "x\ny" }));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut config = Config::default();
        for (name, value) in [
            ("A", "it's \"$x\" \\ `y`"),
            ("B", "two\nlines\n"),
            ("C", ""),
            ("D", " # "),
        ] {
            config.set(name, value).unwrap();
        }
        for format in [ExportFormat::Exports, ExportFormat::Envfile] {
            let mut read = Config::default();
            for (name, value) in parsed(&write(&config, format)) {
                read.set(&name, value).unwrap();
            }
            assert!(read == config, "{format:?}");
        }
    }
}
