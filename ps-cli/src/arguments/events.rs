//! `events` and `events:listen`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use ps_core::names::AppName;

use super::Format;

/// `events`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Times are in UTC, and the newest entry stands last. What happened to an app is\nshown after it is gone too."
)]
pub struct Events {
    /// Name of the app; all of them without it
    pub app: Option<AppName>,
    /// Go on with what happens from now on
    #[arg(short, long)]
    pub follow: bool,
    /// How many entries
    #[arg(short, long = "num", value_name = "N", default_value = "100")]
    pub number: u32,
    /// How to print it; json with --follow is one object a line
    #[arg(
        long,
        default_value = "stdout",
        hide_default_value = true,
        value_name = "stdout|json",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// `events:listen`.
#[derive(Debug, Clone, clap::Args)]
pub struct EventsListen {
    /// Offer Prometheus metrics: `unix:<path>`, or an address of this host's own such as 127.0.0.1:9180
    #[arg(long, value_name = "place")]
    pub metrics: Option<MetricsPlace>,
}

/// Where metrics are offered: on this host alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricsPlace {
    /// A Unix socket.
    Unix(PathBuf),
    /// A loopback address.
    Loopback(SocketAddr),
}

impl FromStr for MetricsPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return if path.is_absolute() {
                Ok(Self::Unix(path))
            } else {
                Err("the path of the socket has to begin with /".to_owned())
            };
        }
        let address: SocketAddr = text
            .parse()
            .map_err(|_| "use unix:<path>, or an address such as 127.0.0.1:9180".to_owned())?;
        if address.ip().is_loopback() {
            Ok(Self::Loopback(address))
        } else {
            Err("metrics are offered to this host alone: use an address such as 127.0.0.1:9180".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_for_this_host_alone() {
        let places = ["unix:/run/psctl.sock", "127.0.0.1:9180", "[::1]:9180"];
        assert!(places.iter().all(|text| text.parse::<MetricsPlace>().is_ok()));
        let wrong = [
            "0.0.0.0:9180",
            "10.0.0.1:9180",
            "unix:here",
            "9180",
            "localhost:9180",
            "",
        ];
        assert!(wrong.iter().all(|text| text.parse::<MetricsPlace>().is_err()));
    }
}
