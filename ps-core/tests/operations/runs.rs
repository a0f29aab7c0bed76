//! One-off containers of `run`: their deadline, and how they are stopped.

use std::time::Duration;

use ps_core::host::Clock;
use ps_core::operations::{OperationError, RunRequest};
use ps_core::runtime::{ContainerRuntime, RuntimeErrorKind, TerminalMode};
use ps_core::testing::{Fault, FaultEffect};

use crate::bench::{Bench, shop};

const HOUR: Duration = Duration::from_secs(3600);

async fn run(bench: &Bench, command: &[&str], time_to_live: Duration) -> Result<String, OperationError> {
    let request = RunRequest {
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        terminal: TerminalMode::Detached,
        time_to_live,
    };
    bench.operations.run_detached(&shop(), &request).await
}

async fn names(bench: &Bench) -> Vec<String> {
    let runs = bench.operations.runs(&shop()).await.unwrap();
    runs.into_iter().map(|listed| listed.run.name).collect()
}

#[tokio::test]
async fn a_run_is_listed_with_what_it_was_made_from() {
    let bench = Bench::new();
    bench.deploy().await;
    let before = bench.engine.clock().now();
    let name = run(&bench, &["rake", "db:migrate"], HOUR).await.unwrap();
    let runs = bench.operations.runs(&shop()).await.unwrap();
    let listed = runs.first().unwrap();
    assert_eq!((runs.len(), &listed.run.name), (1, &name));
    assert_eq!(listed.run.command.as_deref(), Some("rake db:migrate"));
    assert_eq!(listed.run.release.unwrap().to_string(), "v1");
    assert!(listed.run.deadline.unwrap() >= before + HOUR && listed.started_at.is_some());
}

#[tokio::test]
async fn whoever_retires_removes_a_run_after_its_deadline_and_not_before() {
    let bench = Bench::new();
    bench.deploy().await;
    let short = run(&bench, &["sleep"], HOUR).await.unwrap();
    let long = run(&bench, &["sleep"], 3 * HOUR).await.unwrap();
    bench.engine.clock().sleep(HOUR / 2).await;
    bench.operations.retire(&shop()).await.unwrap();
    assert_eq!(names(&bench).await, [short, long.clone()]);
    bench.engine.clock().sleep(HOUR).await;
    bench.operations.retire(&shop()).await.unwrap();
    assert_eq!(names(&bench).await, [long]);
    assert_eq!(bench.running().await.len(), 2);
}

#[tokio::test]
async fn one_run_or_all_of_them_are_stopped() {
    let bench = Bench::new();
    bench.deploy().await;
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(run(&bench, &["sleep"], HOUR).await.unwrap());
    }
    let planned = bench.dry.stop_runs(&shop(), None).await.unwrap();
    assert_eq!((planned.plans[0].steps().len(), names(&bench).await.len()), (8, 4));
    bench.operations.stop_runs(&shop(), Some(&all[1])).await.unwrap();
    let short = all[2].trim_start_matches("shop.");
    bench.operations.stop_runs(&shop(), Some(short)).await.unwrap();
    assert_eq!(names(&bench).await, [all[0].clone(), all[3].clone()]);
    let error = bench.operations.stop_runs(&shop(), Some("web.1")).await.unwrap_err();
    assert!(matches!(error, OperationError::NoSuchRun { .. }), "{error:?}");
    bench.operations.stop_runs(&shop(), None).await.unwrap();
    assert_eq!(bench.existing().await, ["shop.web.1"]);
    assert!(!bench.operations.stop_runs(&shop(), None).await.unwrap().is_change());
}

#[tokio::test]
async fn a_run_that_cannot_be_started_leaves_nothing() {
    let bench = Bench::new();
    bench.deploy().await;
    bench
        .engine
        .inject(Fault::new(FaultEffect::Fail(RuntimeErrorKind::Invalid)).on_method("start_container"));
    run(&bench, &["/no/such/program"], HOUR).await.unwrap_err();
    assert_eq!(bench.existing().await, ["shop.web.1"]);
}

#[tokio::test]
async fn a_run_that_somebody_removed_counts_as_killed() {
    let bench = Bench::new();
    bench.deploy().await;
    run(&bench, &["sleep"], HOUR).await.unwrap();
    let runs = bench.operations.runs(&shop()).await.unwrap();
    let id = &runs.first().unwrap().run.id;
    bench.engine.remove_container(id).await.unwrap();
    assert_eq!(bench.operations.finish_run(id).await.unwrap().0, 137);
}

#[tokio::test]
async fn a_retirement_that_fails_takes_nothing_from_a_deploy_at_work() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.operations.restart(&shop(), None).await.unwrap();
    bench.engine.inject(
        Fault::new(FaultEffect::Fail(RuntimeErrorKind::Unexpected))
            .on_method("stop_container")
            .nth(1),
    );
    let again = bench.again();
    let app = shop();
    let deploy = again.deploy(&app, None);
    let retire = async {
        Clock::sleep(bench.engine.clock(), Duration::from_millis(1500)).await;
        bench.operations.retire(&app).await
    };
    let (deployed, retired) = tokio::join!(deploy, retire);
    retired.unwrap_err();
    deployed.unwrap();
    assert_eq!(
        bench.running().await,
        ["shop.web.1", "shop.web.1.retiring-1", "shop.web.1.retiring-2"]
    );
}
