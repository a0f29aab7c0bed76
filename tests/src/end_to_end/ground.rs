//! Where a case works: an engine, a base image, a state directory and names of its own. Invariant: after [`Ground::clean`] nothing
//! with the case's names exists on the engine any more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use ps_core::runtime::{ContainerFilter, ContainerSummary, Engine, RuntimeErrorKind};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::{Finished, Program, Running, SystemNginx, ensure};
use crate::conformance::{EngineUnderTest, Failure, Verdict};
use crate::engines::RealEngine;

/// The longest that something may take which should happen soon.
const SOON: Duration = Duration::from_secs(60);

/// More releases than any case makes.
const RELEASES: u32 = 12;

/// What all cases on one engine share.
#[derive(Debug)]
pub struct Site {
    /// The engine.
    pub engine: RealEngine,
    /// Where psctl finds it.
    pub address: String,
    /// The base image.
    pub base: String,
    /// The binary.
    pub program: Program,
    /// The second number of the subnets of the cases.
    pub network: u8,
    /// Figures that cases measured.
    pub figures: Figures,
    /// How long each case took.
    pub took: Mutex<Vec<(Duration, &'static str)>>,
}

/// What was measured, for people to read; nothing fails by it.
pub type Figures = Arc<Mutex<Vec<String>>>;

/// What a case is given.
pub struct Ground {
    /// The engine, to look at it directly.
    pub engine: Arc<dyn Engine>,
    /// A base image with a shell and the usual small programs.
    pub base: String,
    runtime: tokio::runtime::Runtime,
    address: String,
    program: Program,
    subnet: String,
    prefix: String,
    folder: TempDir,
    state: Mutex<PathBuf>,
    commands: AtomicUsize,
    history: Mutex<Vec<Finished>>,
    apps: Mutex<Vec<String>>,
    images: Mutex<Vec<String>>,
    figures: Figures,
    nginx: Mutex<PathBuf>,
}

impl Ground {
    pub(super) fn new(site: &Site, number: u8) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let engine = runtime.block_on(site.engine.connect())?;
        let folder = tempfile::tempdir()?;
        Ok(Self {
            engine,
            base: site.base.clone(),
            runtime,
            address: site.address.clone(),
            program: site.program.clone(),
            subnet: format!("10.{}.{number}.0/24", site.network),
            prefix: format!("e2e{}x{number}", std::process::id()),
            state: Mutex::new(folder.path().join("state")),
            folder,
            commands: AtomicUsize::new(0),
            history: Mutex::default(),
            apps: Mutex::default(),
            images: Mutex::default(),
            figures: Arc::clone(&site.figures),
            nginx: Mutex::default(),
        })
    }

    /// An app's name of this case; the app is destroyed afterwards.
    pub fn app(&self, word: &str) -> String {
        let name = format!("{}{word}", self.prefix);
        let mut apps = self.apps.lock().unwrap_or_else(PoisonError::into_inner);
        if !apps.contains(&name) {
            apps.push(name.clone());
        }
        name
    }

    /// Where files of the case can be put.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The state directory.
    pub fn state(&self) -> PathBuf {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The binary under test.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Keeps a figure for the end of the run.
    pub fn measured(&self, text: String) {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    /// The subnet of the case's containers.
    pub fn subnet(&self) -> &str {
        &self.subnet
    }

    /// The engine's address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A command with the case's state directory and engine.
    pub fn command(&self, words: &[&str]) -> Command {
        // What follows `run` and `enter` is passed on, so psctl's own flags stand first.
        let mut command = self.command_without_engine(&["--host", &self.address]);
        command.env("PSCTL_SUBNET", &self.subnet).args(words);
        command
    }

    /// A command with the case's state directory.
    pub fn command_without_engine(&self, words: &[&str]) -> Command {
        let mut command = self.program.command();
        for variable in ["DOCKER_HOST", "CONTAINER_HOST", "DOCKER_CONTEXT", "PSCTL_SUBNET"] {
            command.env_remove(variable);
        }
        command.env("PSCTL_STATE_DIR", self.state()).env("NO_COLOR", "1");
        // No case touches the host's nginx: those with a proxy have one of their own.
        command.env("PSCTL_NGINX", self.nginx());
        command.args(words);
        command
    }

    /// Gives the case an nginx of its own, which ends with it; returns its port.
    pub fn use_nginx(&self) -> Result<u16, Failure> {
        let port = free_port()?;
        self.set_nginx(real_nginx()?);
        self.ok(&["proxy:set", "--global", "nginx-mode", "own"])?;
        self.ok(&["proxy:set", "--global", "http-port", &port.to_string()])?;
        Ok(port)
    }

    /// Gives the case a system's nginx, which the case itself starts and ends.
    pub fn use_system_nginx(&self) -> Result<SystemNginx, Failure> {
        let nginx = SystemNginx::lay_out(self.folder(), &real_nginx()?, free_port()?)?;
        self.set_nginx(nginx.program());
        let folder = nginx.include_directory();
        let folder = folder.to_str().ok_or("a path that is no text")?;
        self.ok(&["proxy:set", "--global", "nginx-mode", "system"])?;
        self.ok(&["proxy:set", "--global", "include-directory", folder])?;
        self.ok(&["proxy:set", "--global", "http-port", &nginx.port.to_string()])?;
        Ok(nginx)
    }

    fn set_nginx(&self, program: PathBuf) {
        *self.nginx.lock().unwrap_or_else(PoisonError::into_inner) = program;
    }

    /// Ends the nginx that psctl started for this case.
    fn end_nginx(&self) -> Verdict {
        let file = self.state().join("nginx/nginx.pid");
        let pid = std::fs::read_to_string(file).ok();
        let pid = pid.and_then(|pid| rustix::process::Pid::from_raw(pid.trim().parse().ok()?));
        let Some(pid) = pid else { return Ok(()) };
        // It may have ended already.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        self.eventually("nginx ends", || {
            Ok(rustix::process::test_kill_process(pid).is_err().then_some(()))
        })
    }

    /// The nginx program of the case; empty where there is to be none.
    pub fn nginx(&self) -> PathBuf {
        self.nginx.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts a command and lets it run.
    pub fn start(&self, words: &[&str]) -> Result<Running, Failure> {
        self.start_command(self.command(words), "")
    }

    /// Starts any command and lets it run.
    pub fn start_prepared(&self, command: Command) -> Result<Running, Failure> {
        self.start_command(command, "")
    }

    fn start_command(&self, command: Command, input: &str) -> Result<Running, Failure> {
        let number = self.commands.fetch_add(1, Ordering::Relaxed);
        Running::start(command, input, &self.folder.path().join(format!("command-{number}")))
    }

    /// Runs a command to its end.
    pub fn run(&self, words: &[&str]) -> Result<Finished, Failure> {
        self.run_command(self.command(words), "")
    }

    /// Runs a command that has input to its end.
    pub fn run_with_input(&self, words: &[&str], input: &str) -> Result<Finished, Failure> {
        self.run_command(self.command(words), input)
    }

    /// Runs any command to its end.
    pub fn run_command(&self, command: Command, input: &str) -> Result<Finished, Failure> {
        let finished = self.start_command(command, input)?.wait(|| {})?;
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.push(finished.clone());
        Ok(finished)
    }

    /// Runs a command that has to succeed.
    pub fn ok(&self, words: &[&str]) -> Result<Finished, Failure> {
        self.run(words)?.code_is(0)
    }

    /// Writes a source directory.
    pub fn source(&self, word: &str, files: &[(&str, &str)]) -> Result<String, Failure> {
        let folder = self.folder.path().join("sources").join(word);
        for (path, content) in files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(&folder))?;
            std::fs::write(path, content)?;
        }
        Ok(folder.to_str().ok_or("a path that is no text")?.to_owned())
    }

    /// The usual source directory: the base image, and a Procfile.
    pub fn source_of(&self, word: &str, procfile: &str) -> Result<String, Failure> {
        let dockerfile = format!("FROM {}\nEXPOSE 5000\n", self.base);
        self.source(word, &[("Dockerfile", &dockerfile), ("Procfile", procfile)])
    }

    /// Creates an app whose new containers are not checked, and whose old ones stop within a second.
    pub fn created(&self, word: &str) -> Result<String, Failure> {
        let app = self.app(word);
        self.ok(&["apps:create", &app])?;
        self.ok(&["checks:skip", &app, "web", "worker"])?;
        self.ok(&["ps:set", &app, "stop-timeout-seconds", "1"])?;
        Ok(app)
    }

    /// Such an app, deployed from the usual source directory.
    pub fn deployed(&self, word: &str, procfile: &str) -> Result<String, Failure> {
        let app = self.created(word)?;
        let source = self.source_of(word, procfile)?;
        self.ok(&["deploy", &app, &source])?;
        Ok(app)
    }

    /// Imports a root tree as an image of this case; its name is returned, and it is removed afterwards.
    pub fn import_root(&self, word: &str, tar: &Path) -> Result<String, Failure> {
        let name = self.image_name(&format!("{word}:root"));
        let archive = stream::iter([Ok(std::fs::read(tar)?.into())]).boxed();
        self.block_on(self.engine.import_image(archive, &name, &[]))?;
        Ok(name)
    }

    /// A name for an image of this case, which is removed afterwards.
    pub fn image_name(&self, word: &str) -> String {
        let name = format!("{}{word}", self.prefix);
        let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        images.push(name.clone());
        name
    }

    /// The engine.
    pub fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    /// Waits for a call on the engine.
    pub fn block_on<T>(&self, call: impl Future<Output = T>) -> T {
        self.runtime.block_on(call)
    }

    /// The containers whose name begins with an app's name and a dot.
    pub fn containers(&self, app: &str) -> Result<Vec<ContainerSummary>, Failure> {
        let beginning = format!("{app}.");
        let mut rows = self.block_on(self.engine.list_containers(&ContainerFilter::default()))?;
        rows.retain(|row| row.name.starts_with(&beginning));
        rows.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(rows)
    }

    /// The ids of an app's containers by what follows the app's name.
    pub fn ids(&self, app: &str) -> Result<BTreeMap<String, String>, Failure> {
        let rows = self.containers(app)?;
        let short = |row: ContainerSummary| (row.name.get(app.len() + 1..).unwrap_or_default().to_owned(), row.id.0);
        Ok(rows.into_iter().map(short).collect())
    }

    /// The id of one container.
    pub fn id(&self, app: &str, replica: &str) -> Result<String, Failure> {
        let found = self.ids(app)?.remove(replica);
        found.ok_or_else(|| format!("there is no {app}.{replica}").into())
    }

    /// Waits until an app has exactly these containers.
    pub fn has_soon(&self, app: &str, replicas: &[&str]) -> Verdict {
        let mut last = Vec::new();
        let seen = self.eventually(&format!("{app} has {replicas:?}"), || {
            last = self.ids(app)?.into_keys().collect();
            Ok(last
                .iter()
                .map(String::as_str)
                .eq(replicas.iter().copied())
                .then_some(()))
        });
        seen.map_err(|failure| format!("{failure}: it has {last:?}").into())
    }

    /// Fails unless an app has exactly these containers, all running.
    pub fn runs(&self, app: &str, replicas: &[&str]) -> Verdict {
        let rows = self.containers(app)?;
        let names: Vec<&str> = rows
            .iter()
            .filter(|row| row.state.is_running())
            .filter_map(|row| row.name.get(app.len() + 1..))
            .collect();
        ensure(names == replicas && rows.len() == replicas.len(), || {
            format!("{app} has not just {replicas:?}: {rows:?}")
        })
    }

    /// Fails when a container of an app runs.
    pub fn runs_none(&self, app: &str) -> Verdict {
        let rows = self.containers(app)?;
        ensure(!rows.iter().any(|row| row.state.is_running()), || {
            format!("{app} runs: {rows:?}")
        })
    }

    /// Waits until a check gives something.
    pub fn eventually<T>(&self, what: &str, check: impl FnMut() -> Result<Option<T>, Failure>) -> Result<T, Failure> {
        wait(what, Duration::from_millis(25), check)
    }

    /// The same for a check that costs nothing and whose moment is short: it is made without much of a pause.
    pub fn promptly<T>(&self, what: &str, check: impl FnMut() -> Result<Option<T>, Failure>) -> Result<T, Failure> {
        wait(what, Duration::from_millis(1), check)
    }

    /// Whether the engine has an image.
    pub fn has_image(&self, image: &str) -> Result<bool, Failure> {
        match self.block_on(self.engine.inspect_image(image)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind == RuntimeErrorKind::ImageMissing => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The state directory's database, to read.
    pub fn database(&self) -> Result<Connection, Failure> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        Ok(Connection::open_with_flags(self.state().join("psctl.db"), flags)?)
    }

    /// Everything that ran so far, for the message of a failure.
    pub(super) fn with_history(&self, failure: &str) -> Failure {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let line = |finished: &Finished| {
            let errors = finished.err.lines().filter(|line| !line.trim().is_empty());
            let last: Vec<&str> = errors.collect();
            let last = last.iter().rev().take(2).rev().copied().collect::<Vec<_>>().join(" / ");
            format!("  {} -> {:?} {last}", finished.words, finished.code)
        };
        let ran: Vec<String> = history.iter().map(line).collect();
        format!("{failure}\npsctl ran:\n{}", ran.join("\n")).into()
    }

    /// Removes everything of this case, and checks that it is gone.
    pub(super) fn clean(&self) -> Verdict {
        let network = self.network();
        let apps = self.apps.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for app in &apps {
            let mut destroy = self.command(&["apps:destroy", app, "--force", "--quiet"]);
            destroy.arg("--lock-timeout=30");
            // What it leaves is removed below; that it should leave nothing has a case of its own.
            let _ = self.start_command(destroy, "")?.wait(|| {})?;
            for row in self.containers(app)? {
                self.block_on(self.engine.remove_container(&row.id))?;
            }
            ensure(self.containers(app)?.is_empty(), || {
                format!("containers of {app} are left")
            })?;
        }
        for app in &apps {
            for number in 1..=RELEASES {
                self.block_on(self.engine.remove_image(&format!("psctl/{app}:v{number}")))?;
            }
        }
        for image in self.images.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            self.block_on(self.engine.remove_image(image))?;
        }
        self.end_nginx()?;
        if let Some(network) = network {
            self.block_on(self.engine.remove_network(&network))?;
        }
        Ok(())
    }

    /// The name of the state directory's network.
    pub fn network(&self) -> Option<String> {
        let owner: String = self
            .database()
            .ok()?
            .query_row("SELECT owner FROM store", [], |row| row.get(0))
            .ok()?;
        Some(format!("psctl-{}", owner.get(..12)?))
    }
}

fn real_nginx() -> Result<PathBuf, Failure> {
    let places = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"].map(PathBuf::from);
    let found = places.into_iter().find(|place| place.is_file());
    found.ok_or_else(|| "nginx is not installed".into())
}

fn free_port() -> Result<u16, Failure> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn wait<T>(what: &str, pause: Duration, mut check: impl FnMut() -> Result<Option<T>, Failure>) -> Result<T, Failure> {
    let end = Instant::now() + SOON;
    loop {
        if let Some(found) = check()? {
            return Ok(found);
        }
        ensure(Instant::now() < end, || format!("not within {SOON:?}: {what}"))?;
        std::thread::sleep(pause);
    }
}
