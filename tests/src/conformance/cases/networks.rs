//! Networks, addresses that stay, published ports.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ps_core::addresses::Subnet;
use ps_core::runtime::{
    ContainerId, ContainerSpec, NetworkAttachment, NetworkSpec, PublishedPort, RemoveOutcome, RuntimeError,
    RuntimeErrorKind as Kind,
};

use super::super::bench::kind_of;
use super::super::{Bench, Case, Failure, Program, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        a_network_is_made_as_it_was_asked_for,
        a_network_s_name_is_used_once,
        overlapping_subnets_are_refused,
        inspecting_a_network_that_is_not_there_is_not_found,
        removing_a_network_twice_reports_already_gone,
        removing_a_network_in_use_is_a_conflict,
        the_engine_chooses_an_address_of_the_subnet if |can| can.host_reaches_containers,
        a_chosen_address_is_kept_over_stop_and_start if |can| can.host_reaches_containers,
        an_address_in_use_is_refused,
        an_address_is_free_again_when_its_container_is_gone,
        a_published_port_in_use_is_refused,
        a_published_port_is_free_again_after_a_stop,
    ]
}

fn subnet(network: &NetworkSpec) -> Result<Subnet, Failure> {
    Ok(network.subnet.ok_or("the network has no subnet")?)
}

fn host(network: &NetworkSpec, number: usize) -> Result<Ipv4Addr, Failure> {
    Ok(subnet(network)?.hosts().nth(number).ok_or("the subnet is too small")?)
}

fn attached(bench: &Bench, word: &str, network: &NetworkSpec, address: Option<Ipv4Addr>) -> ContainerSpec {
    let mut spec = bench.spec(word, &Program::runs());
    spec.network = Some(NetworkAttachment {
        network: network.name.clone(),
        address,
    });
    spec
}

async fn address(bench: &Bench, id: &ContainerId, network: &NetworkSpec) -> Result<Option<Ipv4Addr>, RuntimeError> {
    let detail = bench.engine.inspect_container(id).await?;
    Ok(detail.addresses.get(&network.name).copied())
}

async fn a_network_is_made_as_it_was_asked_for(bench: &Bench) -> Verdict {
    let spec = bench.network("net").await?;
    let detail = bench.engine.inspect_network(&spec.name).await?;
    assert_eq!((&detail.name, detail.subnet), (&spec.name, spec.subnet));
    assert_eq!(detail.labels, spec.labels);
    let gateway = detail.gateway.ok_or("it has no gateway")?;
    assert!(subnet(&spec)?.contains(gateway) && subnet(&spec)?.hosts().all(|host| host != gateway));
    Ok(())
}

async fn a_network_s_name_is_used_once(bench: &Bench) -> Verdict {
    bench.network("net").await?;
    let again = bench.engine.create_network(&bench.network_spec("net")).await;
    assert_eq!(kind_of(&again), Some(Kind::NameInUse));
    Ok(())
}

async fn overlapping_subnets_are_refused(bench: &Bench) -> Verdict {
    let first = bench.network("net").await?;
    let mut other = bench.network_spec("other");
    other.subnet = first.subnet;
    let created = bench.engine.create_network(&other).await;
    assert_eq!(kind_of(&created), Some(Kind::AddressInUse));
    Ok(())
}

async fn inspecting_a_network_that_is_not_there_is_not_found(bench: &Bench) -> Verdict {
    let inspected = bench.engine.inspect_network(&bench.name("none")).await;
    assert_eq!(kind_of(&inspected), Some(Kind::NotFound));
    Ok(())
}

async fn removing_a_network_twice_reports_already_gone(bench: &Bench) -> Verdict {
    let spec = bench.network("net").await?;
    assert_eq!(bench.engine.remove_network(&spec.name).await?, RemoveOutcome::Removed);
    assert_eq!(
        bench.engine.remove_network(&spec.name).await?,
        RemoveOutcome::AlreadyGone
    );
    Ok(())
}

async fn removing_a_network_in_use_is_a_conflict(bench: &Bench) -> Verdict {
    let network = bench.network("net").await?;
    bench.start_spec(&attached(bench, "a", &network, None)).await?;
    let removed = bench.engine.remove_network(&network.name).await;
    assert_eq!(kind_of(&removed), Some(Kind::Conflict));
    Ok(())
}

async fn the_engine_chooses_an_address_of_the_subnet(bench: &Bench) -> Verdict {
    let network = bench.network("net").await?;
    let first = bench.start_spec(&attached(bench, "a", &network, None)).await?;
    let second = bench.start_spec(&attached(bench, "b", &network, None)).await?;
    let first = address(bench, &first, &network)
        .await?
        .ok_or("the first has no address")?;
    let second = address(bench, &second, &network)
        .await?
        .ok_or("the second has no address")?;
    assert!(subnet(&network)?.contains(first) && subnet(&network)?.contains(second) && first != second);
    Ok(())
}

async fn a_chosen_address_is_kept_over_stop_and_start(bench: &Bench) -> Verdict {
    let network = bench.network("net").await?;
    let (low, high) = (host(&network, 3)?, host(&network, 7)?);
    let first = bench.start_spec(&attached(bench, "a", &network, Some(low))).await?;
    let second = bench.start_spec(&attached(bench, "b", &network, Some(high))).await?;
    for id in [&first, &second] {
        bench.engine.stop_container(id, Duration::ZERO).await?;
    }
    for id in [&second, &first] {
        bench.engine.start_container(id).await?;
    }
    assert_eq!(address(bench, &first, &network).await?, Some(low));
    assert_eq!(address(bench, &second, &network).await?, Some(high));
    Ok(())
}

async fn an_address_in_use_is_refused(bench: &Bench) -> Verdict {
    let network = bench.network("net").await?;
    let taken = Some(host(&network, 4)?);
    bench.start_spec(&attached(bench, "a", &network, taken)).await?;
    let second = bench.start_spec(&attached(bench, "b", &network, taken)).await;
    assert_eq!(kind_of(&second), Some(Kind::AddressInUse));
    Ok(())
}

async fn an_address_is_free_again_when_its_container_is_gone(bench: &Bench) -> Verdict {
    let network = bench.network("net").await?;
    let taken = Some(host(&network, 4)?);
    let first = bench.start_spec(&attached(bench, "a", &network, taken)).await?;
    bench.engine.remove_container(&first).await?;
    bench.start_spec(&attached(bench, "b", &network, taken)).await?;
    Ok(())
}

fn publishing(bench: &Bench, word: &str, network: &NetworkSpec, port: u16) -> ContainerSpec {
    let mut spec = attached(bench, word, network, None);
    spec.published_ports = vec![PublishedPort {
        host_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        host_port: port,
        container_port: 8080,
    }];
    spec
}

/// A port that nobody else uses: each case of each engine looks in a place of its own.
fn free_port(bench: &Bench) -> Result<u16, Failure> {
    let sum = bench.name("port").bytes().fold(std::process::id(), |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    let first = 20_000 + u16::try_from(sum % 10_000)?;
    let found = (first..first + 1000).find(|port| bench.host.is_loopback_port_free(*port));
    Ok(found.ok_or("no port is free")?)
}

async fn a_published_port_in_use_is_refused(bench: &Bench) -> Verdict {
    let (network, port) = (bench.network("net").await?, free_port(bench)?);
    bench.start_spec(&publishing(bench, "a", &network, port)).await?;
    let second = bench.start_spec(&publishing(bench, "b", &network, port)).await;
    assert_eq!(kind_of(&second), Some(Kind::AddressInUse));
    Ok(())
}

async fn a_published_port_is_free_again_after_a_stop(bench: &Bench) -> Verdict {
    let (network, port) = (bench.network("net").await?, free_port(bench)?);
    let first = bench.start_spec(&publishing(bench, "a", &network, port)).await?;
    bench.engine.stop_container(&first, Duration::ZERO).await?;
    bench.start_spec(&publishing(bench, "b", &network, port)).await?;
    Ok(())
}
