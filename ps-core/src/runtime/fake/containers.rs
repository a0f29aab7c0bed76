//! The fake's containers: the rules of [`ContainerRuntime`], one method after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::faults::Defect;
use super::world::{FakeContainer, Refusal, World, refuse};
use super::{FakeEngine, streams};
use crate::host::Clock;
use crate::policies::RestartPolicy;
use crate::runtime::{
    ContainerDetail, ContainerEvent, ContainerEventKind, ContainerFilter, ContainerId, ContainerRuntime, ContainerSpec,
    ContainerState, ContainerSummary, Document, EngineDetail, EngineIdentity, EventFilter, ExitCode, KillOutcome,
    LogOptions, OutputChunk, ProcessTable, RemoveOutcome, RuntimeCapabilities, RuntimeError, RuntimeErrorKind,
    RuntimeStream, Signal, StartOutcome, StopOutcome, TerminalMode,
};

impl World {
    fn create(&mut self, spec: &ContainerSpec) -> Result<ContainerId, Refusal> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let starts_well = spec
            .name
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric());
        if !starts_well || !spec.name.bytes().all(is_plain) {
            return refuse(
                RuntimeErrorKind::Invalid,
                format!("invalid container name: {}", spec.name),
            );
        }
        let Some(image) = self.image(&spec.image) else {
            return refuse(RuntimeErrorKind::ImageMissing, format!("no such image: {}", spec.image));
        };
        let env = image.env.iter().chain(&spec.env).cloned().collect();
        let image = image.id.clone();
        self.check_name(&spec.name)?;
        let network = spec.network.as_ref().map(|attachment| &attachment.network);
        if let Some(network) = network.filter(|network| !self.networks.contains_key(*network)) {
            return refuse(RuntimeErrorKind::NotFound, format!("no such network: {network}"));
        }
        let id = self.fresh_id();
        let takes_input = spec.terminal != TerminalMode::Detached;
        let pipe = self.fresh_pipe(takes_input, spec.terminal == TerminalMode::Terminal);
        let container = FakeContainer {
            id: id.clone(),
            spec: spec.clone(),
            image,
            env,
            written: BTreeMap::new(),
            policy: spec.restart_policy,
            state: ContainerState::Created,
            pid: None,
            address: None,
            connections: BTreeMap::new(),
            is_outside_networks: spec.network.is_none() && !self.capabilities.host_reaches_containers,
            exit_code: None,
            restart_count: 0,
            started_at: None,
            is_stopped_on_request: false,
            runs: 0,
            pipe,
        };
        self.containers.insert(id.clone(), container);
        self.tell(&id, ContainerEventKind::Created);
        Ok(ContainerId(id))
    }

    fn check_name(&self, name: &str) -> Result<(), Refusal> {
        let is_taken = self.containers.values().any(|container| container.spec.name == name);
        if is_taken && self.defect != Some(Defect::ReusesNames) {
            return refuse(
                RuntimeErrorKind::NameInUse,
                format!("the name {name} is already in use"),
            );
        }
        Ok(())
    }

    fn list(&self, filter: &ContainerFilter) -> Vec<ContainerSummary> {
        let ignores = self.defect == Some(Defect::IgnoresLabelFilters);
        let containers = self.containers.values();
        let listed = containers.filter(|container| {
            let is_inside = filter.network.as_ref().is_none_or(|network| container.is_in(network));
            is_inside && (ignores || has_labels(&container.spec.labels, &filter.labels))
        });
        let summary = |container: &FakeContainer| ContainerSummary {
            id: ContainerId(container.id.clone()),
            name: container.spec.name.clone(),
            image: container.spec.image.clone(),
            state: container.state.clone(),
            labels: container.spec.labels.clone(),
        };
        listed.map(summary).collect()
    }

    fn detail(&self, container: &FakeContainer) -> ContainerDetail {
        let network = container
            .spec
            .network
            .as_ref()
            .map(|attachment| attachment.network.clone());
        let reachable = container.address.filter(|_| self.capabilities.host_reaches_containers);
        ContainerDetail {
            id: ContainerId(container.id.clone()),
            name: container.spec.name.clone(),
            image: container.image.clone(),
            state: container.state.clone(),
            pid: container.pid,
            exit_code: container.exit_code,
            restart_count: container.restart_count,
            restart_policy: container.policy,
            started_at: container.started_at,
            labels: container.spec.labels.clone(),
            env: container.env.clone(),
            addresses: network.zip(reachable).into_iter().collect(),
            aliases: container.aliases(),
            joins_networks: !container.is_outside_networks,
            document: document(container),
        }
    }

    /// Removes a container, killing it first.
    pub(super) fn remove(&mut self, id: &str) {
        if let Some(container) = self.containers.get_mut(id) {
            container.is_stopped_on_request = true;
            container.policy = RestartPolicy::No;
        }
        self.kill(id);
        self.execs.retain(|_, exec| exec.container != id);
        self.tell(id, ContainerEventKind::Removed);
        self.containers.remove(id);
        self.clock.touch();
    }

    fn signal(&mut self, id: &ContainerId, signal: Signal) -> Result<KillOutcome, Refusal> {
        let container = self.container_mut(id)?;
        if container.pid.is_none() {
            return Ok(KillOutcome::NotRunning);
        }
        let id = container.id.clone();
        match signal {
            Signal::Kill => {
                container.is_stopped_on_request = true;
                self.kill(&id);
            }
            Signal::Term => {
                self.terminate(&id);
            }
            Signal::Interrupt | Signal::Hangup | Signal::Quit | Signal::User1 | Signal::User2 => {}
        }
        Ok(KillOutcome::Signalled)
    }

    /// The first half of a stop: the container's id, and whether its process is still there.
    fn begin_stop(&mut self, id: &ContainerId) -> Result<Option<(String, bool)>, Refusal> {
        let container = self.container_mut(id)?;
        if !container.state.may_have_a_process() {
            return Ok(None);
        }
        container.is_stopped_on_request = true;
        let id = container.id.clone();
        let has_ended = self.terminate(&id);
        Ok(Some((id, !has_ended)))
    }
}

/// Whether all the wanted labels are there.
pub(super) fn has_labels(labels: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(name, value)| labels.get(name) == Some(value))
}

fn document(container: &FakeContainer) -> Document {
    let text = |text: &str| Document::Text(text.to_owned());
    let words = |words: &[String]| Document::List(words.iter().map(|word| text(word)).collect());
    let env = container.env.iter();
    let env: Vec<String> = env.map(|v| format!("{}={}", v.name, v.value)).collect();
    let labels = container
        .spec
        .labels
        .iter()
        .map(|(name, value)| (name.clone(), text(value)));
    let limits: Vec<String> = container.spec.ulimits.iter().map(ToString::to_string).collect();
    let config = vec![
        ("Env".to_owned(), words(&env)),
        (
            "Cmd".to_owned(),
            words(container.spec.command.as_deref().unwrap_or_default()),
        ),
        (
            "Entrypoint".to_owned(),
            words(container.spec.entrypoint.as_deref().unwrap_or_default()),
        ),
        ("Labels".to_owned(), Document::Object(labels.collect())),
    ];
    let log_size = container
        .spec
        .log_max_bytes
        .map_or(Document::Null, |bytes| Document::Number(bytes.to_string()));
    let host = vec![
        ("Ulimits".to_owned(), words(&limits)),
        ("LogMaxBytes".to_owned(), log_size),
    ];
    Document::Object(vec![
        ("Id".to_owned(), text(&container.id)),
        ("Name".to_owned(), text(&container.spec.name)),
        ("Config".to_owned(), Document::Object(config)),
        ("HostConfig".to_owned(), Document::Object(host)),
    ])
}

#[async_trait]
impl ContainerRuntime for FakeEngine {
    fn identity(&self) -> EngineIdentity {
        self.lock_identity().clone()
    }

    fn capabilities(&self) -> RuntimeCapabilities {
        self.world().capabilities
    }

    async fn inspect_engine(&self) -> Result<EngineDetail, RuntimeError> {
        let identity = self.identity();
        let effect = |world: &mut World| {
            Ok(EngineDetail {
                identity,
                ..world.engine_detail()
            })
        };
        self.call("inspect_engine", "", effect).await
    }

    async fn list_containers(&self, filter: &ContainerFilter) -> Result<Vec<ContainerSummary>, RuntimeError> {
        let words: Vec<String> = filter
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        self.call("list_containers", &words.join(","), |world| Ok(world.list(filter)))
            .await
    }

    async fn inspect_container(&self, id: &ContainerId) -> Result<ContainerDetail, RuntimeError> {
        let effect = |world: &mut World| world.container(id).map(|container| world.detail(container));
        self.call("inspect_container", &id.0, effect).await
    }

    async fn create_container(&self, spec: &ContainerSpec) -> Result<ContainerId, RuntimeError> {
        let app = spec.labels.get(crate::labels::APP).cloned();
        let call = self.begin("create_container", &spec.name, app).await?;
        call.finish(self.world().create(spec))
    }

    async fn start_container(&self, id: &ContainerId) -> Result<StartOutcome, RuntimeError> {
        let effect = |world: &mut World| {
            let container = world.container_mut(id)?;
            if container.state != ContainerState::Restarting && container.pid.is_none() {
                container.restart_count = 0;
            }
            let id = container.id.clone();
            world.start(&id)
        };
        self.call("start_container", &id.0, effect).await
    }

    async fn stop_container(&self, id: &ContainerId, timeout: Duration) -> Result<StopOutcome, RuntimeError> {
        let call = self.begin_on("stop_container", &id.0).await?;
        let begun = self.world().begin_stop(id);
        let (id, is_left) = match begun {
            Err(refusal) => return call.finish(Err(refusal)),
            Ok(None) => return call.finish(Ok(StopOutcome::AlreadyStopped)),
            Ok(Some(found)) => found,
        };
        if is_left {
            let seconds = timeout.as_secs() + u64::from(timeout.subsec_nanos() > 0);
            self.clock().sleep(Duration::from_secs(seconds)).await;
        }
        let mut world = self.world();
        world.kill(&id);
        world.tell(&id, ContainerEventKind::Stopped);
        drop(world);
        call.finish(Ok(StopOutcome::Stopped))
    }

    async fn kill_container(&self, id: &ContainerId, signal: Signal) -> Result<KillOutcome, RuntimeError> {
        self.call("kill_container", &id.0, |world| world.signal(id, signal))
            .await
    }

    async fn update_restart_policy(&self, id: &ContainerId, policy: RestartPolicy) -> Result<(), RuntimeError> {
        let effect = |world: &mut World| {
            if !world.capabilities.updates_restart_policy {
                return refuse(
                    RuntimeErrorKind::Unsupported,
                    "this engine cannot change a live container",
                );
            }
            world.container_mut(id)?.policy = policy;
            Ok(())
        };
        self.call("update_restart_policy", &id.0, effect).await
    }

    async fn rename_container(&self, id: &ContainerId, name: &str) -> Result<(), RuntimeError> {
        let effect = |world: &mut World| {
            world.container(id)?;
            world.check_name(name)?;
            let container = world.container_mut(id)?;
            if container.state == ContainerState::Restarting {
                return refuse(RuntimeErrorKind::Conflict, "the container waits for its restart");
            }
            name.clone_into(&mut container.spec.name);
            let id = container.id.clone();
            world.tell(&id, ContainerEventKind::Renamed);
            Ok(())
        };
        self.call("rename_container", &id.0, effect).await
    }

    async fn remove_container(&self, id: &ContainerId) -> Result<RemoveOutcome, RuntimeError> {
        let effect = |world: &mut World| {
            let Some(id) = world.find(&id.0).map(|container| container.id.clone()) else {
                return Ok(RemoveOutcome::AlreadyGone);
            };
            world.remove(&id);
            Ok(RemoveOutcome::Removed)
        };
        self.call("remove_container", &id.0, effect).await
    }

    async fn wait_container(&self, id: &ContainerId) -> Result<ExitCode, RuntimeError> {
        let call = self.begin_on("wait_container", &id.0).await?;
        let life = self.world().life;
        let result = self
            .until(|world| {
                if world.is_dead || world.life != life {
                    return Some(refuse(RuntimeErrorKind::OutcomeUnknown, "the connection broke"));
                }
                match world.container(id) {
                    Err(refusal) => Some(Err(refusal)),
                    Ok(container) if container.state.may_have_a_process() => None,
                    Ok(container) => container.exit_code.map(|code| Ok(ExitCode(code))),
                }
            })
            .await;
        call.finish(result)
    }

    async fn list_processes(&self, id: &ContainerId) -> Result<ProcessTable, RuntimeError> {
        let effect = |world: &mut World| {
            let container = world.container(id)?;
            if container.pid.is_none_or(|pid| !world.processes.contains_key(&pid)) {
                return refuse(RuntimeErrorKind::Conflict, "the container is not running");
            }
            let inside = world
                .processes
                .iter()
                .filter(|(_, process)| process.container == container.id);
            Ok(ProcessTable {
                titles: vec!["PID".to_owned(), "CMD".to_owned()],
                processes: inside
                    .map(|(pid, process)| vec![pid.to_string(), process.command.clone()])
                    .collect(),
            })
        };
        self.call("list_processes", &id.0, effect).await
    }

    fn read_logs(&self, id: &ContainerId, options: LogOptions) -> RuntimeStream<OutputChunk> {
        streams::logs(self.clone(), id.clone(), options)
    }

    fn follow_events(&self, filter: &EventFilter) -> RuntimeStream<ContainerEvent> {
        streams::events(self.clone(), filter.clone())
    }
}
