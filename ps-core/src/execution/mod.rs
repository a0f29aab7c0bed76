//! The executor: walks a plan's steps with bounded parallelism and makes no decision. Start at [`execute_plan`].

mod cancellation;
mod deaths;
mod events;
mod execute;
mod images;
mod locate;
mod networks;
mod one_off_output;
mod perform;
mod readiness;
mod recorded;

pub use cancellation::Cancellation;
pub(crate) use deaths::Deaths;
pub use events::{EventSink, IgnoreEvents, OperationEvent, StepState};
pub use execute::{Execution, ExecutionPorts, Span, StepFailure, StepOutcome, execute_plan};
pub use one_off_output::AttachedOutput;
pub use perform::{StepError, StepResult};
pub(crate) use readiness::{Candidate, wait_until_ready};
pub use readiness::{CheckFailure, NotReady};
