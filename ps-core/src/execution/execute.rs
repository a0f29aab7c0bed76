//! Walking a plan. A step starts when all its prerequisites have succeeded; one whose prerequisite failed is skipped. After a
//! failure or a cancellation no step is started, and steps that only wait end.

use std::time::Duration;

use async_lock::Semaphore;
use futures_util::future::{Either, select};
use futures_util::stream::{BoxStream, FuturesUnordered};
use futures_util::{FutureExt, StreamExt, pin_mut, select_biased};

use super::cancellation::Cancellation;
use super::deaths::Deaths;
use super::events::{EventSink, OperationEvent, StepState};
use super::perform::{Call, StepError, StepResult, perform, resolve};
use crate::host::{Clock, Host};
use crate::labels;
use crate::names::OwnerToken;
use crate::plan::{Action, AfterFailure, Plan, StepId, WaitAction};
use crate::probe::HttpProber;
use crate::proxy::Proxy;
use crate::redaction::Redactor;
use crate::runtime::{ContainerEvent, Engine, EventFilter, RegistryCredentials, RuntimeError};
use crate::source::{BuildContext, SourceReader};
use crate::store::{JournalEntry, JournalState, Store};

/// What the executor works with.
#[derive(Clone, Copy)]
pub struct ExecutionPorts<'a> {
    /// The engine.
    pub engine: &'a dyn Engine,
    /// The store.
    pub store: &'a dyn Store,
    /// Opens the archives that are loaded.
    pub source: &'a dyn SourceReader,
    /// Time.
    pub clock: &'a dyn Clock,
    /// The machine.
    pub host: &'a dyn Host,
    /// Asks replicas over HTTP.
    pub prober: &'a dyn HttpProber,
    /// Sends requests to replicas.
    pub proxy: &'a dyn Proxy,
    /// Where events go.
    pub events: &'a dyn EventSink,
    /// Bounds the engine calls of the whole command.
    pub permits: &'a Semaphore,
    /// Ends the execution early.
    pub cancellation: &'a Cancellation,
    /// Hides config values in the journal.
    pub redactor: &'a Redactor,
    /// Whose containers are watched.
    pub owner: &'a OwnerToken,
    /// The verb, for the journal.
    pub verb: &'a str,
    /// What a build step builds.
    pub context: Option<&'a dyn BuildContext>,
    /// Who a pull step is.
    pub credentials: Option<&'a RegistryCredentials>,
}

/// How a step ended.
#[derive(Debug)]
pub enum StepOutcome {
    /// It succeeded.
    Done(StepResult),
    /// It failed.
    Failed(StepError),
    /// It was never started.
    Skipped,
}

/// A step that failed.
#[derive(Debug)]
pub struct StepFailure {
    /// Its number.
    pub step: StepId,
    /// What it should have done; `None` only for a step that the plan does not have.
    pub action: Option<Action>,
    /// The replica it was about.
    pub replica: Option<crate::names::Replica>,
    /// Why.
    pub error: StepError,
}

/// What became of a plan.
#[derive(Debug)]
pub struct Execution {
    outcomes: Vec<StepOutcome>,
    trace: Vec<String>,
    spans: Vec<Option<Span>>,
}

/// When a step began and ended, by the clock that never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// It began.
    pub began: Duration,
    /// It ended.
    pub ended: Duration,
}

impl Execution {
    /// The text of every step that was performed, in the plan's order: the same lines as the plan's own text.
    pub fn trace(&self) -> &[String] {
        &self.trace
    }

    /// How each step ended, in the plan's order.
    pub fn into_outcomes(self) -> Vec<StepOutcome> {
        self.outcomes
    }

    /// What a step brought.
    pub fn result(&self, step: StepId) -> Option<&StepResult> {
        match self.outcomes.get(step.position()) {
            Some(StepOutcome::Done(result)) => Some(result),
            _ => None,
        }
    }

    /// When a step was done; `None` when it was not started.
    pub fn span(&self, step: StepId) -> Option<Span> {
        self.spans.get(step.position()).copied().flatten()
    }

    /// Whether every step succeeded.
    pub fn is_complete(&self) -> bool {
        self.outcomes
            .iter()
            .all(|outcome| matches!(outcome, StepOutcome::Done(_)))
    }

    /// The first failure that is not a cancellation, else the first cancellation.
    pub fn into_failure(self, plan: &Plan) -> Option<StepFailure> {
        let mut failures: Vec<StepFailure> = plan
            .ids()
            .zip(self.outcomes)
            .filter_map(|(step, outcome)| match outcome {
                StepOutcome::Failed(error) => Some(failure(plan, step, error)),
                StepOutcome::Done(_) | StepOutcome::Skipped => None,
            })
            .collect();
        failures.sort_by_key(|failure| matches!(failure.error, StepError::Cancelled));
        failures.into_iter().next()
    }
}

fn failure(plan: &Plan, step: StepId, error: StepError) -> StepFailure {
    let found = plan.steps().get(step.position());
    StepFailure {
        step,
        action: found.map(|step| step.action.clone()),
        replica: found.and_then(|step| step.replica.clone()),
        error,
    }
}

type DeathStream = futures_util::stream::Fuse<BoxStream<'static, Result<ContainerEvent, RuntimeError>>>;

/// Executes a plan. Never fails itself: what happened to each step is in the [`Execution`].
///
/// ```
/// use std::sync::Arc;
/// use async_lock::Semaphore;
/// use ps_core::execution::{Cancellation, ExecutionPorts, IgnoreEvents, execute_plan};
/// use ps_core::plan::{Cause, Plan, StoreAction};
/// use ps_core::proxy::NoProxy;
/// use ps_core::redaction::Redactor;
/// use ps_core::store::{Store, StoreChange};
/// use ps_core::testing::{FakeClock, FakeEngine, FakeHost, FakeProber, FakeSource, MemoryStore};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let clock = FakeClock::automatic();
/// let engine = FakeEngine::new(&clock);
/// let store = MemoryStore::new(Arc::new(clock.clone()));
/// let mut plan = Plan::new("shop".parse()?);
/// let create = vec![StoreChange::CreateApp("shop".parse()?)];
/// plan.push(StoreAction::Record(create), Cause::SettingChanged, &[]);
/// let ports = ExecutionPorts {
///     engine: &engine,
///     store: &store,
///     source: &FakeSource::new(),
///     clock: &clock,
///     host: &FakeHost::new(&engine),
///     prober: &FakeProber::new(&clock),
///     proxy: &NoProxy,
///     events: &IgnoreEvents,
///     permits: &Semaphore::new(4),
///     cancellation: &Cancellation::default(),
///     redactor: &Redactor::new(Vec::<String>::new()),
///     owner: &store.owner().await?,
///     verb: "apps:create",
///     context: None,
///     credentials: None,
/// };
/// let execution = execute_plan(&plan, &ports).await;
/// assert!(execution.is_complete());
/// assert_eq!(format!("{}\n", execution.trace().join("\n")), plan.to_string());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn execute_plan(plan: &Plan, ports: &ExecutionPorts<'_>) -> Execution {
    let deaths = Deaths::default();
    let mut stream = follow_deaths(plan, ports);
    let abort = Cancellation::default();
    let mut outcomes: Vec<Option<StepOutcome>> = plan.steps().iter().map(|_| None).collect();
    let mut results: Vec<Option<StepResult>> = plan.steps().iter().map(|_| None).collect();
    let mut started = vec![false; plan.steps().len()];
    let mut spans = vec![None; plan.steps().len()];
    let mut running = FuturesUnordered::new();
    let cancelled = ports.cancellation.cancelled().fuse();
    pin_mut!(cancelled);
    loop {
        for step in plan.ids() {
            let is_started = started.get(step.position()).copied().unwrap_or(true);
            if abort.is_cancelled() || is_started || !is_ready(plan, step, &results) {
                continue;
            }
            note(&mut started, step, true);
            let call = plan
                .steps()
                .get(step.position())
                .map(|step| resolve(&step.action, &results, ports.clock.now()));
            let call = call.unwrap_or(Err(StepError::MissingResult));
            running.push(run_step(plan, step, call, ports, &deaths, &abort));
        }
        if running.is_empty() {
            break;
        }
        select_biased! {
            () = cancelled => abort.cancel(),
            done = running.select_next_some() => {
                let (step, outcome, span): (StepId, Result<StepResult, StepError>, Option<Span>) = done;
                note(&mut spans, step, span);
                if outcome.is_err() && plan.after_failure() == AfterFailure::Abort {
                    abort.cancel();
                }
                note(&mut results, step, outcome.as_ref().ok().cloned());
                note(&mut outcomes, step, Some(outcome.map_or_else(StepOutcome::Failed, StepOutcome::Done)));
            },
            event = next_death(&mut stream).fuse() => {
                if event.is_none() {
                    stream = None;
                }
                deaths.note(event);
            },
        }
    }
    drop(running);
    let trace = plan.ids().zip(&started).filter(|(_, started)| **started);
    let trace = trace.filter_map(|(step, _)| plan.step_text(step)).collect();
    let outcomes = outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap_or(StepOutcome::Skipped));
    Execution {
        outcomes: outcomes.collect(),
        trace,
        spans,
    }
}

/// Keeps something about a step.
fn note<T>(all: &mut [T], step: StepId, one: T) {
    if let Some(slot) = all.get_mut(step.position()) {
        *slot = one;
    }
}

fn is_ready(plan: &Plan, step: StepId, results: &[Option<StepResult>]) -> bool {
    let is_done = |step: &StepId| results.get(step.position()).is_some_and(Option::is_some);
    plan.steps()
        .get(step.position())
        .is_some_and(|step| step.after.iter().all(is_done))
}

/// Only a plan that waits for readiness needs to know of deaths.
fn follow_deaths(plan: &Plan, ports: &ExecutionPorts<'_>) -> Option<DeathStream> {
    let waits = plan
        .steps()
        .iter()
        .any(|step| matches!(step.action, Action::Wait(WaitAction::Ready { .. })));
    let labels = [
        (labels::OWNER, ports.owner.as_str()),
        (labels::APP, plan.app().as_str()),
    ];
    let labels = labels
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    waits.then(|| {
        ports
            .engine
            .follow_events(&EventFilter {
                labels,
                ..EventFilter::default()
            })
            .fuse()
    })
}

async fn next_death(stream: &mut Option<DeathStream>) -> Option<Result<ContainerEvent, RuntimeError>> {
    match stream {
        Some(stream) => stream.next().await,
        None => std::future::pending().await,
    }
}

async fn run_step(
    plan: &Plan,
    step: StepId,
    call: Result<Call, StepError>,
    ports: &ExecutionPorts<'_>,
    deaths: &Deaths,
    abort: &Cancellation,
) -> (StepId, Result<StepResult, StepError>, Option<Span>) {
    let is_interruptible = matches!(call, Ok(Call::Wait(..) | Call::Image(_)));
    let permit = match &call {
        Ok(Call::Engine(_)) => Some(ports.permits.acquire().await),
        _ => None,
    };
    if abort.is_cancelled() {
        return (step, Err(StepError::Cancelled), None);
    }
    tell(plan, step, ports, StepState::Started, JournalState::Started).await;
    let began = ports.clock.monotonic();
    let replica = plan.steps().get(step.position()).and_then(|step| step.replica.as_ref());
    let work = async {
        match call {
            Ok(call) => perform(ports, plan.app(), replica, deaths, call).await,
            Err(error) => Err(error),
        }
    };
    let result = if is_interruptible {
        unless_cancelled(work, abort).await
    } else {
        work.await
    };
    drop(permit);
    let ended = ports.clock.monotonic();
    let took: Duration = ended.saturating_sub(began);
    match &result {
        Ok(_) => tell(plan, step, ports, StepState::Done(took), JournalState::Done).await,
        Err(error) => {
            let reason = ports.redactor.redact(&error.to_string()).into_owned();
            tell(plan, step, ports, StepState::Failed, JournalState::Failed(reason)).await;
        }
    }
    (step, result, Some(Span { began, ended }))
}

async fn unless_cancelled(
    work: impl Future<Output = Result<StepResult, StepError>>,
    abort: &Cancellation,
) -> Result<StepResult, StepError> {
    let cancelled = abort.cancelled();
    pin_mut!(work, cancelled);
    match select(work, cancelled).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(StepError::Cancelled),
    }
}

async fn tell(plan: &Plan, step: StepId, ports: &ExecutionPorts<'_>, state: StepState, journal: JournalState) {
    let Some(found) = plan.steps().get(step.position()) else {
        return;
    };
    ports.events.emit(OperationEvent::Step {
        app: plan.app().clone(),
        replica: found.replica.clone(),
        kind: found.action.kind(),
        text: found.action.to_string(),
        state,
    });
    let entry = JournalEntry {
        app: plan.app().clone(),
        verb: ports.verb.to_owned(),
        step: step.position().saturating_add(1),
        text: ports.redactor.redact(&found.action.to_string()).into_owned(),
        state: journal,
        at: ports.clock.now(),
    };
    // The journal only explains: a line that cannot be written stops nothing.
    let _ = ports.store.journal(entry).await;
}
