//! Addresses that do not move: the subnet of psctl's network, and where a replica is reached.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// An IPv4 subnet in CIDR form, between /8 and /28.
///
/// ```
/// use ps_core::addresses::Subnet;
/// let subnet: Subnet = "10.210.0.0/16".parse()?;
/// assert!(subnet.contains("10.210.3.4".parse()?));
/// assert!(subnet.overlaps(&"10.210.128.0/17".parse()?));
/// assert!("10.210.0.1/16".parse::<Subnet>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subnet {
    network: Ipv4Addr,
    prefix: u8,
}

/// Why a word is not a subnet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a subnet: it must look like 10.210.0.0/16, with a prefix from 8 to 28 and no host bits")]
pub struct SubnetError {
    word: String,
}

impl Subnet {
    fn mask(self) -> u32 {
        u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0)
    }

    /// The lowest address.
    pub fn network(self) -> Ipv4Addr {
        self.network
    }

    /// Number of leading network bits.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether the address lies inside.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        u32::from(address) & self.mask() == u32::from(self.network)
    }

    /// Whether the two share an address.
    pub fn overlaps(self, other: &Self) -> bool {
        self.contains(other.network) || other.contains(self.network)
    }

    /// The addresses that are chosen for containers: all but the network's, the gateway's (the first), and those that are
    /// left to the engine.
    pub fn hosts(self) -> impl DoubleEndedIterator<Item = Ipv4Addr> + Clone {
        let first = u32::from(self.network).saturating_add(2);
        let end = u32::from(self.left_to_engine().network);
        (first..end).map(Ipv4Addr::from)
    }

    /// The last quarter. The engine takes addresses from it for containers that ask for none, and so never one that will
    /// be chosen.
    #[must_use]
    pub fn left_to_engine(self) -> Self {
        let prefix = self.prefix.saturating_add(2).min(30);
        let quarter = 1_u32.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
        let network = u32::from(self.network) | (!self.mask() ^ quarter.saturating_sub(1));
        Self {
            network: network.into(),
            prefix,
        }
    }

    /// The addresses of that quarter that a container can have.
    pub fn engine_hosts(self) -> impl DoubleEndedIterator<Item = Ipv4Addr> + Clone {
        let first = u32::from(self.left_to_engine().network);
        let end = u32::from(self.network) | !self.mask();
        (first..end).map(Ipv4Addr::from)
    }

    /// The first free address after `last`, going round; `None` when all are taken.
    pub fn next_free(self, last: Option<Ipv4Addr>, is_taken: impl Fn(Ipv4Addr) -> bool) -> Option<Ipv4Addr> {
        let split = last.filter(|last| self.contains(*last));
        let after = self.hosts().filter(|host| split.is_none_or(|last| *host > last));
        let before = self.hosts().filter(|host| split.is_some_and(|last| *host <= last));
        after.chain(before).find(|host| !is_taken(*host))
    }
}

impl FromStr for Subnet {
    type Err = SubnetError;

    fn from_str(word: &str) -> Result<Self, SubnetError> {
        let error = || SubnetError { word: word.to_owned() };
        let (network, prefix) = word.split_once('/').ok_or_else(error)?;
        let network: Ipv4Addr = network.parse().map_err(|_| error())?;
        let prefix: u8 = prefix.parse().map_err(|_| error())?;
        let subnet = Self { network, prefix };
        if !(8..=28).contains(&prefix) || u32::from(network) & !subnet.mask() != 0 {
            return Err(error());
        }
        Ok(subnet)
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

/// Where the host reaches a replica; chosen by psctl and kept while the replica's container lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// Its address in psctl's network.
    Address(Ipv4Addr),
    /// A port on the host's loopback address, where the host cannot reach containers.
    LoopbackPort(u16),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::LoopbackPort(port) => write!(f, "127.0.0.1:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_quarter_is_left_to_the_engine() {
        for (subnet, quarter, last) in [
            ("10.9.0.0/28", "10.9.0.12/30", "10.9.0.14"),
            ("10.9.7.0/24", "10.9.7.192/26", "10.9.7.254"),
            ("10.210.0.0/16", "10.210.192.0/18", "10.210.255.254"),
        ] {
            let subnet: Subnet = subnet.parse().unwrap();
            let left = subnet.left_to_engine();
            assert_eq!(left.to_string(), quarter);
            assert_eq!(subnet.engine_hosts().next_back().unwrap().to_string(), last);
            assert!(subnet.hosts().next_back().is_some_and(|last| !left.contains(last)));
        }
    }

    #[test]
    fn addresses_go_round_and_skip_the_taken() {
        let subnet: Subnet = "10.9.0.0/28".parse().unwrap();
        assert_eq!(subnet.hosts().count(), 10);
        let ip = |last: u8| Ipv4Addr::new(10, 9, 0, last);
        assert_eq!(subnet.next_free(None, |_| false), Some(ip(2)));
        assert_eq!(subnet.next_free(Some(ip(4)), |_| false), Some(ip(5)));
        assert_eq!(subnet.next_free(Some(ip(11)), |a| a == ip(2)), Some(ip(3)));
        assert_eq!(subnet.next_free(Some(ip(4)), |_| true), None);
        assert_eq!(
            subnet.next_free(Some("192.168.0.1".parse().unwrap()), |_| false),
            Some(ip(2))
        );
    }
}
