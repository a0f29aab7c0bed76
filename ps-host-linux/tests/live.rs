//! The host facts against this machine. Invariant: nothing outside the test's own process is needed or touched.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::time::Duration;

use ps_core::host::{Clock, Host};
use ps_host_linux::LinuxHost;

/// A child that another test just starts may hold a socket until it runs its program.
async fn eventually(check: impl AsyncFn() -> bool) -> bool {
    let host = LinuxHost::new();
    let end = host.monotonic() + Duration::from_secs(10);
    while host.monotonic() < end {
        if check().await {
            return true;
        }
        host.sleep(Duration::from_millis(10)).await;
    }
    false
}

#[tokio::test]
async fn a_port_is_listening_once_it_is_bound_and_not_when_bound_to_loopback() {
    let open = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let loopback = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let open_port = open.local_addr().unwrap().port();
    let ports = LinuxHost::new().listening_ports(std::process::id()).await.unwrap();
    assert!(ports.contains(&open_port));
    assert!(!ports.contains(&loopback.local_addr().unwrap().port()));

    drop(open);
    let is_closed = async || {
        let ports = LinuxHost::new().listening_ports(std::process::id()).await.unwrap();
        !ports.contains(&open_port)
    };
    assert!(eventually(is_closed).await);
}

#[tokio::test]
async fn a_port_on_every_ipv6_address_is_listening() {
    // A machine without IPv6 has nothing to show here.
    let Ok(open) = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)) else {
        return;
    };
    let ports = LinuxHost::new().listening_ports(std::process::id()).await.unwrap();
    assert!(ports.contains(&open.local_addr().unwrap().port()));
}

#[tokio::test]
async fn a_process_that_is_gone_has_no_answer() {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    assert_eq!(LinuxHost::new().listening_ports(pid).await, None);
    assert_eq!(LinuxHost::new().listening_ports(0).await, None);
}

#[tokio::test]
async fn a_bound_loopback_port_is_not_free() {
    let host = LinuxHost::new();
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = bound.local_addr().unwrap().port();
    assert!(!host.is_loopback_port_free(port));
    drop(bound);
    assert!(eventually(async || host.is_loopback_port_free(port)).await);
}

#[tokio::test]
async fn the_clock_goes_forward_by_what_was_slept() {
    let host = LinuxHost::new();
    let before = host.monotonic();
    host.sleep(Duration::from_millis(20)).await;
    assert!(host.monotonic() >= before + Duration::from_millis(20));
}

#[test]
fn routes_of_this_machine_name_their_interface() {
    assert!(
        LinuxHost::new()
            .routes()
            .iter()
            .all(|(subnet, interface)| subnet.prefix() >= 8 && !interface.is_empty())
    );
    assert!(LinuxHost::new().cpus() >= 1);
}
