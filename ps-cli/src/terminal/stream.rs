//! One output stream. A write that fails is remembered, and nothing is written afterwards.

use std::io::{Error, ErrorKind, Write};

use anstyle::Style;

/// One output stream.
pub(super) struct Stream {
    writer: Box<dyn Write + Send>,
    pub(super) is_terminal: bool,
    pub(super) has_color: bool,
    failure: Option<Error>,
}

impl Stream {
    pub(super) fn new(writer: Box<dyn Write + Send>, is_terminal: bool, has_color: bool) -> Self {
        Self {
            writer,
            is_terminal,
            has_color,
            failure: None,
        }
    }

    pub(super) fn write(&mut self, text: &str) {
        self.write_bytes(text.as_bytes());
    }

    pub(super) fn write_styled(&mut self, text: &str, style: Style) {
        if self.has_color && !text.is_empty() {
            self.write(&format!("{style}{text}{style:#}"));
        } else {
            self.write(text);
        }
    }

    pub(super) fn write_bytes(&mut self, bytes: &[u8]) {
        if self.failure.is_none() {
            let result = self.writer.write_all(bytes).and_then(|()| self.writer.flush());
            self.failure = result.err();
        }
    }

    /// Whether the reader went away, or writing failed otherwise.
    pub(super) fn is_closed(&self) -> bool {
        self.failure.is_some()
    }

    /// What made writing fail; a reader that went away is no failure.
    pub(super) fn finish(&mut self) -> Option<Error> {
        self.failure
            .take()
            .filter(|error| error.kind() != ErrorKind::BrokenPipe)
    }
}
