//! The shape of every changing use case: lock, observe, plan, execute; after a failure, mend and say what failed.

use futures_util::future::join_all;

use super::{FailedStep, OperationError, Operations};
use crate::config::Config;
use crate::execution::{Cancellation, Execution, ExecutionPorts, OperationEvent, StepError, StepFailure, execute_plan};
use crate::names::AppName;
use crate::plan::{Action, AfterFailure, ContainerRef, EngineAction, Plan, StoreAction};
use crate::planning::{Situation, plan_mend, plan_tidy};
use crate::redaction::Redactor;
use crate::release::ReleaseNumber;
use crate::runtime::{ContainerId, RegistryCredentials, RuntimeErrorKind};
use crate::source::BuildContext;
use crate::store::{HeldLock, LockKind, StoreErrorKind};

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
        if self.is_dry_run() {
            outcome.plans.push(plan);
            return Ok(None);
        }
        self.refuse_taken_names(&plan, situation).await?;
        let execution = self.execute(&plan, situation, verb, extras, &self.cancellation).await;
        outcome.trace.extend(execution.trace().iter().cloned());
        if execution.is_complete() {
            outcome.plans.push(plan);
            return Ok(Some(execution));
        }
        // A plan that goes on after failures stops, starts or removes: there is no release that it would replace.
        let replaces = plan.after_failure() == AfterFailure::Abort;
        let record = &situation.record;
        let still_serves = replaces && !record.serving.is_empty() && !record.stopped_by_operator;
        let failure = execution.into_failure(&plan);
        let is_mended = match extras.cleanup {
            Cleanup::Mend => self.mend(&situation.record.name, verb, plan.after_failure()).await,
            Cleanup::Leave => true,
        };
        Err(told(&plan, verb, failure, still_serves, is_mended))
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
    async fn mend(&self, app: &AppName, verb: &str, after_failure: AfterFailure) -> bool {
        let is_mended = match self.situation(app).await {
            Ok(situation) => {
                let plan = match after_failure {
                    AfterFailure::Abort => plan_mend(&situation),
                    AfterFailure::GoOn => plan_tidy(&situation),
                };
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
