//! Containers in more than one network, and the names under which they are found there.

use std::collections::BTreeSet;
use std::time::Duration;

use ps_core::runtime::{
    ConnectOutcome, ContainerFilter, ContainerId, ContainerSpec, DisconnectOutcome, NetworkAttachment, NetworkSpec,
    RemoveOutcome, RuntimeError, RuntimeErrorKind as Kind,
};
use ps_core::testing::ProcessStep;

use super::super::bench::kind_of;
use super::super::program::print;
use super::super::{Bench, Case, Failure, Program, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        an_alias_is_found_from_the_same_network,
        an_alias_is_found_after_the_container_was_restarted,
        a_stopped_container_is_connected_and_found_once_it_runs,
        connecting_what_runs_twice_reports_already_connected,
        disconnecting_twice_reports_already_disconnected,
        a_connection_tells_its_names_whether_the_container_runs_or_not,
        a_second_network_leaves_the_first_address_alone if |can| can.host_reaches_containers,
        a_list_by_network_has_what_runs_and_what_does_not,
        a_network_without_a_subnet_is_given_one,
        connecting_to_a_network_that_is_not_there_is_not_found,
        connecting_a_container_that_is_not_there_is_not_found,
        a_container_says_whether_it_can_be_connected,
        a_network_is_removed_after_its_last_container_left,
    ]
}

/// A network whose containers find each other; the engine chooses its subnet.
async fn finding(bench: &Bench, word: &str) -> Result<NetworkSpec, RuntimeError> {
    let spec = NetworkSpec {
        subnet: None,
        resolves_aliases: true,
        ..bench.network_spec(word)
    };
    loop {
        match bench.engine.create_network(&spec).await {
            // An interface of another case went away at that moment.
            Err(error) if error.kind == Kind::Conflict => {}
            made => return made.map(|()| spec),
        }
    }
}

fn inside(network: &NetworkSpec, spec: ContainerSpec) -> ContainerSpec {
    ContainerSpec {
        network: Some(NetworkAttachment {
            network: network.name.clone(),
            address: None,
        }),
        ..spec
    }
}

/// Answers every request with `found`.
fn service() -> Program {
    let line = "mkdir -p /www && echo found >/www/index.html && exec httpd -f -p 8080 -h /www";
    Program::shell(line, [ProcessStep::Forever])
}

/// Asks until it gets an answer.
fn asks(alias: &str) -> Program {
    let line = format!("until wget -qO- http://{alias}:8080/; do sleep 0.2; done");
    let steps = [
        print(ps_core::runtime::OutputChannel::Out, "found\n"),
        ProcessStep::Exit(0),
    ];
    Program::shell(&line, steps)
}

async fn is_found(bench: &Bench, word: &str, network: &NetworkSpec, alias: &str) -> Verdict {
    let client = inside(network, bench.spec(word, &asks(alias)));
    assert_eq!(bench.output_of(&client).await?.trim(), "found");
    Ok(())
}

/// A service that runs in a network of its own.
async fn started_service(bench: &Bench) -> Result<ContainerId, Failure> {
    let own = bench.network("own").await?;
    Ok(bench
        .start_spec(&inside(&own, bench.spec("service", &service())))
        .await?)
}

async fn connect(bench: &Bench, network: &NetworkSpec, id: &ContainerId) -> Result<ConnectOutcome, RuntimeError> {
    let aliases = ["db".to_owned(), "cache".to_owned()];
    bench.engine.connect_container(&network.name, id, &aliases).await
}

async fn aliases(bench: &Bench, id: &ContainerId, network: &NetworkSpec) -> Result<Option<BTreeSet<String>>, Failure> {
    Ok(bench.engine.inspect_container(id).await?.aliases.remove(&network.name))
}

async fn an_alias_is_found_from_the_same_network(bench: &Bench) -> Verdict {
    let (network, id) = (finding(bench, "net").await?, started_service(bench).await?);
    assert_eq!(connect(bench, &network, &id).await?, ConnectOutcome::Connected);
    is_found(bench, "one", &network, "db").await?;
    is_found(bench, "two", &network, "cache").await
}

async fn an_alias_is_found_after_the_container_was_restarted(bench: &Bench) -> Verdict {
    let (network, id) = (finding(bench, "net").await?, started_service(bench).await?);
    connect(bench, &network, &id).await?;
    bench.engine.stop_container(&id, Duration::ZERO).await?;
    bench.engine.start_container(&id).await?;
    is_found(bench, "one", &network, "db").await
}

async fn a_stopped_container_is_connected_and_found_once_it_runs(bench: &Bench) -> Verdict {
    let (network, own) = (finding(bench, "net").await?, bench.network("own").await?);
    let spec = inside(&own, bench.spec("service", &service()));
    let id = bench.engine.create_container(&spec).await?;
    assert_eq!(connect(bench, &network, &id).await?, ConnectOutcome::Connected);
    bench.engine.start_container(&id).await?;
    is_found(bench, "one", &network, "db").await
}

async fn connecting_what_runs_twice_reports_already_connected(bench: &Bench) -> Verdict {
    let (network, id) = (finding(bench, "net").await?, started_service(bench).await?);
    connect(bench, &network, &id).await?;
    assert_eq!(connect(bench, &network, &id).await?, ConnectOutcome::AlreadyConnected);
    Ok(())
}

async fn disconnecting_twice_reports_already_disconnected(bench: &Bench) -> Verdict {
    let (network, id) = (finding(bench, "net").await?, started_service(bench).await?);
    connect(bench, &network, &id).await?;
    let disconnect = || bench.engine.disconnect_container(&network.name, &id);
    assert_eq!(disconnect().await?, DisconnectOutcome::Disconnected);
    assert_eq!(disconnect().await?, DisconnectOutcome::AlreadyDisconnected);
    assert_eq!(aliases(bench, &id, &network).await?, None);
    let gone = ContainerId(bench.name("gone"));
    let nobody = bench.engine.disconnect_container(&network.name, &gone).await?;
    assert_eq!(nobody, DisconnectOutcome::AlreadyDisconnected);
    let nowhere = bench.engine.disconnect_container(&bench.name("gone"), &id).await?;
    assert_eq!(nowhere, DisconnectOutcome::AlreadyDisconnected);
    Ok(())
}

async fn a_connection_tells_its_names_whether_the_container_runs_or_not(bench: &Bench) -> Verdict {
    let (network, id) = (finding(bench, "net").await?, started_service(bench).await?);
    assert_eq!(aliases(bench, &id, &network).await?, None);
    connect(bench, &network, &id).await?;
    let has_both = |names: Option<BTreeSet<String>>| {
        names.is_some_and(|names| ["db", "cache"].into_iter().all(|name| names.contains(name)))
    };
    assert!(has_both(aliases(bench, &id, &network).await?));
    bench.engine.stop_container(&id, Duration::ZERO).await?;
    assert!(has_both(aliases(bench, &id, &network).await?));
    Ok(())
}

async fn a_second_network_leaves_the_first_address_alone(bench: &Bench) -> Verdict {
    let (network, first) = (finding(bench, "net").await?, bench.network("own").await?);
    let address = first.subnet.and_then(|subnet| subnet.hosts().nth(5));
    let mut spec = bench.spec("a", &Program::runs());
    spec.network = Some(NetworkAttachment {
        network: first.name.clone(),
        address,
    });
    let id = bench.engine.create_container(&spec).await?;
    connect(bench, &network, &id).await?;
    bench.engine.start_container(&id).await?;
    let seen = bench.engine.inspect_container(&id).await?.addresses;
    assert_eq!(seen.get(&first.name).copied(), address);
    assert!(address.is_some());
    Ok(())
}

async fn a_list_by_network_has_what_runs_and_what_does_not(bench: &Bench) -> Verdict {
    let (network, own) = (finding(bench, "net").await?, bench.network("own").await?);
    let running = bench
        .start_spec(&inside(&network, bench.spec("a", &Program::runs())))
        .await?;
    let spec = inside(&own, bench.spec("b", &Program::runs()));
    let stopped = bench.engine.create_container(&spec).await?;
    connect(bench, &network, &stopped).await?;
    bench
        .start_spec(&inside(&own, bench.spec("c", &Program::runs())))
        .await?;
    let listed = bench
        .engine
        .list_containers(&ContainerFilter::in_network(&network.name))
        .await?;
    let listed: BTreeSet<ContainerId> = listed.into_iter().map(|row| row.id).collect();
    assert_eq!(listed, BTreeSet::from([running, stopped]));
    Ok(())
}

async fn a_network_without_a_subnet_is_given_one(bench: &Bench) -> Verdict {
    let network = finding(bench, "net").await?;
    let detail = bench.engine.inspect_network(&network.name).await?;
    assert_eq!((detail.name, detail.labels), (network.name, network.labels));
    Ok(())
}

async fn connecting_to_a_network_that_is_not_there_is_not_found(bench: &Bench) -> Verdict {
    let id = started_service(bench).await?;
    let connected = bench.engine.connect_container(&bench.name("none"), &id, &[]).await;
    assert_eq!(kind_of(&connected), Some(Kind::NotFound));
    Ok(())
}

async fn connecting_a_container_that_is_not_there_is_not_found(bench: &Bench) -> Verdict {
    let network = finding(bench, "net").await?;
    let gone = ContainerId(bench.name("gone"));
    assert_eq!(kind_of(&connect(bench, &network, &gone).await), Some(Kind::NotFound));
    Ok(())
}

async fn a_container_says_whether_it_can_be_connected(bench: &Bench) -> Verdict {
    let network = finding(bench, "net").await?;
    // Without a network of its own, a container of a rootless engine has none that others could join.
    let id = bench.start("a", &Program::runs()).await?;
    let joins = bench.engine.inspect_container(&id).await?.joins_networks;
    let connected = connect(bench, &network, &id).await;
    if joins {
        assert_eq!(connected?, ConnectOutcome::Connected);
    } else {
        assert_eq!(kind_of(&connected), Some(Kind::Conflict));
    }
    Ok(())
}

async fn a_network_is_removed_after_its_last_container_left(bench: &Bench) -> Verdict {
    let (network, id) = (finding(bench, "net").await?, started_service(bench).await?);
    connect(bench, &network, &id).await?;
    let removed = bench.engine.remove_network(&network.name).await;
    assert_eq!(kind_of(&removed), Some(Kind::Conflict));
    bench.engine.disconnect_container(&network.name, &id).await?;
    assert_eq!(
        bench.engine.remove_network(&network.name).await?,
        RemoveOutcome::Removed
    );
    Ok(())
}
