//! Where a command plays: an engine, a fresh state directory, and the user that `psctl` runs as.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::demo::leftovers::{Leftovers, free_subnet};
use crate::demo::replicas::retiring;
use crate::engines::Engines;
use crate::engines::name::EngineName;
use crate::engines::ordinary_user::{OrdinaryUser, find_user};
use crate::engines::record::EngineRecord;
use crate::failure::{Failure, Outcome, WhileDoing};
use crate::process::ProcessIdentity;
use crate::program::{clean_command, is_root, run_quietly};
use crate::{say, target_folder, tell, workspace_folder};

/// Old containers have their stop timeout, and behind nginx their `wait-to-retire` of a minute before.
const RETIREMENT_LIMIT: Duration = Duration::from_secs(120);

/// So many containers at once are enough for most tasks.
const FEW: usize = 100;

/// Which engine a task works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChosenEngine {
    /// Docker.
    Docker,
    /// Podman as whoever runs the task.
    Podman,
    /// Podman as the ordinary test user, for a task that root runs.
    PodmanOfOrdinaryUser,
}

impl ChosenEngine {
    /// The engine, started when none is there.
    pub(crate) fn ensure(self) -> Outcome<EngineRecord> {
        let name = match self {
            Self::Docker => EngineName::Docker,
            Self::Podman if is_root() => EngineName::Podman,
            Self::Podman | Self::PodmanOfOrdinaryUser => EngineName::PodmanRootless,
        };
        let ready = Engines::open(&target_folder())?.ensure(&[name])?;
        let record = ready.into_iter().next();
        record.ok_or_else(|| Failure::new(format!("{name} is not there")))
    }
}

/// The release build of `psctl`; cargo's progress shows.
pub(crate) fn build_psctl() -> Outcome<PathBuf> {
    say("building psctl in release mode");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--package", "ps-cli"]);
    let status = command.current_dir(workspace_folder()).stdin(Stdio::null()).status();
    if !status.while_doing(|| "run cargo".to_owned())?.success() {
        return Err(Failure::new("psctl does not build"));
    }
    Ok(target_folder().join("release/psctl"))
}

/// How `psctl` is called.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    program: PathBuf,
    user: Option<OrdinaryUser>,
    variables: Vec<(&'static str, String)>,
    directory: PathBuf,
}

impl Query {
    /// A call of `psctl` with these words, as the stage's user, with nothing else in its environment.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let home = std::env::var("HOME").unwrap_or_else(|_| "/".to_owned());
        let mut command = match &self.user {
            None => clean_command(&self.program.to_string_lossy(), &home),
            Some(user) => {
                let mut command = clean_command("setpriv", &user.home.to_string_lossy());
                command.args([format!("--reuid={}", user.uid), format!("--regid={}", user.gid)]);
                command.arg("--init-groups").arg(&self.program);
                command
            }
        };
        command.args(words).current_dir(&self.directory);
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        command
    }

    /// The same with the engine behind another socket.
    pub(crate) fn through(mut self, socket: &Path) -> Self {
        let address = format!("unix://{}", socket.display());
        for (name, value) in &mut self.variables {
            if name.ends_with("_HOST") {
                value.clone_from(&address);
            }
        }
        self
    }

    /// `psctl ps:report <app> --format json`.
    pub(crate) fn report(&self, app: &str) -> Outcome<Value> {
        let output = run_quietly(&mut self.command(&["ps:report", app, "--format", "json"]))?;
        serde_json::from_slice(&output.stdout).while_doing(|| "read the JSON of ps:report".to_owned())
    }
}

/// An engine, a state directory of its own, and a way to call `psctl`.
#[derive(Debug)]
pub(crate) struct Stage {
    /// The engine.
    pub(crate) engine: EngineRecord,
    query: Query,
    folder: TempDir,
    leftovers: Leftovers,
}

impl Stage {
    /// A fresh state directory for `engine`; `program` is the built `psctl`. An ordinary user gets copies of what that user
    /// could not read here.
    pub(crate) fn set_up(engine: EngineRecord, program: &Path) -> Outcome<Self> {
        Self::set_up_for(engine, program, FEW)
    }

    /// The same with room for so many containers.
    pub(crate) fn set_up_for(engine: EngineRecord, program: &Path, containers: usize) -> Outcome<Self> {
        let user = if is_root() && engine.name == EngineName::PodmanRootless {
            find_user()?
        } else {
            None
        };
        let folder = tempfile::Builder::new().prefix("psctl-demo-").tempdir();
        let folder = folder.while_doing(|| "make a temporary folder".to_owned())?;
        let state = folder.path().join("state");
        let made = fs::DirBuilder::new().mode(0o700).create(&state);
        made.while_doing(|| format!("make {}", state.display()))?;
        let (program, directory) = match &user {
            None => (program.to_owned(), workspace_folder()),
            Some(user) => {
                give_copies(folder.path(), &state, program, user)?;
                (folder.path().join("psctl"), folder.path().to_owned())
            }
        };
        let subnet = free_subnet(containers)?;
        let socket = format!("unix://{}", engine.socket.display());
        let host = match engine.name {
            EngineName::Docker | EngineName::DockerNewer => "DOCKER_HOST",
            _ => "CONTAINER_HOST",
        };
        let variables = vec![
            (host, socket),
            ("PSCTL_STATE_DIR", state.display().to_string()),
            ("PSCTL_SUBNET", subnet.clone()),
            // The host's nginx is not touched.
            ("PSCTL_NGINX", String::new()),
        ];
        Ok(Self {
            leftovers: Leftovers::before(&engine, subnet)?,
            engine,
            query: Query {
                program,
                user,
                variables,
                directory,
            },
            folder,
        })
    }

    /// What a user would export to do the same by hand.
    pub(crate) fn exports(&self) -> Vec<String> {
        let variables = self.query.variables.iter();
        variables.map(|(name, value)| format!("{name}={value}")).collect()
    }

    /// How `psctl` is called here.
    pub(crate) fn query(&self) -> Query {
        self.query.clone()
    }

    /// Shows a command and what it prints; fails when it fails.
    pub(crate) fn type_in(&self, words: &[&str]) -> Outcome<()> {
        let line = format!("psctl {}", words.join(" "));
        tell(&format!("\n$ {line}"));
        let status = self
            .query
            .command(words)
            .status()
            .while_doing(|| format!("run `{line}`"))?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(format!("`{line}` ended with {status}")))
    }

    /// What a command prints to standard output, not shown.
    pub(crate) fn output_of(&self, words: &[&str]) -> Outcome<String> {
        let output = run_quietly(&mut self.query.command(words))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The report of one app.
    pub(crate) fn report(&self, app: &str) -> Outcome<Value> {
        self.query.report(app)
    }

    /// Has psctl run an nginx of its own here; returns its port.
    pub(crate) fn use_own_nginx(&mut self) -> Outcome<u16> {
        let places = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"];
        let program = places.into_iter().find(|place| Path::new(place).is_file());
        let program = program.ok_or_else(|| Failure::new("nginx is not installed"))?;
        for (name, value) in &mut self.query.variables {
            if *name == "PSCTL_NGINX" {
                program.clone_into(value);
            }
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = port.while_doing(|| "find a free port".to_owned())?.port();
        self.output_of(&["proxy:set", "--global", "nginx-mode", "own"])?;
        self.output_of(&["proxy:set", "--global", "http-port", &port.to_string()])?;
        Ok(port)
    }

    /// Ends that nginx, when there is one.
    pub(crate) fn end_own_nginx(&self) -> Outcome<()> {
        let file = self.folder.path().join("state/nginx/nginx.pid");
        let pid = fs::read_to_string(file).ok().and_then(|pid| pid.trim().parse().ok());
        let nginx = pid.and_then(ProcessIdentity::of);
        nginx.map_or(Ok(()), |nginx| nginx.end(Duration::from_secs(5)))
    }

    /// Waits until no old container of `app` is left.
    pub(crate) fn wait_until_retired(&self, app: &str) -> Outcome<()> {
        let deadline = Instant::now() + RETIREMENT_LIMIT;
        while retiring(&self.report(app)?) > 0 {
            if Instant::now() >= deadline {
                return Err(Failure::new(format!(
                    "old containers were still there after {} s",
                    RETIREMENT_LIMIT.as_secs()
                )));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// A copy of a folder of the workspace that may be changed, readable for whoever runs `psctl` here.
    pub(crate) fn copied(&self, source: &str) -> Outcome<PathBuf> {
        let name = Path::new(source).file_name().unwrap_or_default();
        let copy = self.folder.path().join("sources").join(name);
        let parent = copy.parent().unwrap_or(&copy);
        fs::create_dir_all(parent).while_doing(|| format!("make {}", parent.display()))?;
        run_quietly(
            Command::new("cp")
                .arg("-R")
                .arg(workspace_folder().join(source))
                .arg(&copy),
        )?;
        run_quietly(Command::new("chmod").args(["-R", "u=rwX,go=rX"]).arg(parent))?;
        Ok(copy)
    }

    /// Removes the network and the images of `app` that were made on this stage.
    pub(crate) fn remove_leftovers(&self, app: &str) -> Outcome<()> {
        self.leftovers.remove(&self.engine, app)
    }

    /// Leaves the state directory where it is; answers the exports.
    pub(crate) fn keep(self) -> Vec<String> {
        let exports = self.exports();
        let _kept = self.folder.keep();
        exports
    }
}

/// What the ordinary user needs, in a folder that user may enter.
fn give_copies(folder: &Path, state: &Path, program: &Path, user: &OrdinaryUser) -> Outcome<()> {
    let what = || format!("give {} its copy of psctl and of the example", user.name);
    let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755));
    open(folder).while_doing(what)?;
    chown(state, Some(user.uid), Some(user.gid)).while_doing(what)?;
    fs::copy(program, folder.join("psctl")).while_doing(what)?;
    let mut copy = Command::new("cp");
    copy.arg("-R").arg(workspace_folder().join("examples")).arg(folder);
    run_quietly(&mut copy)?;
    let mut readable = Command::new("chmod");
    readable.args(["-R", "u=rwX,go=rX"]).arg(folder.join("examples"));
    run_quietly(&mut readable).map(|_| ())
}
