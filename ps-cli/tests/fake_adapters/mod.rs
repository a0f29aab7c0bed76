//! Runs whole commands in-process over the fakes of `ps-core`: nothing outside the test is touched.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ps_cli::command_error::CommandError;
use ps_cli::environment::{Environment, Io};
use ps_cli::wiring::adapters::{Adapters, EngineKind, ProxyPlace};
use ps_core::crashes::Quarantine;
use ps_core::host::{Clock, Host};
use ps_core::names::ProcessType;
use ps_core::operations::Mode;
use ps_core::probe::HttpProber;
use ps_core::proxy::{NoProxy, Proxy};
use ps_core::release::Processes;
use ps_core::runtime::{ContainerRuntime, Engine, EngineAddress, EngineIdentity, ImageDetail, RuntimeError};
use ps_core::source::SourceReader;
use ps_core::store::{Store, StoreChange};
use ps_core::testing::{FakeClock, FakeEngine, FakeHost, FakeProber, FakeSource, MemoryStore};

/// The directory that commands run in, and deploy: one that exists. It is not read.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().unwrap()
}

/// One engine and one state.
#[derive(Debug, Clone)]
pub(crate) struct FakePlace {
    pub(crate) engine: FakeEngine,
    pub(crate) clock: FakeClock,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) proxy: Arc<dyn Proxy>,
    pub(crate) source: Arc<FakeSource>,
}

impl FakePlace {
    /// An empty state and a source with this Procfile.
    pub(crate) fn new(procfile: &[(&str, &str)]) -> Self {
        let clock = FakeClock::automatic();
        let source = FakeSource::new();
        let commands = procfile.iter().map(|(name, command)| {
            let name: ProcessType = name.parse().unwrap();
            (name, (*command).to_owned())
        });
        source.add_directory(directory(), Processes::Procfile(commands.collect()));
        let engine = FakeEngine::new(&clock);
        // The search for an engine knows only kinds that psctl has a backend for.
        engine.set_identity(EngineIdentity {
            kind: EngineKind::Docker.name().to_owned(),
            ..engine.identity()
        });
        Self {
            engine,
            store: Arc::new(MemoryStore::new(Arc::new(clock.clone()))),
            source: Arc::new(source),
            proxy: Arc::new(NoProxy),
            clock,
        }
    }

    /// What a command that succeeds prints on standard output.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        self.run_with_input(words, b"", 0)
    }

    /// What a command that ends with this exit code prints on standard output.
    pub(crate) fn run_with_input(&self, words: &[&str], input: &[u8], exit_code: u8) -> String {
        let (code, out, err) = self.end_of(words, input);
        assert_eq!(code, exit_code, "{words:?}: {err}");
        out
    }

    /// How a command ends: its exit code, standard output and standard error.
    pub(crate) fn end_of(&self, words: &[&str], input: &[u8]) -> (u8, String, String) {
        let (out, err) = (Sink::default(), Sink::default());
        let io = Io {
            stdin: Box::new(std::io::Cursor::new(input.to_vec())),
            stdout: Box::new(out.clone()),
            stderr: Box::new(err.clone()),
            stdin_is_terminal: false,
            stdout_is_terminal: false,
            stderr_is_terminal: false,
        };
        let environment = Environment {
            variables: [("PSCTL_STATE_DIR".to_owned(), "/state".into())].into(),
            user_id: 0,
            directory: directory(),
        };
        let arguments: Vec<OsString> = words.iter().map(OsString::from).collect();
        let code = ps_cli::run(&arguments, environment, io, Arc::new(self.clone())).code();
        (code, out.text(), err.text())
    }

    /// An image that the engine has.
    pub(crate) fn add_image(&self, name: &str) {
        let detail = ImageDetail {
            command: vec!["serve".to_owned()],
            ..ImageDetail::default()
        };
        self.engine.add_image(name, detail);
    }

    /// Takes an app out of service, as the listener does.
    pub(crate) fn quarantine(&self, app: &str, cause: &str) {
        let quarantine = Quarantine {
            cause: cause.to_owned(),
            since: self.clock.now(),
        };
        let change = StoreChange::SetQuarantine {
            app: app.parse().unwrap(),
            quarantine: Some(quarantine),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.store.apply(&[change])).unwrap();
    }

    /// A running container of somebody else.
    pub(crate) fn add_container(&self, name: &str) {
        self.engine.add_image(name, ImageDetail::default());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let spec = ps_core::runtime::ContainerSpec::new(name, name);
            let id = self.engine.create_container(&spec).await.unwrap();
            self.engine.start_container(&id).await.unwrap();
        });
    }

    /// Stops a container behind psctl's back.
    pub(crate) fn stop(&self, name: &str) {
        let id = self.engine.container_named(name).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let stop = self.engine.stop_container(&id, std::time::Duration::from_secs(1));
        runtime.block_on(stop).unwrap();
    }
}

#[async_trait]
impl Adapters for FakePlace {
    fn open_store(&self, _directory: &Path) -> Result<Arc<dyn Store>, CommandError> {
        Ok(self.store.clone())
    }

    fn open_existing_store(&self, _directory: &Path) -> Result<Option<Arc<dyn Store>>, CommandError> {
        Ok(Some(self.store.clone()))
    }

    async fn probe(&self, _address: &EngineAddress) -> Result<EngineKind, RuntimeError> {
        Ok(EngineKind::Docker)
    }

    async fn connect(
        &self,
        _kind: EngineKind,
        _address: &EngineAddress,
        _notes: Option<&Path>,
    ) -> Result<Arc<dyn Engine>, RuntimeError> {
        Ok(Arc::new(self.engine.clone()))
    }

    async fn start_podman_service(&self, _environment: &Environment) -> Result<Option<EngineAddress>, RuntimeError> {
        Ok(None)
    }

    fn source_reader(&self, _state_directory: &Path, _mode: Mode) -> Arc<dyn SourceReader> {
        self.source.clone()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }

    fn host(&self) -> Arc<dyn Host> {
        Arc::new(FakeHost::new(&self.engine))
    }

    fn prober(&self) -> Arc<dyn HttpProber> {
        Arc::new(FakeProber::new(&self.clock))
    }

    fn proxy(&self, _: &ProxyPlace<'_>) -> Arc<dyn Proxy> {
        self.proxy.clone()
    }
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
