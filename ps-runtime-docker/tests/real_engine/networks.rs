//! Networks, and containers in them.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use ps_core::runtime::{
    ContainerRuntime, ContainerState, NetworkRuntime, NetworkSpec, RemoveOutcome, RuntimeErrorKind, Signal,
};

use crate::bench::{Bench, eventually};

pub(crate) async fn networks(bench: Bench) {
    let docker = &bench.docker;
    let detail = docker.inspect_network(&bench.prefix).await.unwrap();
    assert_eq!(
        (detail.name.as_str(), detail.subnet),
        (bench.prefix.as_str(), Some(bench.subnet))
    );
    assert_eq!(
        detail.gateway,
        Some(
            bench
                .subnet
                .hosts()
                .next()
                .map(|host| Ipv4Addr::from(u32::from(host) - 1))
                .unwrap()
        )
    );
    let labels = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    let again = |name: &str, subnet: &str| NetworkSpec {
        name: name.to_owned(),
        subnet: Some(subnet.parse().unwrap()),
        resolves_aliases: false,
        labels: labels.clone(),
    };
    let same_name = docker
        .create_network(&again(&bench.prefix, "10.179.0.0/24"))
        .await
        .unwrap_err();
    assert_eq!(same_name.kind, RuntimeErrorKind::NameInUse);
    let overlapping = format!("{}/25", bench.subnet.network());
    let overlap = docker
        .create_network(&again(&bench.name("n"), &overlapping))
        .await
        .unwrap_err();
    assert_eq!(overlap.kind, RuntimeErrorKind::AddressInUse, "{overlap:?}");
    assert_eq!(
        docker.inspect_network(&bench.name("n")).await.unwrap_err().kind,
        RuntimeErrorKind::NotFound
    );
    assert_eq!(
        docker.remove_network(&bench.name("n")).await.unwrap(),
        RemoveOutcome::AlreadyGone
    );

    let id = bench.started("a", "sleep 600").await;
    assert_eq!(
        docker.remove_network(&bench.prefix).await.unwrap_err().kind,
        RuntimeErrorKind::Conflict
    );
    let detail = docker.inspect_container(&id).await.unwrap();
    assert!(bench.subnet.contains(detail.addresses[&bench.prefix]));
    docker.kill_container(&id, Signal::Kill).await.unwrap();
    eventually(Duration::from_secs(10), async || {
        docker.inspect_container(&id).await.unwrap().state == ContainerState::Exited
    })
    .await;
}
