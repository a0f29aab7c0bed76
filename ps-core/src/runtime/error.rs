//! How an engine's call can fail. `Display` tells this layer only; `source()` holds the next.

use std::error::Error;
use std::fmt;

/// What kind of failure it was; callers decide by this, never by text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuntimeErrorKind {
    /// The container, network or other subject does not exist.
    NotFound,
    /// The name belongs to another container.
    NameInUse,
    /// The image is not there.
    ImageMissing,
    /// The subject's state does not allow it.
    Conflict,
    /// A host port or address is taken.
    AddressInUse,
    /// The engine refused the user.
    PermissionDenied,
    /// No answer could be had: nobody listens, or the connection broke before the request was sent.
    Unreachable,
    /// The engine did not answer in time, or the connection broke after the request was sent: it may have happened.
    OutcomeUnknown,
    /// The engine cannot do this.
    Unsupported,
    /// The request was refused as wrong.
    Invalid,
    /// A build step or a pull failed; the message is the engine's.
    BuildFailed,
    /// Anything else.
    Unexpected,
}

/// A failed call.
#[derive(Debug)]
pub struct RuntimeError {
    /// What kind of failure.
    pub kind: RuntimeErrorKind,
    /// `docker`, `podman`, or another backend's name.
    pub runtime: &'static str,
    /// What was tried, as a verb that fits after "could not": `stop`, `create`.
    pub operation: &'static str,
    /// What it was tried on: a container's name, an image.
    pub subject: String,
    /// The next layer: the engine's own message, or the transport's.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl RuntimeError {
    /// An error with the engine's message as its source.
    ///
    /// ```
    /// use ps_core::runtime::{RuntimeError, RuntimeErrorKind};
    /// let error = RuntimeError::new(RuntimeErrorKind::NotFound, "docker", "stop", "shop.web.1").because("No such container");
    /// assert_eq!(error.to_string(), "docker could not stop shop.web.1");
    /// ```
    pub fn new(
        kind: RuntimeErrorKind,
        runtime: &'static str,
        operation: &'static str,
        subject: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            runtime,
            operation,
            subject: subject.into(),
            source: None,
        }
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for RuntimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} could not {}", self.runtime, self.operation)?;
        if !self.subject.is_empty() {
            write!(f, " {}", self.subject)?;
        }
        Ok(())
    }
}

impl Error for RuntimeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
