//! Lifecycle, observing and events of containers over the engine's API.

use std::time::Duration;

use async_trait::async_trait;
use bollard::errors::Error;
use bollard::models::ContainerUpdateBody;
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, EventsOptionsBuilder, KillContainerOptionsBuilder, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder, RenameContainerOptionsBuilder, TopOptions, WaitContainerOptionsBuilder,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use hyper::{Method, StatusCode};
use ps_core::policies::RestartPolicy;
use ps_core::runtime::{
    ContainerDetail, ContainerEvent, ContainerFilter, ContainerId, ContainerRuntime, ContainerSpec, ContainerSummary,
    Document, EngineDetail, EngineIdentity, EventFilter, ExitCode, KillOutcome, LogOptions, OutputChunk, ProcessTable,
    RemoveOutcome, RuntimeCapabilities, RuntimeError, RuntimeErrorKind, RuntimeStream, Signal, StartOutcome,
    StopOutcome,
};

use crate::DockerRuntime;
use crate::classify_error::{Call, is_being_removed};
use crate::event_stream::{container_events, event_query, next_message};
use crate::terminals::output_chunk;
use crate::translate::{
    container_detail, container_list, create_body, engine_detail, engine_restart_policy, is_plain_word, parse_document,
    query_value, whole_seconds,
};

impl DockerRuntime {
    /// A looking call whose answer is wanted whole.
    async fn document(&self, call: Call<'_>, path: &str) -> Result<Document, RuntimeError> {
        let answer = self.transport.ask(Method::GET, path, Bytes::new());
        let answer = call.bounded(self.limits.look, answer).await?;
        parse_document(&answer.body).map_err(|error| call.failed(RuntimeErrorKind::Unexpected).because(error))
    }

    /// A changing call of which the status says all.
    async fn status(&self, call: Call<'_>, path: &str, limit: Duration) -> Result<StatusCode, RuntimeError> {
        let answer = self.transport.ask(Method::POST, path, Bytes::new());
        call.bounded(limit, answer).await.map(|answer| answer.status)
    }
}

/// The call, and the container's word for the path.
pub(crate) fn on_container<'a>(
    operation: &'static str,
    id: &'a ContainerId,
) -> Result<(Call<'a>, &'a str), RuntimeError> {
    let call = Call::new(operation, &id.0);
    let is_word = is_plain_word(&id.0) && !id.0.contains('/');
    is_word
        .then_some((call, id.0.as_str()))
        .ok_or_else(|| call.failed(RuntimeErrorKind::NotFound))
}

#[async_trait]
impl ContainerRuntime for DockerRuntime {
    fn identity(&self) -> EngineIdentity {
        self.identity.clone()
    }

    fn capabilities(&self) -> RuntimeCapabilities {
        self.capabilities
    }

    async fn inspect_engine(&self) -> Result<EngineDetail, RuntimeError> {
        let call = Call::new("describe", "the engine");
        let engine = call.bounded(self.limits.look, self.docker.info()).await?;
        Ok(engine_detail(engine))
    }

    async fn list_containers(&self, filter: &ContainerFilter) -> Result<Vec<ContainerSummary>, RuntimeError> {
        let labels: Vec<String> = filter
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        // An empty list of networks would take no container at all.
        let filters = match &filter.network {
            Some(network) => serde_json::json!({ "label": labels, "network": [network] }),
            None => serde_json::json!({ "label": labels }),
        };
        let filters = filters.to_string();
        let path = format!("/containers/json?all=1&filters={}", query_value(&filters));
        let call = Call::new("list", "containers");
        let answer = self.transport.ask(Method::GET, &path, Bytes::new());
        let answer = call.bounded(self.limits.look, answer).await?;
        container_list(&answer.body).map_err(|error| call.failed(RuntimeErrorKind::Unexpected).because(error))
    }

    async fn inspect_container(&self, id: &ContainerId) -> Result<ContainerDetail, RuntimeError> {
        let (call, word) = on_container("inspect", id)?;
        Ok(container_detail(
            self.document(call, &format!("/containers/{word}/json")).await?,
        ))
    }

    async fn create_container(&self, spec: &ContainerSpec) -> Result<ContainerId, RuntimeError> {
        let log_driver = self.capabilities.limits_log_size.then_some(self.log_driver.as_str());
        let options = CreateContainerOptionsBuilder::new().name(&spec.name).build();
        let created = self
            .docker
            .create_container(Some(options), create_body(spec, log_driver));
        let created = Call::new("create", &spec.name)
            .bounded(self.limits.change, created)
            .await?;
        Ok(ContainerId(created.id))
    }

    async fn start_container(&self, id: &ContainerId) -> Result<StartOutcome, RuntimeError> {
        let (call, word) = on_container("start", id)?;
        let status = self
            .status(call, &format!("/containers/{word}/start"), self.limits.change)
            .await?;
        Ok(match status {
            StatusCode::NOT_MODIFIED => StartOutcome::AlreadyRunning,
            _ => StartOutcome::Started,
        })
    }

    async fn stop_container(&self, id: &ContainerId, timeout: Duration) -> Result<StopOutcome, RuntimeError> {
        let (call, word) = on_container("stop", id)?;
        let seconds = whole_seconds(timeout).min(u64::from(i32::MAX.unsigned_abs()));
        let limit = Duration::from_secs(seconds).saturating_add(self.limits.stop_margin);
        let status = self
            .status(call, &format!("/containers/{word}/stop?t={seconds}"), limit)
            .await?;
        Ok(match status {
            StatusCode::NOT_MODIFIED => StopOutcome::AlreadyStopped,
            _ => StopOutcome::Stopped,
        })
    }

    async fn kill_container(&self, id: &ContainerId, signal: Signal) -> Result<KillOutcome, RuntimeError> {
        let (call, word) = on_container("signal", id)?;
        let options = KillContainerOptionsBuilder::new().signal(signal.name()).build();
        match call
            .bounded(self.limits.change, self.docker.kill_container(word, Some(options)))
            .await
        {
            Ok(()) => Ok(KillOutcome::Signalled),
            Err(error) if error.kind == RuntimeErrorKind::Conflict => Ok(KillOutcome::NotRunning),
            Err(error) => Err(error),
        }
    }

    async fn update_restart_policy(&self, id: &ContainerId, policy: RestartPolicy) -> Result<(), RuntimeError> {
        let (call, word) = on_container("change the restart policy of", id)?;
        let restart_policy = Some(engine_restart_policy(policy));
        let body = ContainerUpdateBody {
            restart_policy,
            ..ContainerUpdateBody::default()
        };
        call.bounded(self.limits.change, self.docker.update_container(word, body))
            .await
    }

    async fn rename_container(&self, id: &ContainerId, name: &str) -> Result<(), RuntimeError> {
        let (call, word) = on_container("rename", id)?;
        let options = RenameContainerOptionsBuilder::new().name(name).build();
        call.bounded(self.limits.change, self.docker.rename_container(word, options))
            .await
    }

    async fn remove_container(&self, id: &ContainerId) -> Result<RemoveOutcome, RuntimeError> {
        let (call, word) = on_container("remove", id)?;
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        match call
            .bounded(self.limits.change, self.docker.remove_container(word, Some(options)))
            .await
        {
            Ok(()) => Ok(RemoveOutcome::Removed),
            Err(error) if error.kind == RuntimeErrorKind::NotFound => Ok(RemoveOutcome::AlreadyGone),
            Err(error) if is_being_removed(&error) => Ok(RemoveOutcome::AlreadyGone),
            Err(error) => Err(error),
        }
    }

    async fn wait_container(&self, id: &ContainerId) -> Result<ExitCode, RuntimeError> {
        let (call, word) = on_container("wait for", id)?;
        let options = WaitContainerOptionsBuilder::new().condition("not-running").build();
        let mut answers = Box::pin(self.docker.wait_container(word, Some(options)));
        match next_message(&mut answers).await {
            Some(Ok(answer)) => Ok(ExitCode(answer.status_code)),
            // bollard makes an error of every exit code above 0.
            Some(Err(Error::DockerContainerWaitError { code, .. })) => Ok(ExitCode(code)),
            Some(Err(error)) => Err(call.error(error)),
            None => Err(call
                .failed(RuntimeErrorKind::OutcomeUnknown)
                .because("the engine ended the answer early")),
        }
    }

    async fn list_processes(&self, id: &ContainerId) -> Result<ProcessTable, RuntimeError> {
        let (call, word) = on_container("list the processes of", id)?;
        let table = call
            .bounded(self.limits.look, self.docker.top_processes(word, None::<TopOptions>))
            .await?;
        let (titles, processes) = (table.titles.unwrap_or_default(), table.processes.unwrap_or_default());
        Ok(ProcessTable { titles, processes })
    }

    fn read_logs(&self, id: &ContainerId, options: LogOptions) -> RuntimeStream<OutputChunk> {
        let (subject, word) = match on_container("read the logs of", id) {
            Ok((_, word)) => (id.0.clone(), word),
            Err(error) => return stream::once(async { Err(error) }).boxed(),
        };
        let tail = options.tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
        let options = LogsOptionsBuilder::new()
            .follow(options.follow)
            .stdout(true)
            .stderr(true)
            .tail(&tail)
            .build();
        let logs = self.docker.logs(word, Some(options));
        logs.map(move |chunk| match chunk {
            Ok(chunk) => Ok(output_chunk(chunk)),
            Err(error) => Err(Call::new("read the logs of", &subject).error(error)),
        })
        .boxed()
    }

    fn follow_events(&self, filter: &EventFilter) -> RuntimeStream<ContainerEvent> {
        let (filters, since) = event_query(filter);
        let mut options = EventsOptionsBuilder::new().filters(&filters);
        if let Some(since) = since {
            options = options.since(&since);
        }
        container_events(self.docker.events(Some(options.build())))
    }
}
