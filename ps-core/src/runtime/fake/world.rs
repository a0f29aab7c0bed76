//! Everything that exists in a fake engine. Invariant: changed only under the engine's lock, and every change wakes whoever
//! waits for one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::clock::FakeClock;
use super::faults::Defect;
use super::images::FakeImage;
use super::script::{ProcessStep, Scripts, TermReaction};
use crate::host::Clock;
use crate::policies::RestartPolicy;
use crate::runtime::{
    ContainerEvent, ContainerEventKind, ContainerId, ContainerSpec, ContainerState, EngineDetail, EnvVar, ImageId,
    NetworkSpec, OutputChunk, RuntimeCapabilities, RuntimeError, RuntimeErrorKind,
};

/// An error of the fake, before it is known which call it belongs to.
pub(super) type Refusal = (RuntimeErrorKind, String);

pub(super) fn refuse<T>(kind: RuntimeErrorKind, why: impl Into<String>) -> Result<T, Refusal> {
    Err((kind, why.into()))
}

/// The full error of a refusal.
pub(super) fn as_error(refusal: Refusal, method: &'static str, subject: &str) -> RuntimeError {
    let operation = method.split('_').next().unwrap_or(method);
    RuntimeError::new(refusal.0, "fake", operation, subject).because(refusal.1)
}

/// What goes in and out of a container or an exec, over all its runs.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    pub(super) output: Vec<OutputChunk>,
    pub(super) input: VecDeque<Bytes>,
    pub(super) is_input_open: bool,
    pub(super) is_terminal: bool,
}

/// Whose process it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProcessOwner {
    Container(String),
    Exec(String),
}

/// A running process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) owner: ProcessOwner,
    pub(super) container: String,
    pub(super) pipe: usize,
    pub(super) steps: VecDeque<ProcessStep>,
    pub(super) on_term: TermReaction,
    pub(super) env: Vec<(String, String)>,
    pub(super) command: String,
    pub(super) listening: BTreeSet<u16>,
    pub(super) is_waiting: bool,
}

/// A container.
#[derive(Debug)]
pub(super) struct FakeContainer {
    pub(super) id: String,
    pub(super) spec: ContainerSpec,
    pub(super) image: ImageId,
    /// The image's environment and its own.
    pub(super) env: Vec<EnvVar>,
    /// Files that its processes wrote.
    pub(super) written: BTreeMap<String, Bytes>,
    pub(super) policy: RestartPolicy,
    pub(super) state: ContainerState,
    pub(super) pid: Option<u32>,
    pub(super) address: Option<Ipv4Addr>,
    /// The networks it was connected to after it was made, with its names there.
    pub(super) connections: BTreeMap<String, BTreeSet<String>>,
    /// Whether it has no interfaces of its own, as with the host's network.
    pub(super) is_outside_networks: bool,
    pub(super) exit_code: Option<i64>,
    pub(super) restart_count: u32,
    pub(super) started_at: Option<SystemTime>,
    pub(super) is_stopped_on_request: bool,
    /// Grows with every start, so that a late restart knows that it is late.
    pub(super) runs: u64,
    pub(super) pipe: usize,
}

/// A command in a container.
#[derive(Debug)]
pub(super) struct FakeExec {
    pub(super) container: String,
    pub(super) command: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) pipe: usize,
    pub(super) pid: Option<u32>,
    pub(super) exit_code: Option<i64>,
}

/// Everything.
#[derive(Debug)]
pub(super) struct World {
    pub(super) clock: FakeClock,
    pub(super) me: Weak<Mutex<World>>,
    pub(super) capabilities: RuntimeCapabilities,
    /// Without a time it tells that of the clock.
    pub(super) engine: EngineDetail,
    pub(super) containers: BTreeMap<String, FakeContainer>,
    pub(super) networks: BTreeMap<String, NetworkSpec>,
    pub(super) images: Vec<FakeImage>,
    /// The build cache: every step that was ever made.
    pub(super) built_layers: BTreeSet<ImageId>,
    pub(super) execs: BTreeMap<String, FakeExec>,
    pub(super) processes: BTreeMap<u32, Process>,
    pub(super) pipes: Vec<Pipe>,
    pub(super) scripts: Scripts,
    pub(super) events: Vec<ContainerEvent>,
    pub(super) defect: Option<Defect>,
    pub(super) taken_ports: BTreeSet<u16>,
    pub(super) is_dead: bool,
    /// Grows when the engine dies: streams of an earlier life end with an error.
    pub(super) life: u64,
    next_number: u32,
}

impl World {
    pub(super) fn new(clock: FakeClock, me: Weak<Mutex<Self>>, capabilities: RuntimeCapabilities) -> Self {
        Self {
            clock,
            me,
            capabilities,
            engine: EngineDetail {
                containers_outlive_it: true,
                ..EngineDetail::default()
            },
            containers: BTreeMap::new(),
            networks: BTreeMap::new(),
            images: Vec::new(),
            built_layers: BTreeSet::new(),
            execs: BTreeMap::new(),
            processes: BTreeMap::new(),
            pipes: Vec::new(),
            scripts: Scripts::default(),
            events: Vec::new(),
            defect: None,
            taken_ports: BTreeSet::new(),
            is_dead: false,
            life: 0,
            next_number: 1000,
        }
    }

    pub(super) fn engine_detail(&self) -> EngineDetail {
        let now = self.engine.now.or_else(|| Some(self.clock.now()));
        EngineDetail {
            now,
            ..self.engine.clone()
        }
    }

    /// A number that was never used.
    pub(super) fn number(&mut self) -> u32 {
        self.next_number += 1;
        self.next_number
    }

    /// A full id that looks like an engine's: its beginning differs from all others'.
    pub(super) fn fresh_id(&mut self) -> String {
        let number = u64::from(self.number());
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!("{mixed:016x}{number:048x}")
    }

    pub(super) fn fresh_pipe(&mut self, is_input_open: bool, is_terminal: bool) -> usize {
        self.pipes.push(Pipe {
            is_input_open,
            is_terminal,
            ..Pipe::default()
        });
        self.pipes.len() - 1
    }

    /// A container by full id, by an id's beginning (12 characters or more) or by name.
    pub(super) fn find(&self, word: &str) -> Option<&FakeContainer> {
        let is_meant = |container: &&FakeContainer| {
            container.id == word || container.spec.name == word || (word.len() >= 12 && container.id.starts_with(word))
        };
        self.containers
            .get(word)
            .or_else(|| self.containers.values().find(is_meant))
    }

    pub(super) fn container(&self, id: &ContainerId) -> Result<&FakeContainer, Refusal> {
        self.find(&id.0).map_or_else(|| no_such_container(id), Ok)
    }

    pub(super) fn container_mut(&mut self, id: &ContainerId) -> Result<&mut FakeContainer, Refusal> {
        let found = self.find(&id.0).map(|container| container.id.clone());
        found
            .and_then(|id| self.containers.get_mut(&id))
            .map_or_else(|| no_such_container(id), Ok)
    }

    /// Does something later, if the engine still exists.
    pub(super) fn later(&self, after: Duration, run: impl FnOnce(&mut Self) + Send + 'static) {
        let me = self.me.clone();
        self.clock.schedule(after, move || {
            if let Some(world) = me.upgrade() {
                run(&mut world.lock().unwrap_or_else(PoisonError::into_inner));
            }
        });
    }

    /// Tells followers what happened to a container.
    pub(super) fn tell(&mut self, id: &str, kind: ContainerEventKind) {
        if let Some(container) = self.containers.get(id) {
            self.events.push(ContainerEvent {
                container: ContainerId(container.id.clone()),
                name: container.spec.name.clone(),
                kind,
                at: self.clock.now(),
                labels: container.spec.labels.clone(),
            });
        }
        self.clock.touch();
    }
}

fn no_such_container<T>(id: &ContainerId) -> Result<T, Refusal> {
    refuse(RuntimeErrorKind::NotFound, format!("no such container: {id}"))
}
