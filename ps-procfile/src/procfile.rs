//! A parsed Procfile. Invariant: entries borrow from the input, stand in file order, and their names are unique.

use std::collections::HashMap;
use std::ops::Range;

use crate::error::{ErrorKind, Location, ProcfileError, ProcfileErrors};
use crate::line_reading::{LineFault, LineMeaning, RawLine, raw_lines, read_line};
use crate::mend;

/// The longest name, in bytes.
pub const NAME_LIMIT: usize = 63;

/// The longest line, in bytes before its LF; a CR counts. The reference has this limit too.
pub const LINE_LIMIT: usize = 65_535;

/// One process type and its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    name: &'a str,
    command: &'a [u8],
    line: usize,
    line_start: usize,
    command_start: usize,
}

impl<'a> Entry<'a> {
    /// The process type.
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The command as written, without comment and outer blanks; never empty, not always UTF-8.
    pub const fn command(&self) -> &'a [u8] {
        self.command
    }

    /// The command, when it is UTF-8.
    pub fn command_text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.command).ok()
    }

    /// The line it stands on, from 1.
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The offset of its line in the file.
    pub(crate) const fn line_start(&self) -> usize {
        self.line_start
    }

    /// The command's bytes, counted from the start of the file.
    pub const fn command_span(&self) -> Range<usize> {
        self.command_start..self.command_start + self.command.len()
    }
}

/// A valid Procfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Procfile<'a> {
    source: &'a [u8],
    entries: Vec<Entry<'a>>,
}

impl<'a> Procfile<'a> {
    /// Parses a whole file under the strict rules.
    ///
    /// A line is blank, a comment (`#` or `//` first), or `name: command`. The last comment after a blank is cut off the
    /// command. Names are DNS labels of at most [`NAME_LIMIT`] bytes, and unique. All errors are reported, one a line, in file
    /// order; the reference names the first of them, but a line over [`LINE_LIMIT`] before any other.
    pub fn parse(source: &'a [u8]) -> Result<Self, ProcfileErrors> {
        if let Some(error) = mend::utf16_error(source) {
            return Err(error.into());
        }
        let mut parsing = Parsing {
            source,
            entries: Vec::new(),
            first_lines: HashMap::new(),
            errors: Vec::new(),
        };
        let mut previous = None;
        for line in raw_lines(source) {
            parsing.add_line(&line, previous.as_ref());
            previous = Some(line);
        }
        parsing.finish()
    }

    /// The entries in file order.
    pub fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// The entries sorted by name, bytewise, as the reference lists them.
    pub fn sorted_entries(&self) -> Vec<Entry<'a>> {
        let mut entries = self.entries.clone();
        entries.sort_unstable_by_key(|entry| entry.name);
        entries
    }

    /// The entry of a process type.
    pub fn get(&self, name: &str) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// What was parsed.
    pub const fn source(&self) -> &'a [u8] {
        self.source
    }

    /// Refuses commands that cannot be arguments of a program: not UTF-8, or with a NUL byte. The format itself allows both.
    pub fn require_text(&self) -> Result<(), ProcfileErrors> {
        let faults = self
            .entries
            .iter()
            .filter_map(|entry| mend::text_error(self.source, entry));
        ProcfileErrors::from_found(faults.collect()).map_or(Ok(()), Err)
    }
}

struct Parsing<'a> {
    source: &'a [u8],
    entries: Vec<Entry<'a>>,
    first_lines: HashMap<&'a str, usize>,
    errors: Vec<ProcfileError>,
}

impl<'a> Parsing<'a> {
    fn add_line(&mut self, line: &RawLine<'a>, previous: Option<&RawLine<'a>>) {
        match read_line(line.bytes) {
            Ok(LineMeaning::Nothing) => {}
            Ok(LineMeaning::Entry { name, name_at, command }) => {
                if let Some(first) = self.first_lines.get(name) {
                    let error = mend::duplicate_error(name, *first);
                    self.report(line, error, name_at..name_at + name.len());
                    return;
                }
                self.first_lines.insert(name, line.number);
                match command {
                    Ok((command, at)) => {
                        let command_start = line.start + at;
                        self.entries.push(Entry {
                            name,
                            command,
                            line: line.number,
                            line_start: line.start,
                            command_start,
                        });
                    }
                    Err(fault) => self.report_fault(line, &fault, previous),
                }
            }
            Err(fault) => self.report_fault(line, &fault, previous),
        }
    }

    fn report_fault(&mut self, line: &RawLine<'a>, fault: &LineFault, previous: Option<&RawLine<'a>>) {
        let (error, span) = mend::explain(line.bytes, fault, previous.map(|line| line.bytes));
        self.report(line, error, span);
    }

    fn report(&mut self, line: &RawLine<'a>, mut error: ProcfileError, span: Range<usize>) {
        error.location = Some(location(line, span));
        self.errors.push(error);
    }

    fn finish(mut self) -> Result<Procfile<'a>, ProcfileErrors> {
        if self.entries.is_empty() && self.errors.is_empty() {
            self.errors.push(ProcfileError {
                kind: ErrorKind::NoEntries,
                location: None,
                message: "there is no process type in this file".to_owned(),
                hint: Some("add a line such as `web: <command>`, or remove the file".to_owned()),
            });
        }
        match ProcfileErrors::from_found(self.errors) {
            Some(errors) => Err(errors),
            None => Ok(Procfile {
                source: self.source,
                entries: self.entries,
            }),
        }
    }
}

/// The place of a part of a line, given in bytes of that line.
pub(crate) fn location(line: &RawLine<'_>, span: Range<usize>) -> Location {
    let before = line.bytes.get(..span.start).unwrap_or(line.bytes);
    Location {
        line: line.number,
        column: String::from_utf8_lossy(before).chars().count() + 1,
        span: line.start + span.start..line.start + span.end,
    }
}
