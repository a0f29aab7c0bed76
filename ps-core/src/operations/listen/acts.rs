//! Doing what was decided about an app. The caller holds the app's lock, but for a restore, which takes it itself.

use super::VERB;
use super::attend::{Attended, Look, Round, described, routed};
use super::mail::{Mail, Memory};
use crate::audit::AuditOutcome;
use crate::crashes::{Crash, CrashKind, Quarantine, QuarantineCause};
use crate::listen::Act;
use crate::names::{AppName, Replica};
use crate::operations::blame::Blame;
use crate::operations::change::{Cleanup, Extras};
use crate::operations::{OperationError, RestoreOutcome, RestoreSelection, VerbOutcome};
use crate::plan::{Cause, Plan};
use crate::planning::{Rollout, Selection, Situation, plan_quarantine, plan_rollout, plan_route};
use crate::store::StoreChange;

impl Round<'_> {
    /// Does it.
    pub(super) async fn act(
        self,
        look: &Look,
        memory: &mut Memory,
        mail: &mut Mail,
        attended: &mut Attended,
    ) -> Result<(), OperationError> {
        let app = &look.record.name;
        match &look.decision.act {
            Act::Nothing | Act::Restore => Ok(()),
            Act::Reroute(replica) => {
                self.route(look, memory).await?;
                attended.counts.reroutes += 1;
                attended.lines.push((
                    AuditOutcome::Done,
                    format!("sent requests to the new address of {replica}"),
                ));
                Ok(())
            }
            Act::RouteAgain(_) => self.route(look, memory).await,
            Act::Redeploy(replica) => self.redeploy(app, replica, attended).await,
            Act::Replace(replica) => self.replace(look, replica, mail, attended).await,
            Act::Quarantine(cause) => self.quarantine(app, cause, attended).await,
            Act::KeepOut => {
                let Some(quarantine) = look.record.quarantine.clone() else {
                    return Ok(());
                };
                self.carry_out(app, |situation| Ok(plan_quarantine(situation, quarantine)))
                    .await?;
                let text = "stopped what ran though it is in quarantine".to_owned();
                attended.lines.push((AuditOutcome::Done, text));
                Ok(())
            }
        }
    }

    /// Tells the proxy where what serves is now.
    async fn route(self, look: &Look, memory: &mut Memory) -> Result<(), OperationError> {
        let app = &look.record.name;
        let situation = self.operations.situation(app).await?;
        let plan = plan_route(&situation);
        let mut outcome = VerbOutcome::new(app);
        // Nothing was made that would have to be put right: a proxy that is down must start nothing.
        let extras = Extras {
            cleanup: Cleanup::Leave,
            ..Extras::default()
        };
        self.operations
            .carry_out(&mut outcome, &situation, plan, VERB, extras)
            .await?;
        routed(memory, &look.sights);
        Ok(())
    }

    /// Plans from a fresh look and executes.
    async fn carry_out(
        self,
        app: &AppName,
        plan: impl FnOnce(&Situation) -> Result<Plan, OperationError>,
    ) -> Result<(), OperationError> {
        let situation = self.operations.situation(app).await?;
        let plan = plan(&situation)?;
        let mut outcome = VerbOutcome::new(app);
        self.operations
            .carry_out(&mut outcome, &situation, plan, VERB, Extras::default())
            .await?;
        self.operations.finish(outcome).await?;
        Ok(())
    }

    async fn roll_out(self, app: &AppName, selection: Selection) -> Result<(), OperationError> {
        self.carry_out(app, |situation| {
            let Some(release) = &situation.record.release else {
                return Err(OperationError::NeverDeployed { app: app.clone() });
            };
            let rollout = Rollout {
                release,
                formation: &situation.record.formation,
                selection,
                cause: Cause::Crashed,
                intent: Vec::new(),
                with_switch: Vec::new(),
            };
            Ok(plan_rollout(situation, rollout)?)
        })
        .await
    }

    async fn redeploy(self, app: &AppName, replica: &Replica, attended: &mut Attended) -> Result<(), OperationError> {
        match self.roll_out(app, Selection::All).await {
            Ok(()) => {
                attended.counts.redeploys += 1;
                let text = format!("redeployed: {replica} used up its restarts");
                attended.lines.push((AuditOutcome::Done, text));
                Ok(())
            }
            Err(error) if Blame::of(&error) == Blame::App => {
                let text = format!("could not redeploy: {}", described(&error));
                attended.lines.push((AuditOutcome::Failed, text));
                let cause = QuarantineCause::RedeployFailed {
                    replica: replica.clone(),
                };
                self.quarantine(app, &cause, attended).await
            }
            Err(error) => Err(error),
        }
    }

    /// Replaces a replica whose liveness checks failed. The failure counts first, whatever becomes of the replacement.
    async fn replace(
        self,
        look: &Look,
        replica: &Replica,
        mail: &mut Mail,
        attended: &mut Attended,
    ) -> Result<(), OperationError> {
        let app = &look.record.name;
        let sick = look.sights.iter().find(|sight| sight.replica == *replica);
        if let Some(sight) = sick {
            let crash = Crash {
                replica: replica.clone(),
                generation: sight.generation,
                kind: CrashKind::Unhealthy,
                at: self.operations.adapters.clock.now(),
            };
            let record = StoreChange::RecordCrash {
                app: app.clone(),
                crash,
            };
            self.operations.adapters.store.apply(&[record]).await?;
            attended.counts.crashes += 1;
            mail.unhealthy.remove(&sight.container);
        }
        let result = self.roll_out(app, Selection::Replica(replica.clone())).await;
        let line = match &result {
            Ok(()) => (
                AuditOutcome::Done,
                format!("replaced {replica}: its liveness checks failed"),
            ),
            Err(error) => {
                let text = format!(
                    "could not replace {replica}, whose liveness checks failed: {}",
                    described(error)
                );
                (AuditOutcome::Failed, text)
            }
        };
        attended.counts.replacements += u64::from(result.is_ok());
        match result {
            Ok(()) => attended.alive.retain(|(other, _)| other != replica),
            // The old one stays; its checks go on, and so does the counting.
            Err(error) if Blame::of(&error) == Blame::App => attended.counts.failures += 1,
            Err(error) => return Err(error),
        }
        attended.lines.push(line);
        Ok(())
    }

    async fn quarantine(
        self,
        app: &AppName,
        cause: &QuarantineCause,
        attended: &mut Attended,
    ) -> Result<(), OperationError> {
        let quarantine = Quarantine {
            cause: cause.to_string(),
            since: self.operations.adapters.clock.now(),
        };
        let result = self
            .carry_out(app, |situation| Ok(plan_quarantine(situation, quarantine)))
            .await;
        // It is in quarantine as soon as that is recorded, whatever else went wrong.
        attended.is_quarantined = true;
        attended.counts.quarantines += 1;
        attended.alive.clear();
        attended.wanted = 0;
        attended
            .lines
            .push((AuditOutcome::Done, format!("quarantined: {cause}")));
        result
    }

    /// Brings back what should run, after the engine was gone. Where another command has the lock for long, it is tried again later.
    pub(super) async fn restore(
        self,
        app: &AppName,
        mail: &mut Mail,
        attended: &mut Attended,
    ) -> Result<(), OperationError> {
        let which = RestoreSelection::Apps(vec![app.clone()]);
        for restored in self.operations.restore(&which, 1).await?.apps {
            let line = match restored.outcome {
                RestoreOutcome::Skipped(_) => continue,
                RestoreOutcome::Busy(error) => return Err((*error).into()),
                RestoreOutcome::Failed(error) if Blame::of(&error) == Blame::App => {
                    attended.counts.failures += 1;
                    let text = format!("is not back after the engine was gone: {}", described(&*error));
                    (AuditOutcome::Failed, text)
                }
                RestoreOutcome::Failed(error) => return Err(*error),
                RestoreOutcome::CameBack { .. } | RestoreOutcome::Redeployed { .. } => {
                    attended.counts.restores += 1;
                    (AuditOutcome::Done, "is back after the engine was gone".to_owned())
                }
            };
            attended.lines.push(line);
        }
        mail.after_gap = false;
        Ok(())
    }
}
