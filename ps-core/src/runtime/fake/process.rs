//! The life of processes and of the containers around them: start, steps, end, restart.
//!
//! Ends and restarts follow Docker's rules: a restart waits 0.1 s, twice as long each time, and counts; a container that was stopped
//! on request stays stopped.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::faults::Defect;
use super::script::{Behaviour, ProcessStep, Script, TermReaction};
use super::world::{FakeContainer, Process, ProcessOwner, Refusal, World, refuse};
use crate::host::Clock;
use crate::policies::RestartPolicy;
use crate::runtime::{
    ContainerEventKind, ContainerState, OutputChannel, OutputChunk, RuntimeErrorKind, StartOutcome, TerminalMode,
};

/// The longest pause before a restart.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl World {
    /// Starts a container.
    pub(super) fn start(&mut self, id: &str) -> Result<StartOutcome, Refusal> {
        let Some(container) = self.containers.get(id) else {
            return refuse(RuntimeErrorKind::NotFound, "no such container");
        };
        if matches!(container.state, ContainerState::Running | ContainerState::Restarting) {
            let is_defect = self.defect == Some(Defect::StartsTwice);
            return Ok(if is_defect {
                StartOutcome::Started
            } else {
                StartOutcome::AlreadyRunning
            });
        }
        self.check_ports(container)?;
        let address = self.choose_address(container)?;
        let command = self.command_line(container);
        let (name, image) = (container.spec.name.clone(), container.spec.image.clone());
        let script = self.scripts.take(&[&name, &image, &command]);
        let script = script.unwrap_or_else(|| Behaviour::Runs.into());
        if !script.is_executable {
            return refuse(RuntimeErrorKind::Invalid, format!("no such program: {command}"));
        }
        self.run(id, address, command, script);
        Ok(StartOutcome::Started)
    }

    fn run(&mut self, id: &str, address: Option<Ipv4Addr>, command: String, script: Script) {
        let (pid, now) = (self.number(), self.clock.now());
        let Some(container) = self.containers.get_mut(id) else {
            return;
        };
        container.state = ContainerState::Running;
        container.pid = Some(pid);
        container.address = address;
        container.exit_code = None;
        container.started_at = Some(now);
        container.is_stopped_on_request = false;
        container.runs += 1;
        let (pipe, takes_input) = (container.pipe, container.spec.terminal != TerminalMode::Detached);
        let env = container.env.iter();
        let env = env.map(|var| (var.name.clone(), var.value.clone()));
        let process = Process {
            owner: ProcessOwner::Container(id.to_owned()),
            container: id.to_owned(),
            pipe,
            env: env.collect(),
            steps: script.steps.into(),
            on_term: script.on_term,
            command,
            listening: std::collections::BTreeSet::new(),
            is_waiting: false,
        };
        if let Some(pipe) = self.pipes.get_mut(pipe) {
            pipe.is_input_open &= takes_input;
        }
        self.processes.insert(pid, process);
        self.tell(id, ContainerEventKind::Started);
        self.step(pid);
    }

    /// Goes on with a process until it waits or ends.
    pub(super) fn step(&mut self, pid: u32) {
        while let Some(process) = self.processes.get_mut(&pid).filter(|process| !process.is_waiting) {
            match process.steps.front().cloned().unwrap_or(ProcessStep::Exit(0)) {
                ProcessStep::Forever => return,
                ProcessStep::Exit(code) => return self.end(pid, code),
                ProcessStep::Listen(port) => {
                    process.listening.insert(port);
                }
                ProcessStep::Wait(time) => {
                    process.is_waiting = true;
                    process.steps.pop_front();
                    return self.later(time, move |world| {
                        if let Some(process) = world.processes.get_mut(&pid) {
                            process.is_waiting = false;
                        }
                        world.step(pid);
                    });
                }
                ProcessStep::Print(channel, bytes) => {
                    let pipe = process.pipe;
                    self.print(pipe, channel, &bytes);
                }
                ProcessStep::PrintVariable(name) => {
                    let pipe = process.pipe;
                    let value = process.env.iter().rev().find(|(variable, _)| *variable == name);
                    let line = format!("{}\n", value.map_or("", |(_, value)| value));
                    self.print(pipe, OutputChannel::Out, line.as_bytes());
                }
                ProcessStep::WriteFile(path, content) => {
                    let container = process.container.clone();
                    if let Some(container) = self.containers.get_mut(&container) {
                        container.written.insert(path, content);
                    }
                }
                ProcessStep::CopyInput => {
                    let pipe = process.pipe;
                    if self.copy_input(pipe) {
                        return;
                    }
                }
            }
            if let Some(process) = self.processes.get_mut(&pid) {
                process.steps.pop_front();
            }
            self.clock.touch();
        }
    }

    /// Copies what has come in; whether more may come.
    fn copy_input(&mut self, number: usize) -> bool {
        while let Some(bytes) = self.pipes.get_mut(number).and_then(|pipe| pipe.input.pop_front()) {
            self.print(number, OutputChannel::Out, &bytes);
        }
        self.pipes.get(number).is_some_and(|pipe| pipe.is_input_open)
    }

    fn print(&mut self, number: usize, channel: OutputChannel, bytes: &[u8]) {
        let Some(pipe) = self.pipes.get_mut(number) else {
            return;
        };
        let channel = if pipe.is_terminal { OutputChannel::Out } else { channel };
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let bytes = line.to_vec().into();
            pipe.output.push(OutputChunk { channel, bytes });
        }
        self.clock.touch();
    }

    /// A process has ended.
    pub(super) fn end(&mut self, pid: u32, code: i64) {
        let Some(process) = self.processes.remove(&pid) else {
            return;
        };
        match process.owner {
            ProcessOwner::Exec(exec) => {
                if let Some(exec) = self.execs.get_mut(&exec) {
                    exec.exit_code = Some(code);
                }
                self.clock.touch();
            }
            ProcessOwner::Container(id) => self.end_container(&id, code),
        }
    }

    fn end_container(&mut self, id: &str, code: i64) {
        let inside = |(pid, process): (&u32, &Process)| (process.container == id).then_some(*pid);
        let inside: Vec<u32> = self.processes.iter().filter_map(inside).collect();
        for pid in inside {
            self.end(pid, 137);
        }
        let ignores_stop = self.defect == Some(Defect::RestartsTheStopped);
        let Some(container) = self.containers.get_mut(id) else {
            return;
        };
        container.pid = None;
        container.address = None;
        container.exit_code = Some(code);
        let is_restarted = wants_restart(container, code) && (ignores_stop || !container.is_stopped_on_request);
        let (run, count) = (container.runs, container.restart_count);
        container.state = ContainerState::Exited;
        if is_restarted {
            container.state = ContainerState::Restarting;
        }
        self.tell(id, ContainerEventKind::Died { exit_code: Some(code) });
        if is_restarted {
            let pause = Duration::from_millis(100).saturating_mul(1 << count.min(16));
            let id = id.to_owned();
            self.later(pause.min(LONGEST_PAUSE), move |world| world.restart(&id, run));
        }
    }

    fn restart(&mut self, id: &str, run: u64) {
        let Some(container) = self.containers.get_mut(id) else {
            return;
        };
        if container.state == ContainerState::Restarting && container.runs == run {
            container.restart_count += 1;
            container.state = ContainerState::Exited;
            // As with a real engine, nobody hears of a restart that fails but by looking.
            let _ = self.start(id);
            self.clock.touch();
        }
    }

    /// Sends SIGTERM to a container; whether its process ends at once.
    pub(super) fn terminate(&mut self, id: &str) -> bool {
        let pid = self.containers.get(id).and_then(|container| container.pid);
        let reaction = pid
            .and_then(|pid| self.processes.get(&pid))
            .map(|process| process.on_term);
        match (pid, reaction) {
            (Some(pid), Some(TermReaction::Exits(code))) => self.end(pid, code),
            (Some(_), _) => return false,
            (None, _) => self.rest(id),
        }
        true
    }

    /// Sends SIGKILL.
    pub(super) fn kill(&mut self, id: &str) {
        match self.containers.get(id).and_then(|container| container.pid) {
            Some(pid) => self.end(pid, 137),
            None => self.rest(id),
        }
    }

    /// A container that waits for its restart does not get it.
    fn rest(&mut self, id: &str) {
        if let Some(container) = self.containers.get_mut(id)
            && container.state == ContainerState::Restarting
        {
            container.state = ContainerState::Exited;
        }
    }

    fn check_ports(&self, container: &FakeContainer) -> Result<(), Refusal> {
        let others = self.containers.values().filter(|other| other.pid.is_some());
        let taken = others.flat_map(|other| other.spec.published_ports.iter().map(|port| port.host_port));
        let mut taken = taken.chain(self.taken_ports.iter().copied());
        let wanted = |port: &u16| container.spec.published_ports.iter().any(|own| own.host_port == *port);
        match taken.find(wanted) {
            Some(port) => refuse(
                RuntimeErrorKind::AddressInUse,
                format!("port {port} is already allocated"),
            ),
            None => Ok(()),
        }
    }

    fn choose_address(&self, container: &FakeContainer) -> Result<Option<Ipv4Addr>, Refusal> {
        let Some(attachment) = &container.spec.network else {
            return Ok(None);
        };
        let Some(network) = self.networks.get(&attachment.network) else {
            return refuse(
                RuntimeErrorKind::NotFound,
                format!("no such network: {}", attachment.network),
            );
        };
        let is_same = |other: &&FakeContainer| {
            other.id != container.id
                && other
                    .spec
                    .network
                    .as_ref()
                    .is_some_and(|o| o.network == attachment.network)
        };
        let is_taken = |address| {
            let mut others = self.containers.values().filter(is_same);
            others.any(|other| other.address == Some(address))
        };
        match attachment.address {
            Some(address) if is_taken(address) => refuse(
                RuntimeErrorKind::AddressInUse,
                format!("address {address} already in use"),
            ),
            Some(address) => Ok(Some(address)),
            None => Ok(network
                .subnet
                .and_then(|subnet| subnet.engine_hosts().find(|address| !is_taken(*address)))),
        }
    }

    fn command_line(&self, container: &FakeContainer) -> String {
        let image = self.images.iter().find(|image| image.id == container.image);
        let detail = image.map(|image| image.detail.clone()).unwrap_or_default();
        let has_entrypoint = container.spec.entrypoint.is_some();
        let mut words = container.spec.entrypoint.clone().unwrap_or(detail.entrypoint);
        let default = if has_entrypoint { Vec::new() } else { detail.command };
        words.extend(container.spec.command.clone().unwrap_or(default));
        words.join(" ")
    }
}

fn wants_restart(container: &FakeContainer, code: i64) -> bool {
    match container.policy {
        RestartPolicy::No => false,
        RestartPolicy::Always | RestartPolicy::UnlessStopped => true,
        RestartPolicy::OnFailure { max_retries } => {
            code != 0 && max_retries.is_none_or(|max| container.restart_count < max.get())
        }
    }
}
