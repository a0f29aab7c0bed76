//! Networks, fixed addresses and published ports.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use ps_core::runtime::RuntimeErrorKind as Kind;
use ps_core::runtime::*;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::bench::{Bench, eventually, kind};
use crate::{Case, Outcome, case};

pub(crate) const CASES: &[Case] = &[
    case!(a_network_has_a_subnet_and_an_owner),
    case!(an_address_stays_and_belongs_to_one_container),
    case!(a_container_joins_a_network_without_an_address_of_its_own),
    case!(a_published_port_answers_and_belongs_to_one_container),
];

async fn network(bench: &Bench) -> Result<NetworkSpec, RuntimeError> {
    let spec = NetworkSpec {
        name: bench.name("net"),
        subnet: Some(bench.subnet()),
        resolves_aliases: false,
        labels: bench.labels(),
    };
    bench.podman.create_network(&spec).await?;
    Ok(spec)
}

async fn a_network_has_a_subnet_and_an_owner(bench: &Bench) -> Outcome {
    let podman = &bench.podman;
    let spec = network(bench).await?;
    let seen = podman.inspect_network(&spec.name).await?;
    assert_eq!(
        (&seen.name, seen.subnet, &seen.labels),
        (&spec.name, spec.subnet, &spec.labels)
    );
    let subnet = spec.subnet.expect("a subnet");
    assert!(seen.gateway.is_some_and(|gateway| subnet.contains(gateway)));
    let other = NetworkSpec {
        subnet: Some(bench.subnet()),
        ..spec.clone()
    };
    assert_eq!(kind(podman.create_network(&other).await), Kind::NameInUse);
    let overlapping = NetworkSpec {
        name: bench.name("net2"),
        ..spec.clone()
    };
    assert_eq!(kind(podman.create_network(&overlapping).await), Kind::AddressInUse);
    let member = ContainerSpec {
        network: Some(NetworkAttachment {
            network: spec.name.clone(),
            address: None,
        }),
        ..bench.spec("a", "sleep 60")
    };
    let member = bench.started(&member).await?;
    assert_eq!(kind(podman.remove_network(&spec.name).await), Kind::Conflict);
    podman.remove_container(&member).await?;
    assert_eq!(podman.remove_network(&spec.name).await?, RemoveOutcome::Removed);
    assert_eq!(podman.remove_network(&spec.name).await?, RemoveOutcome::AlreadyGone);
    assert_eq!(kind(podman.inspect_network(&spec.name).await), Kind::NotFound);
    Ok(())
}

async fn an_address_stays_and_belongs_to_one_container(bench: &Bench) -> Outcome {
    let podman = &bench.podman;
    let net = network(bench).await?;
    let address: Ipv4Addr = net.subnet.expect("a subnet").hosts().nth(40).expect("a host");
    let member = |name: &str| ContainerSpec {
        network: Some(NetworkAttachment {
            network: net.name.clone(),
            address: Some(address),
        }),
        ..bench.spec(name, "while :; do echo hello | nc -l -p 80; done")
    };
    let id = bench.started(&member("a")).await?;
    let second = podman.create_container(&member("b")).await?;
    assert_eq!(kind(podman.start_container(&second).await), Kind::AddressInUse);
    podman.stop_container(&id, Duration::ZERO).await?;
    podman.start_container(&id).await?;
    let seen = podman.inspect_container(&id).await?;
    assert_eq!(seen.addresses.get(&net.name), Some(&address));
    if podman.capabilities().host_reaches_containers {
        eventually("the container's address answers", Duration::from_secs(10), || {
            says_hello((address, 80).into())
        })
        .await;
    }
    Ok(())
}

async fn a_container_joins_a_network_without_an_address_of_its_own(bench: &Bench) -> Outcome {
    let net = network(bench).await?;
    let spec = ContainerSpec {
        network: Some(NetworkAttachment {
            network: net.name.clone(),
            address: None,
        }),
        ..bench.spec("a", "sleep 60")
    };
    let id = bench.started(&spec).await?;
    let seen = bench.podman.inspect_container(&id).await?;
    assert!(
        seen.addresses
            .get(&net.name)
            .is_some_and(|address| net.subnet.expect("a subnet").contains(*address))
    );
    let missing = ContainerSpec {
        network: Some(NetworkAttachment {
            network: bench.name("none"),
            address: None,
        }),
        ..bench.spec("b", "sleep 60")
    };
    assert_eq!(kind(bench.podman.create_container(&missing).await), Kind::NotFound);
    Ok(())
}

async fn a_published_port_answers_and_belongs_to_one_container(bench: &Bench) -> Outcome {
    let podman = &bench.podman;
    let host_port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let spec = |name: &str| ContainerSpec {
        published_ports: vec![PublishedPort {
            host_address: Ipv4Addr::LOCALHOST.into(),
            host_port,
            container_port: 80,
        }],
        ..bench.spec(name, "while :; do echo hello | nc -l -p 80; done")
    };
    bench.started(&spec("a")).await?;
    eventually("the port answers", Duration::from_secs(10), || {
        says_hello((Ipv4Addr::LOCALHOST, host_port).into())
    })
    .await;
    let second = podman.create_container(&spec("b")).await?;
    assert_eq!(kind(podman.start_container(&second).await), Kind::AddressInUse);
    Ok(())
}

async fn says_hello(address: std::net::SocketAddr) -> bool {
    let asking = async {
        let mut text = String::new();
        TcpStream::connect(address).await?.read_to_string(&mut text).await?;
        Ok::<_, std::io::Error>(text == "hello\n")
    };
    let answer = tokio::time::timeout(Duration::from_secs(1), asking).await;
    matches!(answer, Ok(Ok(true)))
}
