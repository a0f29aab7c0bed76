//! One process type and its command. Invariant: it borrows from the file, and its spans are places of that file.

use core::ops::Range;

/// One process type and its command.
///
/// ```
/// let procfile = ps_procfile::Procfile::parse(b"\nweb: node app.js # the site\n")?;
/// let entry = procfile.get("web").unwrap();
/// assert_eq!((entry.name(), entry.command(), entry.line()), ("web", &b"node app.js"[..], 2));
/// assert_eq!((entry.name_span(), entry.command_span()), (1..4, 6..17));
/// # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    pub(crate) name: &'a str,
    pub(crate) command: &'a [u8],
    pub(crate) line: u32,
    pub(crate) name_start: u32,
    pub(crate) command_start: u32,
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
    ///
    /// ```
    /// let procfile = ps_procfile::Procfile::parse(b"web: node app.js\nworker: caf\xe9\n")?;
    /// assert_eq!(procfile.get("web").and_then(|entry| entry.command_text()), Some("node app.js"));
    /// assert_eq!(procfile.get("worker").and_then(|entry| entry.command_text()), None);
    /// # Ok::<(), ps_procfile::InvalidProcfile<'static>>(())
    /// ```
    pub fn command_text(&self) -> Option<&'a str> {
        core::str::from_utf8(self.command).ok()
    }

    /// The line it stands on, from 1.
    pub const fn line(&self) -> usize {
        self.line as usize
    }

    /// The name's bytes, counted from the start of the file.
    pub const fn name_span(&self) -> Range<usize> {
        let start = self.name_start as usize;
        start..start + self.name.len()
    }

    /// The command's bytes, counted from the start of the file.
    pub const fn command_span(&self) -> Range<usize> {
        let start = self.command_start as usize;
        start..start + self.command.len()
    }
}
