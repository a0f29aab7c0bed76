//! The fake's terminals: commands in containers, and a container's own streams.

use async_trait::async_trait;
use bytes::Bytes;

use super::script::{Behaviour, ProcessStep, Script};
use super::world::{FakeExec, Process, ProcessOwner, Refusal, World, refuse};
use super::{FakeEngine, streams};
use crate::runtime::{
    ByteStream, ContainerId, ExecId, ExecSpec, ExitCode, OutputChunk, RuntimeError, RuntimeErrorKind, RuntimeStream,
    TerminalMode, TerminalRuntime, TerminalSize,
};

impl World {
    /// Bytes for a process's standard input; its end, or an error, closes it.
    pub(super) fn feed(&mut self, number: usize, bytes: Option<Result<Bytes, std::io::Error>>) {
        let Some(pipe) = self.pipes.get_mut(number) else {
            return;
        };
        match bytes {
            Some(Ok(bytes)) => pipe.input.push_back(bytes),
            Some(Err(_)) | None => pipe.is_input_open = false,
        }
        let readers = self.processes.iter().filter(|(_, process)| process.pipe == number);
        let readers: Vec<u32> = readers.map(|(pid, _)| *pid).collect();
        for pid in readers {
            self.step(pid);
        }
        self.clock.touch();
    }

    fn create_exec(&mut self, id: &ContainerId, spec: &ExecSpec) -> Result<ExecId, Refusal> {
        let container = self.container(id)?;
        if container.pid.is_none() {
            return refuse(RuntimeErrorKind::Conflict, "the container is not running");
        }
        let env = container.env.iter().chain(&spec.env);
        let env: Vec<(String, String)> = env.map(|var| (var.name.clone(), var.value.clone())).collect();
        let container = container.id.clone();
        let (id, pipe) = (self.fresh_id(), self.fresh_pipe(true, spec.terminal));
        let exec = FakeExec {
            container,
            command: spec.command.clone(),
            env,
            pipe,
            pid: None,
            exit_code: None,
        };
        self.execs.insert(id.clone(), exec);
        Ok(ExecId(id))
    }

    fn exec(&self, id: &ExecId) -> Result<&FakeExec, Refusal> {
        let missing = || (RuntimeErrorKind::NotFound, format!("no such exec: {}", id.0));
        self.execs.get(&id.0).ok_or_else(missing)
    }

    /// Runs an exec; its pipe.
    fn start_exec(&mut self, id: &ExecId) -> Result<usize, Refusal> {
        let exec = self.exec(id)?;
        let running = self.find(&exec.container).filter(|container| container.pid.is_some());
        if running.is_none() || exec.pid.is_some() {
            return refuse(RuntimeErrorKind::Conflict, "the exec cannot be started now");
        }
        let (container, pipe, env) = (exec.container.clone(), exec.pipe, exec.env.clone());
        let command = exec.command.join(" ");
        let script = self.scripts.take(&[&command]);
        let script = script.unwrap_or_else(|| Script::new([ProcessStep::Exit(0)]));
        let process = Process {
            owner: ProcessOwner::Exec(id.0.clone()),
            container,
            pipe,
            steps: script.steps.into(),
            on_term: script.on_term,
            env,
            command,
            listening: std::collections::BTreeSet::new(),
            is_waiting: false,
        };
        let pid = self.number();
        self.processes.insert(pid, process);
        if let Some(exec) = self.execs.get_mut(&id.0) {
            exec.pid = Some(pid);
        }
        if script.is_executable {
            self.step(pid);
        } else {
            self.end(pid, 126);
        }
        Ok(pipe)
    }
}

#[async_trait]
impl TerminalRuntime for FakeEngine {
    async fn create_exec(&self, id: &ContainerId, spec: &ExecSpec) -> Result<ExecId, RuntimeError> {
        self.call("create_exec", &id.0, |world| world.create_exec(id, spec))
            .await
    }

    async fn start_exec(
        &self,
        id: &ExecId,
        _terminal: bool,
        input: ByteStream,
    ) -> Result<RuntimeStream<OutputChunk>, RuntimeError> {
        let pipe = self.call("start_exec", &id.0, |world| world.start_exec(id)).await?;
        let id = id.0.clone();
        let has_ended = move |world: &World| world.execs.get(&id).is_none_or(|exec| exec.exit_code.is_some());
        Ok(streams::terminal(self.clone(), pipe, 0, input, has_ended))
    }

    async fn exec_exit_code(&self, id: &ExecId) -> Result<Option<ExitCode>, RuntimeError> {
        let effect = |world: &mut World| Ok(world.exec(id)?.exit_code.map(ExitCode));
        self.call("exec_exit_code", &id.0, effect).await
    }

    async fn resize_exec(&self, id: &ExecId, _size: TerminalSize) -> Result<(), RuntimeError> {
        self.call("resize_exec", &id.0, |world| world.exec(id).map(drop)).await
    }

    async fn attach_container(
        &self,
        id: &ContainerId,
        _mode: TerminalMode,
        input: ByteStream,
    ) -> Result<RuntimeStream<OutputChunk>, RuntimeError> {
        let effect = |world: &mut World| {
            let container = world.container(id)?;
            let written = world.pipes.get(container.pipe).map_or(0, |pipe| pipe.output.len());
            Ok((container.pipe, written, container.runs, container.pid.is_some()))
        };
        let (pipe, from, runs, is_running) = self.call("attach_container", &id.0, effect).await?;
        let id = id.clone();
        let has_ended = move |world: &World| match world.container(&id) {
            Ok(container) => container.pid.is_none() && (is_running || container.runs > runs),
            Err(_) => true,
        };
        Ok(streams::terminal(self.clone(), pipe, from, input, has_ended))
    }

    async fn resize_container(&self, id: &ContainerId, _size: TerminalSize) -> Result<(), RuntimeError> {
        self.call("resize_container", &id.0, |world| world.container(id).map(drop))
            .await
    }
}

impl FakeEngine {
    /// What a command in a container does, by its words joined with blanks; `*` in the pattern stands for anything.
    /// Without a rule it exits with 0 at once.
    pub fn on_exec(&self, pattern: &str, script: impl Into<Script>) {
        self.world().scripts.add(pattern, script.into(), None);
    }

    /// What processes do from now on whose container name, image or command (words joined with blanks) fits the pattern;
    /// `*` stands for anything, the newest rule wins. Without a rule they run until they are stopped.
    pub fn on_start(&self, pattern: &str, script: impl Into<Script>) {
        self.world().scripts.add(pattern, script.into(), None);
    }

    /// As [`FakeEngine::on_start`], for so many starts only.
    pub fn on_next_starts(&self, count: u32, pattern: &str, script: impl Into<Script>) {
        self.world().scripts.add(pattern, script.into(), Some(count));
    }

    /// Teaches every start that fits to run for ever: takes rules back.
    pub fn on_start_runs(&self, pattern: &str) {
        self.on_start(pattern, Behaviour::Runs);
    }
}
