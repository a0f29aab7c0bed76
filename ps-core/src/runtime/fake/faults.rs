//! The calls a fake engine was asked for, and what goes wrong with them on purpose.

use std::collections::BTreeMap;
use std::time::Duration;

use super::script::glob;
use crate::runtime::RuntimeErrorKind;

/// One call that the engine got, in the order of their beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeCall {
    /// The method of the port, for example `start_container`.
    pub method: &'static str,
    /// The container's name at that moment, or the network, image or exec; for a list its label filter.
    pub subject: String,
    /// The app that the container belongs to by its label.
    pub app: Option<String>,
    /// When it began, by the clock's monotonic time.
    pub at: Duration,
    /// How it ended, once it has ended and the caller was still there.
    pub outcome: Option<Result<(), RuntimeErrorKind>>,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultEffect {
    /// The call fails and does nothing.
    Fail(RuntimeErrorKind),
    /// The call does its work, but the answer is lost: `OutcomeUnknown`.
    LoseAnswer,
    /// The call does nothing and gets no answer: `OutcomeUnknown` after two minutes. A wait or a stream just goes on.
    Hang,
    /// The container is removed by somebody else just before the call.
    Vanish,
}

/// A fault and the calls it hits. Every condition that is set must hold.
///
/// ```
/// use ps_core::testing::{Fault, FaultEffect};
/// use ps_core::runtime::RuntimeErrorKind;
/// let fault = Fault::new(FaultEffect::Fail(RuntimeErrorKind::Unexpected))
///     .on_method("start_container")
///     .on_subject("shop.web.*")
///     .nth(2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    effect: FaultEffect,
    method: Option<String>,
    subject: Option<String>,
    nth: Option<u32>,
    seen: u32,
}

impl Fault {
    /// A fault that hits every call.
    pub fn new(effect: FaultEffect) -> Self {
        Self {
            effect,
            method: None,
            subject: None,
            nth: None,
            seen: 0,
        }
    }

    /// Only calls of this method.
    #[must_use]
    pub fn on_method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only calls on subjects that fit; `*` stands for anything.
    #[must_use]
    pub fn on_subject(mut self, pattern: &str) -> Self {
        self.subject = Some(pattern.to_owned());
        self
    }

    /// Only the nth call, from 1, of those that the other conditions leave, counted from the injection.
    #[must_use]
    pub fn nth(mut self, nth: u32) -> Self {
        self.nth = Some(nth);
        self
    }

    fn hits(&mut self, method: &str, subject: &str) -> bool {
        let fits = self.method.as_deref().is_none_or(|wanted| wanted == method)
            && self.subject.as_deref().is_none_or(|pattern| glob(pattern, subject));
        self.seen += u32::from(fits);
        fits && self.nth.is_none_or(|nth| nth == self.seen)
    }
}

/// A rule of engines that a fake breaks, so that the conformance suite can prove that it notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// Starting a running container says `Started`.
    StartsTwice,
    /// Lists ignore their label filter.
    IgnoresLabelFilters,
    /// A name may be used twice.
    ReusesNames,
    /// A container that was stopped on request is restarted by its policy.
    RestartsTheStopped,
}

/// The log of calls, and how many were in flight at once.
#[derive(Debug, Default)]
pub(super) struct CallLog {
    pub(super) calls: Vec<FakeCall>,
    pub(super) faults: Vec<Fault>,
    in_flight: BTreeMap<usize, Option<String>>,
    pub(super) peak_calls: usize,
    pub(super) peak_apps: usize,
}

impl CallLog {
    /// Records the beginning of a call: its number, and the first fault that hits it.
    pub(super) fn begin(&mut self, call: FakeCall) -> (usize, Option<FaultEffect>) {
        let mut effect = None;
        for fault in &mut self.faults {
            if fault.hits(call.method, &call.subject) {
                effect = effect.or(Some(fault.effect));
            }
        }
        let number = self.calls.len();
        self.in_flight.insert(number, call.app.clone());
        self.calls.push(call);
        self.peak_calls = self.peak_calls.max(self.in_flight.len());
        let mut apps: Vec<&String> = self.in_flight.values().flatten().collect();
        apps.sort_unstable();
        apps.dedup();
        self.peak_apps = self.peak_apps.max(apps.len());
        (number, effect)
    }

    pub(super) fn end(&mut self, number: usize, outcome: Option<Result<(), RuntimeErrorKind>>) {
        self.in_flight.remove(&number);
        if let Some(call) = self.calls.get_mut(number) {
            call.outcome = call.outcome.or(outcome);
        }
    }
}
