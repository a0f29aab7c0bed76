//! One-off containers: a command of `run`.

use std::time::{Duration, SystemTime};

use super::change::{Cleanup, Extras};
use super::trail::removed;
use super::{OperationError, Operations, VerbOutcome};
use crate::execution::StepResult;
use crate::labels;
use crate::names::{AppName, Generation, OneOffKind};
use crate::observation::ObservedOneOff;
use crate::plan::{Cause, EngineAction, Plan, StoreAction};
use crate::planning::{Situation, join_links, one_off_spec, plan_stop_runs, runs};
use crate::runtime::{
    ByteStream, ContainerId, ExitCode, OutputChunk, RuntimeError, RuntimeErrorKind, RuntimeStream, TerminalMode,
};
use crate::store::StoreChange;

const RUN: &str = "run";

/// What to run beside an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRequest {
    /// The command as typed: program and arguments; one word that names a process type runs its command.
    pub command: Vec<String>,
    /// Its terminal and standard input.
    pub terminal: TerminalMode,
    /// How long it may be there, running or not, before `ps:retire` removes it.
    pub time_to_live: Duration,
}

/// A one-off container of `run`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRun {
    /// What the engine's list tells.
    pub run: ObservedOneOff,
    /// When it started; `None` when it never did.
    pub started_at: Option<SystemTime>,
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

/// When the one-off has to be gone, and what it runs, as far as a label should be long.
fn run_labels(situation: &Situation, request: &RunRequest) -> [(String, String); 2] {
    const LONGEST: usize = 200;
    let deadline = situation.now.checked_add(request.time_to_live);
    let since_epoch = deadline.and_then(|deadline| deadline.duration_since(SystemTime::UNIX_EPOCH).ok());
    let seconds = since_epoch.map_or(u64::MAX, |since| since.as_secs());
    let command: String = request.command.join(" ").chars().take(LONGEST).collect();
    [
        (labels::DEADLINE.to_owned(), seconds.to_string()),
        (labels::COMMAND.to_owned(), command),
    ]
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
        let ended = self.start_attached(app, request, input).await;
        self.tell_run(app, request, ended.as_ref().map(|_| ())).await;
        ended
    }

    async fn start_attached(
        &self,
        app: &AppName,
        request: &RunRequest,
        input: ByteStream,
    ) -> Result<AttachedRun, OperationError> {
        let id = self.create_run(app, request).await?;
        let engine = &self.adapters.engine;
        let attached = engine.attach_container(&id, request.terminal, input).await;
        let output = self.unless_failed(&id, attached).await?;
        let started = engine.start_container(&id).await;
        self.unless_failed(&id, started).await?;
        Ok(AttachedRun { container: id, output })
    }

    /// Starts a one-off container and leaves it alone; its name is returned.
    pub async fn run_detached(&self, app: &AppName, request: &RunRequest) -> Result<String, OperationError> {
        let ended = self.start_detached(app, request).await;
        self.tell_run(app, request, ended.as_ref().map(|_| ())).await;
        ended
    }

    /// The trail names the program alone: arguments can be secret.
    async fn tell_run(&self, app: &AppName, request: &RunRequest, ended: Result<(), &OperationError>) {
        let program = request.command.first().map(String::as_str).unwrap_or_default();
        // One word may still be a whole command line.
        let program = program.split_whitespace().next().unwrap_or_default();
        self.write_trail(Some(app), RUN, ended.map(|()| format!("started {program}")))
            .await;
    }

    async fn start_detached(&self, app: &AppName, request: &RunRequest) -> Result<String, OperationError> {
        let id = self.create_run(app, request).await?;
        let started = self.adapters.engine.start_container(&id).await;
        self.unless_failed(&id, started).await?;
        Ok(self.adapters.engine.inspect_container(&id).await?.name)
    }

    /// The exit code of a one-off container that has ended, or ends soon; then it is removed. One that somebody removed counts
    /// as killed.
    pub async fn finish_run(&self, run: &ContainerId) -> Result<ExitCode, OperationError> {
        const KILLED: ExitCode = ExitCode(137);
        let code = self.adapters.engine.wait_container(run).await;
        self.adapters.engine.remove_container(run).await?;
        match code {
            Err(error) if error.kind == RuntimeErrorKind::NotFound => Ok(KILLED),
            code => Ok(code?),
        }
    }

    /// Removes a one-off that could not be started; the failure is what counts.
    async fn unless_failed<T>(&self, id: &ContainerId, result: Result<T, RuntimeError>) -> Result<T, OperationError> {
        if result.is_err() {
            let _ = self.adapters.engine.remove_container(id).await;
        }
        Ok(result?)
    }

    /// An app's one-offs of `run`, oldest first.
    pub async fn runs(&self, app: &AppName) -> Result<Vec<ListedRun>, OperationError> {
        let situation = self.situation(app).await?;
        let mut listed = Vec::new();
        for run in runs(&situation) {
            let started_at = match self.adapters.engine.inspect_container(&run.id).await {
                Ok(detail) => detail.started_at,
                Err(error) if error.kind == RuntimeErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            listed.push(ListedRun {
                run: run.clone(),
                started_at,
            });
        }
        Ok(listed)
    }

    /// Stops and removes an app's one-offs of `run`: the one of this name (`shop.run.7`, or `run.7`), all without one.
    pub async fn stop_runs(&self, app: &AppName, name: Option<&str>) -> Result<VerbOutcome, OperationError> {
        let verb = "run:stop";
        let ended = self.stop_wanted_runs(app, name, verb).await;
        self.told(app, verb, ended, removed).await
    }

    async fn stop_wanted_runs(
        &self,
        app: &AppName,
        name: Option<&str>,
        verb: &str,
    ) -> Result<VerbOutcome, OperationError> {
        let situation = self.situation(app).await?;
        let full = |name: &str| {
            let prefix = format!("{app}.");
            if name.starts_with(&prefix) {
                name.to_owned()
            } else {
                prefix + name
            }
        };
        let wanted = name.map(full);
        let known: Vec<&str> = runs(&situation).map(|run| run.name.as_str()).collect();
        if let Some(wanted) = wanted.as_deref().filter(|wanted| !known.contains(wanted)) {
            return Err(OperationError::NoSuchRun {
                app: app.clone(),
                name: wanted.to_owned(),
                known: known.join(", "),
            });
        }
        let plan = plan_stop_runs(&situation, wanted.as_deref());
        if !plan.is_empty() {
            self.stage(
                app,
                format!("Stopping {}", wanted.as_deref().unwrap_or("all run containers")),
            );
        }
        let mut outcome = VerbOutcome::new(app);
        let extras = Extras {
            cleanup: Cleanup::Leave,
            ..Extras::default()
        };
        self.carry_out(&mut outcome, &situation, plan, verb, extras).await?;
        Ok(outcome)
    }

    async fn create_run(&self, app: &AppName, request: &RunRequest) -> Result<ContainerId, OperationError> {
        let verb = RUN;
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
        spec.labels.extend(run_labels(&situation, request));
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
        join_links(&mut plan, &situation, None, created, &Cause::StartedByOperator);
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
