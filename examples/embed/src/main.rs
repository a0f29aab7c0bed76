//! A program that deploys and scales an app without the `psctl` command: the use cases of `ps-core` over adapters that it
//! chooses itself. Its one invariant: it never names `ps-cli`. Start at [`deploy_and_scale`].
//!
//! ```text
//! cargo run -p embed-example -- --engine docker --address unix:///var/run/docker.sock \
//!     --state-dir target/embed-state shop path/to/source web=3
//! ```
#![expect(clippy::print_stdout, reason = "this program talks to the person at the terminal")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Parser, ValueEnum};
use ps_core::addresses::Subnet;
use ps_core::execution::{Cancellation, EventSink, OperationEvent, StepState};
use ps_core::formation::{ScaleChange, parse_scale};
use ps_core::names::AppName;
use ps_core::operations::{Adapters, OperationOptions, Operations};
use ps_core::proxy::NoProxy;
use ps_core::release::Source;
use ps_core::runtime::{Engine, EngineAddress, RuntimeError};
use ps_core::store::Store;
use ps_host_linux::LinuxHost;
use ps_probe_hyper::HyperProber;
use ps_runtime_docker::DockerRuntime;
use ps_runtime_podman::PodmanRuntime;
use ps_source::{Environment, FileSourceReader};
use ps_store_sqlite::SqliteStore;

/// Deploys a directory, brings it to a formation, and removes it again
#[derive(Debug, Parser)]
struct Arguments {
    /// Which backend to use
    #[arg(long)]
    engine: EngineKind,
    /// Where the engine listens, `unix:///path/to.sock` or `tcp://host:port`
    #[arg(long)]
    address: EngineAddress,
    /// Where psctl's database is kept
    #[arg(long)]
    state_dir: PathBuf,
    /// The subnet of the containers' network, where the engine takes one
    #[arg(long)]
    subnet: Option<Subnet>,
    /// Leave the app running
    #[arg(long)]
    keep: bool,
    /// Name of the app
    app: AppName,
    /// A directory with a Dockerfile and a Procfile
    source: PathBuf,
    /// How many of each process type: web=3 worker=1
    #[arg(required = true)]
    formation: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EngineKind {
    Docker,
    Podman,
}

/// Progress goes wherever the program wants it. The core promises not to put config values into events, but what a build or
/// a process prints may hold them; a program with secrets keeps what [`EventSink::hide`] tells and blots it out.
#[derive(Debug)]
struct PrintProgress;

impl EventSink for PrintProgress {
    fn emit(&self, event: OperationEvent) {
        match event {
            OperationEvent::Stage { text, .. } => println!("== {text}"),
            OperationEvent::Step {
                text,
                state: StepState::Done(took),
                ..
            } => println!("   {text} ({} ms)", took.as_millis()),
            OperationEvent::Step {
                text,
                state: StepState::Failed,
                ..
            } => println!("   FAILED: {text}"),
            OperationEvent::Warning { text, .. } => println!("   warning: {text}"),
            // The beginning of a step, and what a build prints, are left out here.
            OperationEvent::Step { .. } | OperationEvent::Checking { .. } | OperationEvent::Output { .. } => {}
        }
    }

    fn hide(&self, _values: Vec<String>) {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let engine = connect(arguments.engine, &arguments.address).await?;

    // A state directory belongs to one engine for ever: binding it is the embedder's part.
    let store = SqliteStore::open(&arguments.state_dir)?;
    store.bind_engine(&engine.identity()).await?;

    let sources = FileSourceReader::new(Environment::read(|name| std::env::var_os(name)));
    let host = Arc::new(LinuxHost::new());
    let adapters = Adapters {
        engine,
        store: Arc::new(store),
        source: Arc::new(sources.keeping_in(&arguments.state_dir)),
        clock: host.clone(),
        host,
        prober: Arc::new(HyperProber),
        proxy: Arc::new(NoProxy),
        events: Arc::new(PrintProgress),
    };
    let options = OperationOptions {
        subnet: arguments.subnet,
        ..OperationOptions::default()
    };
    // Raising this from a signal handler would end a running use case with nothing half done.
    let cancellation = Cancellation::default();
    let operations = Operations::new(adapters, options, cancellation);

    let source = std::path::absolute(&arguments.source)?;
    let changes = parse_scale(&arguments.formation)?;
    deploy_and_scale(&operations, &arguments.app, source, &changes).await?;
    if !arguments.keep {
        println!("== Removing {}", arguments.app);
        operations.destroy_app(&arguments.app).await?;
    }
    Ok(())
}

/// Both backends are values behind one trait; nothing after this function knows which one it is.
async fn connect(kind: EngineKind, address: &EngineAddress) -> Result<Arc<dyn Engine>, RuntimeError> {
    Ok(match kind {
        EngineKind::Docker => {
            Arc::new(DockerRuntime::connect(address, ps_runtime_docker::CallLimits::default()).await?)
        }
        EngineKind::Podman => {
            Arc::new(PodmanRuntime::connect(address, ps_runtime_podman::CallLimits::default()).await?)
        }
    })
}

/// The use cases themselves: each one locks the app, looks at what runs, plans, and executes the plan.
async fn deploy_and_scale(
    operations: &Operations,
    app: &AppName,
    source: PathBuf,
    changes: &[ScaleChange],
) -> Result<(), Box<dyn Error>> {
    operations.deploy(app, Some(Source::Directory(source))).await?;
    operations.scale(app, changes, false).await?;
    // What was replaced or scaled away waits to be removed; `psctl` does this in the background.
    operations.retire(app).await?;

    for report in operations.report(std::slice::from_ref(app)).await? {
        println!("== {} runs {}", report.app, report.formation);
        for (replica, found) in &report.replicas {
            let state = found.state.as_ref().map_or("missing".to_owned(), ToString::to_string);
            let place = found
                .endpoint
                .map_or_else(String::new, |endpoint| format!(" at {endpoint}"));
            println!("   {replica} {state}{place}");
        }
    }
    Ok(())
}
