//! Reads `/proc/net/route`. Invariant: the default route is not among the answers, whatever its interface.

use std::net::Ipv4Addr;

use ps_core::addresses::Subnet;

/// The flag of a route that is usable.
const UP: u16 = 0x0001;

/// The subnets of the table with their interfaces, in the table's order.
///
/// A route to a single host, or to less than [`Subnet`] can say, is widened to the smallest subnet that holds it: whoever looks
/// for a free subnet must not overlap it either. The kernel writes addresses in hexadecimal in the machine's byte order.
#[must_use]
pub fn parse_routes(table: &str) -> Vec<(Subnet, String)> {
    table.lines().skip(1).filter_map(parse_route).collect()
}

fn parse_route(line: &str) -> Option<(Subnet, String)> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let [
        interface,
        destination,
        _gateway,
        flags,
        _references,
        _use,
        _metric,
        mask,
        ..,
    ] = fields.as_slice()
    else {
        return None;
    };
    let prefix = parse_address(mask)?.to_bits().leading_ones();
    if prefix == 0 || u16::from_str_radix(flags, 16).ok()? & UP == 0 {
        return None;
    }
    let prefix = prefix.min(28);
    let network = parse_address(destination)?.to_bits() & u32::MAX.checked_shl(32 - prefix)?;
    Some((
        format!("{}/{prefix}", Ipv4Addr::from(network)).parse().ok()?,
        (*interface).to_owned(),
    ))
}

fn parse_address(hex: &str) -> Option<Ipv4Addr> {
    Some(Ipv4Addr::from(u32::from_str_radix(hex, 16).ok()?.to_ne_bytes()))
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;

    const TABLE: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
br-psctl\t0000D20A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
wg0\t2501080A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0
down0\t0000090A\t00000000\t0000\t0\t0\t0\t0000FFFF\t0\t0\t0
";

    #[test]
    fn routes_are_subnets_without_the_default_one() {
        let found: Vec<String> = parse_routes(TABLE)
            .into_iter()
            .map(|(subnet, interface)| format!("{subnet} {interface}"))
            .collect();
        assert_eq!(
            found,
            [
                "192.168.0.0/24 eth0",
                "172.17.0.0/16 docker0",
                "10.210.0.0/16 br-psctl",
                "10.8.1.32/28 wg0"
            ]
        );
    }

    #[test]
    fn lines_that_cannot_be_read_are_passed_over() {
        assert!(parse_routes("").is_empty());
        assert!(parse_routes("header\neth0\t0000A8C0\neth0 x 0 1 0 0 0 y 0\n").is_empty());
    }
}
