//! One-off containers: a command of `run`, and the container that files of an image are read from.

use super::change::Extras;
use super::deploy::deploys;
use super::{OperationError, Operations, VerbOutcome};
use crate::execution::StepResult;
use crate::labels::one_off_labels;
use crate::names::{AppName, Generation, OneOffKind, one_off_name};
use crate::plan::{Cause, ContainerRef, EngineAction, Plan, StepId, StoreAction};
use crate::planning::{Situation, one_off_spec};
use crate::runtime::{
    ByteStream, ContainerId, ContainerSpec, ExitCode, ImageDetail, OutputChunk, RuntimeStream, TerminalMode,
};
use crate::store::StoreChange;

/// What to run beside an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRequest {
    /// The command as typed: program and arguments; one word that names a process type runs its command.
    pub command: Vec<String>,
    /// Its terminal and standard input.
    pub terminal: TerminalMode,
}

/// A one-off container that runs, with its output.
pub struct AttachedRun {
    /// The container.
    pub container: ContainerId,
    /// What it writes, until it ends.
    pub output: RuntimeStream<OutputChunk>,
}

impl std::fmt::Debug for AttachedRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttachedRun")
            .field("container", &self.container)
            .finish_non_exhaustive()
    }
}

/// The steps that read the Procfile out of an image; the second value is the reading step.
pub(crate) fn plan_extract(situation: &Situation, image: &str, detail: &ImageDetail) -> (Plan, StepId) {
    let app = &situation.record.name;
    let generation = situation.next_generation();
    let mut plan = Plan::new(app.clone());
    let cause = deploys(situation);
    let used = StoreChange::UseGenerations {
        app: app.clone(),
        next: generation.after(1),
    };
    let recorded = plan.push(StoreAction::Record(vec![used]), cause.clone(), &[]);
    let mut spec = ContainerSpec::new(one_off_name(app, OneOffKind::Extract, generation), image);
    spec.labels = one_off_labels(&situation.owner, app, OneOffKind::Extract, generation);
    // Never started; engines want a command even for an image that has none.
    spec.command = Some(vec!["/never-started".to_owned()]);
    let create = EngineAction::Create {
        spec: Box::new(spec),
        endpoint: None,
    };
    let created = plan.push(create, cause.clone(), &[recorded]);
    let container = ContainerRef::Made(created);
    let directory = detail.working_dir.trim_end_matches('/');
    let path = format!("{directory}/{}", situation.policies.procfile_path);
    let read = plan.push(
        EngineAction::ReadFile {
            container: container.clone(),
            path,
        },
        cause.clone(),
        &[created],
    );
    plan.push(EngineAction::Remove(container), cause, &[read]);
    (plan, read)
}

impl Operations {
    /// Makes a one-off container with the app's image and environment, connects to it and starts it. The caller waits
    /// for its output to end, asks [`Operations::finish_run`] for the exit code, and the container is gone.
    pub async fn run(
        &self,
        app: &AppName,
        request: &RunRequest,
        input: ByteStream,
    ) -> Result<AttachedRun, OperationError> {
        let id = self.create_run(app, request).await?;
        let engine = &self.adapters.engine;
        let output = engine.attach_container(&id, request.terminal, input).await?;
        engine.start_container(&id).await?;
        Ok(AttachedRun { container: id, output })
    }

    /// Starts a one-off container and leaves it alone; its name is returned.
    pub async fn run_detached(&self, app: &AppName, request: &RunRequest) -> Result<String, OperationError> {
        let id = self.create_run(app, request).await?;
        self.adapters.engine.start_container(&id).await?;
        Ok(self.adapters.engine.inspect_container(&id).await?.name)
    }

    /// The exit code of a one-off container that has ended, or ends soon; then it is removed.
    pub async fn finish_run(&self, run: &ContainerId) -> Result<ExitCode, OperationError> {
        let code = self.adapters.engine.wait_container(run).await;
        self.adapters.engine.remove_container(run).await?;
        Ok(code?)
    }

    async fn create_run(&self, app: &AppName, request: &RunRequest) -> Result<ContainerId, OperationError> {
        let verb = "run";
        let lock = self.lock(app, verb).await?;
        let situation = self.situation(app).await?;
        let Some(release) = &situation.record.release else {
            return Err(OperationError::NeverDeployed { app: app.clone() });
        };
        let generation: Generation = situation.next_generation();
        let procfile_command = match request.command.as_slice() {
            [word] => word
                .parse()
                .ok()
                .and_then(|process_type| release.processes.command(&process_type)),
            _ => None,
        };
        let mut spec = one_off_spec(
            &situation,
            release,
            OneOffKind::Run,
            generation,
            procfile_command.unwrap_or_default(),
        );
        if procfile_command.is_none() {
            spec.command = Some(request.command.clone());
        }
        spec.terminal = request.terminal;
        let mut plan = Plan::new(app.clone());
        let used = StoreChange::UseGenerations {
            app: app.clone(),
            next: generation.after(1),
        };
        let mut after = vec![plan.push(StoreAction::Record(vec![used]), Cause::StartedByOperator, &[])];
        if let Some(network) = situation.network.as_ref().filter(|network| !network.exists) {
            let create = EngineAction::CreateNetwork(network.spec.clone());
            after.push(plan.push(create, Cause::StartedByOperator, &[]));
        }
        let create = EngineAction::Create {
            spec: Box::new(spec),
            endpoint: None,
        };
        let created = plan.push(create, Cause::StartedByOperator, &after);
        let mut outcome = VerbOutcome::new(app);
        let execution = self
            .carry_out(&mut outcome, &situation, plan, verb, Extras::default())
            .await?;
        drop(lock);
        match execution.as_ref().and_then(|execution| execution.result(created)) {
            Some(StepResult::Container(id)) => Ok(id.clone()),
            _ => Err(OperationError::Interrupted {
                app: app.clone(),
                verb: verb.to_owned(),
            }),
        }
    }
}
