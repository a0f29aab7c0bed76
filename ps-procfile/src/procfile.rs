//! A parsed Procfile. Invariant: entries borrow from the input, stand in file order, and their names are unique.

use alloc::vec::Vec;
use core::ops::Range;

use crate::byte_search::find_byte;
use crate::entry::Entry;
use crate::error::{ErrorKind, Fault, InvalidProcfile, ProcfileErrors};
use crate::line_reading::{LineFault, LineMeaning, read_line, slice};
use crate::rules::{FILE_LIMIT, LINE_LIMIT, Rules};
use crate::seen_names::SeenNames;
use crate::warning::ProcfileWarnings;

/// A valid Procfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Procfile<'a> {
    source: &'a [u8],
    entries: Vec<Entry<'a>>,
    rules: Rules,
}

impl<'a> Procfile<'a> {
    /// Parses a whole file under the strict rules.
    ///
    /// A line is blank, a comment (`#` or `//` first), or `name: command`. The last comment after a blank is cut off the
    /// command. Names are DNS labels of at most [`NAME_LIMIT`](crate::NAME_LIMIT) bytes, and unique. All errors are reported, at
    /// most one a line, in file order; the reference names the first of them when it reads standard input.
    ///
    /// ```
    /// let procfile = ps_procfile::Procfile::parse(b"web: node app.js # the site\n")?;
    /// assert_eq!(procfile.entries()[0].command(), b"node app.js");
    /// # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
    /// ```
    pub fn parse(source: &'a [u8]) -> Result<Self, InvalidProcfile<'a>> {
        Self::parse_with(source, Rules::Strict)
    }

    /// Parses a whole file under the given rules.
    ///
    /// ```
    /// use ps_procfile::{Procfile, Rules};
    ///
    /// let procfile = Procfile::parse_with(b"Web_1: node app.js\n", Rules::Relaxed)?;
    /// assert_eq!(procfile.entries()[0].name(), "Web_1");
    /// # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
    /// ```
    pub fn parse_with(source: &'a [u8], rules: Rules) -> Result<Self, InvalidProcfile<'a>> {
        let (entries, faults) = if source.len() > FILE_LIMIT {
            (Vec::new(), Vec::from([Fault::of_file(ErrorKind::FileTooLarge)]))
        } else {
            Parsing::new(source, rules).parse()
        };
        match ProcfileErrors::from_found(source, faults) {
            Some(errors) => Err(InvalidProcfile { errors, entries, rules }),
            None => Ok(Self { source, entries, rules }),
        }
    }

    /// The entries in file order; at least one.
    ///
    /// ```
    /// let procfile = ps_procfile::Procfile::parse(b"web: x\nclock: y\n")?;
    /// assert_eq!(procfile.entries().iter().map(|entry| entry.name()).collect::<Vec<_>>(), ["web", "clock"]);
    /// # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
    /// ```
    pub fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// The entries sorted by name, bytewise, as the reference lists them.
    ///
    /// ```
    /// let procfile = ps_procfile::Procfile::parse(b"web: x\nclock: y\n")?;
    /// assert_eq!(procfile.sorted_entries().iter().map(|entry| entry.name()).collect::<Vec<_>>(), ["clock", "web"]);
    /// # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
    /// ```
    pub fn sorted_entries(&self) -> Vec<Entry<'a>> {
        let mut entries = self.entries.clone();
        entries.sort_unstable_by_key(|entry| entry.name);
        entries
    }

    /// The entry of a process type.
    ///
    /// ```
    /// let procfile = ps_procfile::Procfile::parse(b"web: x\n")?;
    /// assert!(procfile.get("web").is_some() && procfile.get("worker").is_none());
    /// # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
    /// ```
    pub fn get(&self, name: &str) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// What was parsed, byte for byte: to print a Procfile is to write this.
    ///
    /// ```
    /// let procfile = ps_procfile::Procfile::parse(b"# kept\r\nweb : x")?;
    /// assert_eq!(procfile.source(), b"# kept\r\nweb : x");
    /// # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
    /// ```
    pub const fn source(&self) -> &'a [u8] {
        self.source
    }

    /// The rules it was parsed under.
    ///
    /// ```
    /// let procfile = ps_procfile::Procfile::parse(b"web: x\n")?;
    /// assert_eq!(procfile.rules(), ps_procfile::Rules::Strict);
    /// # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
    /// ```
    pub const fn rules(&self) -> Rules {
        self.rules
    }

    /// What is accepted but probably not meant, in file order. It is looked for anew by each call, so parsing does not pay for it.
    ///
    /// ```
    /// let procfile = ps_procfile::Procfile::parse(b"web: echo 'a # b'\n")?;
    /// let warnings = procfile.warnings();
    /// assert_eq!(warnings.iter().map(|warning| warning.kind.code()).collect::<Vec<_>>(), ["comment_in_quotes"]);
    /// # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
    /// ```
    pub fn warnings(&self) -> ProcfileWarnings<'a> {
        ProcfileWarnings::find(self.source, &self.entries, self.rules, None)
    }

    /// Refuses commands that cannot be arguments of a program: not UTF-8, or with a NUL byte. The format itself allows both.
    ///
    /// ```
    /// let procfile = ps_procfile::Procfile::parse(b"web: caf\xe9\n")?;
    /// assert_eq!(procfile.require_text().unwrap_err().first().kind.code(), "not_utf8");
    /// # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
    /// ```
    pub fn require_text(&self) -> Result<(), ProcfileErrors<'a>> {
        let faults = self.entries.iter().filter_map(text_fault);
        ProcfileErrors::from_found(self.source, faults.collect()).map_or(Ok(()), Err)
    }
}

/// The first byte of a command that no program can be given as an argument.
fn text_fault(entry: &Entry<'_>) -> Option<Fault> {
    let (kind, at) = match core::str::from_utf8(entry.command) {
        Err(invalid) => (ErrorKind::NotUtf8, invalid.valid_up_to()),
        Ok(_) => (ErrorKind::NulByte, find_byte(entry.command, 0)?),
    };
    let start = entry.command_start + narrow(at);
    Some(Fault {
        line: entry.line,
        start,
        end: start + 1,
        ..Fault::of_file(kind)
    })
}

struct Parsing<'a> {
    source: &'a [u8],
    rules: Rules,
    names: SeenNames<'a>,
    entries: Vec<Entry<'a>>,
    faults: Vec<Fault>,
}

/// A line's place in the file.
#[derive(Clone, Copy)]
struct LinePlace {
    number: u32,
    start: usize,
}

impl<'a> Parsing<'a> {
    fn new(source: &'a [u8], rules: Rules) -> Self {
        Self {
            source,
            rules,
            names: SeenNames::new(),
            entries: Vec::new(),
            faults: Vec::new(),
        }
    }

    fn parse(mut self) -> (Vec<Entry<'a>>, Vec<Fault>) {
        if let Some(fault) = utf16_fault(self.source) {
            return (Vec::new(), Vec::from([fault]));
        }
        let mut rest = self.source;
        let mut place = LinePlace { number: 0, start: 0 };
        while !rest.is_empty() {
            let length = find_byte(rest, b'\n').unwrap_or(rest.len());
            let line = rest.get(..length).unwrap_or(rest);
            place.number += 1;
            self.add_line(line, place);
            place.start += length + 1;
            rest = rest.get(length + 1..).unwrap_or_default();
        }
        if self.entries.is_empty() && self.faults.is_empty() {
            self.faults.push(Fault::of_file(ErrorKind::NoEntries));
        }
        (self.entries, self.faults)
    }

    fn add_line(&mut self, line: &'a [u8], place: LinePlace) {
        match read_line(line, self.rules) {
            Ok(LineMeaning::Nothing) => {}
            Ok(LineMeaning::Entry { name, command }) => self.add_entry(line, place, name, command),
            Err(fault) => self.report(place, &fault, 0),
        }
    }

    fn add_entry(
        &mut self,
        line: &'a [u8],
        place: LinePlace,
        name: Range<usize>,
        command: Result<Range<usize>, LineFault>,
    ) {
        let name_bytes = slice(line, &name);
        if let Some(first_line) = self.names.insert(name_bytes, place.number) {
            let fault = LineFault::new(ErrorKind::Duplicate, name);
            return self.report(place, &fault, first_line);
        }
        match command {
            Ok(command) => self.entries.push(Entry {
                // A name is ASCII by now.
                name: core::str::from_utf8(name_bytes).unwrap_or_default(),
                command: slice(line, &command),
                line: place.number,
                name_start: narrow(place.start + name.start),
                command_start: narrow(place.start + command.start),
            }),
            Err(fault) => self.report(place, &fault, 0),
        }
    }

    fn report(&mut self, place: LinePlace, fault: &LineFault, first_line: u32) {
        self.faults.push(Fault {
            kind: fault.kind,
            line: place.number,
            start: narrow(place.start + fault.span.start),
            end: narrow(place.start + fault.span.end),
            first_line,
        });
    }
}

/// A file in UTF-16 is one error, not one a line, unless its first line is too long for the reference to see that.
fn utf16_fault(source: &[u8]) -> Option<Fault> {
    let is_utf16 = source.starts_with(b"\xff\xfe") || source.starts_with(b"\xfe\xff");
    if !is_utf16 || find_byte(source, b'\n').unwrap_or(source.len()) > LINE_LIMIT {
        return None;
    }
    Some(Fault {
        line: 1,
        end: 2,
        ..Fault::of_file(ErrorKind::InvalidLine)
    })
}

/// A place in a file of at most [`FILE_LIMIT`] bytes.
fn narrow(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
