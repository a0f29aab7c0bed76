//! The executor: walks a plan's steps with bounded parallelism and makes no decision. Start at [`execute_plan`].

mod cancellation;
mod deaths;
mod events;
mod execute;
mod images;
mod one_off_output;
mod perform;
mod readiness;

pub use cancellation::Cancellation;
pub use events::{EventSink, IgnoreEvents, OperationEvent, StepState};
pub use execute::{Execution, ExecutionPorts, StepFailure, StepOutcome, execute_plan};
pub use one_off_output::AttachedOutput;
pub use perform::{StepError, StepResult};
pub use readiness::{CheckFailure, NotReady};
