//! `checks:run`: the checks of a type, made against the containers that serve. Invariant: nothing is changed, and every check that
//! was asked for has an outcome.

use std::time::Duration;

use super::change::Extras;
use super::verbs::selection;
use super::{OperationError, Operations};
use crate::execution::{NotReady, StepError, StepOutcome, StepResult};
use crate::names::{AppName, Replica};
use crate::plan::{Cause, EndpointPlace, Plan, Readiness, StartupCheck, WaitAction};
use crate::planning::{Selection, Situation, existing, has_command, readiness_of};
use crate::release::Release;
use crate::runtime::{ContainerId, RuntimeErrorKind};

/// What a check of a running replica brought.
#[derive(Debug)]
pub struct CheckReport {
    /// The replica.
    pub replica: Replica,
    /// The check.
    pub check: StartupCheck,
    /// How it ended.
    pub outcome: CheckOutcome,
}

/// How a check ended.
#[derive(Debug)]
pub enum CheckOutcome {
    /// It passed.
    Passed,
    /// It failed, which is only said.
    Warned(String),
    /// It failed.
    Failed(NotReady),
}

impl CheckReport {
    /// Whether it failed, and not only warned.
    pub fn is_failure(&self) -> bool {
        matches!(self.outcome, CheckOutcome::Failed(_))
    }
}

impl Operations {
    /// Makes the checks of an app's replicas now, side by side, whether their types are checked at a deploy or not. Words
    /// select types and replicas (`web`, `worker.2`); without any, all are checked. A replica that does not run fails.
    ///
    /// # Errors
    /// When the app was never deployed, a word names nothing, or the engine cannot be asked. A failed check is no error.
    pub async fn run_checks(&self, app: &AppName, words: &[String]) -> Result<Vec<CheckReport>, OperationError> {
        let verb = "checks:run";
        let record = self.adapters.store.app(app).await?;
        if record.release.is_none() {
            return Err(OperationError::NeverDeployed { app: app.clone() });
        }
        let situation = self.situation_of(record).await?;
        let selections = words.iter().map(|word| selection(&situation.record, Some(word)));
        let selections: Vec<Selection> = selections.collect::<Result<_, _>>()?;
        let Some(release) = &situation.record.release else {
            return Err(OperationError::NeverDeployed { app: app.clone() });
        };
        let mut plan = Plan::going_on_after_failures(app.clone());
        let (mut planned, mut reports) = (Vec::new(), Vec::new());
        for replica in wanted(&situation, release, &selections) {
            let checks = readiness_of(&situation, release, replica.process_type())?.checks;
            let running = situation.serving(&replica).filter(|found| found.state.is_running());
            let Some(container) = running else {
                reports.extend(checks.into_iter().map(|check| CheckReport {
                    replica: replica.clone(),
                    check,
                    outcome: CheckOutcome::Failed(NotReady::NotRunning),
                }));
                continue;
            };
            let (age, serving) = (self.age(&container.id).await?, situation.record.serving.get(&replica));
            for check in checks {
                let wait = WaitAction::Ready {
                    container: existing(container),
                    endpoint: serving.and_then(|serving| serving.endpoint).map(EndpointPlace::Known),
                    age,
                    readiness: Readiness {
                        checks: vec![check.clone()],
                    },
                };
                plan.push_for(Some(&replica), wait, Cause::CheckedByOperator, &[]);
                planned.push((replica.clone(), check));
            }
        }
        let extras = Extras::default();
        let execution = self.execute(&plan, &situation, verb, extras, &self.cancellation).await;
        for ((replica, check), outcome) in planned.into_iter().zip(execution.into_outcomes()) {
            let outcome = outcome_of(outcome).ok_or_else(|| OperationError::Interrupted {
                app: app.clone(),
                verb: verb.to_owned(),
            })?;
            reports.push(CheckReport {
                replica,
                check,
                outcome,
            });
        }
        reports.sort_by(|one, other| one.replica.cmp(&other.replica));
        Ok(reports)
    }

    /// How long a container runs.
    pub(crate) async fn age(&self, id: &ContainerId) -> Result<Duration, OperationError> {
        match self.adapters.engine.inspect_container(id).await {
            Ok(detail) => {
                let now = self.adapters.clock.now();
                let started = detail.started_at.unwrap_or(now);
                Ok(now.duration_since(started).unwrap_or_default())
            }
            Err(error) if error.kind == RuntimeErrorKind::NotFound => Ok(Duration::ZERO),
            Err(error) => Err(error.into()),
        }
    }
}

fn wanted(situation: &Situation, release: &Release, selections: &[Selection]) -> Vec<Replica> {
    let replicas = situation.record.formation.replicas();
    let selected = |replica: &Replica| selections.is_empty() || selections.iter().any(|one| one.contains(replica));
    replicas
        .filter(|replica| selected(replica) && has_command(situation, release, replica.process_type()))
        .collect()
}

/// `None` when it was cancelled.
fn outcome_of(outcome: StepOutcome) -> Option<CheckOutcome> {
    Some(match outcome {
        StepOutcome::Done(StepResult::Ready(warnings)) if warnings.is_empty() => CheckOutcome::Passed,
        StepOutcome::Done(StepResult::Ready(warnings)) => CheckOutcome::Warned(warnings.join("; ")),
        StepOutcome::Failed(StepError::NotReady(not_ready)) => CheckOutcome::Failed(not_ready),
        StepOutcome::Done(_) | StepOutcome::Failed(_) | StepOutcome::Skipped => return None,
    })
}
