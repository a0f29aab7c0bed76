//! Owns standard output and standard error: nothing else prints.
//!
//! Invariant: data and its headers go to standard output, everything else to standard error, and all of it, but for what is
//! written with [`Terminal::exempt`], passes the redactor. A reader that went away is no failure.

mod color;
mod diagnostics;
mod input;
mod live;
pub mod raw_mode;
mod stream;

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use anstyle::{AnsiColor, Style};
use indicatif::ProgressDrawTarget;
use ps_core::redaction::Redactor;
use ps_core::runtime::ByteStream;
use serde_json::Value;

use crate::arguments::{ColorChoice, ProgressChoice};
use crate::command_error::CommandError;
use crate::environment::{Environment, Io};
pub use live::LineState;
use live::Live;
pub use raw_mode::{resizes, window_size};
use stream::Stream;

const STEP: &str = "-----> ";
const SECTION: &str = "=====> ";
const DETAIL: &str = "       ";
const WARNING: &str = " !     ";

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Loudness {
    /// No headers, no steps.
    Quiet,
    /// The usual.
    #[default]
    Usual,
}

/// The terminal.
pub struct Terminal {
    out: Mutex<Stream>,
    err: Mutex<Stream>,
    live: Live,
    input: Arc<Mutex<Box<dyn Read + Send>>>,
    stdin_is_tty: bool,
    stdout_is_tty: bool,
    loudness: RwLock<Loudness>,
    redactor: RwLock<Redactor>,
    public: RwLock<BTreeSet<String>>,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Terminal {
    /// Takes the streams. Colours are as in [`ColorChoice::Auto`] until [`Terminal::configure`].
    pub fn new(io: Io, environment: &Environment) -> Self {
        let color = |is_terminal| color::is_wanted(ColorChoice::Auto, environment, is_terminal);
        Self {
            out: Mutex::new(Stream::new(
                io.stdout,
                io.stdout_is_terminal,
                color(io.stdout_is_terminal),
            )),
            err: Mutex::new(Stream::new(
                io.stderr,
                io.stderr_is_terminal,
                color(io.stderr_is_terminal),
            )),
            live: Live::hidden(),
            input: Arc::new(Mutex::new(io.stdin)),
            stdout_is_tty: io.stdout_is_terminal,
            stdin_is_tty: io.stdin_is_terminal,
            loudness: RwLock::default(),
            redactor: RwLock::default(),
            public: RwLock::default(),
        }
    }

    /// Takes over what the command line says.
    pub fn configure(
        &self,
        loudness: Loudness,
        choice: ColorChoice,
        progress: ProgressChoice,
        environment: &Environment,
    ) {
        *self.loudness.write().unwrap_or_else(PoisonError::into_inner) = loudness;
        for stream in [&self.out, &self.err] {
            let mut stream = lock(stream);
            stream.has_color = color::is_wanted(choice, environment, stream.is_terminal);
        }
        let is_live = progress == ProgressChoice::Auto && loudness == Loudness::Usual;
        if is_live && lock(&self.err).is_terminal {
            self.live.draw_on(ProgressDrawTarget::stderr());
        }
    }

    /// Hides these values from now on.
    pub fn hide(&self, values: impl IntoIterator<Item = String>) {
        let public = self.public.read().unwrap_or_else(PoisonError::into_inner);
        let values = values.into_iter().filter(|value| !public.contains(value));
        self.redactor
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .hide(values);
    }

    /// Never hides values that equal a public word, such as the name of an app.
    pub fn spare<'a>(&self, public: impl IntoIterator<Item = &'a str>) {
        let mut words = self.public.write().unwrap_or_else(PoisonError::into_inner);
        words.extend(public.into_iter().map(str::to_owned));
        let mut redactor = self.redactor.write().unwrap_or_else(PoisonError::into_inner);
        *redactor = redactor.sparing(words.iter().map(String::as_str));
    }

    /// The redactor as it is now, for the executor and the journal.
    pub fn redactor(&self) -> Redactor {
        self.redactor.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether `--quiet` was given.
    pub fn is_quiet(&self) -> bool {
        *self.loudness.read().unwrap_or_else(PoisonError::into_inner) == Loudness::Quiet
    }

    /// One line, or several, of data.
    pub fn data(&self, text: &str) {
        self.settle_lines();
        self.on_output(|out| out.write(&format!("{}\n", self.redactor().redact(text))));
    }

    /// Data that may hold config values: what the user asked for, or what the user's own processes print.
    pub fn exempt(&self, bytes: &[u8]) {
        self.on_output(|out| out.write_bytes(bytes));
    }

    /// What the user's own processes print on standard error.
    pub fn exempt_error(&self, bytes: &[u8]) {
        self.on_error(|err| err.write_bytes(bytes));
    }

    /// One JSON document; of strings in it, the values are redacted, never the keys.
    pub fn json(&self, document: &Value) {
        self.settle_lines();
        let mut document = document.clone();
        redact_strings(&self.redactor(), &mut document);
        self.on_output(|out| out.write(&format!("{document:#}\n")));
    }

    /// One JSON document in one line on standard output.
    pub fn json_line(&self, document: &Value) {
        let mut document = document.clone();
        redact_strings(&self.redactor(), &mut document);
        self.on_output(|out| out.write(&format!("{document}\n")));
    }

    /// One JSON object a line on standard error: progress for programs.
    pub fn progress_json(&self, event: &Value) {
        let mut event = event.clone();
        redact_strings(&self.redactor(), &mut event);
        self.on_error(|err| err.write(&format!("{event}\n")));
    }

    /// `=====> …`: the header of a table on standard output; not with `--quiet`.
    pub fn header(&self, text: &str) {
        self.settle_lines();
        self.loud(Channel::Out, SECTION, text);
    }

    /// `-----> …`: the header of a table on standard output, in the look of `ps:scale`; not with `--quiet`.
    pub fn step_header(&self, text: &str) {
        self.settle_lines();
        self.loud(Channel::Out, STEP, text);
    }

    /// A line that belongs to a header; not with `--quiet`.
    pub fn header_line(&self, text: &str) {
        self.loud(Channel::Out, "", text);
    }

    /// `-----> …`: a step; not with `--quiet`.
    pub fn step(&self, text: &str) {
        self.settle_lines();
        self.loud(Channel::Err, STEP, text);
    }

    /// `=====> …`: what was done; not with `--quiet`.
    pub fn section(&self, text: &str) {
        self.settle_lines();
        self.loud(Channel::Err, SECTION, text);
    }

    /// Seven blanks: more about a step; not with `--quiet`.
    pub fn detail(&self, text: &str) {
        self.loud(Channel::Err, DETAIL, text);
    }

    /// ` !     …`: something to know.
    pub fn warn(&self, text: &str) {
        self.prefixed(Channel::Err, WARNING, yellow(), text);
    }

    /// A failed command, after the last lines of the process that failed.
    pub fn error(&self, error: &CommandError) {
        if let Some((who, lines)) = &error.output {
            self.prefixed(Channel::Err, SECTION, cyan(), &format!("Last lines of {who}"));
            for line in lines {
                self.prefixed(Channel::Err, DETAIL, cyan(), line);
            }
        }
        let lines = error.lines().join("\n");
        let text = without_controls(&self.redactor().redact(&lines));
        self.on_error(|stream| {
            for line in text.lines() {
                let word = ["error:", "caused by:", "hint:"]
                    .into_iter()
                    .find(|word| line.starts_with(word));
                let style = if word == Some("hint:") { cyan() } else { red() };
                stream.write_styled(word.unwrap_or_default(), style);
                stream.write(line.strip_prefix(word.unwrap_or_default()).unwrap_or(line));
                stream.write("\n");
            }
        });
    }

    /// Whether whoever read standard output went away; followed output may end then.
    pub fn is_closed(&self) -> bool {
        lock(&self.out).is_closed()
    }

    /// Why standard output could not be written, when something other than an absent reader was the reason.
    pub fn take_failure(&self) -> Option<std::io::Error> {
        lock(&self.out).finish()
    }

    /// Whether standard input is a terminal.
    pub fn input_is_terminal(&self) -> bool {
        self.stdin_is_tty
    }

    /// Whether a person can type and see: both standard input and standard output are a terminal.
    pub fn is_interactive(&self) -> bool {
        self.stdin_is_tty && self.stdout_is_tty
    }

    /// Standard input as a stream of bytes, read by a thread of its own.
    pub fn input_stream(&self) -> ByteStream {
        input::stream(self.input.clone())
    }

    /// All of standard input, at most `limit` bytes of it.
    pub fn read_input(&self, limit: u64) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        lock(&self.input)
            .by_ref()
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
            let message = format!("standard input is longer than {limit} bytes");
            return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, message));
        }
        Ok(bytes)
    }

    /// Asks on standard error and reads one line of standard input.
    pub fn ask(&self, question: &str) -> std::io::Result<String> {
        self.settle_lines();
        self.on_error(|err| err.write(&format!("{WARNING}{} ", self.redactor().redact(question))));
        let mut line = Vec::new();
        let mut input = lock(&self.input);
        let mut byte = [0];
        while line.len() < 1024 && input.read(&mut byte)? == 1 && byte != *b"\n" {
            line.extend(byte);
        }
        Ok(String::from_utf8_lossy(&line).trim().to_owned())
    }

    /// Whether lines that change in place are seen; see [`Terminal::replica_line`].
    pub fn is_live(&self) -> bool {
        self.live.is_shown()
    }

    /// What is done with a replica, in a line of its own that changes in place.
    pub fn replica_line(&self, who: &str, text: &str, state: LineState) {
        let text = without_controls(&self.redactor().redact(text));
        self.live.tell(who, text, state);
    }

    /// Lets the lines of replicas stay as they are; later ones begin below.
    pub fn settle_lines(&self) {
        for line in self.live.take() {
            self.detail(&line);
        }
    }

    fn loud(&self, channel: Channel, prefix: &str, text: &str) {
        if !self.is_quiet() {
            self.prefixed(channel, prefix, cyan(), text);
        }
    }

    /// Every line of the text with the prefix before the first, and blanks before the others.
    fn prefixed(&self, channel: Channel, prefix: &str, style: Style, text: &str) {
        let text = without_controls(&self.redactor().redact(text));
        self.on(channel, |stream| {
            for (position, line) in text.split('\n').enumerate() {
                if position == 0 {
                    stream.write_styled(prefix, style);
                } else {
                    stream.write(&" ".repeat(prefix.len()));
                }
                stream.write(&format!("{line}\n"));
            }
        });
    }

    fn on_output(&self, write: impl FnOnce(&mut Stream)) {
        self.on(Channel::Out, write);
    }

    fn on_error(&self, write: impl FnOnce(&mut Stream)) {
        self.on(Channel::Err, write);
    }

    /// Writes to a stream, above the lines that change in place where it shows on the same terminal.
    fn on(&self, channel: Channel, write: impl FnOnce(&mut Stream)) {
        let stream = match channel {
            Channel::Out => &self.out,
            Channel::Err => &self.err,
        };
        let mut stream = lock(stream);
        if stream.is_terminal {
            self.live.above(|| write(&mut stream));
        } else {
            write(&mut stream);
        }
    }
}

/// Which of the two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    Out,
    Err,
}

const fn cyan() -> Style {
    AnsiColor::Cyan.on_default()
}

const fn yellow() -> Style {
    AnsiColor::Yellow.on_default()
}

const fn red() -> Style {
    AnsiColor::Red.on_default().bold()
}

/// An engine's message cannot move the cursor or ring the bell.
fn without_controls(text: &str) -> String {
    let keep = |letter: char| letter == '\n' || letter == '\t' || !letter.is_control();
    text.chars()
        .map(|letter| if keep(letter) { letter } else { '\u{fffd}' })
        .collect()
}

fn redact_strings(redactor: &Redactor, document: &mut Value) {
    match document {
        Value::String(text) => *text = redactor.redact(text).into_owned(),
        Value::Array(values) => values.iter_mut().for_each(|value| redact_strings(redactor, value)),
        Value::Object(entries) => entries.values_mut().for_each(|value| redact_strings(redactor, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
