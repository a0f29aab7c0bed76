//! Looking: lists, inspect, processes.

use std::time::Duration;

use ps_core::policies::RestartPolicy;
use ps_core::runtime::{ContainerFilter, ContainerId, ContainerState, Document, RuntimeErrorKind as Kind};
use ps_core::testing::ProcessStep;

use super::super::bench::{LABEL, kind_of};
use super::super::{Bench, Case, Program, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        an_engine_says_which_one_it_is,
        an_engine_tells_its_time_and_where_it_keeps_things,
        lists_show_containers_in_every_state,
        a_list_takes_only_what_has_all_the_labels,
        a_label_with_another_value_is_not_listed,
        inspecting_what_is_not_there_is_not_found,
        the_engine_s_own_document_is_whole,
        every_restart_policy_is_kept_as_it_was_given,
        processes_are_listed_while_it_runs,
        listing_processes_of_what_does_not_run_is_a_conflict,
        listing_processes_of_what_is_not_there_is_not_found,
        the_host_sees_when_the_process_listens if |can| can.host_sees_processes,
    ]
}

fn missing() -> ContainerId {
    ContainerId("0123456789abcdef".repeat(4))
}

async fn an_engine_says_which_one_it_is(bench: &Bench) -> Verdict {
    let identity = bench.engine.identity();
    assert!(!identity.kind.is_empty() && !identity.id.is_empty() && !identity.version.is_empty());
    assert_eq!(bench.engine.identity(), identity);
    assert_eq!(bench.engine.inspect_engine().await?.identity, identity, "asked anew");
    assert_eq!(bench.engine.capabilities(), bench.engine.capabilities());
    Ok(())
}

async fn an_engine_tells_its_time_and_where_it_keeps_things(bench: &Bench) -> Verdict {
    let first = bench.engine.inspect_engine().await?;
    let second = bench.engine.inspect_engine().await?;
    assert_eq!(first.containers_outlive_it, second.containers_outlive_it);
    assert_eq!(first.storage, second.storage);
    assert!(first.storage.is_none_or(|path| path.is_absolute()));
    assert!(
        first.now.is_some() && first.now <= second.now,
        "{:?} {:?}",
        first.now,
        second.now
    );
    Ok(())
}

async fn lists_show_containers_in_every_state(bench: &Bench) -> Verdict {
    bench.create("created", &Program::runs()).await?;
    let running = bench.start("running", &Program::runs()).await?;
    let exited = bench.start("exited", &Program::exits(1)).await?;
    bench.engine.wait_container(&exited).await?;
    let mut rows = bench.engine.list_containers(&bench.filter()).await?;
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    let seen: Vec<_> = rows.iter().map(|row| (row.name.clone(), row.state.clone())).collect();
    let expected = [
        (bench.name("created"), ContainerState::Created),
        (bench.name("exited"), ContainerState::Exited),
        (bench.name("running"), ContainerState::Running),
    ];
    assert_eq!(seen, expected);
    let row = rows.iter().find(|row| row.id == running).ok_or("the id is another")?;
    assert!(row.labels.contains_key(LABEL));
    assert!(
        row.image.contains(bench.image.trim_start_matches("localhost/")),
        "{}",
        row.image
    );
    Ok(())
}

async fn a_list_takes_only_what_has_all_the_labels(bench: &Bench) -> Verdict {
    let mut spec = bench.spec("a", &Program::runs());
    spec.labels.insert("dev.psctl.test.role".to_owned(), "web".to_owned());
    let id = bench.engine.create_container(&spec).await?;
    bench.create("b", &Program::runs()).await?;
    let mut filter = bench.filter();
    filter.labels.insert("dev.psctl.test.role".to_owned(), "web".to_owned());
    let rows = bench.engine.list_containers(&filter).await?;
    let ids: Vec<_> = rows.into_iter().map(|row| row.id).collect();
    assert_eq!(ids, [id]);
    Ok(())
}

async fn a_label_with_another_value_is_not_listed(bench: &Bench) -> Verdict {
    bench.create("a", &Program::runs()).await?;
    let filter = ContainerFilter::with_label(LABEL, bench.name("other"));
    assert_eq!(bench.engine.list_containers(&filter).await?, []);
    Ok(())
}

async fn inspecting_what_is_not_there_is_not_found(bench: &Bench) -> Verdict {
    let inspected = bench.engine.inspect_container(&missing()).await;
    assert_eq!(kind_of(&inspected), Some(Kind::NotFound));
    Ok(())
}

async fn the_engine_s_own_document_is_whole(bench: &Bench) -> Verdict {
    let id = bench.create("a", &Program::runs()).await?;
    let document = bench.engine.inspect_container(&id).await?.document;
    assert_eq!(document.get("Id").and_then(Document::as_text), Some(id.0.as_str()));
    let labels = document.get("Config").and_then(|config| config.get("Labels"));
    assert!(labels.is_some_and(|labels| labels.get(LABEL).is_some()));
    Ok(())
}

async fn every_restart_policy_is_kept_as_it_was_given(bench: &Bench) -> Verdict {
    let policies = [
        RestartPolicy::No,
        RestartPolicy::Always,
        RestartPolicy::UnlessStopped,
        RestartPolicy::on_failure(0),
        RestartPolicy::on_failure(10),
    ];
    for (number, policy) in policies.into_iter().enumerate() {
        let mut spec = bench.spec(&number.to_string(), &Program::runs());
        spec.restart_policy = policy;
        let id = bench.engine.create_container(&spec).await?;
        assert_eq!(bench.engine.inspect_container(&id).await?.restart_policy, policy);
    }
    Ok(())
}

async fn processes_are_listed_while_it_runs(bench: &Bench) -> Verdict {
    let id = bench
        .start("a", &Program::words(&["sleep", "987"], [ProcessStep::Forever]))
        .await?;
    let table = bench.engine.list_processes(&id).await?;
    assert!(!table.titles.is_empty());
    assert!(
        table.processes.iter().all(|row| row.len() == table.titles.len()),
        "{table:?}"
    );
    let mut cells = table.processes.iter().flatten();
    assert!(cells.any(|cell| cell.contains("sleep 987")), "{table:?}");
    Ok(())
}

async fn listing_processes_of_what_does_not_run_is_a_conflict(bench: &Bench) -> Verdict {
    let id = bench.create("a", &Program::runs()).await?;
    let listed = bench.engine.list_processes(&id).await;
    assert_eq!(kind_of(&listed), Some(Kind::Conflict));
    Ok(())
}

async fn listing_processes_of_what_is_not_there_is_not_found(bench: &Bench) -> Verdict {
    let listed = bench.engine.list_processes(&missing()).await;
    assert_eq!(kind_of(&listed), Some(Kind::NotFound));
    Ok(())
}

async fn the_host_sees_when_the_process_listens(bench: &Bench) -> Verdict {
    let steps = [
        ProcessStep::Wait(Duration::from_millis(500)),
        ProcessStep::Listen(8642),
        ProcessStep::Forever,
    ];
    let mut spec = bench.spec("a", &Program::shell("sleep 0.5; exec httpd -f -p 8642 -h /tmp", steps));
    // A network namespace of its own.
    let network = bench.network("net").await?;
    spec.network = Some(ps_core::runtime::NetworkAttachment {
        network: network.name,
        address: None,
    });
    let id = bench.start_spec(&spec).await?;
    let pid = bench.engine.inspect_container(&id).await?.pid.ok_or("it has no pid")?;
    let listens = async || {
        let ports = bench.host.listening_ports(pid).await;
        Ok(ports.filter(|ports| ports.contains(&8642)).map(drop))
    };
    bench.eventually("listening", listens).await
}
