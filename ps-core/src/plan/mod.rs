//! A plan: numbered steps, each exactly one call on one port, each with a cause and its prerequisites. Plain data that
//! prints itself; a dry run shows the same text that the executor's trace has.
//!
//! A step can only wait for earlier steps, so a cycle cannot be written.

mod action;
mod action_text;
mod cause;
mod readiness;

use std::fmt;

pub use action::{
    Action, ActionKind, ContainerRef, EndpointPlace, EndpointRef, EngineAction, IfAbsent, ImageAction, PlannedServing,
    PlannedUpstream, Position, ProxyAction, StoreAction, Switch, WaitAction, WaitingRestart,
};
pub use cause::Cause;
pub use readiness::{CommandCheck, HttpCheck, Readiness, StartupCheck, StartupKind};

use crate::names::{AppName, Replica};

/// The number of a step in its plan, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(usize);

impl StepId {
    /// The position in [`Plan::steps`].
    pub const fn position(self) -> usize {
        self.0
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0.saturating_add(1))
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The call.
    pub action: Action,
    /// Why.
    pub cause: Cause,
    /// The steps that must have succeeded before.
    pub after: Vec<StepId>,
    /// The replica it is about, for progress lines.
    pub replica: Option<Replica>,
}

/// Something the plan does not touch, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftAlone {
    /// What.
    pub subject: String,
    /// Why.
    pub reason: String,
}

/// What will be done to one app.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    app: AppName,
    steps: Vec<Step>,
    left_alone: Vec<LeftAlone>,
    after_failure: AfterFailure,
}

/// What becomes of the steps that do not depend on a failed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterFailure {
    /// No further step is started: all or nothing.
    #[default]
    Abort,
    /// They are done all the same: what can be stopped is stopped.
    GoOn,
}

impl Plan {
    /// A plan that does nothing.
    ///
    /// ```
    /// use ps_core::plan::Plan;
    /// let plan = Plan::new("shop".parse()?);
    /// assert!(plan.is_empty());
    /// assert_eq!(plan.to_string(), "nothing to do for shop\n");
    /// # Ok::<(), ps_core::names::NameError>(())
    /// ```
    pub fn new(app: AppName) -> Self {
        Self {
            app,
            steps: Vec::new(),
            left_alone: Vec::new(),
            after_failure: AfterFailure::Abort,
        }
    }

    /// A plan of steps that are worth doing one by one.
    pub fn going_on_after_failures(app: AppName) -> Self {
        Self {
            after_failure: AfterFailure::GoOn,
            ..Self::new(app)
        }
    }

    /// What becomes of the steps that do not depend on a failed one.
    pub fn after_failure(&self) -> AfterFailure {
        self.after_failure
    }

    /// Adds a step that runs after earlier ones.
    pub fn push(&mut self, action: impl Into<Action>, cause: Cause, after: &[StepId]) -> StepId {
        self.push_for(None, action, cause, after)
    }

    /// Adds a step about one replica.
    pub fn push_for(
        &mut self,
        replica: Option<&Replica>,
        action: impl Into<Action>,
        cause: Cause,
        after: &[StepId],
    ) -> StepId {
        let id = StepId(self.steps.len());
        let mut after: Vec<StepId> = after.iter().copied().filter(|earlier| *earlier < id).collect();
        after.sort();
        after.dedup();
        self.steps.push(Step {
            action: action.into(),
            cause,
            after,
            replica: replica.cloned(),
        });
        id
    }

    /// Notes something that stays as it is.
    pub fn leave_alone(&mut self, subject: impl Into<String>, reason: impl Into<String>) {
        self.left_alone.push(LeftAlone {
            subject: subject.into(),
            reason: reason.into(),
        });
    }

    /// The app.
    pub fn app(&self) -> &AppName {
        &self.app
    }

    /// The steps, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What is not touched.
    pub fn left_alone(&self) -> &[LeftAlone] {
        &self.left_alone
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// One line of [`Plan`]'s text.
    pub fn step_text(&self, id: StepId) -> Option<String> {
        let step = self.steps.get(id.position())?;
        let after: Vec<String> = step.after.iter().map(ToString::to_string).collect();
        Some(format!("{id} [{}] {} ({})", after.join(" "), step.action, step.cause))
    }

    /// The ids of all steps, in order.
    pub fn ids(&self) -> impl Iterator<Item = StepId> + use<> {
        (0..self.steps.len()).map(StepId)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            writeln!(f, "nothing to do for {}", self.app)?;
        }
        for line in self.ids().filter_map(|id| self.step_text(id)) {
            writeln!(f, "{line}")?;
        }
        for left in &self.left_alone {
            writeln!(f, "left alone: {}, {}", left.subject, left.reason)?;
        }
        Ok(())
    }
}
