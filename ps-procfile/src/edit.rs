//! Edits of a Procfile as text. Invariant: only the bytes of one entry change, and the result parses under the same rules and holds
//! exactly the wanted command.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use crate::blanks::trim;
use crate::entry::Entry;
use crate::line_reading::{LineMeaning, read_line, slice};
use crate::place::line_span;
use crate::procfile::Procfile;
use crate::rules::{FILE_LIMIT, LINE_LIMIT, NAME_LIMIT, Rules};

/// Why an edit is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EditError {
    /// The name is not allowed under the file's rules.
    InvalidName(String),
    /// The name has more than [`NAME_LIMIT`] bytes.
    NameTooLong(String),
    /// The command is empty.
    EmptyCommand,
    /// The command has a line end, or white space at one of its ends, which no line can hold.
    Blanks,
    /// The command begins with a comment, or holds one that would be cut off.
    Comment,
    /// The line would have more than [`LINE_LIMIT`] bytes.
    LineTooLong,
    /// The file would have more than [`FILE_LIMIT`] bytes.
    FileTooLarge,
    /// There is no entry of this name.
    NoSuchEntry(String),
    /// It is the last entry, and a file without one is no Procfile.
    LastEntry(String),
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidName(name) => write!(f, "`{}` is not a process type", name.escape_debug()),
            Self::NameTooLong(name) => write!(f, "`{name}` has more than {NAME_LIMIT} bytes"),
            Self::EmptyCommand => f.write_str("the command is empty"),
            Self::Blanks => f.write_str("the command has a line end, or blanks at an end"),
            Self::Comment => f.write_str("a part of the command would be read as a comment"),
            Self::LineTooLong => write!(f, "the line would have more than {LINE_LIMIT} bytes"),
            Self::FileTooLarge => write!(f, "the file would have more than {FILE_LIMIT} bytes"),
            Self::NoSuchEntry(name) => write!(f, "there is no `{}`", name.escape_debug()),
            Self::LastEntry(name) => write!(f, "`{name}` is the last entry: without it this is no Procfile"),
        }
    }
}

impl core::error::Error for EditError {}

impl Procfile<'_> {
    /// The file with this command for `name`: in its place, its inline comment kept where the command allows one, or on a new line at the end.
    ///
    /// Every other byte stays. A new line ends as the last line that has an end, and a file whose last line has none stays so.
    /// Refused is what no line can hold: see [`EditError`].
    ///
    /// ```
    /// let procfile = ps_procfile::Procfile::parse(b"# ours\r\nweb: node old.js # the site\r\n")?;
    /// assert_eq!(procfile.set("web", b"node new.js").unwrap(), b"# ours\r\nweb: node new.js # the site\r\n");
    /// assert_eq!(
    ///     procfile.set("worker", b"rake jobs").unwrap(),
    ///     b"# ours\r\nweb: node old.js # the site\r\nworker: rake jobs\r\n"
    /// );
    /// assert_eq!(procfile.set("web", b"a # b"), Err(ps_procfile::EditError::Comment));
    /// # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
    /// ```
    pub fn set(&self, name: &str, command: &[u8]) -> Result<Vec<u8>, EditError> {
        check_name(name, self.rules())?;
        check_command(command)?;
        // Alone: beside an inline comment, of which only the last is cut, more would go.
        let line = [name.as_bytes(), b": ", command].concat();
        self.holds(Some(&line), name, command)?;
        let changed = match self.get(name) {
            Some(entry) => self.replace(entry, command)?,
            None => self.append(&line),
        };
        if changed.len() > FILE_LIMIT {
            return Err(EditError::FileTooLarge);
        }
        Ok(changed)
    }

    /// The file without the line of `name`. Every other byte stays; but the last line, when it has no line end, takes the one before it along.
    ///
    /// ```
    /// use ps_procfile::{EditError, Procfile};
    ///
    /// let procfile = Procfile::parse(b"web: x\n# jobs\nworker: y # all\n")?;
    /// assert_eq!(procfile.delete("worker").unwrap(), b"web: x\n# jobs\n");
    /// assert_eq!(Procfile::parse(b"web: x\n")?.delete("web"), Err(EditError::LastEntry("web".into())));
    /// # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
    /// ```
    pub fn delete(&self, name: &str) -> Result<Vec<u8>, EditError> {
        let entry = self.get(name).ok_or_else(|| EditError::NoSuchEntry(name.to_owned()))?;
        if self.entries().len() == 1 {
            return Err(EditError::LastEntry(name.to_owned()));
        }
        let source = self.source();
        let mut gone = line_span(source, entry.name_span().start);
        if gone.end < source.len() {
            gone.end += 1;
        } else {
            let before = source.get(..gone.start).unwrap_or_default();
            gone.start -= ending_of(before).len();
        }
        Ok(spliced(source, gone, b""))
    }

    fn replace(&self, entry: &Entry<'_>, command: &[u8]) -> Result<Vec<u8>, EditError> {
        let source = self.source();
        let line = line_span(source, entry.name_span().start);
        let kept = spliced(source, entry.command_span(), command);
        let grown = line.end - entry.command().len() + command.len();
        if self.holds(kept.get(line.start..grown), entry.name(), command).is_ok() {
            return Ok(kept);
        }
        // The comment and the command do not go together.
        let text = slice(source, &line);
        let rest = entry.command_span().start..line.start + trim(text).end;
        let grown = line.end - rest.len() + command.len();
        let bare = spliced(source, rest, command);
        self.holds(bare.get(line.start..grown), entry.name(), command)?;
        Ok(bare)
    }

    fn append(&self, line: &[u8]) -> Vec<u8> {
        let source = self.source();
        let own_end = ending_of(source);
        let last_end = source.iter().rposition(|&byte| byte == b'\n');
        let end = last_end.map_or(&b"\n"[..], |at| ending_of(source.get(..=at).unwrap_or_default()));
        if own_end.is_empty() {
            [source, end, line].concat()
        } else {
            [source, line, end].concat()
        }
    }

    /// Whether a line is read as this name and command.
    fn holds(&self, line: Option<&[u8]>, name: &str, command: &[u8]) -> Result<(), EditError> {
        let line = line.unwrap_or_default();
        if line.len() > LINE_LIMIT {
            return Err(EditError::LineTooLong);
        }
        match read_line(line, self.rules()) {
            Ok(LineMeaning::Entry {
                name: name_span,
                command: Ok(span),
            }) if slice(line, &name_span) == name.as_bytes() && slice(line, &span) == command => Ok(()),
            _ => Err(EditError::Comment),
        }
    }
}

fn check_name(name: &str, rules: Rules) -> Result<(), EditError> {
    if !rules.allow_name(name.as_bytes()) {
        return Err(EditError::InvalidName(name.to_owned()));
    }
    if name.len() > NAME_LIMIT {
        return Err(EditError::NameTooLong(name.to_owned()));
    }
    Ok(())
}

fn check_command(command: &[u8]) -> Result<(), EditError> {
    if command.is_empty() {
        return Err(EditError::EmptyCommand);
    }
    if command.contains(&b'\n') || trim(command) != (0..command.len()) {
        return Err(EditError::Blanks);
    }
    Ok(())
}

/// The line end that a text ends with, if any.
fn ending_of(text: &[u8]) -> &[u8] {
    match text {
        [.., b'\r', b'\n'] => b"\r\n",
        [.., b'\n'] => b"\n",
        _ => b"",
    }
}

fn spliced(source: &[u8], span: Range<usize>, with: &[u8]) -> Vec<u8> {
    let before = source.get(..span.start).unwrap_or_default();
    let after = source.get(span.end..).unwrap_or_default();
    [before, with, after].concat()
}
