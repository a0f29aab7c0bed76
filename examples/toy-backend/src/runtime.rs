//! `ContainerRuntime`, one method after the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use ps_core::policies::RestartPolicy;
use ps_core::runtime::{
    ContainerDetail, ContainerEvent, ContainerEventKind, ContainerFilter, ContainerId, ContainerRuntime, ContainerSpec,
    ContainerState, ContainerSummary, Document, EngineDetail, EngineIdentity, EventFilter, ExitCode, ImageId,
    KillOutcome, LogOptions, OutputChunk, ProcessTable, RemoveOutcome, RuntimeCapabilities, RuntimeError,
    RuntimeErrorKind as Kind, RuntimeStream, Signal, StartOutcome, StopOutcome,
};
use rustix::process::Signal as HostSignal;

use crate::table::{Container, Rows, Table};
use crate::{IMAGE, ToyRuntime, error, process};

fn has_labels(labels: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(name, value)| labels.get(name) == Some(value))
}

fn document(id: &str, container: &Container) -> Document {
    let text = |text: &str| Document::Text(text.to_owned());
    let labels = container
        .spec
        .labels
        .iter()
        .map(|(name, value)| (name.clone(), text(value)));
    let config = Document::Object(vec![("Labels".to_owned(), Document::Object(labels.collect()))]);
    Document::Object(vec![("Id".to_owned(), text(id)), ("Config".to_owned(), config)])
}

fn detail(id: &str, container: &Container) -> ContainerDetail {
    ContainerDetail {
        id: ContainerId(id.to_owned()),
        name: container.spec.name.clone(),
        image: ImageId(IMAGE.to_owned()),
        state: container.state.clone(),
        pid: container.pid,
        exit_code: container.exit_code,
        restart_count: container.restart_count,
        restart_policy: container.policy,
        started_at: container.started_at,
        labels: container.spec.labels.clone(),
        env: container.spec.env.clone(),
        addresses: BTreeMap::new(),
        aliases: BTreeMap::new(),
        joins_networks: false,
        document: document(id, container),
    }
}

/// A container that is about to be ended on request; whether it has a process.
fn begin_end(rows: &mut Rows, id: &str, operation: &'static str) -> Result<bool, RuntimeError> {
    let container = rows.get(id, operation)?;
    container.is_stopped_on_request = true;
    if container.state == ContainerState::Restarting {
        container.state = ContainerState::Exited;
    }
    Ok(container.pid.is_some())
}

async fn has_ended(table: &Table, id: &str) {
    let is_over = |rows: &mut Rows| rows.containers.get(id).is_none_or(|container| container.pid.is_none());
    table.until(|rows| is_over(rows).then_some(())).await;
}

#[async_trait]
impl ContainerRuntime for ToyRuntime {
    fn identity(&self) -> EngineIdentity {
        EngineIdentity {
            kind: "toy".to_owned(),
            id: format!("process {}", std::process::id()),
            rootless: true,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    fn capabilities(&self) -> RuntimeCapabilities {
        RuntimeCapabilities {
            updates_restart_policy: true,
            revives_stopped_containers: false,
            host_reaches_containers: false,
            host_sees_processes: false,
            replays_past_events: true,
            has_init: true,
            limits_log_size: false,
        }
    }

    async fn inspect_engine(&self) -> Result<EngineDetail, RuntimeError> {
        Ok(EngineDetail {
            identity: self.identity(),
            containers_outlive_it: false,
            now: Some(std::time::SystemTime::now()),
            storage: None,
        })
    }

    async fn list_containers(&self, filter: &ContainerFilter) -> Result<Vec<ContainerSummary>, RuntimeError> {
        let rows = self.table.rows();
        let listed = rows
            .containers
            .iter()
            .filter(|(_, c)| has_labels(&c.spec.labels, &filter.labels));
        let summary = |(id, container): (&String, &Container)| ContainerSummary {
            id: ContainerId(id.clone()),
            name: container.spec.name.clone(),
            image: container.spec.image.clone(),
            state: container.state.clone(),
            labels: container.spec.labels.clone(),
        };
        Ok(listed.map(summary).collect())
    }

    async fn inspect_container(&self, id: &ContainerId) -> Result<ContainerDetail, RuntimeError> {
        let mut rows = self.table.rows();
        rows.get(&id.0, "inspect").map(|container| detail(&id.0, container))
    }

    async fn create_container(&self, spec: &ContainerSpec) -> Result<ContainerId, RuntimeError> {
        let refuse = |kind, why| Err(error(kind, "create", &spec.name, why));
        if spec.image != IMAGE {
            return refuse(Kind::ImageMissing, "the only image is this machine");
        }
        if spec.name.is_empty()
            || !spec
                .name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
        {
            return refuse(Kind::Invalid, "a name has letters, digits, `_`, `.` and `-`");
        }
        if spec.network.is_some() || !spec.published_ports.is_empty() {
            return refuse(Kind::Unsupported, "there are no networks");
        }
        self.table.change(|rows| {
            rows.check_name(&spec.name, "create")?;
            Ok(rows.add(spec))
        })
    }

    async fn start_container(&self, id: &ContainerId) -> Result<StartOutcome, RuntimeError> {
        {
            let mut rows = self.table.rows();
            let container = rows.get(&id.0, "start")?;
            if container.state.may_have_a_process() {
                return Ok(StartOutcome::AlreadyRunning);
            }
            container.restart_count = 0;
        }
        process::start(&self.table, &id.0)?;
        Ok(StartOutcome::Started)
    }

    async fn stop_container(&self, id: &ContainerId, timeout: Duration) -> Result<StopOutcome, RuntimeError> {
        if !self.table.change(|rows| begin_end(rows, &id.0, "stop"))? {
            return Ok(StopOutcome::AlreadyStopped);
        }
        let send = |signal| {
            self.table
                .rows()
                .get(&id.0, "stop")
                .map(|container| process::signal(container, signal))
        };
        send(HostSignal::TERM)?;
        let whole_seconds = Duration::from_secs(timeout.as_secs() + u64::from(timeout.subsec_nanos() > 0));
        if tokio::time::timeout(whole_seconds, has_ended(&self.table, &id.0))
            .await
            .is_err()
        {
            send(HostSignal::KILL)?;
            has_ended(&self.table, &id.0).await;
        }
        self.table.change(|rows| rows.tell(&id.0, ContainerEventKind::Stopped));
        Ok(StopOutcome::Stopped)
    }

    async fn kill_container(&self, id: &ContainerId, signal: Signal) -> Result<KillOutcome, RuntimeError> {
        let host_signal = match signal {
            Signal::Term => HostSignal::TERM,
            Signal::Kill => HostSignal::KILL,
            Signal::Interrupt => HostSignal::INT,
            Signal::Hangup => HostSignal::HUP,
            Signal::Quit => HostSignal::QUIT,
            Signal::User1 => HostSignal::USR1,
            Signal::User2 => HostSignal::USR2,
        };
        let mut rows = self.table.rows();
        let was_there = process::signal(rows.get(&id.0, "kill")?, host_signal);
        Ok(if was_there {
            KillOutcome::Signalled
        } else {
            KillOutcome::NotRunning
        })
    }

    async fn update_restart_policy(&self, id: &ContainerId, policy: RestartPolicy) -> Result<(), RuntimeError> {
        self.table
            .change(|rows| rows.get(&id.0, "update").map(|container| container.policy = policy))
    }

    async fn rename_container(&self, id: &ContainerId, name: &str) -> Result<(), RuntimeError> {
        self.table.change(|rows| {
            rows.get(&id.0, "rename")?;
            rows.check_name(name, "rename")?;
            name.clone_into(&mut rows.get(&id.0, "rename")?.spec.name);
            rows.tell(&id.0, ContainerEventKind::Renamed);
            Ok(())
        })
    }

    async fn remove_container(&self, id: &ContainerId) -> Result<RemoveOutcome, RuntimeError> {
        let begun = self.table.change(|rows| {
            begin_end(rows, &id.0, "remove")?;
            rows.get(&id.0, "remove")
                .map(|container| process::signal(container, HostSignal::KILL))
        });
        if begun.is_err() {
            return Ok(RemoveOutcome::AlreadyGone);
        }
        has_ended(&self.table, &id.0).await;
        let removed = self.table.change(|rows| {
            rows.tell(&id.0, ContainerEventKind::Removed);
            rows.containers.remove(&id.0)
        });
        Ok(removed.map_or(RemoveOutcome::AlreadyGone, |_| RemoveOutcome::Removed))
    }

    async fn wait_container(&self, id: &ContainerId) -> Result<ExitCode, RuntimeError> {
        let ended = |rows: &mut Rows| match rows.get(&id.0, "wait") {
            Err(error) => Some(Err(error)),
            Ok(container) if container.state.may_have_a_process() => None,
            Ok(container) => container.exit_code.map(|code| Ok(ExitCode(code))),
        };
        self.table.until(ended).await
    }

    async fn list_processes(&self, id: &ContainerId) -> Result<ProcessTable, RuntimeError> {
        let mut rows = self.table.rows();
        let container = rows.get(&id.0, "list the processes of")?;
        let words: Vec<String> = container
            .spec
            .entrypoint
            .iter()
            .chain(&container.spec.command)
            .flatten()
            .cloned()
            .collect();
        let pid = container
            .pid
            .ok_or_else(|| error(Kind::Conflict, "list the processes of", &id.0, "not running"))?;
        Ok(ProcessTable {
            titles: vec!["PID".to_owned(), "CMD".to_owned()],
            processes: vec![vec![pid.to_string(), words.join(" ")]],
        })
    }

    fn read_logs(&self, id: &ContainerId, options: LogOptions) -> RuntimeStream<OutputChunk> {
        let lines = self
            .table
            .rows()
            .get(&id.0, "read the log of")
            .map(|container| container.log.len());
        let tail = options.tail.and_then(|tail| usize::try_from(tail).ok());
        let first = lines.map(|lines| lines.saturating_sub(tail.unwrap_or(lines)));
        let (table, id) = (Arc::clone(&self.table), id.0.clone());
        let position = match first {
            Ok(first) => first,
            Err(error) => return stream::once(async { Err(error) }).boxed(),
        };
        let next = move |(table, id, position): (Arc<Table>, String, usize)| async move {
            let chunk = table.until(|rows| {
                let Ok(container) = rows.get(&id, "read the log of") else {
                    return Some(None);
                };
                let chunk = container.log.get(position).cloned();
                let is_over = !options.follow || !container.state.may_have_a_process();
                (chunk.is_some() || is_over).then_some(chunk)
            });
            let chunk = chunk.await?;
            Some((Ok(chunk), (table, id, position + 1)))
        };
        stream::unfold((table, id, position), next).boxed()
    }

    fn follow_events(&self, filter: &EventFilter) -> RuntimeStream<ContainerEvent> {
        let filter = filter.clone();
        let first = {
            let rows = self.table.rows();
            let since = filter
                .since
                .and_then(|since| rows.events.iter().position(|event| event.at >= since));
            since.unwrap_or(rows.events.len())
        };
        let next = |(table, filter, mut position): (Arc<Table>, EventFilter, usize)| async move {
            let event = table.until(|rows| {
                loop {
                    let event = rows.events.get(position)?;
                    position += 1;
                    if has_labels(&event.labels, &filter.labels) {
                        return Some(event.clone());
                    }
                }
            });
            let event = event.await;
            Some((Ok(event), (table, filter, position)))
        };
        stream::unfold((Arc::clone(&self.table), filter, first), next).boxed()
    }
}
