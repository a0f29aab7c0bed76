//! Where the values of `config:set` and `config:import` come from: words, standard input, a file.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::command_error::{CommandError, CommandErrorKind};
use crate::env_file;
use crate::terminal::Terminal;
use crate::wiring::Session;

/// More than this is no environment: the kernel would not take it.
const MAX_INPUT: u64 = 1024 * 1024;

/// Names with their values.
type Entries = Vec<(String, String)>;

/// The lines of a file, or of standard input.
pub(super) fn file(file: Option<&Path>, session: &Session) -> Result<Entries, CommandError> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        CommandError::new(CommandErrorKind::Failed, format!("could not read {what}: {error}"))
    };
    let bytes = match file {
        None => session
            .terminal()
            .read_input(MAX_INPUT)
            .map_err(|error| failed("standard input", &error))?,
        Some(file) => std::fs::read(session.environment().directory.join(file))
            .map_err(|error| failed(&file.display().to_string(), &error))?,
    };
    let text = String::from_utf8(bytes).map_err(|_| CommandError::usage("the environment is no UTF-8 text"))?;
    env_file::parse(&text).map_err(CommandError::usage)
}

/// Takes the base64 off the values.
pub(super) fn decode(entries: &mut Entries) -> Result<(), CommandError> {
    for (name, value) in entries {
        let bytes = BASE64_STANDARD
            .decode(value.trim())
            .map_err(|_| CommandError::usage(format!("the value of {name} is no base64")))?;
        *value = String::from_utf8(bytes).map_err(|_| CommandError::usage(format!("{name} is no UTF-8 text")))?;
    }
    Ok(())
}

/// `NAME=VALUE` words; one `NAME` alone takes its value from standard input, without the last line end.
pub(super) fn assignments(words: &[String], terminal: &Terminal) -> Result<Entries, CommandError> {
    let missing = |name: &str| {
        let error = CommandError::usage(format!("`{name}` has no value"));
        error.hint(format!(
            "write {name}=<value>, or send the value of one variable to standard input"
        ))
    };
    if words.is_empty() {
        return Err(CommandError::usage("no variable is named").hint("write <NAME>=<VALUE>…"));
    }
    let mut entries = Vec::new();
    let mut has_read = false;
    for word in words {
        if let Some((name, value)) = word.split_once('=') {
            entries.push((name.to_owned(), value.to_owned()));
            continue;
        }
        if has_read || terminal.input_is_terminal() {
            return Err(missing(word));
        }
        has_read = true;
        let bytes = terminal
            .read_input(MAX_INPUT)
            .map_err(|error| CommandError::new(CommandErrorKind::Failed, error))?;
        // Nothing at all is a forgotten value: an empty one is written NAME=.
        if bytes.is_empty() {
            return Err(missing(word));
        }
        let value = String::from_utf8(bytes).map_err(|_| CommandError::usage(format!("{word} is no UTF-8 text")))?;
        entries.push((word.clone(), value.strip_suffix('\n').unwrap_or(&value).to_owned()));
    }
    Ok(entries)
}
