//! The port to the reverse proxy: which requests go to which containers.
//!
//! Invariant: a [`Site`] names only containers that the engine was just asked for, by full id. What the proxy might still name is
//! remembered in [`AppRecord::routed`](crate::app::AppRecord::routed) before it is told anything new, so that no address is given to
//! another app too early.

use std::error::Error;
use std::fmt::{self, Debug};
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;

use crate::domains::Domain;
use crate::names::{AppName, ProcessType, Replica};
use crate::runtime::ContainerId;

/// One container that requests can be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// The replica it serves as.
    pub replica: Replica,
    /// Full id.
    pub container: ContainerId,
    /// Where it listens, seen from the proxy.
    pub address: SocketAddrV4,
}

/// How requests of an app are handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteSettings {
    /// The hosts the app answers for.
    pub domains: Vec<Domain>,
    /// The largest request body in bytes; 0 is any.
    pub body_limit: u64,
    /// How long connecting to a container may take.
    pub connect_timeout: Duration,
    /// How long a container may be silent while the proxy waits for its answer.
    pub read_timeout: Duration,
    /// How long a container may not take anything while the proxy sends.
    pub send_timeout: Duration,
    /// The file of the app's own template; `None` is the built-in one. It gets the upstreams of every type, the built-in one
    /// those of `web`.
    pub template: Option<PathBuf>,
}

/// What the proxy does for one app. Without upstreams of `web` it answers 502.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The app.
    pub app: AppName,
    /// How.
    pub settings: SiteSettings,
    /// The containers, sorted by replica.
    pub upstreams: Vec<Upstream>,
}

impl Site {
    /// The containers of a type.
    pub fn upstreams_of<'a>(&'a self, process_type: &'a ProcessType) -> impl Iterator<Item = &'a Upstream> {
        self.upstreams
            .iter()
            .filter(move |upstream| upstream.replica.process_type() == process_type)
    }
}

/// A change of what the proxy does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SiteChange {
    /// An app is served like this from now on.
    Serve(Site),
    /// Nothing is known of an app any more: its hosts are unknown ones.
    Remove(AppName),
}

impl SiteChange {
    /// Which app it is about.
    pub fn app(&self) -> &AppName {
        match self {
            Self::Serve(site) => &site.app,
            Self::Remove(app) => app,
        }
    }
}

/// Whether there is a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProxyPresence {
    /// There is no such program on this host.
    Absent,
    /// There is one that does not run, and psctl does not start it by itself.
    Down,
    /// It runs, or psctl starts it when it is needed.
    Ready,
}

/// What is known about the proxy, for reports and `doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyState {
    /// Whether there is one.
    pub presence: ProxyPresence,
    /// `nginx`.
    pub kind: &'static str,
    /// The program, where there is one.
    pub program: Option<PathBuf>,
    /// Its version, where it tells one.
    pub version: Option<String>,
    /// Its main configuration file.
    pub configuration: PathBuf,
    /// Where the files of apps are.
    pub directory: PathBuf,
    /// Whether its configuration takes the files of `directory` in; `None` where there is nothing to take in yet.
    pub includes_directory: Option<bool>,
    /// The TCP port it listens on for apps.
    pub http_port: u16,
    /// Whether the process belongs to psctl alone.
    pub is_own: bool,
    /// Whether it runs now.
    pub runs: bool,
}

/// What kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyErrorKind {
    /// There is no such program.
    Absent,
    /// It does not run.
    Down,
    /// The app's own template cannot be read or rendered.
    Template,
    /// The proxy refuses the configuration. The old one serves.
    Refused,
    /// The proxy did not take the new configuration in. The old files are back; whether it serves the old or the new is not known.
    OutcomeUnknown,
    /// Files could not be written, or anything else. The old configuration serves.
    Failed,
}

impl ProxyErrorKind {
    /// Whether the file of one app is to blame, so that those of others may be taken without it.
    pub(crate) const fn blames_one_site(self) -> bool {
        matches!(self, Self::Template | Self::Refused)
    }
}

/// A failed call of the proxy.
#[derive(Debug)]
pub struct ProxyError {
    /// What kind of failure.
    pub kind: ProxyErrorKind,
    /// This layer's message.
    pub message: String,
    /// What the proxy itself said, line by line.
    pub said: Vec<String>,
    /// What to do about it: a command or a file.
    pub hint: Option<String>,
    /// The next layer.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl ProxyError {
    /// An error with a message and nothing else.
    pub fn new(kind: ProxyErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            said: Vec::new(),
            hint: None,
            source: None,
        }
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ProxyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The reverse proxy.
#[async_trait]
pub trait Proxy: Debug + Send + Sync {
    /// Whether there is one, and where. Changes nothing and starts nothing.
    async fn state(&self) -> Result<ProxyState, ProxyError>;

    /// Makes all changes as one: all files are tested together before one of them is swapped in, there is one reload, and the call
    /// returns when the proxy answers with the new configuration. On failure the old files are as they were. One call at a time per
    /// state directory; others wait.
    async fn change_sites(&self, changes: &[SiteChange]) -> Result<(), ProxyError>;

    /// Takes away what makes the proxy read psctl's files, once those of all apps are gone: other places can be set for them then. Does
    /// nothing where it is gone already; the next change of sites puts it there again.
    async fn leave(&self) -> Result<(), ProxyError>;

    /// The text of the file that serves an app now; `None` when there is none.
    async fn site_file(&self, app: &AppName) -> Result<Option<(PathBuf, String)>, ProxyError>;
}

/// No proxy: for programs that send requests to containers in a way of their own.
///
/// ```
/// use ps_core::proxy::{NoProxy, Proxy, ProxyPresence};
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// assert_eq!(NoProxy.state().await?.presence, ProxyPresence::Absent);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProxy;

#[async_trait]
impl Proxy for NoProxy {
    async fn state(&self) -> Result<ProxyState, ProxyError> {
        Ok(ProxyState {
            presence: ProxyPresence::Absent,
            kind: "none",
            program: None,
            version: None,
            configuration: PathBuf::new(),
            directory: PathBuf::new(),
            includes_directory: None,
            http_port: 80,
            is_own: false,
            runs: false,
        })
    }

    async fn change_sites(&self, changes: &[SiteChange]) -> Result<(), ProxyError> {
        let serves = changes.iter().any(|change| matches!(change, SiteChange::Serve(_)));
        if serves {
            return Err(ProxyError::new(ProxyErrorKind::Absent, "there is no proxy"));
        }
        Ok(())
    }

    async fn leave(&self) -> Result<(), ProxyError> {
        Ok(())
    }

    async fn site_file(&self, _: &AppName) -> Result<Option<(PathBuf, String)>, ProxyError> {
        Ok(None)
    }
}
