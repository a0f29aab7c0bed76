//! Attending to one app: look, remember, decide, and where something is to be done take the app's lock, look again, and do it.
//! Invariant: nothing is done to an app whose lock another command holds, and nothing by what was seen before the lock was had.

use std::collections::BTreeSet;
use std::time::SystemTime;

use async_lock::Semaphore;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::pin_mut;

use super::VERB;
use super::mail::{Deaths, Mail, Memory};
use super::news::ListenFigures;
use crate::app::AppRecord;
use crate::audit::AuditOutcome;
use crate::listen::{Act, Decision, MEMORY, Scene, Sight, decide};
use crate::manifest::Manifest;
use crate::names::{AppName, OwnerToken, Replica};
use crate::operations::situate::network_name;
use crate::operations::{OperationError, Operations};
use crate::policies::RestartPolicy;
use crate::runtime::{ContainerId, RuntimeErrorKind};
use crate::store::{HeldLock, LockKind, StoreChange, StoreErrorKind};

/// So many containers of an app are looked at at once; the engine calls of all are bounded besides.
const LOOKS: usize = 8;

/// What a round works with, whatever the app.
#[derive(Clone, Copy)]
pub(super) struct Round<'a> {
    pub(super) operations: &'a Operations,
    pub(super) owner: &'a OwnerToken,
    /// Since when this listener has heard of everything; `None` in its first comparison.
    pub(super) listens_since: Option<SystemTime>,
    /// Bounds the apps whose containers are replaced at once.
    pub(super) restarts: &'a Semaphore,
}

/// What became of a round.
#[derive(Debug, Default)]
pub(super) struct Attended {
    /// What is remembered from now on; `None` when the app is gone.
    pub(super) memory: Option<Memory>,
    /// Whether all containers of the app were looked at.
    pub(super) saw_everything: bool,
    /// What was asked for and could not be done: to be asked for again after a pause.
    pub(super) left: Option<Mail>,
    /// The engine may be about to start something: to be looked at again shortly.
    pub(super) look_again: Option<Mail>,
    /// What was done or noticed; once the round has ended, as it may be told.
    pub(super) lines: Vec<(AuditOutcome, String)>,
    /// What to add to the figures: counts only.
    pub(super) counts: ListenFigures,
    /// When the next container of the app has to retire.
    pub(super) next_due: Option<SystemTime>,
    /// How many replicas should run.
    pub(super) wanted: usize,
    pub(super) is_quarantined: bool,
    /// The containers whose liveness is to be checked.
    pub(super) alive: Vec<(Replica, ContainerId)>,
}

/// What a look at the store and the engine shows.
pub(super) struct Look {
    pub(super) record: AppRecord,
    pub(super) decision: Decision,
    pub(super) sights: Vec<Sight>,
}

impl Round<'_> {
    /// Attends to an app.
    pub(super) async fn attend(self, app: &AppName, mut memory: Memory, mut mail: Mail) -> Attended {
        let mut attended = Attended::default();
        let result = self.work(app, &mut memory, &mut mail, &mut attended).await;
        match result {
            Err(error) if is_gone(&error) => return attended,
            Err(OperationError::Interrupted { .. }) | Ok(()) => {}
            // An engine that is gone is told once, when its events end.
            Err(OperationError::Runtime(error)) if error.kind == RuntimeErrorKind::Unreachable => {
                attended.left = Some(mail);
            }
            Err(error) => {
                attended.counts.failures += 1;
                let text = described(&error);
                // Trying again is not news.
                if mail.failure.as_ref() != Some(&text) {
                    attended.lines.push((AuditOutcome::Failed, text.clone()));
                }
                mail.failure = Some(text);
                attended.left = Some(mail);
            }
        }
        attended.memory = Some(memory);
        for (outcome, text) in &mut attended.lines {
            *text = self.audit(Some(app), *outcome, text).await;
        }
        attended
    }

    async fn work(
        self,
        app: &AppName,
        memory: &mut Memory,
        mail: &mut Mail,
        attended: &mut Attended,
    ) -> Result<(), OperationError> {
        let look = self.look(app, memory, mail).await?;
        self.remember(&look, memory, mail, attended).await?;
        if look.decision.act == Act::Nothing {
            return Ok(());
        }
        let _permit = match look.decision.act {
            Act::Redeploy(_) | Act::Replace(_) | Act::Restore => Some(self.restarts.acquire().await),
            _ => None,
        };
        if look.decision.act == Act::Restore {
            return self.restore(app, mail, attended).await;
        }
        let Some(_lock) = self.lock(app).await? else {
            return Ok(());
        };
        let look = self.look(app, memory, mail).await?;
        self.remember(&look, memory, mail, attended).await?;
        self.act(&look, memory, mail, attended).await
    }

    /// The app's lock, waited for as long as it takes; `None` when the listener is to end.
    pub(super) async fn lock(self, app: &AppName) -> Result<Option<Box<dyn HeldLock>>, OperationError> {
        let store = &self.operations.adapters.store;
        let lock = store.lock_app(app, LockKind::Change, VERB, std::time::Duration::MAX);
        let cancelled = self.operations.cancellation.cancelled();
        pin_mut!(cancelled);
        match select(lock, cancelled).await {
            Either::Left((lock, _)) => Ok(Some(lock?)),
            Either::Right(_) => Ok(None),
        }
    }

    /// Looks at what the mail asks for.
    pub(super) async fn look(self, app: &AppName, memory: &Memory, mail: &Mail) -> Result<Look, OperationError> {
        let store = &self.operations.adapters.store;
        let record = store.app(app).await?;
        let crashes = store.crashes(app).await?;
        let global = store.global().await?;
        let policies = record.policies(&global)?;
        let asked: Vec<Sight> = record
            .serving
            .iter()
            .filter(|(_, serving)| mail.asks_for(&serving.container))
            .map(|(replica, serving)| Sight {
                replica: replica.clone(),
                generation: serving.generation,
                container: serving.container.clone(),
                state: None,
                exit_code: None,
                restart_count: 0,
                policy: RestartPolicy::No,
                address: None,
                before: memory.get(&serving.container).cloned(),
                deaths: deaths(mail, &serving.container).recent,
                past: deaths(mail, &serving.container).past,
            })
            .collect();
        let looks = asked.into_iter().map(|sight| self.look_at(sight));
        let sights: Vec<Result<Sight, OperationError>> =
            futures_util::stream::iter(looks).buffered(LOOKS).collect().await;
        let sights: Vec<Sight> = sights.into_iter().collect::<Result<_, _>>()?;
        let unhealthy: Vec<ContainerId> = mail.unhealthy.iter().cloned().collect();
        let decision = decide(&Scene {
            record: &record,
            restores: policies.restore,
            crashes: &crashes,
            sights: &sights,
            unhealthy: &unhealthy,
            listens_since: self.listens_since,
            after_gap: mail.after_gap,
            now: self.operations.adapters.clock.now(),
        });
        Ok(Look {
            record,
            decision,
            sights,
        })
    }

    /// One inspect; the document is dropped at once.
    async fn look_at(self, mut sight: Sight) -> Result<Sight, OperationError> {
        let _permit = self.operations.permits.acquire().await;
        let engine = &self.operations.adapters.engine;
        match engine.inspect_container(&sight.container).await {
            Ok(detail) => {
                sight.state = Some(detail.state);
                sight.exit_code = detail.exit_code;
                sight.restart_count = detail.restart_count;
                sight.policy = detail.restart_policy;
                sight.address = detail.addresses.get(&network_name(self.owner)).copied();
            }
            Err(error) if error.kind == RuntimeErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        Ok(sight)
    }

    /// Keeps what a look showed, before anything is done: so nothing counts twice, and nothing is forgotten.
    async fn remember(
        self,
        look: &Look,
        memory: &mut Memory,
        mail: &mut Mail,
        attended: &mut Attended,
    ) -> Result<(), OperationError> {
        let (record, decision) = (&look.record, &look.decision);
        if !decision.crashes.is_empty() {
            self.record_crashes(record, decision).await?;
            let new = u64::try_from(decision.crashes.len()).unwrap_or(u64::MAX);
            attended.counts.crashes = attended.counts.crashes.saturating_add(new);
        }
        mail.forget_deaths();
        attended.saw_everything |= mail.everything;
        let serving: BTreeSet<&ContainerId> = record.serving.values().map(|serving| &serving.container).collect();
        memory.retain(|container, _| serving.contains(container));
        memory.extend(
            decision
                .watched
                .iter()
                .map(|(id, watched)| (id.clone(), watched.clone())),
        );
        for (replica, text) in &decision.notices {
            attended
                .lines
                .push((AuditOutcome::Noticed, format!("{replica}: {text}")));
        }
        if decision.look_again {
            attended.look_again = Some(Mail {
                containers: mail.containers.clone(),
                everything: mail.everything,
                ..Mail::default()
            });
        }
        attended.next_due = record.retirements.iter().map(|retirement| retirement.due).min();
        attended.is_quarantined = record.quarantine.is_some();
        attended.wanted = wanted(record);
        attended.alive = checked_for_life(look);
        Ok(())
    }

    async fn record_crashes(self, record: &AppRecord, decision: &Decision) -> Result<(), OperationError> {
        let app = &record.name;
        let now = self.operations.adapters.clock.now();
        let old = StoreChange::ForgetCrashes {
            app: app.clone(),
            before: Some(now.checked_sub(MEMORY).unwrap_or(SystemTime::UNIX_EPOCH)),
        };
        let new = decision.crashes.iter().map(|crash| StoreChange::RecordCrash {
            app: app.clone(),
            crash: crash.clone(),
        });
        let changes: Vec<StoreChange> = std::iter::once(old).chain(new).collect();
        Ok(self.operations.adapters.store.apply(&changes).await?)
    }

    /// Adds a line about an app, or about none, to the audit trail, and returns it as it may be told.
    pub(super) async fn audit(self, app: Option<&AppName>, outcome: AuditOutcome, text: &str) -> String {
        self.operations.write_entry(app, VERB, outcome, text).await
    }
}

fn deaths(mail: &Mail, container: &ContainerId) -> Deaths {
    mail.containers.get(container).cloned().unwrap_or_default()
}

/// How many replicas should run.
fn wanted(record: &AppRecord) -> usize {
    let is_out = record.release.is_none() || record.stopped_by_operator || record.quarantine.is_some();
    if is_out { 0 } else { record.serving.len() }
}

/// The containers that run, and whose type has liveness checks.
fn checked_for_life(look: &Look) -> Vec<(Replica, ContainerId)> {
    let record = &look.record;
    if record.stopped_by_operator || record.quarantine.is_some() {
        return Vec::new();
    }
    let Some(manifest) = record.release.as_ref().map(|release| &release.manifest) else {
        return Vec::new();
    };
    let running = look.sights.iter().filter(|sight| sight.runs());
    running
        .filter(|sight| has_liveness(manifest, &sight.replica))
        .map(|sight| (sight.replica.clone(), sight.container.clone()))
        .collect()
}

fn has_liveness(manifest: &Manifest, replica: &Replica) -> bool {
    let moment = crate::checks::CheckMoment::Liveness;
    manifest.checks_of(replica.process_type(), moment).next().is_some()
}

/// Whether the app is gone.
fn is_gone(error: &OperationError) -> bool {
    matches!(error, OperationError::Store(error) if matches!(error.kind, StoreErrorKind::NoSuchApp(_)))
}

/// An error with its causes, in one line.
pub(super) fn described(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Says that what was told of a container's place was carried out.
pub(super) fn routed(memory: &mut Memory, sights: &[Sight]) {
    for sight in sights.iter().filter(|sight| sight.runs()) {
        if let Some(watched) = memory.get_mut(&sight.container) {
            watched.routed_to = sight.address;
        }
    }
}
