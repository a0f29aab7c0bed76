//! What one command works with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ps_core::app::{AppRecord, GlobalRecord};
use ps_core::audit::{AuditEntry, AuditOutcome, one_line, reason};
use ps_core::config::Config;
use ps_core::host::{Clock, Host};
use ps_core::names::AppName;
use ps_core::operations::Mode;
use ps_core::probe::HttpProber;
use ps_core::proxy::Proxy;
use ps_core::runtime::{Engine, EngineIdentity};
use ps_core::source::SourceReader;
use ps_core::store::{HeldLock, LockKind, Store, StoreErrorKind};
use tokio::sync::OnceCell;

use super::adapters::Adapters;
use super::candidates::{Candidate, candidates};
use super::current_proxy::CurrentProxy;
use super::discovery::Discovery;
use super::empty_store::EmptyStore;
use super::engine_search::{Stopped, Surroundings, find_engine, find_running_engine};
use super::systemd::Systemd;
use super::{state_directory, user_name};
use crate::arguments::GlobalOptions;
use crate::command_error::CommandError;
use crate::environment::Environment;
use crate::interrupt::Interrupt;
use crate::terminal::Terminal;

/// What one command works with; each part is opened when it is first asked for.
#[derive(Debug)]
pub struct Session {
    terminal: Arc<Terminal>,
    options: GlobalOptions,
    environment: Environment,
    interrupt: Interrupt,
    adapters: Arc<dyn Adapters>,
    to_read: OnceCell<Arc<dyn Store>>,
    to_change: OnceCell<Arc<dyn Store>>,
    engine: OnceCell<Arc<dyn Engine>>,
}

/// A search for an engine that is over.
#[derive(Debug)]
pub struct EngineSearch {
    /// What was tried.
    pub discovery: Discovery,
    /// The engine, and where it listens; `None` when none will do.
    pub found: Option<(Arc<dyn Engine>, Candidate)>,
}

impl Session {
    /// A session that has opened nothing.
    pub fn new(
        terminal: Arc<Terminal>,
        options: GlobalOptions,
        environment: Environment,
        interrupt: Interrupt,
        adapters: Arc<dyn Adapters>,
    ) -> Self {
        Self {
            terminal,
            options,
            environment,
            interrupt,
            adapters,
            to_read: OnceCell::new(),
            to_change: OnceCell::new(),
            engine: OnceCell::new(),
        }
    }

    /// What prints.
    pub fn terminal(&self) -> &Arc<Terminal> {
        &self.terminal
    }

    /// The global flags.
    pub fn options(&self) -> &GlobalOptions {
        &self.options
    }

    /// Variables, user and directory.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Ctrl-C, for commands that have something to put back first.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// The clock.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.adapters.clock()
    }

    /// The machine.
    pub fn host(&self) -> Arc<dyn Host> {
        self.adapters.host()
    }

    /// Asks containers over HTTP.
    pub fn prober(&self) -> Arc<dyn HttpProber> {
        self.adapters.prober()
    }

    /// Sends requests to containers, with the settings that are in force at each call.
    pub async fn proxy(&self) -> Result<Arc<dyn Proxy>, CommandError> {
        let store = self.current_store().await?;
        Ok(Arc::new(CurrentProxy {
            adapters: self.adapters.clone(),
            owner: store.owner().await?,
            store,
            state_directory: self.state_directory()?,
            environment: self.environment.clone(),
        }))
    }

    /// Reads sources.
    pub fn source_reader(&self) -> Result<Arc<dyn SourceReader>, CommandError> {
        Ok(self.adapters.source_reader(&self.state_directory()?, self.mode()))
    }

    /// Whether anything is changed.
    pub fn mode(&self) -> Mode {
        if self.options.dry_run {
            Mode::DryRun
        } else {
            Mode::Execute
        }
    }

    /// Who runs the command.
    pub fn user_name(&self) -> String {
        let passwd = std::fs::read("/etc/passwd").unwrap_or_default();
        user_name(&self.environment, &String::from_utf8_lossy(&passwd))
    }

    /// Where the state is kept.
    pub fn state_directory(&self) -> Result<PathBuf, CommandError> {
        state_directory(self.options.state_dir.as_deref(), &self.environment)
    }

    /// The store for a command that only reads; nothing is made when there is none.
    pub async fn store_to_read(&self) -> Result<Arc<dyn Store>, CommandError> {
        if let Some(store) = self.to_change.get() {
            return Ok(store.clone());
        }
        let open = || async {
            let directory = self.state_directory()?;
            let existing = self.adapters.open_existing_store(&directory)?;
            Ok::<_, CommandError>(existing.unwrap_or_else(|| Arc::new(EmptyStore)))
        };
        self.to_read.get_or_try_init(open).await.cloned()
    }

    /// The store as it is now, to read; `None` when there is none. It is opened anew each time.
    pub fn existing_store(&self) -> Result<Option<Arc<dyn Store>>, CommandError> {
        self.adapters.open_existing_store(&self.state_directory()?)
    }

    /// The store for a command that changes something; a dry run gets the one that only reads.
    pub async fn store(&self) -> Result<Arc<dyn Store>, CommandError> {
        if self.options.dry_run {
            return self.store_to_read().await;
        }
        let open = || async { self.adapters.open_store(&self.state_directory()?) };
        self.to_change.get_or_try_init(open).await.cloned()
    }

    /// The store that was opened: to change when a command asked for that, else to read.
    pub async fn current_store(&self) -> Result<Arc<dyn Store>, CommandError> {
        match self.to_change.get() {
            Some(store) => Ok(store.clone()),
            None => self.store_to_read().await,
        }
    }

    /// The engine: the one the state is bound to, else the first that is found. A command that changes something binds the
    /// state to it.
    pub async fn engine(&self) -> Result<Arc<dyn Engine>, CommandError> {
        let open = || async {
            let store = self.store_to_read().await?;
            let bound = store.bound_engine().await?;
            let discovery = Discovery::new(bound.clone(), self.options.runtime);
            let candidates = candidates(self.options.host.as_ref(), &self.environment)?;
            let notes = self.state_directory()?;
            let around = self.surroundings(Some(&notes));
            let engine = find_engine(around, discovery, candidates, &self.environment).await?;
            let identity = engine.identity();
            if let Some(store) = self.to_change.get().filter(|_| bound.as_ref() != Some(&identity)) {
                store.bind_engine(&identity).await?;
            }
            Ok::<_, CommandError>(engine)
        };
        self.engine.get_or_try_init(open).await.cloned()
    }

    fn surroundings<'a>(&'a self, notes: Option<&'a Path>) -> Surroundings<'a> {
        let adapters = &*self.adapters;
        Surroundings { adapters, notes }
    }

    /// The engine that the state is bound to, or the first that is found, and where it listens. Nothing is started, and the
    /// state is bound to nothing.
    pub async fn running_engine(&self) -> Result<(EngineIdentity, Candidate), CommandError> {
        let bound = self.store_to_read().await?.bound_engine().await?;
        let mut discovery = Discovery::new(bound, self.options.runtime);
        let candidates = candidates(self.options.host.as_ref(), &self.environment)?;
        match find_running_engine(self.surroundings(None), &mut discovery, candidates).await {
            Ok(Some((engine, candidate))) => Ok((engine.identity(), candidate)),
            Ok(None) | Err(Stopped) => Err(discovery.failure()),
        }
    }

    /// As [`Session::running_engine`] for a state that belongs to an engine or to none, with all that was tried.
    pub async fn search_engine(&self, bound: Option<EngineIdentity>) -> Result<EngineSearch, CommandError> {
        let mut discovery = Discovery::new(bound, self.options.runtime);
        let candidates = candidates(self.options.host.as_ref(), &self.environment)?;
        let found = find_running_engine(self.surroundings(None), &mut discovery, candidates).await;
        Ok(EngineSearch {
            discovery,
            found: found.unwrap_or_default(),
        })
    }

    /// What is damaged in the state; nothing is changed.
    pub async fn damage_of_state(&self) -> Result<Vec<String>, CommandError> {
        let (adapters, directory) = (self.adapters.clone(), self.state_directory()?);
        let check = tokio::task::spawn_blocking(move || adapters.damage_of_state(&directory));
        check.await.unwrap_or_else(|_| Ok(Vec::new()))
    }

    /// What runs services on this machine.
    pub fn systemd(&self) -> Arc<dyn Systemd> {
        self.adapters.systemd()
    }

    /// One app, to read; its config values, and the global ones, are hidden from now on.
    pub async fn app(&self, name: &AppName) -> Result<AppRecord, CommandError> {
        let app = self.store_to_read().await?.app(name).await?;
        self.hide([&app]);
        self.global().await?;
        Ok(app)
    }

    /// All apps, to read; their config values, and the global ones, are hidden from now on.
    pub async fn apps(&self) -> Result<Vec<AppRecord>, CommandError> {
        let apps = self.store_to_read().await?.apps().await?;
        self.hide(&apps);
        self.global().await?;
        Ok(apps)
    }

    /// What is set for all apps; its config values are hidden from now on.
    pub async fn global(&self) -> Result<GlobalRecord, CommandError> {
        let global = self.store_to_read().await?.global().await?;
        self.terminal.hide(values(&global.config));
        Ok(global)
    }

    /// Hides the config values of apps, of their releases too, but for the apps' names and process types.
    pub fn hide<'a>(&self, apps: impl IntoIterator<Item = &'a AppRecord>) {
        for app in apps {
            self.terminal.spare([app.name.as_str()]);
            self.terminal
                .spare(app.formation.iter().map(|(process_type, _)| process_type.as_str()));
            let release = app.release.iter().flat_map(|release| values(&release.config));
            self.terminal.hide(values(&app.config).chain(release));
        }
    }

    /// Takes the app's lock for a changing command, waiting as long as the flags say. None in a dry run.
    pub async fn lock(&self, app: &AppName, verb: &str) -> Result<Option<Box<dyn HeldLock>>, CommandError> {
        if self.options.dry_run {
            return Ok(None);
        }
        let store = self.store().await?;
        let patience = self.options.lock_patience();
        match store.lock_app(app, LockKind::Change, verb, patience).await {
            Ok(lock) => Ok(Some(lock)),
            Err(error) => {
                let error = CommandError::from(error);
                self.write_trail(Some(app), verb, Err(&error)).await;
                Err(error)
            }
        }
    }

    /// Adds how a command ended to the audit trail; nothing in a dry run. A trail that cannot be written fails nothing. Commands that
    /// are use cases of the core have it written there.
    pub async fn write_trail(&self, app: Option<&AppName>, verb: &str, ended: Result<String, &CommandError>) {
        if self.options.dry_run {
            return;
        }
        let Ok(store) = self.store().await else { return };
        let (outcome, text) = match ended {
            Ok(text) => (AuditOutcome::Done, text),
            Err(error) => (AuditOutcome::Failed, reason(&*error.error)),
        };
        let entry = AuditEntry {
            at: self.clock().now(),
            app: app.cloned(),
            verb: verb.to_owned(),
            by: Some(self.user_name()),
            outcome,
            text: one_line(&self.terminal.redactor().redact(&text)),
        };
        let _ = store.audit(entry).await;
    }

    /// The same for an app that must exist; for one that does not, nothing is made.
    pub async fn lock_existing(
        &self,
        app: &AppName,
        verb: &str,
    ) -> Result<(Option<Box<dyn HeldLock>>, AppRecord), CommandError> {
        self.app(app).await?;
        let lock = self.lock(app, verb).await?;
        Ok((lock, self.app(app).await?))
    }

    /// Whether an app of that name exists.
    pub async fn exists(&self, name: &AppName) -> Result<bool, CommandError> {
        match self.store_to_read().await?.app(name).await {
            Ok(app) => {
                self.hide([&app]);
                Ok(true)
            }
            Err(error) if matches!(error.kind, StoreErrorKind::NoSuchApp(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn values(config: &Config) -> impl Iterator<Item = String> + '_ {
    config.iter().map(|(_, value)| value.to_owned())
}
