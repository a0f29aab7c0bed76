//! How the adapter is set up. Invariant: plain values that the caller has decided; nothing is looked up here.

use std::path::PathBuf;

use ps_core::names::OwnerToken;

/// Where most distributions take in files of the `http` block.
const INCLUDE_DIRECTORY: &str = "/etc/nginx/conf.d";

/// Whose nginx it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NginxMode {
    /// The system's: somebody else starts and stops it, and it may serve other sites too.
    System,
    /// One of psctl's own: its whole configuration is below the state directory, and it is started when it is needed.
    Own,
}

/// Everything that [`NginxProxy`](crate::NginxProxy) has to know.
///
/// ```
/// use ps_core::names::OwnerToken;
/// use ps_proxy_nginx::NginxConfig;
/// let config = NginxConfig::own("/home/me/.local/state/psctl".into(), OwnerToken::new("0123456789abcdef")?);
/// assert_eq!(config.http_port, 8080);
/// # Ok::<(), ps_core::names::NameError>(())
/// ```
#[derive(Debug, Clone)]
pub struct NginxConfig {
    /// psctl's state directory; nginx's part of it is the folder `nginx`.
    pub state_directory: PathBuf,
    /// The state directory's token; its first eight digits are in names that nginx shares with others.
    pub owner: OwnerToken,
    /// Whose nginx it is.
    pub mode: NginxMode,
    /// The program; `None` looks on `PATH`, then in `/usr/sbin`, `/usr/local/sbin` and `/sbin`.
    pub program: Option<PathBuf>,
    /// The system's main configuration file; `None` is the one that the program was built to read. Not used for an nginx of psctl's
    /// own.
    pub main_configuration: Option<PathBuf>,
    /// The folder whose `*.conf` files the system's `http` block takes in. Not used for an nginx of psctl's own.
    pub include_directory: PathBuf,
    /// The TCP port for apps.
    pub http_port: u16,
    /// The words of the command that makes nginx read its configuration again; `None` is nginx's own way.
    pub reload_command: Option<Vec<String>>,
}

impl NginxConfig {
    /// The system's nginx with its usual places, on port 80.
    pub fn system(state_directory: PathBuf, owner: OwnerToken) -> Self {
        Self {
            state_directory,
            owner,
            mode: NginxMode::System,
            program: None,
            main_configuration: None,
            include_directory: PathBuf::from(INCLUDE_DIRECTORY),
            http_port: 80,
            reload_command: None,
        }
    }

    /// An nginx of psctl's own, on port 8080.
    pub fn own(state_directory: PathBuf, owner: OwnerToken) -> Self {
        Self {
            mode: NginxMode::Own,
            http_port: 8080,
            ..Self::system(state_directory, owner)
        }
    }

    /// The first eight digits of the token.
    pub(crate) fn short_owner(&self) -> &str {
        self.owner.as_str().get(..8).unwrap_or_default()
    }
}
