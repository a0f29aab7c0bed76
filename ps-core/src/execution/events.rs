//! What happens while a command works, as values. The core never prints; renderers consume these.

use std::fmt::Debug;
use std::time::Duration;

use crate::names::{AppName, Replica};
use crate::plan::ActionKind;
use crate::runtime::OutputChannel;

/// The life of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// It began.
    Started,
    /// It is done, after this time.
    Done(Duration),
    /// It failed.
    Failed,
}

/// Something worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationEvent {
    /// A stage of a command begins: `Building shop from directory /src`.
    Stage {
        /// The app.
        app: AppName,
        /// The text.
        text: String,
    },
    /// A step of a plan.
    Step {
        /// The app.
        app: AppName,
        /// The replica it is about.
        replica: Option<Replica>,
        /// What kind of call.
        kind: ActionKind,
        /// The step's own text, without number and cause.
        text: String,
        /// What happened.
        state: StepState,
    },
    /// An attempt of a check begins: what a replica waits for before it serves.
    Checking {
        /// The app.
        app: AppName,
        /// The replica.
        replica: Option<Replica>,
        /// What is asked: `GET /health`.
        check: String,
        /// Which attempt, from 1.
        attempt: u32,
        /// Of how many at most.
        attempts: u32,
        /// The longest this one takes.
        at_most: Duration,
    },
    /// A line that a build or a one-off process wrote.
    Output {
        /// The app.
        app: AppName,
        /// `build` or `release`.
        from: &'static str,
        /// Which stream.
        channel: OutputChannel,
        /// The line, without its newline.
        line: String,
    },
    /// Something that is not an error and that the user should know.
    Warning {
        /// The app.
        app: AppName,
        /// The text.
        text: String,
    },
}

/// Takes events; must not block.
pub trait EventSink: Debug + Send + Sync {
    /// Takes one.
    fn emit(&self, event: OperationEvent);

    /// Learns config values that must never be shown, before anything that could hold them is told.
    fn hide(&self, values: Vec<String>);
}

/// Takes events and forgets them.
#[derive(Debug, Clone, Copy, Default)]
pub struct IgnoreEvents;

impl EventSink for IgnoreEvents {
    fn emit(&self, _event: OperationEvent) {}

    fn hide(&self, _values: Vec<String>) {}
}
