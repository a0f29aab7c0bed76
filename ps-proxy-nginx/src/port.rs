//! The port's methods. Invariant: a change that has begun is made or put back, also when nobody waits for it any more.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ps_core::names::AppName;
use ps_core::proxy::{Proxy, ProxyError, ProxyErrorKind, ProxyPresence, ProxyState, SiteChange};

use crate::change::Change;
use crate::config::{NginxConfig, NginxMode};
use crate::directives::directives;
use crate::durable_file::{read_bounded, replace};
use crate::generation::{Generations, PRIVATE};
use crate::leaving::remove_for_good;
use crate::lock::ChangeLock;
use crate::master::Master;
use crate::own_configuration;
use crate::places::Places;
use crate::program::{Program, find_program, main_configuration_without_program};
use crate::rendering::Surroundings;
use crate::test_tree::Inclusion;

/// How long nginx may take to serve a new configuration.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection within this host may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(1);

/// Where the kernel lists the addresses of a host that has IPv6.
const IPV6_ADDRESSES: &str = "/proc/net/if_inet6";

/// nginx as a [`Proxy`].
///
/// ```
/// use ps_core::names::OwnerToken;
/// use ps_proxy_nginx::{NginxConfig, NginxProxy};
/// let config = NginxConfig::own("/srv/psctl".into(), OwnerToken::new("0123456789abcdef")?);
/// let nginx = NginxProxy::new(config);
/// # let _ = nginx;
/// # Ok::<(), ps_core::names::NameError>(())
/// ```
#[derive(Debug, Clone)]
pub struct NginxProxy {
    config: Arc<NginxConfig>,
    patience: Duration,
}

impl NginxProxy {
    /// Looks at nothing yet.
    pub fn new(config: NginxConfig) -> Self {
        Self {
            config: Arc::new(config),
            patience: PATIENCE,
        }
    }

    /// With another limit for how long nginx may take to serve a new configuration. It is 10 s.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The program that would be run; `None` when there is none.
    pub fn program(&self) -> Option<PathBuf> {
        find_program(&self.config)
    }

    /// The main configuration of an nginx of psctl's own, there or not. A unit runs it with
    /// `nginx -c <this> -g 'daemon off;'`.
    pub fn own_configuration(&self) -> Result<PathBuf, ProxyError> {
        Ok(Places::of(&self.config)?.own_configuration())
    }

    /// Writes the main configuration of an nginx of psctl's own, so that it can be started before there is any app. Returns its path.
    pub async fn write_own_configuration(&self) -> Result<PathBuf, ProxyError> {
        let places = Places::of(&self.config)?;
        places.make()?;
        let _lock = ChangeLock::take(&places.lock()).await?;
        let path = places.own_configuration();
        replace(
            &path,
            &own_configuration::text(&places, self.config.short_owner())?,
            PRIVATE,
        )?;
        Ok(path)
    }

    fn is_own(&self) -> bool {
        self.config.mode == NginxMode::Own
    }

    fn surroundings(&self) -> Surroundings {
        let addresses = fs::read_to_string(IPV6_ADDRESSES).unwrap_or_default();
        Surroundings {
            short_owner: self.config.short_owner().to_owned(),
            port: self.config.http_port,
            has_ipv6: !addresses.trim().is_empty(),
            is_own: self.is_own(),
        }
    }

    /// Makes the folders that are missing, and takes the lock.
    async fn change(&self, places: Places, program: Program, pid_file: PathBuf) -> Result<Change, ProxyError> {
        places.make()?;
        let lock = ChangeLock::take(&places.lock()).await?;
        let is_down = self.is_down(&pid_file);
        Ok(Change {
            config: NginxConfig::clone(&self.config),
            surroundings: self.surroundings(),
            patience: self.patience,
            places,
            program,
            pid_file,
            is_down,
            _lock: lock,
        })
    }

    fn pid_file(&self, places: &Places, program: &Program) -> PathBuf {
        if self.is_own() {
            return places.own_pid();
        }
        let main = read_bounded(&program.configuration).unwrap_or_default();
        let directives = directives(&main);
        let pid = directives
            .iter()
            .rev()
            .find(|directive| directive.depth == 0 && directive.name == "pid");
        program.pid_file(pid.and_then(|pid| pid.arguments.first()).map(String::as_str))
    }

    fn includes_directory(places: &Places, main: &Path) -> Result<Option<bool>, ProxyError> {
        if Generations::of(places).named()?.is_none() {
            return Ok(None);
        }
        let Some(include_file) = places.include_file() else {
            return Ok(Some(places.own_configuration().is_file()));
        };
        let inclusion = Inclusion {
            include_file,
            relative_to: main.parent().unwrap_or(Path::new("/")),
        };
        Ok(Some(include_file.is_file() && inclusion.is_reached_from(main)))
    }

    /// Whether nothing answers on the port: workers outlive a master that was killed.
    fn is_silent(&self) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.config.http_port));
        TcpStream::connect_timeout(&address, CONNECT_PATIENCE).is_err()
    }

    /// Whether it does not run, and is not to be started.
    fn is_down(&self, pid_file: &Path) -> bool {
        !self.is_own() && Master::of(pid_file, None).is_none()
    }

    fn refuse_while_down(&self, is_down: bool, changes: &[SiteChange]) -> Result<(), ProxyError> {
        if is_down && !(sends_nobody_anywhere(changes) && self.is_silent()) {
            return Err(down());
        }
        Ok(())
    }
}

/// That the system's nginx does not run, and what starts it.
pub(crate) fn down() -> ProxyError {
    let command = if Path::new("/run/systemd/system").is_dir() {
        "systemctl start nginx"
    } else {
        "nginx"
    };
    let mut failure = ProxyError::new(ProxyErrorKind::Down, "nginx does not run");
    failure.hint = Some(command.to_owned());
    failure
}

/// Goes on to the end, also when nobody waits for it any more.
async fn whole(work: impl Future<Output = Result<(), ProxyError>> + Send + 'static) -> Result<(), ProxyError> {
    tokio::spawn(work).await.unwrap_or_else(|error| {
        let mut failure = ProxyError::new(
            ProxyErrorKind::OutcomeUnknown,
            "a change of nginx's files was broken off",
        );
        failure.source = Some(Box::new(error));
        Err(failure)
    })
}

/// Changes after which no app of theirs gets requests: they can be made while nginx is down, and it reads them when it starts.
fn sends_nobody_anywhere(changes: &[SiteChange]) -> bool {
    changes.iter().all(|change| match change {
        SiteChange::Serve(site) => site.upstreams.is_empty(),
        SiteChange::Remove(_) => true,
    })
}

#[async_trait]
impl Proxy for NginxProxy {
    async fn state(&self) -> Result<ProxyState, ProxyError> {
        let places = Places::of(&self.config)?;
        let program = match Program::learn(&self.config).await {
            Ok(program) => Some(program),
            Err(error) if error.kind == ProxyErrorKind::Absent => None,
            Err(error) => return Err(error),
        };
        let runs = program
            .as_ref()
            .is_some_and(|program| Master::of(&self.pid_file(&places, program), None).is_some());
        let presence = match &program {
            None => ProxyPresence::Absent,
            Some(_) if !self.is_own() && !runs => ProxyPresence::Down,
            Some(_) => ProxyPresence::Ready,
        };
        let main = match &program {
            Some(program) => program.configuration.clone(),
            None => main_configuration_without_program(&self.config),
        };
        Ok(ProxyState {
            presence,
            kind: "nginx",
            version: program.as_ref().and_then(|program| program.version.clone()),
            program: program.map(|program| program.path),
            includes_directory: Self::includes_directory(&places, &main)?,
            configuration: if self.is_own() {
                places.own_configuration()
            } else {
                main
            },
            directory: places.sites(),
            http_port: self.config.http_port,
            is_own: self.is_own(),
            runs,
        })
    }

    async fn change_sites(&self, changes: &[SiteChange]) -> Result<(), ProxyError> {
        let places = Places::of(&self.config)?;
        let program = Program::learn(&self.config).await?;
        let pid_file = self.pid_file(&places, &program);
        self.refuse_while_down(self.is_down(&pid_file), changes)?;
        let change = self.change(places, program, pid_file).await?;
        // It may have ended while another change had the lock.
        self.refuse_while_down(change.is_down, changes)?;
        let changes = changes.to_vec();
        whole(async move { change.make(&changes).await }).await
    }

    async fn leave(&self) -> Result<(), ProxyError> {
        let places = Places::of(&self.config)?;
        let Some(include_file) = places.include_file().filter(|file| file.exists()) else {
            return Ok(());
        };
        let program = match Program::learn(&self.config).await {
            Ok(program) => program,
            // Nobody reads it.
            Err(error) if error.kind == ProxyErrorKind::Absent => return remove_for_good(include_file),
            Err(error) => return Err(error),
        };
        let pid_file = self.pid_file(&places, &program);
        let change = self.change(places, program, pid_file).await?;
        whole(async move { change.leave().await }).await
    }

    async fn site_file(&self, app: &AppName) -> Result<Option<(PathBuf, String)>, ProxyError> {
        let places = Places::of(&self.config)?;
        let generations = Generations::of(&places);
        let text = match generations.named()? {
            Some(named) => generations.site_text(named, app)?,
            None => None,
        };
        Ok(text.map(|text| (places.site_file(app), text)))
    }
}
