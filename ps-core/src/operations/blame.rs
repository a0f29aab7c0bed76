//! Whose fault a failure is. Invariant: what the engine or the host stood in the way of is never the app's: a full disk, a port in use, a
//! name that somebody else has.

use super::OperationError;
use crate::execution::{NotReady, StepError};
use crate::runtime::RuntimeErrorKind;
use crate::source::{SourceError, SourceErrorKind};

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blame {
    /// The app's: trying again would change nothing.
    App,
    /// The engine's, or that of what stands beside it: trying again may help.
    Engine,
    /// Somebody else's, or nobody knows.
    Other,
}

impl Blame {
    /// Who is to blame for a failure.
    pub(super) fn of(error: &OperationError) -> Self {
        match error {
            OperationError::Step(step) => match &step.error {
                StepError::Runtime(error) => Self::of_call(error.kind),
                StepError::Source(error) => Self::of_source(error),
                StepError::NotReady(NotReady::Unknown(_))
                | StepError::Store(_)
                | StepError::Cancelled
                | StepError::Proxy(_) => Self::Other,
                _ => Self::App,
            },
            OperationError::Runtime(error) if Self::of_call(error.kind) == Self::Engine => Self::Engine,
            OperationError::Source(error) => Self::of_source(error),
            OperationError::Launch(_)
            | OperationError::Env { .. }
            | OperationError::Formation(_)
            | OperationError::ReleaseLost { .. }
            | OperationError::ReleaseRemoved { .. }
            | OperationError::EndedAgain { .. } => Self::App,
            _ => Self::Other,
        }
    }

    fn of_call(kind: RuntimeErrorKind) -> Self {
        match kind {
            RuntimeErrorKind::ImageMissing
            | RuntimeErrorKind::Invalid
            | RuntimeErrorKind::Unsupported
            | RuntimeErrorKind::BuildFailed => Self::App,
            RuntimeErrorKind::Unreachable
            | RuntimeErrorKind::OutcomeUnknown
            | RuntimeErrorKind::AddressInUse
            | RuntimeErrorKind::Conflict
            | RuntimeErrorKind::Unexpected => Self::Engine,
            _ => Self::Other,
        }
    }

    /// A source that was read and is wrong stays so; one that cannot be read now may be there later.
    fn of_source(error: &SourceError) -> Self {
        if error.kind == SourceErrorKind::Unreadable {
            Self::Other
        } else {
            Self::App
        }
    }
}
