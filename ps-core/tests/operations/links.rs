//! Links: what an app is linked with is started and connected before its containers, and nothing else is done to it.

use std::time::Duration;

use ps_core::links::Link;
use ps_core::operations::{OperationError, RestoreSelection, RunRequest, VerbOutcome};
use ps_core::planning::LinkProblem;
use ps_core::runtime::{
    ContainerDetail, ContainerFilter, ContainerId, ContainerRuntime, ContainerSpec, ContainerState, ImageDetail,
    NetworkRuntime, RuntimeErrorKind, TerminalMode,
};
use ps_core::store::Store;
use ps_core::testing::{Fault, FaultEffect};

use crate::bench::{Bench, shop};

fn link(word: &str) -> Link {
    word.parse().unwrap()
}

impl Bench {
    /// Somebody else's container, which runs.
    async fn service(&self, name: &str) -> ContainerId {
        self.engine.add_image("postgres", ImageDetail::default());
        let id = self
            .engine
            .create_container(&ContainerSpec::new(name, "postgres"))
            .await
            .unwrap();
        self.engine.start_container(&id).await.unwrap();
        id
    }

    async fn add(&self, word: &str) -> Result<VerbOutcome, OperationError> {
        self.operations.add_link(&shop(), &link(word), true).await
    }

    async fn remove(&self, container: &str) -> Result<VerbOutcome, OperationError> {
        self.operations.remove_link(&shop(), container, None, true).await
    }

    async fn detail(&self, name: &str) -> ContainerDetail {
        self.engine
            .inspect_container(&ContainerId(name.to_owned()))
            .await
            .unwrap()
    }

    async fn network(&self) -> String {
        let owner = self.store.owner().await.unwrap();
        format!("psctl-{}-shop", owner.as_str().get(..12).unwrap())
    }

    async fn has_network(&self) -> bool {
        self.engine.inspect_network(&self.network().await).await.is_ok()
    }

    async fn names_of(&self, container: &str) -> Option<Vec<String>> {
        let names = self.detail(container).await.aliases.remove(&self.network().await)?;
        Some(names.into_iter().collect())
    }

    async fn stop_service(&self, id: &ContainerId) {
        self.engine.stop_container(id, std::time::Duration::ZERO).await.unwrap();
    }
}

fn problem(result: Result<VerbOutcome, OperationError>) -> LinkProblem {
    match result {
        Err(OperationError::Link(fault)) => fault.problem,
        other => panic!("no fault of a link: {other:?}"),
    }
}

#[tokio::test]
async fn a_link_on_a_running_app_replaces_its_containers() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.service("pg").await;
    let before = bench.engine.container_named("shop.web.1");
    bench.add("pg:db").await.unwrap();
    assert_ne!(bench.engine.container_named("shop.web.1"), before);
    assert_eq!(bench.names_of("pg").await.unwrap(), ["db"]);
    assert_eq!(bench.names_of("shop.web.1").await.unwrap(), Vec::<String>::new());
    assert_eq!(
        bench.detail("shop.web.1").await.addresses.len(),
        1,
        "the first address stays"
    );
    assert_eq!(bench.record().await.links, [link("pg:db")]);
    assert_eq!(bench.record().await.release.unwrap().number.0, 1);
}

#[tokio::test]
async fn a_link_that_is_only_stored_holds_from_the_next_containers_on() {
    let bench = Bench::new();
    bench.deploy().await;
    let pg = bench.service("pg").await;
    let before = bench.engine.container_named("shop.web.1");
    bench.operations.add_link(&shop(), &link("pg"), false).await.unwrap();
    assert_eq!(bench.engine.container_named("shop.web.1"), before);
    assert_eq!(bench.names_of("pg").await, None);
    bench.stop_service(&pg).await;
    bench.scale(&["web=2"]).await;
    assert_eq!(bench.names_of("pg").await.unwrap(), ["pg"]);
    assert_eq!(bench.detail("pg").await.state, ContainerState::Running);
    assert!(bench.names_of("shop.web.2").await.is_some());
}

#[tokio::test]
async fn a_stopped_service_is_started_before_the_app() {
    let bench = Bench::new();
    bench.deploy().await;
    let pg = bench.service("pg").await;
    bench.add("pg").await.unwrap();
    bench.operations.stop(&shop()).await.unwrap();
    assert_eq!(
        bench.detail("pg").await.state,
        ContainerState::Running,
        "it is not psctl's to stop"
    );
    for verb in ["start", "restart", "deploy", "run"] {
        bench.stop_service(&pg).await;
        bench.engine.forget_calls();
        match verb {
            "start" => drop(bench.operations.start(&shop()).await.unwrap()),
            "restart" => drop(bench.operations.restart(&shop(), None).await.unwrap()),
            "deploy" => drop(bench.deploy().await),
            _ => {
                let request = RunRequest {
                    command: vec!["true".to_owned()],
                    terminal: TerminalMode::Detached,
                    time_to_live: std::time::Duration::from_secs(60),
                };
                let name = bench.operations.run_detached(&shop(), &request).await.unwrap();
                assert!(bench.names_of(&name).await.is_some());
            }
        }
        let started = bench.engine.calls_of("start_container");
        assert_eq!(started.first().unwrap().subject, "pg", "{verb}");
        assert_eq!(bench.detail("pg").await.state, ContainerState::Running, "{verb}");
    }
}

#[tokio::test]
async fn a_missing_service_fails_before_anything_is_changed() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.service("pg").await;
    bench.add("pg").await.unwrap();
    bench.operations.retire(&shop()).await.unwrap();
    bench.engine.vanish("pg");
    let (record, before) = (bench.record().await, bench.existing().await);
    let operations = &bench.operations;
    let scaled = ps_core::formation::parse_scale(&["web=2"]).unwrap();
    assert_eq!(problem(operations.restart(&shop(), None).await), LinkProblem::Missing);
    assert_eq!(problem(operations.deploy(&shop(), None).await), LinkProblem::Missing);
    assert_eq!(
        problem(operations.scale(&shop(), &scaled, false).await),
        LinkProblem::Missing
    );
    assert_eq!(
        problem(operations.rename_app(&shop(), &"store".parse().unwrap()).await),
        LinkProblem::Missing
    );
    assert_eq!((bench.record().await, bench.existing().await), (record, before));
    // What takes away needs nothing.
    bench.scale(&["web=0"]).await;
    operations.stop(&shop()).await.unwrap();
    operations.destroy_app(&shop()).await.unwrap();
    assert!(!bench.has_network().await);
}

#[tokio::test]
async fn what_cannot_be_linked_is_refused() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.service("pg").await;
    bench.service("on-host").await;
    bench.engine.put_outside_networks("on-host");
    assert_eq!(problem(bench.add("nobody").await), LinkProblem::Missing);
    assert_eq!(problem(bench.add("on-host").await), LinkProblem::Unjoinable);
    assert_eq!(problem(bench.add("shop.web.1").await), LinkProblem::OfAnApp);
    bench.add("pg:db").await.unwrap();
    bench.service("mysql").await;
    let taken = bench.add("mysql:db").await;
    assert!(matches!(taken, Err(OperationError::AliasTaken { .. })), "{taken:?}");
    let unknown = bench.remove("mysql").await;
    assert!(matches!(unknown, Err(OperationError::NoSuchLink { .. })), "{unknown:?}");
    assert_eq!(bench.record().await.links, [link("pg:db")]);
}

#[tokio::test]
async fn a_service_leaves_when_no_container_was_made_with_it_any_more() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.service("pg").await;
    bench.service("redis").await;
    bench.add("pg").await.unwrap();
    bench.add("redis").await.unwrap();
    bench.operations.retire(&shop()).await.unwrap();
    bench.remove("pg").await.unwrap();
    assert!(bench.names_of("pg").await.is_some(), "the old containers still use it");
    bench.operations.retire(&shop()).await.unwrap();
    assert_eq!(bench.names_of("pg").await, None);
    assert!(bench.names_of("redis").await.is_some());
    bench.remove("redis").await.unwrap();
    bench.operations.retire(&shop()).await.unwrap();
    assert_eq!(bench.names_of("redis").await, None);
    assert!(!bench.has_network().await);
    assert_eq!(bench.running().await, ["pg", "redis", "shop.web.1"]);
}

#[tokio::test]
async fn a_service_with_two_names_has_both() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.service("pg").await;
    bench.add("pg:db").await.unwrap();
    bench.add("pg:main").await.unwrap();
    assert_eq!(bench.names_of("pg").await.unwrap(), ["db", "main"]);
    let one = bench.operations.remove_link(&shop(), "pg", Some("db"), true).await;
    one.unwrap();
    assert_eq!(bench.record().await.links, [link("pg:main")]);
    let listed = bench.operations.links(&shop()).await.unwrap();
    assert!(
        listed
            .iter()
            .all(|listed| listed.is_connected && listed.state == Some(ContainerState::Running))
    );
}

#[tokio::test]
async fn what_was_stopped_before_a_link_is_made_anew_by_a_start() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.operations.stop(&shop()).await.unwrap();
    let before = bench.engine.container_named("shop.web.1");
    bench.service("pg").await;
    bench.add("pg").await.unwrap();
    assert_eq!(bench.names_of("pg").await, None, "nothing is started yet");
    bench.operations.start(&shop()).await.unwrap();
    assert_ne!(bench.engine.container_named("shop.web.1"), before);
    assert!(bench.names_of("shop.web.1").await.is_some());
}

#[tokio::test]
async fn without_a_network_of_psctls_own_containers_are_made_in_the_apps() {
    let bench = Bench::with_capabilities(|can| can.host_reaches_containers = false);
    bench.deploy().await;
    let own = ps_core::runtime::NetworkSpec {
        name: "own".to_owned(),
        subnet: None,
        resolves_aliases: true,
        labels: std::collections::BTreeMap::new(),
    };
    bench.engine.create_network(&own).await.unwrap();
    bench.engine.add_image("postgres", ImageDetail::default());
    let mut spec = ContainerSpec::new("pg", "postgres");
    spec.network = Some(ps_core::runtime::NetworkAttachment {
        network: "own".to_owned(),
        address: None,
    });
    bench.engine.create_container(&spec).await.unwrap();
    bench.add("pg").await.unwrap();
    assert_eq!(bench.detail("pg").await.state, ContainerState::Running);
    assert!(bench.names_of("shop.web.1").await.is_some());
    let connected = bench.engine.calls_of("connect_container");
    assert!(connected.iter().all(|call| call.subject == "pg"), "{connected:?}");
}

#[tokio::test]
async fn a_dry_run_is_what_is_then_done() {
    let bench = Bench::new();
    bench.deploy().await;
    let pg = bench.service("pg").await;
    bench.stop_service(&pg).await;
    let planned = bench.dry.add_link(&shop(), &link("pg"), true).await.unwrap();
    assert_eq!(bench.names_of("pg").await, None);
    let done = bench.add("pg").await.unwrap();
    assert_eq!(planned.plans.len(), 2);
    assert_eq!(planned.plans, done.plans);
}

#[tokio::test]
async fn a_link_whose_rollout_fails_at_any_call_is_there_or_not_and_the_next_command_mends() {
    for method in [
        "create_network",
        "connect_container",
        "start_container",
        "create_container",
        "rename_container",
    ] {
        for call in 1..=2 {
            let bench = Bench::new();
            bench.deploy().await;
            let pg = bench.service("pg").await;
            bench.stop_service(&pg).await;
            let fails = FaultEffect::Fail(RuntimeErrorKind::Unexpected);
            bench.engine.inject(Fault::new(fails).on_method(method).nth(call));
            let result = bench.add("pg:db").await;
            bench.engine.clear_faults();
            let is_linked = !bench.record().await.links.is_empty();
            bench.operations.restart(&shop(), None).await.unwrap();
            bench.operations.retire(&shop()).await.unwrap();
            assert!(bench.running().await.contains(&"shop.web.1".to_owned()));
            assert_eq!(
                bench.names_of("pg").await.is_some(),
                is_linked,
                "{method} {call}: {result:?}"
            );
            assert_eq!(bench.has_network().await, is_linked, "{method} {call}");
        }
    }
}

#[tokio::test]
async fn a_list_of_strangers_is_never_touched_by_a_network_of_the_same_name() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.service("pg").await;
    let spec = ps_core::runtime::NetworkSpec {
        name: bench.network().await,
        subnet: None,
        resolves_aliases: true,
        labels: std::collections::BTreeMap::new(),
    };
    bench.engine.create_network(&spec).await.unwrap();
    let refused = bench.add("pg").await;
    assert!(
        matches!(refused, Err(OperationError::NetworkTaken { .. })),
        "{refused:?}"
    );
    bench.operations.destroy_app(&shop()).await.unwrap();
    assert!(bench.has_network().await);
    assert_eq!(
        bench
            .engine
            .list_containers(&ContainerFilter::default())
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_service_that_stopped_beside_an_app_that_runs_is_started_by_restore_and_start() {
    let bench = Bench::new();
    let db = bench.service("db").await;
    bench.deploy().await;
    bench.add("db").await.unwrap();
    let web = bench.engine.container_named("shop.web.1");
    for restores in [true, false] {
        bench.engine.stop_container(&db, Duration::ZERO).await.unwrap();
        if restores {
            let report = bench.operations.restore(&RestoreSelection::All, 1).await.unwrap();
            assert_eq!(report.not_back().count(), 0);
        } else {
            bench.operations.start(&shop()).await.unwrap();
        }
        assert_eq!(bench.detail("db").await.state, ContainerState::Running);
    }
    assert!(bench.engine.vanish("db"));
    let report = bench.operations.restore(&RestoreSelection::All, 1).await.unwrap();
    assert_eq!(report.not_back().count(), 1, "a missing one is told");
    assert_eq!(bench.engine.container_named("shop.web.1"), web, "and what runs goes on");
}

#[tokio::test]
async fn a_second_name_that_cannot_be_given_leaves_the_first_one() {
    let bench = Bench::new();
    bench.service("db").await;
    bench.deploy().await;
    bench.add("db").await.unwrap();
    let fails = Fault::new(FaultEffect::Fail(RuntimeErrorKind::Unexpected));
    bench.engine.inject(fails.on_method("connect_container").nth(1));
    bench.add("db:main").await.unwrap_err();
    assert_eq!(bench.names_of("db").await.unwrap_or_default(), ["db"]);
}
