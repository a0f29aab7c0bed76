//! Environment files: what `config:import` reads and `config:export` writes.
//!
//! Invariant: pure; what is written is read back the same, in a shell too; an error names the line, never its value.

use std::fmt::Write;

use ps_core::config::Config;

use crate::arguments::ExportFormat;

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
/// end, and both may go on over several lines.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, EnvFileError> {
    let mut entries = Vec::new();
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
            _ => return Unquoted::Wrong,
        }
    }
    Unquoted::Complete(value)
}

/// The text of an environment; each line with its end.
pub fn write(config: &Config, format: ExportFormat) -> String {
    let mut text = String::new();
    for (name, value) in config.iter() {
        // Writing to a string cannot fail.
        let _ = match format {
            ExportFormat::Exports => writeln!(text, "export {name}='{}'", value.replace('\'', r"'\''")),
            ExportFormat::Envfile => writeln!(text, "{name}=\"{}\"", escaped(value)),
            ExportFormat::Json => Ok(()),
        };
    }
    if format == ExportFormat::Json {
        let entries = config.iter().map(|(name, value)| (name.to_owned(), value.into()));
        let document = serde_json::Value::Object(entries.collect());
        let _ = writeln!(text, "{document:#}");
    }
    text
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
        let text = "# a comment\n\nA=1\n export B=two words \nC='it'\\''s'\nD=\"a\\nb\\\"\"\nE=\nF='x\ny'\nG=a#b=c\n";
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "it's"),
            ("D", "a\nb\""),
            ("E", ""),
            ("F", "x\ny"),
            ("G", "a#b=c"),
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
