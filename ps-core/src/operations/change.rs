//! The shape of every changing use case: lock, observe, plan, execute; after a failure, mend and say what failed.

use futures_util::future::join_all;

use super::{FailedStep, OperationError, Operations};
use crate::config::Config;
use crate::execution::{Cancellation, Execution, ExecutionPorts, OperationEvent, StepError, StepFailure, execute_plan};
use crate::names::AppName;
use crate::plan::{Action, AfterFailure, Cause, ContainerRef, EngineAction, Plan, Step, StoreAction, WaitAction};
use crate::planning::{Situation, plan_mend, plan_tidy, route_left_out, routed_if_refused};
use crate::proxy::{Proxy, ProxyErrorKind};
use crate::redaction::Redactor;
use crate::release::ReleaseNumber;
use crate::runtime::{ContainerId, RegistryCredentials, RuntimeErrorKind};
use crate::source::BuildContext;
use crate::store::{HeldLock, LockKind, StoreChange, StoreErrorKind};

/// What a use case did to one app, or would do.
#[derive(Debug)]
pub struct VerbOutcome {
    /// The app.
    pub app: AppName,
    /// The plans, in the order they were, or would be, executed.
    pub plans: Vec<Plan>,
    /// The lines of the steps that were performed; empty in a dry run.
    pub trace: Vec<String>,
    /// Why nothing could be done, though that is no error: `was never deployed`.
    pub notice: Option<String>,
    /// The release that serves now, or would.
    pub release: Option<ReleaseNumber>,
    /// Whether containers wait to be stopped and removed.
    pub has_retirements: bool,
}

impl VerbOutcome {
    pub(crate) fn new(app: &AppName) -> Self {
        Self {
            app: app.clone(),
            plans: Vec::new(),
            trace: Vec::new(),
            notice: None,
            release: None,
            has_retirements: false,
        }
    }

    pub(crate) fn with_notice(app: &AppName, notice: impl Into<String>) -> Self {
        Self {
            notice: Some(notice.into()),
            ..Self::new(app)
        }
    }

    /// Whether there was, or is, something to do.
    pub fn is_change(&self) -> bool {
        self.plans.iter().any(|plan| !plan.is_empty())
    }
}

/// What only some plans need.
#[derive(Clone, Copy, Default)]
pub(crate) struct Extras<'a> {
    pub(crate) context: Option<&'a dyn BuildContext>,
    pub(crate) credentials: Option<&'a RegistryCredentials>,
    pub(crate) cleanup: Cleanup,
    /// In place of the adapter.
    pub(crate) proxy: Option<&'a dyn Proxy>,
}

/// What follows a failure.
#[derive(Clone, Copy, Default)]
pub(crate) enum Cleanup {
    /// What is left is put right.
    #[default]
    Mend,
    /// Nothing: the command does not hold the lock of those who make containers.
    Leave,
}

impl Operations {
    /// Locks, observes, plans and executes.
    pub(crate) async fn change(
        &self,
        app: &AppName,
        verb: &str,
        plan: impl FnOnce(&Situation) -> Result<Plan, OperationError>,
    ) -> Result<VerbOutcome, OperationError> {
        // An app that does not exist must not get a lock file.
        self.adapters.store.app(app).await?;
        let _lock = self.lock(app, verb).await?;
        let situation = self.situation(app).await?;
        let plan = plan(&situation)?;
        let mut outcome = VerbOutcome::new(app);
        self.carry_out(&mut outcome, &situation, plan, verb, Extras::default())
            .await?;
        self.finish(outcome).await
    }

    /// Takes the app's lock; none in a dry run.
    pub(crate) async fn lock(&self, app: &AppName, verb: &str) -> Result<Option<Box<dyn HeldLock>>, OperationError> {
        if self.is_dry_run() {
            return Ok(None);
        }
        let patience = self.options.lock_patience;
        Ok(Some(
            self.adapters
                .store
                .lock_app(app, LockKind::Change, verb, patience)
                .await?,
        ))
    }

    /// Executes a plan, or in a dry run only keeps it.
    pub(crate) async fn carry_out(
        &self,
        outcome: &mut VerbOutcome,
        situation: &Situation,
        plan: Plan,
        verb: &str,
        extras: Extras<'_>,
    ) -> Result<Option<Execution>, OperationError> {
        // Boxed: every caller's future would hold it, and seldom has anything to link.
        Box::pin(self.link_services_for(&plan, outcome, situation, verb)).await?;
        if self.is_dry_run() {
            outcome.plans.push(plan);
            return Ok(None);
        }
        self.refuse_taken_names(&plan, situation).await?;
        let execution = self.execute(&plan, situation, verb, extras, &self.cancellation).await;
        outcome.trace.extend(execution.trace().iter().cloned());
        if execution.is_complete() {
            self.tell_gap(&plan, situation, &execution);
            outcome.plans.push(plan);
            return Ok(Some(execution));
        }
        // A plan that goes on after failures stops, starts or removes: there is no release that it would replace.
        let replaces = plan.after_failure() == AfterFailure::Abort;
        let record = &situation.record;
        let still_serves = replaces && !record.serving.is_empty() && !record.stopped_by_operator;
        let failure = execution.into_failure(&plan);
        self.forget_refused(&plan, situation, failure.as_ref()).await;
        let is_mended = match extras.cleanup {
            Cleanup::Mend => {
                let error = failure.as_ref().map(|failure| &failure.error);
                self.mend(&situation.record.name, verb, plan.after_failure(), error)
                    .await
            }
            Cleanup::Leave => true,
        };
        Err(told(&plan, verb, failure, still_serves, is_mended))
    }

    /// Says how long a `web` with an outside port was away: from the beginning of its stop until its next one was ready.
    fn tell_gap(&self, plan: &Plan, situation: &Situation, execution: &Execution) {
        let web_spans = |wanted: fn(&Step) -> bool| {
            let is_web = |step: &Step| {
                step.replica
                    .as_ref()
                    .is_some_and(|replica| replica.process_type().is_web())
            };
            let found = plan.ids().zip(plan.steps());
            let found = found.filter(move |(_, step)| is_web(step) && wanted(step));
            found.filter_map(|(id, _)| execution.span(id))
        };
        let makes_way = |step: &Step| {
            let stops = matches!(step.action, Action::Engine(EngineAction::Stop { .. }));
            stops && step.cause == Cause::StopFirst
        };
        let comes_up = |step: &Step| {
            let starts = matches!(step.action, Action::Engine(EngineAction::Start(_)));
            starts || matches!(step.action, Action::Wait(WaitAction::Ready { .. }))
        };
        let from = web_spans(makes_way).map(|span| span.began).min();
        let to = web_spans(comes_up).map(|span| span.ended).max();
        if let (Some(from), Some(to)) = (from, to) {
            let app = situation.record.name.clone();
            let text = format!(
                "web of {app} was away for {:.1} s",
                to.saturating_sub(from).as_secs_f64()
            );
            self.adapters.events.emit(OperationEvent::Warning { app, text });
        }
    }

    /// What the proxy refused to take in, its file does not name. Where that is not known, what it may name stays where it is until it
    /// is known to name something else.
    async fn forget_refused(&self, plan: &Plan, situation: &Situation, failure: Option<&StepFailure>) {
        let Some(StepFailure {
            error: StepError::Proxy(error),
            step,
            ..
        }) = failure
        else {
            return;
        };
        if error.kind == ProxyErrorKind::OutcomeUnknown {
            return;
        }
        let routed = StoreChange::SetRouted {
            app: situation.record.name.clone(),
            routed: routed_if_refused(plan, situation, *step),
        };
        // Where this fails, more is kept than is needed, until the next command has told the proxy.
        let _ = self.adapters.store.apply(&[routed]).await;
    }

    /// Refuses a plan whose new containers would need the name of somebody else's: that would show only after the switch.
    async fn refuse_taken_names(&self, plan: &Plan, situation: &Situation) -> Result<(), OperationError> {
        let names = plan.steps().iter().filter_map(|step| match &step.action {
            Action::Engine(EngineAction::Rename {
                container: ContainerRef::Made(_),
                to,
                ..
            }) => Some(to),
            _ => None,
        });
        let is_ours = |name: &str| {
            situation
                .observed
                .containers
                .iter()
                .any(|container| container.name == name)
        };
        let looks = names.filter(|name| !is_ours(name)).map(|name| async move {
            match self.adapters.engine.inspect_container(&ContainerId(name.clone())).await {
                Ok(_) => Err(OperationError::NameTaken { name: name.clone() }),
                Err(error) if error.kind == RuntimeErrorKind::NotFound => Ok(()),
                Err(error) => Err(error.into()),
            }
        });
        join_all(looks).await.into_iter().collect()
    }

    /// Removes what a failed plan made. It is not cancelled by what cancelled the plan. Where it cannot, the next
    /// command does, and the first failure is the one to tell. Returns whether nothing is left.
    async fn mend(&self, app: &AppName, verb: &str, after_failure: AfterFailure, error: Option<&StepError>) -> bool {
        let is_mended = match self.situation(app).await {
            Ok(situation) => {
                self.link_what_serves(&situation, verb).await;
                let mut plan = match after_failure {
                    AfterFailure::Abort => plan_mend(&situation),
                    AfterFailure::GoOn => plan_tidy(&situation),
                };
                // What a start brought up gets requests, though others failed. A proxy that refuses would refuse again.
                if after_failure == AfterFailure::GoOn && !matches!(error, Some(StepError::Proxy(_))) {
                    route_left_out(&mut plan, &situation);
                }
                let never = Cancellation::default();
                let execution = self.execute(&plan, &situation, verb, Extras::default(), &never).await;
                execution.is_complete()
            }
            Err(OperationError::Store(error)) if matches!(error.kind, StoreErrorKind::NoSuchApp(_)) => true,
            Err(_) => false,
        };
        if !is_mended {
            let text = format!("could not tidy up after {verb} of {app}; the next command does");
            let app = app.clone();
            self.adapters.events.emit(OperationEvent::Warning { app, text });
        }
        is_mended
    }

    pub(crate) async fn execute(
        &self,
        plan: &Plan,
        situation: &Situation,
        verb: &str,
        extras: Extras<'_>,
        cancellation: &Cancellation,
    ) -> Execution {
        let values = |config: &Config| config.iter().map(|(_, value)| value.to_owned()).collect::<Vec<_>>();
        let mut hidden = values(&situation.record.config);
        hidden.extend(values(&situation.global.config));
        let new = plan.steps().iter().filter_map(|step| match &step.action {
            Action::Store(StoreAction::Switch(switch)) => switch.release.as_ref(),
            _ => None,
        });
        hidden.extend(new.flat_map(|release| values(&release.config)));
        let redactor = Redactor::new(hidden);
        let adapters = &self.adapters;
        let ports = ExecutionPorts {
            engine: &*adapters.engine,
            store: &*adapters.store,
            source: &*adapters.source,
            clock: &*adapters.clock,
            host: &*adapters.host,
            prober: &*adapters.prober,
            proxy: extras.proxy.unwrap_or(&*adapters.proxy),
            events: &*adapters.events,
            permits: &self.permits,
            cancellation,
            redactor: &redactor,
            owner: &situation.owner,
            verb,
            context: extras.context,
            credentials: extras.credentials,
        };
        execute_plan(plan, &ports).await
    }

    /// Whether containers of an app wait to be stopped and removed: to be asked after a failure too, for the switch may
    /// have happened before it.
    pub async fn has_retirements(&self, app: &AppName) -> Result<bool, OperationError> {
        Ok(!self.adapters.store.app(app).await?.retirements.is_empty())
    }

    /// Adds what the store says after the work, and removes the images that nothing needs any more. The caller holds the
    /// app's lock.
    pub(crate) async fn finish(&self, mut outcome: VerbOutcome) -> Result<VerbOutcome, OperationError> {
        if self.is_dry_run() {
            return Ok(outcome);
        }
        let record = self.adapters.store.app(&outcome.app).await?;
        self.keep_images(&outcome.app).await;
        outcome.release = record.release.map(|release| release.number);
        outcome.has_retirements = !record.retirements.is_empty();
        Ok(outcome)
    }
}

/// Why a plan broke off.
fn told(plan: &Plan, verb: &str, failure: Option<StepFailure>, still_serves: bool, is_mended: bool) -> OperationError {
    match failure {
        Some(failure) if !matches!(failure.error, StepError::Cancelled) => {
            let failed = FailedStep::new(plan, failure, still_serves, is_mended);
            OperationError::Step(Box::new(failed))
        }
        Some(_) | None => OperationError::Interrupted {
            app: plan.app().clone(),
            verb: verb.to_owned(),
        },
    }
}
