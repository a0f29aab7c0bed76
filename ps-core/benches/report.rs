//! How long the report of 1,000 apps with 5,000 containers takes, and that it asks the engine once.
//!
//! `cargo xtask bench report` runs it; it fails when the engine was asked for anything but one list.
#![expect(clippy::print_stdout, reason = "a bench tells its figures")]
#![expect(clippy::unwrap_used, reason = "a bench ends at the first thing that is wrong")]
#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ps_core::app::Serving;
use ps_core::execution::{Cancellation, IgnoreEvents};
use ps_core::formation::{Formation, parse_scale};
use ps_core::labels::replica_labels;
use ps_core::names::{AppName, Generation, NameStage, container_name};
use ps_core::operations::{Adapters, OperationOptions, Operations};
use ps_core::proxy::NoProxy;
use ps_core::release::{Processes, Release, Source};
use ps_core::runtime::{ContainerRuntime, ContainerSpec};
use ps_core::store::{Store, StoreChange};
use ps_core::testing::{FakeClock, FakeEngine, FakeHost, FakeProber, FakeSource, MemoryStore};

const APPS: usize = 1_000;
const RUNS: usize = 21;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let (engine, operations) = deployed().await;
    let mut times = Vec::new();
    let mut containers = 0;
    for _ in 0..RUNS {
        engine.forget_calls();
        let began = Instant::now();
        let reports = operations.report(&[]).await.unwrap();
        times.push(began.elapsed());
        let asked: Vec<&str> = engine.calls().iter().map(|call| call.method).collect();
        assert_eq!(asked, ["list_containers"], "the whole call log");
        assert_eq!(reports.len(), APPS);
        let all = reports.iter().flat_map(|report| report.replicas.values());
        containers = all.filter(|replica| replica.container.is_some()).count();
    }
    times.sort_unstable();
    let figure = |position: usize| milliseconds(times.get(position).copied().unwrap_or_default());
    println!(
        "report of {APPS} apps with {containers} containers, {RUNS} runs: min {}, median {}, max {}",
        figure(0),
        figure(RUNS / 2),
        figure(RUNS - 1)
    );
    println!("calls to the engine in each run: one list, nothing else");
}

/// A thousand apps, each with three web and two worker containers.
async fn deployed() -> (FakeEngine, Operations) {
    let clock = FakeClock::automatic();
    let engine = FakeEngine::new(&clock);
    let source = Arc::new(FakeSource::new());
    let commands = [("web", "serve"), ("worker", "work")];
    let commands: BTreeMap<_, _> = commands
        .map(|(name, command)| (name.parse().unwrap(), command.to_owned()))
        .into();
    source.add_directory("/src", Processes::Procfile(commands));
    let store = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
    let adapters = Adapters {
        engine: Arc::new(engine.clone()),
        store: store.clone(),
        source,
        prober: Arc::new(FakeProber::new(&clock)),
        proxy: Arc::new(NoProxy),
        clock: Arc::new(clock),
        host: Arc::new(FakeHost::new(&engine)),
        events: Arc::new(IgnoreEvents),
    };
    let operations = Operations::new(adapters, OperationOptions::default(), Cancellation::default());
    // One app goes the whole way; deploying a thousand would look at every container a thousand times.
    let first: AppName = "first".parse().unwrap();
    let from = Source::Directory(PathBuf::from("/src"));
    store.apply(&[StoreChange::CreateApp(first.clone())]).await.unwrap();
    operations.deploy(&first, Some(from)).await.unwrap();
    let release = store.app(&first).await.unwrap().release.unwrap();
    operations.destroy_app(&first).await.unwrap();
    for number in 0..APPS {
        let app: AppName = format!("app-{number}").parse().unwrap();
        fill(&engine, &store, &app, &release).await;
    }
    (engine, operations)
}

/// An app as a deploy leaves it, three web and two worker containers running.
async fn fill(engine: &FakeEngine, store: &MemoryStore, app: &AppName, release: &Release) {
    let owner = store.owner().await.unwrap();
    let changes = parse_scale(&["web=3", "worker=2"]).unwrap();
    let formation = Formation::initial().apply(&changes, None).unwrap();
    let mut recorded = vec![
        StoreChange::CreateApp(app.clone()),
        StoreChange::RecordRelease {
            app: app.clone(),
            release: Box::new(release.clone()),
        },
    ];
    for (generation, replica) in (1..).map(Generation).zip(formation.replicas()) {
        let name = container_name(app, &replica, NameStage::Serving);
        let mut spec = ContainerSpec::new(name, release.image.id.0.clone());
        spec.labels = replica_labels(&owner, app, &replica, release.number, generation);
        let container = engine.create_container(&spec).await.unwrap();
        engine.start_container(&container).await.unwrap();
        let serving = Serving {
            container,
            generation,
            release: release.number,
            endpoint: None,
        };
        recorded.push(StoreChange::Serve {
            app: app.clone(),
            replica,
            serving,
        });
    }
    recorded.push(StoreChange::SetFormation {
        app: app.clone(),
        formation,
    });
    store.apply(&recorded).await.unwrap();
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
