//! psctl's side: apps that psctl deployed, some of them stopped by their operator, and `ps:restore` after each boot.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::bench::reboot::clients::Site;
use crate::bench::reboot::machine::{EngineKind, Machine};
use crate::bench::reboot::side::{IMAGE, Side, app_names, import_app_image};
use crate::failure::{Failure, Outcome, WhileDoing};
use crate::program::run_quietly;

/// How many apps are deployed at a time.
const AT_A_TIME: usize = 4;

/// Who starts containers after a boot, besides psctl.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EngineStarts {
    /// The engine starts every second app by its restart policy, as far as it does that.
    EverySecond,
    /// It starts none.
    Nothing,
}

/// Apps of psctl.
#[derive(Debug)]
pub(crate) struct Psctl {
    program: PathBuf,
    engine_starts: EngineStarts,
    http_port: u16,
    sites: Vec<Site>,
}

impl Psctl {
    /// So many apps that serve, and after them so many that are stopped.
    pub(crate) fn of(
        program: PathBuf,
        kind: &EngineKind,
        engine_starts: EngineStarts,
        serving: usize,
        stopped: usize,
    ) -> Self {
        let names = app_names(serving + stopped);
        let site = |(position, app): (usize, String)| Site {
            host: format!("{app}.localhost"),
            app,
            is_stopped: position >= serving,
        };
        Self {
            program,
            engine_starts,
            http_port: if *kind == EngineKind::Docker { 80 } else { 8080 },
            sites: names.into_iter().enumerate().map(site).collect(),
        }
    }

    /// An ordinary user may not enter the folder of the build, and gets a copy.
    fn program_on(&self, machine: &Machine) -> PathBuf {
        machine
            .user()
            .map_or_else(|| self.program.clone(), |_| machine.disk().join("psctl"))
    }

    /// A call of psctl inside, as the engine's user.
    pub(crate) fn command(&self, machine: &Machine, words: &[&str]) -> Outcome<Command> {
        let program = self.program_on(machine);
        let program = program.to_string_lossy().into_owned();
        let mut command = machine.user_command(&[&[program.as_str()], words].concat())?;
        let engine = format!("unix://{}", machine.inner_socket());
        let variable = if machine.user().is_none() {
            "DOCKER_HOST"
        } else {
            "CONTAINER_HOST"
        };
        command
            .env(variable, engine)
            .env("PSCTL_STATE_DIR", machine.disk().join("state/psctl"));
        Ok(command)
    }

    fn run(&self, machine: &Machine, words: &[&str]) -> Outcome<()> {
        run_quietly(&mut self.command(machine, words)?).map(|_| ())
    }

    fn deploy(&self, machine: &Machine, position: usize, site: &Site) -> Outcome<()> {
        let app = site.app.as_str();
        self.run(machine, &["apps:create", app])?;
        self.run(machine, &["config:set", app, &format!("NAME={app}")])?;
        self.run(machine, &["checks:skip", app, "web"])?;
        if self.engine_starts == EngineStarts::Nothing || position % 2 == 1 {
            self.run(machine, &["ps:set", app, "restart-policy", "no"])?;
        }
        self.run(machine, &["git:from-image", app, IMAGE])?;
        if site.is_stopped {
            self.run(machine, &["ps:stop", app])?;
        }
        Ok(())
    }

    fn deploy_all(&self, machine: &Machine) -> Outcome<()> {
        let next = Mutex::new(self.sites.iter().enumerate());
        let work = || {
            loop {
                let turn = next.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((position, site)) = turn else { return Ok(()) };
                self.deploy(machine, position, site)?;
            }
        };
        // Podman loses a name when two calls name one image.
        let at_a_time = machine.user().map_or(AT_A_TIME, |_| 1);
        let crashed = |_| Err(Failure::new("a thread that deploys crashed"));
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..at_a_time).map(|_| scope.spawn(work)).collect();
            let ends = threads.into_iter().map(|thread| thread.join().unwrap_or_else(crashed));
            ends.collect()
        })
    }
}

impl Side for Psctl {
    fn name(&self) -> &'static str {
        "psctl"
    }

    fn sites(&self) -> &[Site] {
        &self.sites
    }

    fn http_port(&self) -> u16 {
        self.http_port
    }

    fn start_nginx(&self, machine: &Machine) -> Outcome<()> {
        if machine.user().is_none() {
            return machine.start_nginx();
        }
        // psctl makes an nginx of its own for an ordinary user, whose unit would start it.
        let configuration = machine.disk().join("state/psctl/nginx/nginx.conf");
        if !configuration.exists() {
            return Ok(());
        }
        let words = ["nginx", "-c", &configuration.to_string_lossy()];
        run_quietly(&mut machine.user_command(&words)?).map(|_| ())
    }

    fn set_up(&self, machine: &Machine) -> Outcome<()> {
        machine.give_to_user("state")?;
        let program = self.program_on(machine);
        if !program.exists() {
            fs::copy(&self.program, &program).while_doing(|| format!("copy {}", self.program.display()))?;
        }
        import_app_image(machine)?;
        self.deploy_all(machine)
    }

    fn comes_back(&self) -> bool {
        true
    }

    fn restore_command(&self, machine: &Machine) -> Outcome<Option<Command>> {
        self.command(machine, &["ps:restore"]).map(Some)
    }
}
