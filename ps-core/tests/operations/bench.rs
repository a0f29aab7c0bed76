//! A whole psctl in memory.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use ps_core::execution::{Cancellation, EventSink, OperationEvent};
use ps_core::formation::parse_scale;
use ps_core::names::{AppName, ProcessType};
use ps_core::operations::{Adapters, Mode, OperationOptions, Operations, VerbOutcome};
use ps_core::proxy::{Proxy, ProxyPresence};
use ps_core::release::{Processes, Source};
use ps_core::runtime::{ContainerRuntime, RuntimeCapabilities};
use ps_core::store::Store;
use ps_core::testing::{FakeClock, FakeEngine, FakeHost, FakeProber, FakeProxy, FakeSource, MemoryStore};

pub(crate) struct Bench {
    pub(crate) engine: FakeEngine,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) source: Arc<FakeSource>,
    pub(crate) prober: FakeProber,
    /// Absent, unless a test makes it ready.
    pub(crate) proxy: FakeProxy,
    pub(crate) operations: Operations,
    pub(crate) dry: Operations,
    pub(crate) cancellation: Cancellation,
    pub(crate) events: Arc<Recorder>,
    adapters: Adapters,
}

/// Keeps what was told.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    events: Mutex<Vec<OperationEvent>>,
    hidden: Mutex<Vec<String>>,
}

impl Recorder {
    pub(crate) fn warnings(&self) -> Vec<String> {
        let events = self.events.lock().unwrap();
        let texts = events.iter().filter_map(|event| match event {
            OperationEvent::Warning { text, .. } => Some(text.clone()),
            _ => None,
        });
        texts.collect()
    }

    /// What replicas were waiting for: `web.1 GET /health 2/3 at most 5 s`.
    pub(crate) fn checking(&self) -> Vec<String> {
        let events = self.events.lock().unwrap();
        let texts = events.iter().filter_map(|event| match event {
            OperationEvent::Checking {
                replica: Some(replica),
                check,
                attempt,
                attempts,
                at_most,
                ..
            } => Some(format!(
                "{replica} {check} {attempt}/{attempts} at most {} s",
                at_most.as_secs()
            )),
            _ => None,
        });
        texts.collect()
    }
}

impl EventSink for Recorder {
    fn emit(&self, event: OperationEvent) {
        self.events.lock().unwrap().push(event);
    }

    fn hide(&self, values: Vec<String>) {
        self.hidden.lock().unwrap().extend(values);
    }
}

pub(crate) fn shop() -> AppName {
    "shop".parse().unwrap()
}

pub(crate) fn procfile(lines: &[(&str, &str)]) -> Processes {
    let commands: BTreeMap<ProcessType, String> = lines
        .iter()
        .map(|(name, command)| (name.parse().unwrap(), (*command).to_owned()))
        .collect();
    Processes::Procfile(commands)
}

impl Bench {
    pub(crate) fn new() -> Self {
        let clock = FakeClock::automatic();
        let engine = FakeEngine::new(&clock);
        Self::over(clock, engine)
    }

    pub(crate) fn with_capabilities(change: impl FnOnce(&mut RuntimeCapabilities)) -> Self {
        let clock = FakeClock::automatic();
        let mut capabilities = FakeEngine::new(&clock).capabilities();
        change(&mut capabilities);
        let engine = FakeEngine::with_capabilities(&clock, capabilities);
        Self::over(clock, engine)
    }

    fn over(clock: FakeClock, engine: FakeEngine) -> Self {
        let host = FakeHost::new(&engine);
        let prober = FakeProber::new(&clock);
        let proxy = FakeProxy::new();
        proxy.set_presence(ProxyPresence::Absent);
        let source = Arc::new(FakeSource::new());
        source.add_directory("/src", procfile(&[("web", "serve --port $PORT"), ("worker", "work")]));
        let store = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
        let events = Arc::new(Recorder::default());
        let adapters = Adapters {
            engine: Arc::new(engine.clone()),
            store: store.clone(),
            source: source.clone(),
            clock: Arc::new(clock),
            host: Arc::new(host),
            prober: Arc::new(prober.clone()),
            proxy: Arc::new(proxy.clone()),
            events: events.clone(),
        };
        let cancellation = Cancellation::default();
        let operations = Operations::new(adapters.clone(), OperationOptions::default(), cancellation.clone());
        let dry_run = OperationOptions {
            mode: Mode::DryRun,
            ..OperationOptions::default()
        };
        let dry = Operations::new(adapters.clone(), dry_run, Cancellation::default());
        Self {
            engine,
            store,
            source,
            prober,
            proxy,
            operations,
            dry,
            cancellation,
            events,
            adapters,
        }
    }

    /// Another psctl on the same state and engine.
    pub(crate) fn again(&self) -> Operations {
        Operations::new(
            self.adapters.clone(),
            OperationOptions::default(),
            Cancellation::default(),
        )
    }

    /// A psctl that listens on the same state and engine, and what ends it.
    pub(crate) fn listener(&self) -> (Operations, Cancellation) {
        let cancellation = Cancellation::default();
        let options = OperationOptions::default();
        (
            Operations::new(self.adapters.clone(), options, cancellation.clone()),
            cancellation,
        )
    }

    /// Another psctl with another proxy.
    pub(crate) fn with_proxy(&self, proxy: Arc<dyn Proxy>) -> Operations {
        let adapters = Adapters {
            proxy,
            ..self.adapters.clone()
        };
        Operations::new(adapters, OperationOptions::default(), Cancellation::default())
    }

    /// The warnings so far.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.events.warnings()
    }

    /// The lines of a build or a one-off process so far.
    pub(crate) fn output_of(&self, process: &str) -> Vec<String> {
        let events = self.events.events.lock().unwrap();
        let line = |event: &OperationEvent| match event {
            OperationEvent::Output { from, line, .. } if *from == process => Some(line.clone()),
            _ => None,
        };
        events.iter().filter_map(line).collect()
    }

    /// The values that must not be shown.
    pub(crate) fn hidden(&self) -> Vec<String> {
        self.events.hidden.lock().unwrap().clone()
    }

    /// The same, with so many engine calls at once.
    pub(crate) fn with_engine_calls(&self, calls: usize) -> Operations {
        self.with_options(OperationOptions {
            engine_calls: Some(calls),
            ..OperationOptions::default()
        })
    }

    /// The same, with these options.
    pub(crate) fn with_options(&self, options: OperationOptions) -> Operations {
        Operations::new(self.adapters.clone(), options, Cancellation::default())
    }

    pub(crate) async fn deploy(&self) -> VerbOutcome {
        self.operations
            .deploy(&shop(), Some(Source::Directory(PathBuf::from("/src"))))
            .await
            .unwrap()
    }

    pub(crate) async fn scale(&self, words: &[&str]) -> VerbOutcome {
        self.operations
            .scale(&shop(), &parse_scale(words).unwrap(), false)
            .await
            .unwrap()
    }

    /// Names of the containers that run, sorted.
    pub(crate) async fn running(&self) -> Vec<String> {
        let all = self
            .engine
            .list_containers(&ps_core::runtime::ContainerFilter::default())
            .await
            .unwrap();
        let mut names: Vec<String> = all
            .into_iter()
            .filter(|container| container.state.is_running())
            .map(|container| container.name)
            .collect();
        names.sort();
        names
    }

    /// Names of all containers, sorted.
    pub(crate) async fn existing(&self) -> Vec<String> {
        let all = self
            .engine
            .list_containers(&ps_core::runtime::ContainerFilter::default())
            .await
            .unwrap();
        let mut names: Vec<String> = all.into_iter().map(|container| container.name).collect();
        names.sort();
        names
    }

    pub(crate) async fn record(&self) -> ps_core::app::AppRecord {
        self.store.app(&shop()).await.unwrap()
    }
}
