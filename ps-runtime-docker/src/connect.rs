//! A connected engine. Who holds a [`DockerRuntime`] knows that a Docker engine answered, which one, and what it can do.

use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use bytes::Bytes;
use hyper::Method;
use ps_core::runtime::{EngineAddress, EngineIdentity, RuntimeCapabilities, RuntimeError, RuntimeErrorKind};

use crate::CallLimits;
use crate::capabilities::{found_capabilities, found_identity};
use crate::classify_error::Call;
use crate::transport::Transport;

/// A Docker engine. Cheap to clone; clones share nothing but facts, since every call opens a connection of its own.
#[derive(Debug, Clone)]
pub struct DockerRuntime {
    pub(crate) docker: Docker,
    pub(crate) transport: Transport,
    pub(crate) limits: CallLimits,
    pub(crate) identity: EngineIdentity,
    pub(crate) capabilities: RuntimeCapabilities,
    /// The engine's own log driver, which a container's log limit has to name.
    pub(crate) log_driver: String,
}

impl DockerRuntime {
    /// Connects to the engine that listens at an address and asks what it is.
    ///
    /// Fails with `Unreachable` when nobody listens, `PermissionDenied` when the socket may not be opened, `OutcomeUnknown` when
    /// something listens that does not answer in time, and `Unsupported` when it is Podman, which has a backend of its own.
    pub async fn connect(address: &EngineAddress, limits: CallLimits) -> Result<Self, RuntimeError> {
        let subject = address.to_string();
        let call = Call::new("connect to", &subject);
        let transport = Transport::new(address.clone(), limits.connect);
        let pong = call
            .bounded(limits.ping, transport.ask(Method::GET, "/_ping", Bytes::new()))
            .await?;
        if pong.headers.contains_key("libpod-api-version") {
            return Err(call
                .failed(RuntimeErrorKind::Unsupported)
                .because("Podman answers there"));
        }
        let docker = call.bounded(limits.look, over(&transport)?.negotiate_version()).await?;
        let engine = call.bounded(limits.look, docker.info()).await?;
        let version = call.bounded(limits.look, docker.version()).await?;
        let identity = found_identity(&engine, version.version.unwrap_or_default());
        let capabilities = found_capabilities(&engine, address);
        let log_driver = engine.logging_driver.unwrap_or_default();
        Ok(Self {
            docker,
            transport,
            limits,
            identity,
            capabilities,
            log_driver,
        })
    }
}

/// A client without a limit of its own: bollard bounds only the headers, so [`Call::bounded`] bounds whole calls, and its
/// limit would cut streams that have nothing to say yet.
fn over(transport: &Transport) -> Result<Docker, RuntimeError> {
    let wire = transport.clone();
    let send = move |request: BollardRequest| {
        let wire = wire.clone();
        async move { wire.send(request).await }
    };
    let limit = Duration::MAX.as_secs();
    Docker::connect_with_custom_transport(send, Some("http://localhost"), limit, API_DEFAULT_VERSION)
        .map_err(|error| Call::new("connect to", "the engine").error(error))
}
