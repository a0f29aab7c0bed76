//! The commands of a deploy that run once: predeploy, `release` and the first deploy's before any container starts, postdeploy when the
//! new release serves. Each is planned from a fresh look.

use super::change::Extras;
use super::deployed_settings::DeployedSettings;
use super::prepare::kept;
use super::{OperationError, Operations, VerbOutcome};
use crate::execution::StepResult;
use crate::names::{OneOffKind, ProcessType};
use crate::plan::{ActionKind, Plan};
use crate::planning::{Phase, Situation, mended, plan_phase, plan_predeploy};
use crate::release::Release;
use crate::release_history::image_tag;

/// A deploy between its image and its end.
pub(super) struct Deployment<'a> {
    pub(super) situation: Situation,
    pub(super) release: Release,
    pub(super) settings: &'a DeployedSettings,
    pub(super) verb: &'a str,
}

impl Deployment<'_> {
    /// The phases before containers start, without predeploy, in their order.
    fn phases_before(&self) -> Vec<Phase> {
        let processes = &self.release.processes;
        let mut types = processes.types().into_iter();
        let release = types
            .find(ProcessType::is_release)
            .and_then(|process_type| processes.command(&process_type).map(str::to_owned));
        let is_first = self.situation.record.release.is_none();
        let first = self.release.manifest.scripts.first_deploy.clone().filter(|_| is_first);
        [(OneOffKind::Release, release), (OneOffKind::FirstDeploy, first)]
            .into_iter()
            .filter_map(|(kind, command)| command.map(|command| Phase { kind, command }))
            .collect()
    }
}

impl Operations {
    /// Runs what comes before the containers.
    pub(super) async fn run_phases_before(
        &self,
        outcome: &mut VerbOutcome,
        deployment: &mut Deployment<'_>,
    ) -> Result<(), OperationError> {
        self.predeploy(outcome, deployment).await?;
        for phase in deployment.phases_before() {
            self.run_phase(outcome, deployment, &phase).await?;
        }
        Ok(())
    }

    /// Runs what comes once the new release serves. Its failure changes nothing of that.
    pub(super) async fn run_postdeploy(
        &self,
        outcome: &mut VerbOutcome,
        deployment: &mut Deployment<'_>,
        rollout: &Plan,
    ) -> Result<(), OperationError> {
        let Some(command) = deployment.release.manifest.scripts.postdeploy.clone() else {
            return Ok(());
        };
        self.look_after(deployment, rollout).await?;
        let kind = OneOffKind::Postdeploy;
        let ran = self.run_phase(outcome, deployment, &Phase { kind, command }).await;
        ran.map_err(|error| match error {
            OperationError::Interrupted { app, .. } => OperationError::PostdeployInterrupted { app },
            other => other,
        })
    }

    /// Runs the predeploy command; the image that keeps what it changed becomes the release's.
    pub(super) async fn predeploy(
        &self,
        outcome: &mut VerbOutcome,
        deployment: &mut Deployment<'_>,
    ) -> Result<(), OperationError> {
        let Some(command) = deployment.release.manifest.scripts.predeploy.clone() else {
            return Ok(());
        };
        let Deployment {
            situation,
            release,
            verb,
            ..
        } = &*deployment;
        let tag = image_tag(&situation.record.name, release.number);
        let (plan, committed) = plan_predeploy(situation, release, &command, &tag);
        self.stage(&situation.record.name, stage_text(situation, OneOffKind::Predeploy));
        let execution = self
            .carry_out(outcome, situation, plan.clone(), verb, Extras::default())
            .await?;
        if let Some(StepResult::Image(id)) = execution.as_ref().and_then(|execution| execution.result(committed)) {
            let detail = self.adapters.engine.inspect_image(&id.0).await?;
            let id = detail.id.clone().unwrap_or_else(|| id.clone());
            let name = deployment.release.image.name.clone();
            deployment.release.image = kept(id, name, detail);
        }
        self.look_after(deployment, &plan).await
    }

    async fn run_phase(
        &self,
        outcome: &mut VerbOutcome,
        deployment: &mut Deployment<'_>,
        phase: &Phase,
    ) -> Result<(), OperationError> {
        let Deployment {
            situation,
            release,
            verb,
            ..
        } = &*deployment;
        let plan = plan_phase(situation, release, phase);
        self.stage(&situation.record.name, stage_text(situation, phase.kind));
        self.carry_out(outcome, situation, plan.clone(), verb, Extras::default())
            .await?;
        self.look_after(deployment, &plan).await
    }

    /// Looks again after a plan; a dry run goes on with what it reckons.
    async fn look_after(&self, deployment: &mut Deployment<'_>, plan: &Plan) -> Result<(), OperationError> {
        let situation = after(deployment.situation.clone(), plan);
        let situation = self.look_again(situation).await?;
        deployment.situation = deployment.settings.applied_to(situation);
        Ok(())
    }
}

fn stage_text(situation: &Situation, kind: OneOffKind) -> String {
    let app = &situation.record.name;
    match kind {
        OneOffKind::Release => format!("Running the release process of {app}"),
        _ => format!("Running the {kind} command of {app}"),
    }
}

/// What a dry run reckons with after a plan: generations are used up, the network is there, and what was left is put right.
fn after(situation: Situation, plan: &Plan) -> Situation {
    let is_create = |kind: &ActionKind| *kind == ActionKind::Create;
    let made = plan
        .steps()
        .iter()
        .map(|step| step.action.kind())
        .filter(is_create)
        .count();
    let next = situation
        .next_generation()
        .after(u64::try_from(made).unwrap_or(u64::MAX));
    let mut situation = mended(situation);
    situation.record.next_generation = next;
    if let Some(network) = situation.network.as_mut() {
        network.exists = true;
    }
    situation.links = situation.links.joined();
    situation
}
