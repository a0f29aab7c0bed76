//! Makes the errors of this crate. Invariant: no content of a file gets into a message but the lines that its parser shows.

use std::error::Error;

use ps_core::source::{SourceError, SourceErrorKind};

fn error(kind: SourceErrorKind, message: impl Into<String>) -> SourceError {
    SourceError {
        kind,
        message: message.into(),
        hint: None,
        source: None,
    }
}

/// Something is not there or cannot be read.
pub(crate) fn unreadable(message: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> SourceError {
    SourceError {
        source: Some(source.into()),
        ..error(SourceErrorKind::Unreadable, message)
    }
}

/// Something is not what it should be, and there is no further layer.
pub(crate) fn unusable(message: impl Into<String>, hint: impl Into<String>) -> SourceError {
    SourceError {
        hint: Some(hint.into()),
        ..error(SourceErrorKind::Unreadable, message)
    }
}

/// There is nothing to build.
pub(crate) fn no_dockerfile(message: impl Into<String>, hint: impl Into<String>) -> SourceError {
    SourceError {
        hint: Some(hint.into()),
        ..error(SourceErrorKind::NoDockerfile, message)
    }
}

/// A file of the source is invalid; the message is the whole diagnostic.
pub(crate) fn invalid_file(message: impl Into<String>) -> SourceError {
    error(SourceErrorKind::InvalidFile, message)
}

/// Something in the source is not taken.
pub(crate) fn refused(message: impl Into<String>, hint: impl Into<String>) -> SourceError {
    SourceError {
        hint: Some(hint.into()),
        ..error(SourceErrorKind::Refused, message)
    }
}
