//! One step: fill in what earlier steps brought, make the call, keep its result. Nothing is decided here.

use std::net::SocketAddrV4;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::StreamExt;

use super::deaths::Deaths;
use super::events::OperationEvent;
use super::execute::ExecutionPorts;
use super::images::perform_on_image;
use super::locate::locate;
use super::networks::{connect, make_network, remove_network};
use super::one_off_output::{AttachedOutput, pass_on_output};
use super::readiness::{Candidate, NotReady, last_lines, wait_until_ready};
use super::recorded::{as_located, switch_changes};
use crate::addresses::Endpoint;
use crate::names::{AppName, Replica};
use crate::plan::{
    Action, ContainerRef, EndpointPlace, EndpointRef, EngineAction, IfAbsent, ImageAction, Position, ProxyAction,
    StoreAction, WaitAction, WaitingRestart,
};
use crate::proxy::{ProxyError, Site, SiteChange, Upstream};
use crate::runtime::{
    ContainerId, ContainerSpec, ImageId, LostAnswers, NetworkSpec, PublishedPort, RemoveOutcome, RuntimeError,
    RuntimeErrorKind, TerminalMode,
};
use crate::source::SourceError;
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
    /// What a loaded archive held: names of images, and ids of those without a name.
    Loaded(Vec<String>),
    /// A file's archive; `None` when there is no such file.
    File(Option<Bytes>),
    /// The streams of a container.
    Attached(AttachedOutput),
    /// A replica is ready; what failed and is only to be said.
    Ready(Vec<String>),
    /// A container, and where it listens; `None` when it does not run there.
    Located(ContainerId, Option<SocketAddrV4>),
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
    /// The source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The proxy.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// A container that should get requests does not run any more, or is not where it should be.
    #[error("{container} does not run, or has no address that requests can be sent to")]
    NotThere {
        /// Full id.
        container: ContainerId,
    },
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

pub(super) fn container_id(results: &Results, container: &ContainerRef) -> Result<ContainerId, StepError> {
    match container {
        ContainerRef::Existing { id, .. } => Ok(id.clone()),
        ContainerRef::Made(step) => match result_of(results, *step) {
            Some(StepResult::Container(id)) => Ok(id.clone()),
            _ => Err(StepError::MissingResult),
        },
    }
}

pub(super) fn endpoint(results: &Results, endpoint: EndpointRef) -> Result<Endpoint, StepError> {
    match result_of(results, endpoint.step) {
        Some(StepResult::Endpoints(endpoints)) => endpoints
            .get(endpoint.position)
            .copied()
            .ok_or(StepError::MissingResult),
        _ => Err(StepError::MissingResult),
    }
}

fn placed(results: &Results, place: EndpointPlace) -> Result<Endpoint, StepError> {
    match place {
        EndpointPlace::Known(known) => Ok(known),
        EndpointPlace::Reserved(reference) => endpoint(results, reference),
    }
}

/// A step's action with every reference to an earlier step resolved: what is left is one call.
pub(crate) enum Call {
    Engine(EngineCall),
    Wait(ContainerId, Option<Endpoint>, WaitAction, Option<AttachedOutput>),
    Store(StoreCall),
    Image(ImageAction),
    Proxy(SiteChange),
}

pub(crate) enum EngineCall {
    Create(Box<ContainerSpec>),
    On(ContainerId, EngineAction),
    Network(NetworkSpec),
    NoNetwork(String),
    Locate(ContainerId, Place, IfAbsent),
}

/// Where a container is looked for.
pub(crate) enum Place {
    InNetwork { network: String, default_port: u16 },
    At(Endpoint),
}

pub(crate) enum StoreCall {
    Apply(Vec<StoreChange>),
    Reserve(StoreAction),
}

/// Fills in what earlier steps brought.
pub(crate) fn resolve(action: &Action, results: &Results, now: SystemTime) -> Result<Call, StepError> {
    Ok(match action {
        Action::Engine(action) => Call::Engine(resolve_engine(action, results)?),
        Action::Wait(action) => {
            let (container, place) = match action {
                WaitAction::Ready {
                    container, endpoint, ..
                } => (container, *endpoint),
                WaitAction::Succeeded { container, .. } => (container, None),
            };
            let endpoint = place.map(|place| placed(results, place)).transpose()?;
            let output = attached(results, action)?;
            Call::Wait(container_id(results, container)?, endpoint, action.clone(), output)
        }
        Action::Image(action) => Call::Image(action.clone()),
        Action::Proxy(action) => Call::Proxy(resolve_proxy(action, results)?),
        Action::Store(StoreAction::Record(changes)) => {
            Call::Store(StoreCall::Apply(as_located(changes.clone(), results)))
        }
        Action::Store(StoreAction::Switch(switch)) => {
            let changes = switch_changes(switch, results, now)?;
            Call::Store(StoreCall::Apply(as_located(changes, results)))
        }
        Action::Store(reserve @ StoreAction::ReserveEndpoints { .. }) => {
            Call::Store(StoreCall::Reserve(reserve.clone()))
        }
    })
}

fn resolve_engine(action: &EngineAction, results: &Results) -> Result<EngineCall, StepError> {
    let container = match action {
        EngineAction::CreateNetwork(spec) => return Ok(EngineCall::Network(spec.clone())),
        EngineAction::RemoveNetwork(name) => return Ok(EngineCall::NoNetwork(name.clone())),
        EngineAction::Create { spec, endpoint: None } => return Ok(EngineCall::Create(spec.clone())),
        EngineAction::Create {
            spec,
            endpoint: Some(reference),
        } => {
            let mut spec = spec.clone();
            place_at(&mut spec, endpoint(results, *reference)?, reference.container_port);
            return Ok(EngineCall::Create(spec));
        }
        EngineAction::Locate {
            container,
            position,
            if_absent,
        } => {
            let place = match position {
                Position::InNetwork { network, default_port } => Place::InNetwork {
                    network: network.clone(),
                    default_port: *default_port,
                },
                Position::OnLoopback(place) => Place::At(placed(results, *place)?),
            };
            return Ok(EngineCall::Locate(container_id(results, container)?, place, *if_absent));
        }
        EngineAction::Start(container)
        | EngineAction::Remove(container)
        | EngineAction::Connect { container, .. }
        | EngineAction::Disconnect { container, .. }
        | EngineAction::Attach { container, .. }
        | EngineAction::Commit { container, .. }
        | EngineAction::ReadFile { container, .. }
        | EngineAction::Stop { container, .. }
        | EngineAction::Kill { container, .. }
        | EngineAction::UpdateRestartPolicy { container, .. }
        | EngineAction::Rename { container, .. } => container,
    };
    Ok(EngineCall::On(container_id(results, container)?, action.clone()))
}

fn resolve_proxy(action: &ProxyAction, results: &Results) -> Result<SiteChange, StepError> {
    let (app, settings, planned) = match action {
        ProxyAction::Remove(app) => return Ok(SiteChange::Remove(app.clone())),
        ProxyAction::Serve {
            app,
            settings,
            upstreams,
        } => (app, settings, upstreams),
    };
    let mut upstreams = Vec::new();
    for upstream in planned {
        let Some(StepResult::Located(container, address)) = result_of(results, upstream.located) else {
            return Err(StepError::MissingResult);
        };
        upstreams.extend(address.map(|address| Upstream {
            replica: upstream.replica.clone(),
            container: container.clone(),
            address,
        }));
    }
    Ok(SiteChange::Serve(Site {
        app: app.clone(),
        settings: settings.clone(),
        upstreams,
    }))
}

fn attached(results: &Results, action: &WaitAction) -> Result<Option<AttachedOutput>, StepError> {
    let WaitAction::Succeeded {
        attached: Some(step), ..
    } = action
    else {
        return Ok(None);
    };
    match result_of(results, *step) {
        Some(StepResult::Attached(output)) => Ok(Some(output.clone())),
        _ => Err(StepError::MissingResult),
    }
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

/// Makes the call.
pub(crate) async fn perform(
    ports: &ExecutionPorts<'_>,
    app: &AppName,
    replica: Option<&Replica>,
    deaths: &Deaths,
    call: Call,
) -> Result<StepResult, StepError> {
    match call {
        Call::Engine(EngineCall::Create(spec)) => Ok(StepResult::Container(
            LostAnswers::new(ports.engine).create_container(&spec).await?,
        )),
        Call::Engine(EngineCall::NoNetwork(name)) => {
            remove_network(ports.engine, &name).await?;
            Ok(StepResult::Nothing)
        }
        Call::Engine(EngineCall::Network(spec)) => {
            make_network(ports.engine, ports.clock, &spec).await?;
            Ok(StepResult::Nothing)
        }
        Call::Engine(EngineCall::On(id, action)) => perform_on_container(ports, &id, &action).await,
        Call::Engine(EngineCall::Locate(id, place, if_absent)) => locate(ports, &id, place, if_absent).await,
        Call::Proxy(change) => {
            ports.proxy.change_sites(&[change]).await?;
            Ok(StepResult::Nothing)
        }
        Call::Image(action) => perform_on_image(ports, app, &action).await,
        Call::Wait(id, endpoint, action, output) => {
            let candidate = Candidate {
                ports,
                app,
                replica,
                id: &id,
                endpoint,
                age: std::time::Duration::ZERO,
            };
            perform_wait(candidate, deaths, &action, output.as_ref()).await
        }
        Call::Store(StoreCall::Apply(changes)) => {
            ports.store.apply(&changes).await?;
            Ok(StepResult::Nothing)
        }
        Call::Store(StoreCall::Reserve(action)) => reserve(ports, &action).await,
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
        EngineAction::Rename { to, waiting, .. } => gone_is_fine(rename(ports, id, to, *waiting).await)?,
        EngineAction::UpdateRestartPolicy { policy, .. } => {
            gone_is_fine(engine.update_restart_policy(id, *policy).await)?;
        }
        EngineAction::Attach { script, .. } => {
            let line = Bytes::from(script.line());
            let input = futures_util::stream::iter([Ok(line)]).boxed();
            let output = engine.attach_container(id, TerminalMode::Input, input).await?;
            return Ok(StepResult::Attached(AttachedOutput::new(output)));
        }
        EngineAction::Commit { spec, .. } => return Ok(StepResult::Image(engine.commit_container(id, spec).await?)),
        EngineAction::ReadFile { path, .. } => {
            return match engine.read_container_file(id, path, FILE_LIMIT).await {
                Err(error) if error.kind == RuntimeErrorKind::NotFound => Ok(StepResult::File(None)),
                file => Ok(StepResult::File(Some(file?))),
            };
        }
        EngineAction::Connect { .. } | EngineAction::Disconnect { .. } => connect(engine, id, action).await?,
        EngineAction::CreateNetwork(_)
        | EngineAction::RemoveNetwork(_)
        | EngineAction::Create { .. }
        | EngineAction::Locate { .. } => {
            return Err(StepError::MissingResult);
        }
    }
    Ok(StepResult::Nothing)
}

/// Renames. Some engines refuse that as a conflict while a container waits for its restart; the plan says what follows.
async fn rename(
    ports: &ExecutionPorts<'_>,
    id: &ContainerId,
    to: &str,
    waiting: WaitingRestart,
) -> Result<(), RuntimeError> {
    match (ports.engine.rename_container(id, to).await, waiting) {
        (Err(error), WaitingRestart::Ends(timeout)) if error.kind == RuntimeErrorKind::Conflict => {
            ports.engine.stop_container(id, timeout).await?;
            ports.engine.rename_container(id, to).await
        }
        (Err(error), WaitingRestart::GoesOn) if error.kind == RuntimeErrorKind::Conflict => Ok(()),
        (renamed, _) => renamed,
    }
}

/// Asks for a removal again while it is refused as a conflict. For a moment a crash loop gets in the way of a container's
/// removal, as the port says, and a build that looks at an image in the way of the image's.
pub(super) async fn remove<F>(ports: &ExecutionPorts<'_>, removal: impl Fn() -> F) -> Result<(), RuntimeError>
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
    candidate: Candidate<'_>,
    deaths: &Deaths,
    action: &WaitAction,
    output: Option<&AttachedOutput>,
) -> Result<StepResult, StepError> {
    let Candidate { ports, app, id, .. } = candidate;
    match action {
        WaitAction::Ready { readiness, age, .. } => {
            let candidate = Candidate { age: *age, ..candidate };
            let warnings = wait_until_ready(candidate, deaths, readiness).await?;
            for warning in &warnings {
                let who = candidate
                    .replica
                    .map_or_else(|| app.to_string(), |replica| format!("{app}.{replica}"));
                let text = format!("{who}: {warning}");
                ports.events.emit(OperationEvent::Warning { app: app.clone(), text });
            }
            Ok(StepResult::Ready(warnings))
        }
        WaitAction::Succeeded { kind, .. } => {
            pass_on_output(ports, app, id, *kind, output).await;
            let exit_code = ports.engine.wait_container(id).await?.0;
            if exit_code != 0 {
                let last_lines = last_lines(ports.engine, id).await;
                return Err(StepError::Unsuccessful { exit_code, last_lines });
            }
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
