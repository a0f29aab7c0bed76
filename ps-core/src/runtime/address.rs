//! Where an engine listens.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The address of an engine's API.
///
/// ```
/// use ps_core::runtime::EngineAddress;
/// let address: EngineAddress = "unix:///run/podman/podman.sock".parse()?;
/// assert_eq!(address, EngineAddress::Unix("/run/podman/podman.sock".into()));
/// assert!("ssh://host".parse::<EngineAddress>().is_err());
/// # Ok::<(), ps_core::runtime::EngineAddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineAddress {
    /// A socket on this machine.
    Unix(PathBuf),
    /// Plain TCP, `host:port`.
    Tcp(String),
}

/// Why a word is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not an engine address that psctl can use: write unix:///path/to.sock or tcp://host:port")]
pub struct EngineAddressError {
    word: String,
}

impl FromStr for EngineAddress {
    type Err = EngineAddressError;

    fn from_str(word: &str) -> Result<Self, EngineAddressError> {
        let unix = word
            .strip_prefix("unix://")
            .or_else(|| word.starts_with('/').then_some(word));
        let tcp = word.strip_prefix("tcp://").or_else(|| word.strip_prefix("http://"));
        match (unix, tcp) {
            (Some(path), _) if path.starts_with('/') => Ok(Self::Unix(PathBuf::from(path))),
            (None, Some(host)) if host.contains(':') => Ok(Self::Tcp(host.trim_end_matches('/').to_owned())),
            _ => Err(EngineAddressError { word: word.to_owned() }),
        }
    }
}

impl fmt::Display for EngineAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(host) => write!(f, "tcp://{host}"),
        }
    }
}
