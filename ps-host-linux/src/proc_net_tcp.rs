//! Reads `/proc/<pid>/net/tcp` and `tcp6`. Invariant: only sockets in state LISTEN on an address that others can reach count.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The kernel's number for LISTEN.
const LISTEN: &str = "0A";

/// The ports of a table that listen on other than loopback. Lines that cannot be read are passed over.
///
/// The kernel writes an address as 32-bit words in hexadecimal, each in the machine's byte order, and the port as a number.
///
/// ```
/// let table = "  sl  local_address rem_address   st\n   0: 00000000:1388 00000000:0000 0A\n   1: 0100007F:1389 00000000:0000 0A\n";
/// assert_eq!(Vec::from_iter(ps_host_linux::parse_listening_ports(table)), [5000]);
/// ```
#[must_use]
pub fn parse_listening_ports(table: &str) -> BTreeSet<u16> {
    table.lines().skip(1).filter_map(listening_port).collect()
}

fn listening_port(line: &str) -> Option<u16> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (address, port) = fields.next()?.split_once(':')?;
    let state = fields.nth(1)?;
    let is_reachable = !parse_address(address)?.to_canonical().is_loopback();
    (state == LISTEN && is_reachable).then(|| u16::from_str_radix(port, 16).ok())?
}

fn parse_address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(hex.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(index * 8)?);
            }
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;

    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41203 1 0000000000000000 100 0 0 10 0
   1: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 41204 1 0000000000000000 100 0 0 10 0
   2: 3500007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 41205 1 0000000000000000 100 0 0 10 0
   3: 0502D20A:C350 0102D20A:1538 01 00000000:00000000 00:00000000 00000000     0        0 41206 1 0000000000000000 20 4 30 10 -1
   4: 0502D20A:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41207 1 0000000000000000 100 0 0 10 0
   5: 00000000:1F91 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 41208 1 0000000000000000 100 0 0 10 0
";

    const TCP6: &str = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:0BB8 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 50001 1 0000000000000000 100 0 0 10 0
   1: 00000000000000000000000001000000:0BB9 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 50002 1 0000000000000000 100 0 0 10 0
   2: 0000000000000000FFFF00000100007F:0BBA 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 50003 1 0000000000000000 100 0 0 10 0
   3: 0000000000000000FFFF00000502D20A:0BBB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 50004 1 0000000000000000 100 0 0 10 0
   4: 000080FE00000000FF00420AFE0A1102:0BBC 00000000000000000000000000000000:0000 06 00000000:00000000 00:00000000 00000000     0        0 0 3 0000000000000000
";

    #[test]
    fn only_listening_sockets_off_loopback_count() {
        assert_eq!(Vec::from_iter(parse_listening_ports(TCP)), [5000, 8080]);
    }

    #[test]
    fn ipv6_loopback_and_mapped_loopback_do_not_count() {
        assert_eq!(Vec::from_iter(parse_listening_ports(TCP6)), [3000, 3003]);
    }

    #[test]
    fn lines_that_cannot_be_read_are_passed_over() {
        for table in [
            "",
            "header",
            "header\n0:",
            "header\n0: zz:1 x 0A",
            "header\n0: 0000é000:1388 0:0 0A",
            "header\n0: 0:0",
        ] {
            assert!(parse_listening_ports(table).is_empty(), "{table:?}");
        }
    }
}
