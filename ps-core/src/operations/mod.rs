//! The use cases: observe, plan, execute over the ports. What the CLI and embedders call. Start at [`Operations`].
//!
//! Every changing use case works in either [`Mode`]: `DryRun` takes no lock, changes nothing and returns the plans.

mod all;
mod apps;
mod blame;
mod change;
mod checks;
mod coalesced;
mod configure;
mod deploy;
mod deployed_settings;
mod error;
mod gathered;
mod image_archive;
mod image_files;
mod keep_images;
mod links;
mod listen;
mod look;
mod new_formation;
mod phases;
mod prepare;
mod releases;
mod restore;
mod restore_again;
mod restore_image;
mod restore_proof;
mod restore_sites;
mod rollback;
mod routing;
mod run;
mod situate;
mod sources;
mod traffic;
mod trail;
mod verbs;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_lock::Semaphore;

pub use all::AppResult;
pub use change::VerbOutcome;
pub use checks::{CheckOutcome, CheckReport};
pub use configure::ConfigEdit;
pub use error::{FailedStep, OperationError};
pub use links::ListedLink;
pub use listen::{IgnoreNews, ListenFigures, ListenNews, ListenSink};
pub use look::ProcessList;
pub use new_formation::{NewFormation, new_formation};
pub use releases::{ListedRelease, ReleaseList, ReleaseState};
pub use restore::{RestoreOutcome, RestoreReport, RestoreSelection, RestoredApp};
pub use run::{AttachedRun, ListedRun, RunRequest};
pub use traffic::{AppTraffic, DomainEdit};

use crate::addresses::Subnet;
use crate::execution::{Cancellation, EventSink};
use crate::host::{Clock, Host};
use crate::probe::HttpProber;
use crate::proxy::Proxy;
use crate::redaction::Redactor;
use crate::runtime::Engine;
use crate::source::SourceReader;
use crate::store::Store;

/// Whether a use case changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It does.
    #[default]
    Execute,
    /// It only plans.
    DryRun,
}

/// How use cases work.
#[derive(Debug, Clone)]
pub struct OperationOptions {
    /// Whether anything is changed.
    pub mode: Mode,
    /// How long to wait for an app's lock.
    pub lock_patience: Duration,
    /// Engine calls at once, over all apps; `None` is twice the number of CPUs.
    pub engine_calls: Option<usize>,
    /// The subnet of psctl's network when none was chosen yet; `None` is the first free one from 10.210.0.0/16 on.
    pub subnet: Option<Subnet>,
    /// Who runs the command, for the history of releases and the audit trail; `None` where nobody is to be named.
    pub by: Option<String>,
}

impl Default for OperationOptions {
    fn default() -> Self {
        Self {
            mode: Mode::Execute,
            lock_patience: Duration::from_secs(10),
            engine_calls: None,
            subnet: None,
            by: None,
        }
    }
}

/// The adapters that use cases work with.
#[derive(Debug, Clone)]
pub struct Adapters {
    /// The engine.
    pub engine: Arc<dyn Engine>,
    /// What is remembered.
    pub store: Arc<dyn Store>,
    /// Where code comes from.
    pub source: Arc<dyn SourceReader>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The machine.
    pub host: Arc<dyn Host>,
    /// Asks replicas over HTTP.
    pub prober: Arc<dyn HttpProber>,
    /// Sends requests to replicas.
    pub proxy: Arc<dyn Proxy>,
    /// Where events go.
    pub events: Arc<dyn EventSink>,
}

/// The use cases over a set of adapters.
///
/// ```
/// use std::sync::Arc;
/// use ps_core::execution::{Cancellation, IgnoreEvents};
/// use ps_core::formation::parse_scale;
/// use ps_core::names::AppName;
/// use ps_core::operations::{Adapters, OperationOptions, Operations};
/// use ps_core::proxy::NoProxy;
/// use ps_core::release::{Processes, Source};
/// use ps_core::testing::{FakeClock, FakeEngine, FakeHost, FakeProber, FakeSource, MemoryStore};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// // A program that works on real engines puts real adapters here: see `examples/embed`.
/// let clock = Arc::new(FakeClock::automatic());
/// let engine = FakeEngine::new(&clock);
/// let source = FakeSource::new();
/// let procfile = [("web".parse()?, "serve --port $PORT".to_owned())];
/// source.add_directory("/src/shop", Processes::Procfile(procfile.into()));
/// let adapters = Adapters {
///     engine: Arc::new(engine.clone()),
///     store: Arc::new(MemoryStore::new(clock.clone())),
///     source: Arc::new(source),
///     host: Arc::new(FakeHost::new(&engine)),
///     prober: Arc::new(FakeProber::new(&clock)),
///     proxy: Arc::new(NoProxy),
///     clock,
///     events: Arc::new(IgnoreEvents),
/// };
/// let operations = Operations::new(adapters, OperationOptions::default(), Cancellation::default());
///
/// let shop: AppName = "shop".parse()?;
/// let outcome = operations.deploy(&shop, Some(Source::Directory("/src/shop".into()))).await?;
/// assert_eq!(outcome.release.map(|release| release.to_string()).as_deref(), Some("v1"));
/// operations.scale(&shop, &parse_scale(&["web=3"])?, false).await?;
/// assert!(engine.container_named("shop.web.3").is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Operations {
    adapters: Adapters,
    options: OperationOptions,
    permits: Semaphore,
    cancellation: Cancellation,
    /// What the audit trail must not repeat.
    hidden: Mutex<Redactor>,
}

impl Operations {
    /// Puts adapters together. Raising `cancellation` ends a running use case early, leaving nothing half done.
    pub fn new(mut adapters: Adapters, options: OperationOptions, cancellation: Cancellation) -> Self {
        adapters.proxy = Arc::new(coalesced::Coalesced::new(adapters.proxy));
        let calls = options
            .engine_calls
            .unwrap_or_else(|| adapters.host.cpus().saturating_mul(2))
            .max(1);
        Self {
            adapters,
            options,
            permits: Semaphore::new(calls),
            cancellation,
            hidden: Mutex::default(),
        }
    }

    /// The adapters.
    pub fn adapters(&self) -> &Adapters {
        &self.adapters
    }

    fn is_dry_run(&self) -> bool {
        self.options.mode == Mode::DryRun
    }
}
