//! Docker and Podman behind a socket.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use ps_core::host::{Clock, Host};
use ps_core::runtime::{Engine, EngineAddress};
use ps_core::testing::Script;
use ps_host_linux::LinuxHost;
use ps_runtime_docker::DockerRuntime;
use ps_runtime_podman::PodmanRuntime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::gate::Gate;
use crate::conformance::{Breakage, EngineUnderTest, Failure, base_image};

/// Which backend speaks to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `ps-runtime-docker`
    Docker,
    /// `ps-runtime-podman`
    Podman,
}

/// An engine on this machine.
#[derive(Debug)]
pub struct RealEngine {
    kind: Kind,
    socket: PathBuf,
    host: LinuxHost,
    gates: Mutex<Vec<Gate>>,
}

/// Where Debian's busybox-static installs itself.
const BUSYBOX: [&str; 3] = ["/bin/busybox", "/usr/bin/busybox", "/bin/busybox.static"];

/// A static busybox, where there is one.
pub fn static_busybox() -> Option<&'static Path> {
    BUSYBOX.iter().map(Path::new).find(|path| path.exists())
}

impl RealEngine {
    /// The engine whose socket a variable names; the reason when it is not there.
    pub fn from_variable(kind: Kind, variable: &str) -> Result<Self, String> {
        let socket = env::var_os(variable).filter(|value| !value.is_empty());
        let socket = socket
            .map(PathBuf::from)
            .ok_or_else(|| format!("{variable} is not set"))?;
        let bare = socket
            .to_str()
            .and_then(|text| text.strip_prefix("unix://"))
            .map(PathBuf::from);
        let socket = bare.unwrap_or(socket);
        if !socket.exists() {
            return Err(format!("no socket at {}", socket.display()));
        }
        Ok(Self {
            kind,
            socket,
            host: LinuxHost::new(),
            gates: Mutex::default(),
        })
    }

    /// Another handle for the same engine.
    #[must_use]
    pub fn again(&self) -> Self {
        Self {
            kind: self.kind,
            socket: self.socket.clone(),
            host: LinuxHost::new(),
            gates: Mutex::default(),
        }
    }

    /// Where psctl finds it.
    pub fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Imports the base image under a name.
    pub async fn import_base(&self, name: &str) -> Result<(), Failure> {
        let busybox = static_busybox().ok_or("no static busybox: install busybox-static")?;
        let archive = stream::iter([Ok(base_image(busybox)?)]).boxed();
        let engine = self.connect().await?;
        engine.import_image(archive, name, &["CMD [\"sh\"]".to_owned()]).await?;
        Ok(())
    }

    /// Removes the base image.
    pub async fn remove_base(&self, name: &str) -> Result<(), Failure> {
        self.connect().await?.remove_image(name).await?;
        Ok(())
    }

    /// An answer of the API that Docker and Podman share.
    async fn get(&self, path: &str) -> Result<String, Failure> {
        let mut connection = UnixStream::connect(&self.socket).await?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: engine\r\n\r\n");
        connection.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await?;
        let status = answer.lines().next().unwrap_or_default();
        if !status.contains(" 200 ") {
            return Err(format!("{path}: {status}").into());
        }
        Ok(answer)
    }

    async fn connect_to(&self, socket: PathBuf, has_short_limits: bool) -> Result<Arc<dyn Engine>, Failure> {
        let address = EngineAddress::Unix(socket);
        let short = Duration::from_secs(2);
        match self.kind {
            Kind::Docker => {
                let mut limits = ps_runtime_docker::CallLimits::default();
                if has_short_limits {
                    (limits.look, limits.change, limits.stop_margin) = (short, short, short);
                }
                Ok(Arc::new(DockerRuntime::connect(&address, limits).await?))
            }
            Kind::Podman => {
                let mut limits = ps_runtime_podman::CallLimits::default();
                if has_short_limits {
                    (limits.answer, limits.work, limits.stop_margin) = (short, short, short);
                }
                Ok(Arc::new(PodmanRuntime::connect(&address, limits).await?))
            }
        }
    }
}

#[async_trait]
impl EngineUnderTest for RealEngine {
    async fn connect(&self) -> Result<Arc<dyn Engine>, Failure> {
        self.connect_to(self.socket.clone(), false).await
    }

    async fn connect_broken(&self, breakage: Breakage) -> Result<Arc<dyn Engine>, Failure> {
        let mut gate = Gate::open(&self.socket)?;
        let engine = self.connect_to(gate.socket(), true).await?;
        gate.break_off(breakage)?;
        self.gates.lock().unwrap_or_else(PoisonError::into_inner).push(gate);
        Ok(engine)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.host)
    }

    fn host(&self) -> Arc<dyn Host> {
        Arc::new(self.host)
    }

    async fn image_record(&self, image: &str) -> Result<String, Failure> {
        let document = self.get(&format!("/images/{image}/json")).await?;
        Ok(document + &self.get(&format!("/images/{image}/history")).await?)
    }

    /// Real engines run real programs.
    fn teach(&self, _command: &str, _script: &Script) {}
}
