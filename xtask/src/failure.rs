//! The one error of the tasks: a sentence for the person at the terminal. Every layer adds what it was doing in front.

use std::fmt;

/// Why a task stopped, as lines to print.
#[derive(Debug)]
pub(crate) struct Failure(String);

/// What a task answers.
pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// A failure that says `sentence`.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// A failure whose report is on the terminal already: nothing more is printed, only the exit status tells.
    pub(crate) fn already_told() -> Self {
        Self(String::new())
    }

    /// Whether the report is on the terminal already.
    pub(crate) fn is_told(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// Puts what was being done in front of an error.
pub(crate) trait WhileDoing<T> {
    /// `could not <deed>: <error>`.
    fn while_doing(self, deed: impl FnOnce() -> String) -> Outcome<T>;
}

impl<T, E: fmt::Display> WhileDoing<T> for Result<T, E> {
    fn while_doing(self, deed: impl FnOnce() -> String) -> Outcome<T> {
        self.map_err(|error| Failure(format!("could not {}: {error}", deed())))
    }
}
