//! Lifecycle, observing and events of containers. One method is one request, but for `stop`, which looks first.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, future};
use podman_api::Podman;
use podman_api::api::Exec;
use ps_core::policies::RestartPolicy;
use ps_core::runtime::{
    ContainerDetail, ContainerEvent, ContainerFilter, ContainerId, ContainerRuntime, ContainerSpec, ContainerSummary,
    EngineAddress, EngineDetail, EngineIdentity, EventFilter, ExitCode, KillOutcome, LogOptions, OutputChunk,
    ProcessTable, RemoveOutcome, RuntimeCapabilities, RuntimeError, RuntimeErrorKind, RuntimeStream, Signal,
    StartOutcome, StopOutcome,
};

use crate::answers::{EngineEvent, Info, InspectedContainer, ListedContainer, Made, Processes};
use crate::bridges::Bridges;
use crate::call::{Call, Payload, escape};
use crate::capabilities::{capabilities, find_init_program, identity};
use crate::classify_error::{Failure, RUNTIME};
use crate::config::CallLimits;
use crate::event_stream::{container_event, json_values, output_frames};
use crate::libpod::{Answer, Libpod, bounded};
use crate::probe::{Probe, probe};
use crate::remembered::Answering;
use crate::translate::{CreateTraits, create_body, detail, filters, list_filters, summaries, whole_seconds};

/// One Podman service. Clones share everything; nothing is kept open between calls.
#[derive(Debug, Clone)]
pub struct PodmanRuntime {
    pub(crate) libpod: Libpod,
    pub(crate) podman: Podman,
    pub(crate) limits: CallLimits,
    identity: EngineIdentity,
    pub(crate) capabilities: RuntimeCapabilities,
    init_program: Option<&'static str>,
    pub(crate) bridges: Arc<Bridges>,
    /// Commands that were prepared and not started: podman-api starts only what it has made itself.
    pub(crate) prepared: Arc<Mutex<HashMap<String, Exec>>>,
}

impl PodmanRuntime {
    /// Asks the engine who it is and what it can do. Fails with `Unsupported` when it is not Podman.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
    /// use ps_core::runtime::ContainerRuntime;
    /// use ps_runtime_podman::{CallLimits, PodmanRuntime};
    /// let address = "unix:///run/podman/podman.sock".parse()?;
    /// let podman = PodmanRuntime::connect(&address, CallLimits::default()).await?;
    /// assert_eq!(podman.identity().kind, "podman");
    /// # Ok(()) }
    /// ```
    pub async fn connect(address: &EngineAddress, limits: CallLimits) -> Result<Self, RuntimeError> {
        Self::connect_remembering(address, limits, None).await
    }

    /// As [`Self::connect`], and for five minutes what it said is taken from a file, which is written when it says it: to say who it is
    /// takes Podman a third of a second on hosts where it asks the package manager. The file's folder has to be there.
    pub async fn connect_remembering(
        address: &EngineAddress,
        limits: CallLimits,
        file: Option<&Path>,
    ) -> Result<Self, RuntimeError> {
        let subject = address.to_string();
        let version = match probe(address, limits.connect).await? {
            Probe::Podman { version } => version,
            Probe::Docker { .. } => {
                let error = RuntimeError::new(RuntimeErrorKind::Unsupported, RUNTIME, "use", subject);
                return Err(error.because("the engine that answers there is not Podman"));
            }
        };
        let libpod = Libpod::new(address.clone(), limits.connect);
        let known = file.and_then(|file| Some((Answering::at(address, version)?, file)));
        let recalled = known
            .as_ref()
            .and_then(|(answering, file)| answering.recall(file, SystemTime::now()));
        let info = if let Some(info) = recalled {
            info
        } else {
            let asked = libpod.ask(Call::get("/info"), limits.answer).await;
            let info: Info = asked
                .and_then(|answer| answer.json())
                .map_err(|failure| failure.into_error("describe", &subject))?;
            if let Some((answering, file)) = known {
                answering.remember(&info, file, SystemTime::now());
            }
            info
        };
        let podman = Podman::new(&subject).map_err(|error| Failure::from(error).into_error("use", &subject))?;
        let init_program = find_init_program(address);
        Ok(Self {
            libpod,
            podman,
            limits,
            identity: identity(&info),
            capabilities: capabilities(&info, address, init_program.is_some()),
            init_program,
            bridges: Arc::new(Bridges::new()),
            prepared: Arc::default(),
        })
    }

    /// A small call, bounded as an answer.
    pub(crate) async fn ask(&self, call: Call) -> Result<Answer, Failure> {
        self.libpod.ask(call, self.limits.answer).await
    }

    /// One of podman-api's calls, bounded by `limit`.
    pub(crate) async fn through<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = podman_api::Result<T>>,
    ) -> Result<T, Failure> {
        // Boxed, since some of its futures are tens of kilobytes.
        let call = Box::pin(call);
        bounded(limit, async { call.await.map_err(Failure::from) }).await
    }

    async fn inspect(&self, id: &ContainerId) -> Result<(InspectedContainer, Answer), Failure> {
        let answer = self.ask(Call::get(container_path(id, "json"))).await?;
        Ok((answer.json()?, answer))
    }

    async fn stop(&self, id: &ContainerId, timeout: Duration) -> Result<StopOutcome, Failure> {
        // libpod answers 204 for a container that was never started, as for one that it stopped.
        let (container, _) = self.inspect(id).await?;
        let status = container.state.status.as_str();
        if matches!(status, "created" | "configured") {
            return Ok(StopOutcome::AlreadyStopped);
        }
        let seconds = whole_seconds(timeout);
        let call = Call::post(container_path(id, "stop")).query("timeout", &seconds.to_string());
        let limit = Duration::from_secs(seconds).saturating_add(self.limits.stop_margin);
        let answer = self.libpod.ask(call, limit).await?;
        let was_running = answer.status != 304 && status != "initialized";
        Ok(if was_running {
            StopOutcome::Stopped
        } else {
            StopOutcome::AlreadyStopped
        })
    }

    async fn top(&self, id: &ContainerId) -> Result<ProcessTable, Failure> {
        let answer = self
            .ask(Call::get(container_path(id, "top")).query("stream", "false"))
            .await?;
        if answer.body.is_empty() {
            // So Podman 4.3 answers, with status 200, when there is no process.
            return Err(Failure::NotRunning);
        }
        let Processes { titles, processes } = answer.json()?;
        Ok(ProcessTable { titles, processes })
    }
}

/// The path of one of a container's calls.
pub(crate) fn container_path(id: &ContainerId, what: &str) -> String {
    format!("/containers/{}/{what}", escape(&id.0))
}

#[async_trait]
impl ContainerRuntime for PodmanRuntime {
    fn identity(&self) -> EngineIdentity {
        self.identity.clone()
    }

    fn capabilities(&self) -> RuntimeCapabilities {
        self.capabilities
    }

    /// A container has a process of its own that watches it (conmon), so it never depends on the service.
    async fn inspect_engine(&self) -> Result<EngineDetail, RuntimeError> {
        let asked = self.ask(Call::get("/info")).await;
        let answer = asked.map_err(|failure| failure.into_error("describe", "the engine"))?;
        let info: Info = answer
            .json()
            .map_err(|failure| failure.into_error("describe", "the engine"))?;
        let identity = identity(&info);
        let storage = Some(info.store.graph_root).filter(|path| !path.is_empty());
        Ok(EngineDetail {
            identity,
            containers_outlive_it: true,
            now: answer.date,
            storage: storage.map(PathBuf::from),
        })
    }

    async fn list_containers(&self, filter: &ContainerFilter) -> Result<Vec<ContainerSummary>, RuntimeError> {
        let call = Call::get("/containers/json")
            .query("all", "true")
            .query("filters", &list_filters(filter));
        let rows: Result<Vec<ListedContainer>, Failure> = self.ask(call).await.and_then(|answer| answer.json());
        rows.map(|rows| summaries(rows, filter))
            .map_err(|failure| failure.into_error("list", "containers"))
    }

    async fn inspect_container(&self, id: &ContainerId) -> Result<ContainerDetail, RuntimeError> {
        let inspected = self.inspect(id).await;
        inspected
            .and_then(|(container, answer)| detail(container, &answer.body))
            .map_err(|failure| failure.into_error("inspect", &id.0))
    }

    async fn create_container(&self, spec: &ContainerSpec) -> Result<ContainerId, RuntimeError> {
        let engine = CreateTraits {
            init_path: self.init_program,
            limits_log_size: self.capabilities.limits_log_size,
        };
        let creating = async {
            let body = Payload::Json(create_body(spec, engine)?);
            let call = Call::post("/containers/create").payload(body);
            let made: Made = self.libpod.ask(call, self.limits.work).await?.json()?;
            Ok(ContainerId(made.id))
        };
        creating
            .await
            .map_err(|failure: Failure| failure.into_error("create", &spec.name))
    }

    async fn start_container(&self, id: &ContainerId) -> Result<StartOutcome, RuntimeError> {
        self.bridges.announce_changes();
        let asked = self
            .libpod
            .ask(Call::post(container_path(id, "start")), self.limits.work)
            .await;
        self.bridges.announce_changes();
        match asked {
            Ok(answer) if answer.status == 304 => Ok(StartOutcome::AlreadyRunning),
            Ok(_) => Ok(StartOutcome::Started),
            Err(failure) => Err(failure.into_error("start", &id.0)),
        }
    }

    async fn stop_container(&self, id: &ContainerId, timeout: Duration) -> Result<StopOutcome, RuntimeError> {
        self.stop(id, timeout)
            .await
            .map_err(|failure| failure.into_error("stop", &id.0))
    }

    async fn kill_container(&self, id: &ContainerId, signal: Signal) -> Result<KillOutcome, RuntimeError> {
        let call = Call::post(container_path(id, "kill")).query("signal", signal.name());
        match self.ask(call).await {
            Ok(_) => Ok(KillOutcome::Signalled),
            Err(failure) if failure.kind() == RuntimeErrorKind::Conflict => Ok(KillOutcome::NotRunning),
            Err(failure) => Err(failure.into_error("signal", &id.0)),
        }
    }

    async fn update_restart_policy(&self, id: &ContainerId, policy: RestartPolicy) -> Result<(), RuntimeError> {
        const OPERATION: &str = "change the restart policy of";
        if !self.capabilities.updates_restart_policy {
            let error = RuntimeError::new(RuntimeErrorKind::Unsupported, RUNTIME, OPERATION, &id.0);
            // Older versions answer 201 and change nothing.
            return Err(error.because("Podman can do this from version 5.1 on"));
        }
        let call = Call::post(container_path(id, "update"))
            .query("restartPolicy", policy.word())
            .query("restartRetries", &policy.max_retries().unwrap_or(0).to_string())
            .payload(Payload::Json(b"{}".to_vec()));
        self.ask(call)
            .await
            .map(|_| ())
            .map_err(|failure| failure.into_error(OPERATION, &id.0))
    }

    async fn rename_container(&self, id: &ContainerId, name: &str) -> Result<(), RuntimeError> {
        let container = self.podman.containers().get(escape(&id.0));
        self.through(self.limits.answer, container.rename(name))
            .await
            .map_err(|failure| failure.into_error("rename", &id.0))
    }

    async fn remove_container(&self, id: &ContainerId) -> Result<RemoveOutcome, RuntimeError> {
        let call = Call::delete(format!("/containers/{}", escape(&id.0)))
            .query("force", "true")
            // Without it, Podman 5 waits for the container's own stop timeout.
            .query("timeout", "0")
            .query("v", "true");
        match self.libpod.ask(call, self.limits.work).await {
            Ok(_) => Ok(RemoveOutcome::Removed),
            Err(failure) if failure.kind() == RuntimeErrorKind::NotFound => Ok(RemoveOutcome::AlreadyGone),
            Err(failure) => Err(failure.into_error("remove", &id.0)),
        }
    }

    async fn wait_container(&self, id: &ContainerId) -> Result<ExitCode, RuntimeError> {
        let call = Call::post(container_path(id, "wait"))
            .query("condition", "exited")
            .query("condition", "stopped")
            .query("interval", "100ms");
        let code: Result<i64, Failure> = self.libpod.ask(call, None).await.and_then(|answer| answer.json());
        code.map(ExitCode)
            .map_err(|failure| failure.into_error("wait for", &id.0))
    }

    async fn list_processes(&self, id: &ContainerId) -> Result<ProcessTable, RuntimeError> {
        self.top(id)
            .await
            .map_err(|failure| failure.into_error("list the processes of", &id.0))
    }

    fn read_logs(&self, id: &ContainerId, options: LogOptions) -> RuntimeStream<OutputChunk> {
        let call = Call::get(container_path(id, "logs"))
            .query("stdout", "true")
            .query("stderr", "true")
            .query("follow", if options.follow { "true" } else { "false" });
        let call = match options.tail {
            Some(lines) => call.query("tail", &lines.to_string()),
            None => call,
        };
        // A follower may hear nothing for long, not even headers.
        let idle = Some(self.limits.answer).filter(|_| !options.follow);
        let id = id.0.clone();
        output_frames(self.libpod.stream(call, idle))
            .map_err(move |failure| failure.into_error("read the logs of", &id))
            .boxed()
    }

    fn follow_events(&self, filter: &EventFilter) -> RuntimeStream<ContainerEvent> {
        let asked = match filter.network {
            Some(_) => filters(&std::collections::BTreeMap::new(), &[("type", &["network"])]),
            None => filters(&filter.labels, &[("type", &["container", "network"])]),
        };
        let call = Call::get("/events").query("stream", "true").query("filters", &asked);
        let since = filter.since;
        let call = match since.and_then(|since| since.duration_since(SystemTime::UNIX_EPOCH).ok()) {
            // Whole seconds are read by every version; what is too early is dropped on arrival.
            Some(since) => call.query("since", &since.as_secs().to_string()),
            None => call,
        };
        json_values::<EngineEvent>(self.libpod.stream(call, None))
            .try_filter_map(move |event| future::ok(container_event(event, since)))
            .map_err(|failure| failure.into_error("follow", "events"))
            .boxed()
    }
}
