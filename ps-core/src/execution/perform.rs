//! One step: fill in what earlier steps brought, make the call, keep its result. Nothing is decided here.

use bytes::Bytes;
use futures_util::StreamExt;

use super::deaths::Deaths;
use super::events::OperationEvent;
use super::execute::ExecutionPorts;
use super::readiness::{NotReady, Ready, last_lines, wait_until_ready};
use crate::addresses::Endpoint;
use crate::app::Serving;
use crate::names::AppName;
use crate::plan::{
    Action, ContainerRef, EndpointRef, EngineAction, ImageAction, PlannedServing, StoreAction, Switch, WaitAction,
};
use crate::runtime::{
    BuildEvent, BuildRequest, ContainerId, ContainerSpec, ImageId, LogOptions, LostAnswers, OutputChannel,
    PublishedPort, PullEvent, RemoveOutcome, RuntimeError, RuntimeErrorKind,
};
use crate::store::{StoreChange, StoreError};

/// The most bytes read of a file inside an image: a Procfile, with the archive around it.
const FILE_LIMIT: usize = 2 * 1024 * 1024;

/// How often a removal is asked for again while a crash loop or a build gets in its way, and how long after the last time.
const REMOVAL_TRIES: u32 = 20;
const REMOVAL_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// What a step brought, for later steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepResult {
    /// Nothing that others need.
    Nothing,
    /// A new container.
    Container(ContainerId),
    /// Reserved endpoints, in the order they were asked for.
    Endpoints(Vec<Endpoint>),
    /// A built image.
    Image(ImageId),
    /// A file's archive; `None` when there is no such file.
    File(Option<Bytes>),
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The engine.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A replica did not become ready.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// A one-off process ended with another code than 0.
    #[error("it ended with exit code {exit_code}")]
    Unsuccessful {
        /// The code.
        exit_code: i64,
        /// The last lines it wrote.
        last_lines: Vec<String>,
    },
    /// The command was cancelled while the step waited.
    #[error("it was cancelled")]
    Cancelled,
    /// An earlier step's result is missing: a bug in a planner.
    #[error("the plan refers to a step that brought nothing of the kind")]
    MissingResult,
}

/// Results of the steps so far, by position.
pub(crate) type Results = [Option<StepResult>];

fn result_of(results: &Results, step: crate::plan::StepId) -> Option<&StepResult> {
    results.get(step.position()).and_then(Option::as_ref)
}

fn container_id(results: &Results, container: &ContainerRef) -> Result<ContainerId, StepError> {
    match container {
        ContainerRef::Existing { id, .. } => Ok(id.clone()),
        ContainerRef::Made(step) => match result_of(results, *step) {
            Some(StepResult::Container(id)) => Ok(id.clone()),
            _ => Err(StepError::MissingResult),
        },
    }
}

fn endpoint(results: &Results, endpoint: EndpointRef) -> Result<Endpoint, StepError> {
    match result_of(results, endpoint.step) {
        Some(StepResult::Endpoints(endpoints)) => endpoints
            .get(endpoint.position)
            .copied()
            .ok_or(StepError::MissingResult),
        _ => Err(StepError::MissingResult),
    }
}

/// A step's action with every reference to an earlier step resolved: what is left is one call.
pub(crate) enum Call {
    Engine(EngineCall),
    Wait(ContainerId, WaitAction),
    Store(StoreCall),
    Image(ImageAction),
}

pub(crate) enum EngineCall {
    Create(Box<ContainerSpec>),
    On(ContainerId, EngineAction),
    Network(EngineAction),
}

pub(crate) enum StoreCall {
    Apply(Vec<StoreChange>),
    Reserve(StoreAction),
}

/// Fills in what earlier steps brought.
pub(crate) fn resolve(action: &Action, results: &Results) -> Result<Call, StepError> {
    Ok(match action {
        Action::Engine(action) => Call::Engine(resolve_engine(action, results)?),
        Action::Wait(action) => {
            let (WaitAction::Ready { container, .. } | WaitAction::Succeeded { container, .. }) = action;
            Call::Wait(container_id(results, container)?, action.clone())
        }
        Action::Image(action) => Call::Image(action.clone()),
        Action::Store(StoreAction::Record(changes)) => Call::Store(StoreCall::Apply(changes.clone())),
        Action::Store(StoreAction::Switch(switch)) => Call::Store(StoreCall::Apply(switch_changes(switch, results)?)),
        Action::Store(reserve @ StoreAction::ReserveEndpoints { .. }) => {
            Call::Store(StoreCall::Reserve(reserve.clone()))
        }
    })
}

fn resolve_engine(action: &EngineAction, results: &Results) -> Result<EngineCall, StepError> {
    let container = match action {
        EngineAction::CreateNetwork(_) => return Ok(EngineCall::Network(action.clone())),
        EngineAction::Create { spec, endpoint: None } => return Ok(EngineCall::Create(spec.clone())),
        EngineAction::Create {
            spec,
            endpoint: Some(reference),
        } => {
            let mut spec = spec.clone();
            place_at(&mut spec, endpoint(results, *reference)?, reference.container_port);
            return Ok(EngineCall::Create(spec));
        }
        EngineAction::Start(container)
        | EngineAction::Remove(container)
        | EngineAction::ReadFile { container, .. }
        | EngineAction::Stop { container, .. }
        | EngineAction::Kill { container, .. }
        | EngineAction::UpdateRestartPolicy { container, .. }
        | EngineAction::Rename { container, .. } => container,
    };
    Ok(EngineCall::On(container_id(results, container)?, action.clone()))
}

fn place_at(spec: &mut ContainerSpec, endpoint: Endpoint, container_port: u16) {
    match (endpoint, spec.network.as_mut()) {
        (Endpoint::Address(address), Some(network)) => network.address = Some(address),
        (Endpoint::Address(_), None) => {}
        (Endpoint::LoopbackPort(host_port), _) => spec.published_ports.push(PublishedPort {
            host_address: std::net::Ipv4Addr::LOCALHOST.into(),
            host_port,
            container_port,
        }),
    }
}

fn switch_changes(switch: &Switch, results: &Results) -> Result<Vec<StoreChange>, StepError> {
    let app = &switch.app;
    let release = switch.release.clone().map(|release| StoreChange::RecordRelease {
        app: app.clone(),
        release,
    });
    let mut changes: Vec<StoreChange> = release.into_iter().collect();
    for planned in &switch.serve {
        changes.push(serve_change(app, planned, results)?);
    }
    changes.extend(switch.changes.iter().cloned());
    Ok(changes)
}

fn serve_change(app: &AppName, planned: &PlannedServing, results: &Results) -> Result<StoreChange, StepError> {
    let serving = Serving {
        container: container_id(results, &planned.container)?,
        generation: planned.generation,
        release: planned.release,
        endpoint: planned
            .endpoint
            .map(|reference| endpoint(results, reference))
            .transpose()?,
    };
    Ok(StoreChange::Serve {
        app: app.clone(),
        replica: planned.replica.clone(),
        serving,
    })
}

/// Makes the call.
pub(crate) async fn perform(
    ports: &ExecutionPorts<'_>,
    app: &AppName,
    deaths: &Deaths,
    call: Call,
) -> Result<StepResult, StepError> {
    match call {
        Call::Engine(EngineCall::Create(spec)) => Ok(StepResult::Container(
            LostAnswers::new(ports.engine).create_container(&spec).await?,
        )),
        Call::Engine(EngineCall::Network(action)) => perform_on_network(ports, &action).await,
        Call::Engine(EngineCall::On(id, action)) => perform_on_container(ports, &id, &action).await,
        Call::Image(action) => perform_on_image(ports, app, &action).await,
        Call::Wait(id, action) => perform_wait(ports, app, deaths, &id, &action).await,
        Call::Store(StoreCall::Apply(changes)) => {
            ports.store.apply(&changes).await?;
            Ok(StepResult::Nothing)
        }
        Call::Store(StoreCall::Reserve(action)) => reserve(ports, &action).await,
    }
}

async fn perform_on_network(ports: &ExecutionPorts<'_>, action: &EngineAction) -> Result<StepResult, StepError> {
    let EngineAction::CreateNetwork(spec) = action else {
        return Err(StepError::MissingResult);
    };
    match ports.engine.create_network(spec).await {
        // Another command of the same state directory made it in between.
        Err(error) if error.kind == RuntimeErrorKind::NameInUse => Ok(StepResult::Nothing),
        made => Ok(made.map(|()| StepResult::Nothing)?),
    }
}

async fn perform_on_container(
    ports: &ExecutionPorts<'_>,
    id: &ContainerId,
    action: &EngineAction,
) -> Result<StepResult, StepError> {
    let engine = ports.engine;
    match action {
        EngineAction::Start(_) => engine.start_container(id).await.map(drop)?,
        EngineAction::Stop { timeout, .. } => gone_is_fine(engine.stop_container(id, *timeout).await.map(drop))?,
        EngineAction::Kill { signal, .. } => gone_is_fine(engine.kill_container(id, *signal).await.map(drop))?,
        EngineAction::Remove(_) => remove(ports, || engine.remove_container(id)).await?,
        EngineAction::Rename { to, .. } => gone_is_fine(engine.rename_container(id, to).await)?,
        EngineAction::UpdateRestartPolicy { policy, .. } => {
            gone_is_fine(engine.update_restart_policy(id, *policy).await)?;
        }
        EngineAction::ReadFile { path, .. } => {
            return match engine.read_container_file(id, path, FILE_LIMIT).await {
                Err(error) if error.kind == RuntimeErrorKind::NotFound => Ok(StepResult::File(None)),
                file => Ok(StepResult::File(Some(file?))),
            };
        }
        EngineAction::CreateNetwork(_) | EngineAction::Create { .. } => return Err(StepError::MissingResult),
    }
    Ok(StepResult::Nothing)
}

/// Asks for a removal again while it is refused as a conflict. For a moment a crash loop gets in the way of a container's
/// removal, as the port says, and a build that looks at an image in the way of the image's.
async fn remove<F>(ports: &ExecutionPorts<'_>, removal: impl Fn() -> F) -> Result<(), RuntimeError>
where
    F: Future<Output = Result<RemoveOutcome, RuntimeError>>,
{
    for _ in 0..REMOVAL_TRIES {
        match removal().await {
            Err(error) if error.kind == RuntimeErrorKind::Conflict => ports.clock.sleep(REMOVAL_PAUSE).await,
            removed => return removed.map(drop),
        }
    }
    removal().await.map(drop)
}

/// A container that is gone has no process, holds no name and is never revived: what was wanted holds already. A retirement
/// may take one away at any moment.
fn gone_is_fine(result: Result<(), RuntimeError>) -> Result<(), RuntimeError> {
    match result {
        Err(error) if error.kind == RuntimeErrorKind::NotFound => Ok(()),
        other => other,
    }
}

async fn perform_wait(
    ports: &ExecutionPorts<'_>,
    app: &AppName,
    deaths: &Deaths,
    id: &ContainerId,
    action: &WaitAction,
) -> Result<StepResult, StepError> {
    match action {
        WaitAction::Ready { readiness, container } => {
            if let Ready::NeverListened(port) = wait_until_ready(ports, deaths, id, *readiness).await? {
                let text = format!("{container} does not listen on port {port}; set PORT, or let it listen there");
                ports.events.emit(OperationEvent::Warning { app: app.clone(), text });
            }
        }
        WaitAction::Succeeded { .. } => {
            pass_on_output(ports, app, id).await;
            let exit_code = ports.engine.wait_container(id).await?.0;
            if exit_code != 0 {
                let last_lines = last_lines(ports.engine, id).await;
                return Err(StepError::Unsuccessful { exit_code, last_lines });
            }
        }
    }
    Ok(StepResult::Nothing)
}

async fn pass_on_output(ports: &ExecutionPorts<'_>, app: &AppName, id: &ContainerId) {
    let mut logs = ports.engine.read_logs(
        id,
        LogOptions {
            follow: true,
            tail: None,
        },
    );
    while let Some(Ok(chunk)) = logs.next().await {
        for line in String::from_utf8_lossy(&chunk.bytes).lines() {
            let line = line.trim_end().to_owned();
            let event = OperationEvent::Output {
                app: app.clone(),
                from: "release",
                channel: chunk.channel,
                line,
            };
            ports.events.emit(event);
        }
    }
}

async fn perform_on_image(
    ports: &ExecutionPorts<'_>,
    app: &AppName,
    action: &ImageAction,
) -> Result<StepResult, StepError> {
    // The engine repeats what stands in the source, and an app's values may stand there too.
    let line = |line: &str| OperationEvent::Output {
        app: app.clone(),
        from: "build",
        channel: OutputChannel::Out,
        line: ports.redactor.redact(line).into_owned(),
    };
    match action {
        ImageAction::Build { tag, labels, .. } => {
            let context = ports.context.ok_or(StepError::MissingResult)?;
            let mut progress = ports.engine.build_image(BuildRequest {
                context: context.open(),
                dockerfile: context.dockerfile(),
                tag: tag.clone(),
                labels: labels.clone(),
            });
            while let Some(event) = progress.next().await {
                match event? {
                    BuildEvent::Line(text) => ports.events.emit(line(&text)),
                    BuildEvent::Step(_) => {}
                    BuildEvent::Built(id) => return Ok(StepResult::Image(id)),
                }
            }
            Err(StepError::MissingResult)
        }
        ImageAction::Pull { image } => {
            let mut progress = ports.engine.pull_image(image, ports.credentials);
            while let Some(event) = progress.next().await {
                let PullEvent::Line(text) = event?;
                ports.events.emit(line(&text));
            }
            Ok(StepResult::Nothing)
        }
        ImageAction::Tag { image, tag } => {
            ports.engine.tag_image(image, tag).await?;
            Ok(StepResult::Nothing)
        }
        ImageAction::Remove { image } => {
            remove(ports, || ports.engine.remove_image(image)).await?;
            Ok(StepResult::Nothing)
        }
    }
}

async fn reserve(ports: &ExecutionPorts<'_>, action: &StoreAction) -> Result<StepResult, StepError> {
    let StoreAction::ReserveEndpoints { app, kind, wanted } = action else {
        return Err(StepError::MissingResult);
    };
    let host = ports.host;
    let is_usable = |endpoint: Endpoint| match endpoint {
        Endpoint::Address(_) => true,
        Endpoint::LoopbackPort(port) => host.is_loopback_port_free(port),
    };
    Ok(StepResult::Endpoints(
        ports.store.reserve_endpoints(app, *kind, wanted, &is_usable).await?,
    ))
}
