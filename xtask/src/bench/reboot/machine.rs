//! A machine inside this one, that can lose its power: its own processes, network, mounts and `/run`, an engine with its own data
//! root, and an nginx with files of its own.
//!
//! Invariant: everything that runs in it is below one first process of a namespace of process numbers, so that the kernel ends all of
//! it, at once, when that one is killed; and that one is killed by the kernel when this program ends. Start reading at
//! [`Machine::boot`].

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::reboot::ground::Ground;
use crate::engines::ordinary_user::OrdinaryUser;
use crate::engines::podman::CONTAINERS_CONF;
use crate::failure::{Failure, Outcome, WhileDoing};
use crate::http::{Address, http_get};
use crate::process::{ProcessIdentity, descendants, namespace_members, program_name};
use crate::program::{clean_command, last_lines, run_quietly};

const ENGINE_LIMIT: Duration = Duration::from_secs(60);
const BETWEEN_PINGS: Duration = Duration::from_millis(20);

/// Becomes the outer process: `$0` is the ground, `$1` the first process's script, `$2` and `$3` a user's and group's id. A network
/// namespace needs a sysfs of its own, and the control groups are mounted on the old one.
const OUTSIDE: &str = r#"set -e
mount --rbind /sys/fs/cgroup "$0/cgroup"
exec unshare --pid --fork --kill-child --mount-proc sh -c "$1" "$0" "$2" "$3""#;

/// The first process. What a real machine loses with its power is in memory here too. It reaps what others leave.
const FIRST: &str = r#"set -e
mount -t sysfs sys /sys
mount --rbind "$0/cgroup" /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -m 1777 /run/lock
mkdir -p "/run/user/$1"; chmod 700 "/run/user/$1"; chown "$1:$2" "/run/user/$1"
mount --bind "$0/nginx" /etc/nginx
mount -t tmpfs tmpfs /var/lib/nginx
mount -t tmpfs tmpfs /var/log/nginx
ip link set lo up
echo up
exec >/dev/null
while :; do sleep 3600 & wait $!; done"#;

/// What outlives the engine: nginx, what the first process waits for, and what keeps a user's namespace, without which Podman
/// asks for a repair by hand.
const SPARED: [&str; 3] = ["nginx", "sleep", "podman pause"];

/// What watches in Podman, without what serves its containers' networks.
const MONITORS: [&str; 3] = ["podman", "conmon", "psctl"];

/// nginx as a distribution sets it up, without what this test has no use for.
const NGINX_CONF: &str = "worker_processes 1;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
events { worker_connections 1024; }
http {
    access_log off;
    include /etc/nginx/conf.d/*.conf;
}
";

/// Which engine a machine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EngineKind {
    /// `dockerd`.
    Docker,
    /// `podman system service` of a user who is not root.
    RootlessPodman(OrdinaryUser),
}

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// All processes of the machine, the network and `/run`, at once.
    Power,
    /// The engine, its monitors and the containers, one by one; nginx and the network stay.
    Engine,
    /// Podman's service and the monitors of its containers, which go on without them.
    Monitors,
}

/// A machine that is switched on.
#[derive(Debug)]
struct Running {
    outer: Child,
    first: ProcessIdentity,
    entered: Vec<Child>,
}

/// The machine. What is on its disk stays as long as it.
#[derive(Debug)]
pub(crate) struct Machine {
    ground: Ground,
    kind: EngineKind,
    running: Option<Running>,
}

impl Machine {
    /// A machine that is switched off and has an empty disk.
    pub(crate) fn new(kind: EngineKind) -> Outcome<Self> {
        let ground = Ground::new()?;
        ground.folder("cgroup")?;
        ground.folder("data")?;
        ground.folder("nginx/conf.d")?;
        ground.folder("logs")?;
        let write = |file: &str, text: &str| {
            let path = ground.path().join(file);
            std::fs::write(&path, text).while_doing(|| format!("write {}", path.display()))
        };
        write("nginx/nginx.conf", NGINX_CONF)?;
        write("containers.conf", CONTAINERS_CONF)?;
        let machine = Self {
            ground,
            kind,
            running: None,
        };
        machine.give_to_user("data")?;
        Ok(machine)
    }

    /// Its disk.
    pub(crate) fn disk(&self) -> &Path {
        self.ground.path()
    }

    /// The user that the engine and psctl run as; `None` is root.
    pub(crate) fn user(&self) -> Option<&OrdinaryUser> {
        match &self.kind {
            EngineKind::Docker => None,
            EngineKind::RootlessPodman(user) => Some(user),
        }
    }

    /// Makes what is below `name` on the disk the user's own.
    pub(crate) fn give_to_user(&self, name: &str) -> Outcome<()> {
        let folder = self.ground.folder(name)?;
        let Some(user) = self.user() else { return Ok(()) };
        let owner = format!("{}:{}", user.uid, user.gid);
        run_quietly(Command::new("chown").arg("-R").arg(owner).arg(folder)).map(|_| ())
    }

    /// Switches it on, without engine and nginx.
    pub(crate) fn boot(&mut self) -> Outcome<()> {
        let (uid, gid) = self.user().map_or((0, 0), |user| (user.uid, user.gid));
        // The kernel ends it when this program ends.
        let mut command = clean_command("setpriv", "/root");
        command.args([
            "--pdeathsig",
            "KILL",
            "unshare",
            "--net",
            "--mount",
            "--propagation",
            "private",
        ]);
        command.args(["sh", "-c", OUTSIDE]).arg(self.ground.path()).arg(FIRST);
        command.args([uid.to_string(), gid.to_string()]);
        command.stdout(Stdio::piped()).stderr(self.log("boot")?);
        let mut outer = command.spawn().while_doing(|| "switch the machine on".to_owned())?;
        let mut line = String::new();
        if let Some(output) = outer.stdout.take() {
            // A line that does not come is told below.
            drop(BufReader::new(output).read_line(&mut line));
        }
        let first = descendants(outer.id()).into_iter().next();
        let ("up", Some(first)) = (line.trim(), first) else {
            drop(outer.kill());
            drop(outer.wait());
            return Err(Failure::new(format!(
                "the machine does not boot:\n{}",
                self.told("boot")
            )));
        };
        self.running = Some(Running {
            outer,
            first,
            entered: Vec::new(),
        });
        Ok(())
    }

    /// Starts nginx with the files that are there.
    pub(crate) fn start_nginx(&self) -> Outcome<()> {
        run_quietly(&mut self.command(&["nginx"])?).map(|_| ())
    }

    /// Makes nginx read its files again.
    pub(crate) fn reload_nginx(&self) -> Outcome<()> {
        run_quietly(&mut self.command(&["nginx", "-s", "reload"])?).map(|_| ())
    }

    /// Starts the engine and does not wait for it.
    pub(crate) fn start_engine(&mut self) -> Outcome<()> {
        let data = self.ground.path().join("data");
        let words = match &self.kind {
            EngineKind::Docker => vec![
                "dockerd".to_owned(),
                format!("--data-root={}", data.display()),
                format!("--cgroup-parent=/{}", self.ground.name()),
                "--pidfile=/run/docker.pid".to_owned(),
                format!("--host=unix://{}", self.inner_socket()),
            ],
            EngineKind::RootlessPodman(_) => vec![
                "podman".to_owned(),
                format!("--root={}", data.join("storage").display()),
                format!("--runroot={}/containers", self.runtime_folder()),
                "system".to_owned(),
                "service".to_owned(),
                "--time=0".to_owned(),
                format!("unix://{}", self.inner_socket()),
            ],
        };
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = self.user_command(&words)?;
        let log = self.log("engine")?;
        let errors = log.try_clone().while_doing(|| "write the engine's log".to_owned())?;
        let child = command.stdout(log).stderr(errors).spawn();
        let child = child.while_doing(|| "start the engine".to_owned())?;
        if let Some(running) = &mut self.running {
            running.entered.push(child);
        }
        Ok(())
    }

    /// Waits until the engine answers.
    pub(crate) fn wait_for_engine(&self) -> Outcome<()> {
        let (address, deadline) = (self.engine()?, Instant::now() + ENGINE_LIMIT);
        let is_up = || http_get(&address, "/_ping", Duration::from_secs(2)).is_ok_and(|answer| answer.status == 200);
        while !is_up() {
            if Instant::now() >= deadline {
                let told = self.told("engine");
                return Err(Failure::new(format!("the engine does not answer:\n{told}")));
            }
            std::thread::sleep(BETWEEN_PINGS);
        }
        Ok(())
    }

    /// Kills. After it nothing of what was killed runs any more.
    pub(crate) fn cut(&mut self, cut: Cut) -> Outcome<()> {
        match cut {
            Cut::Power => self.switch_off(),
            Cut::Engine | Cut::Monitors => self.kill_engine(cut),
        }
    }

    fn switch_off(&mut self) -> Outcome<()> {
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        running.first.kill()?;
        // The kernel lets go of the first process when all others have ended.
        running
            .outer
            .wait()
            .while_doing(|| "wait for the machine's end".to_owned())?;
        reap(&mut running.entered)
    }

    fn kill_engine(&mut self, cut: Cut) -> Outcome<()> {
        let Some(running) = &mut self.running else {
            return Ok(());
        };
        let is_doomed = |process: &ProcessIdentity| {
            let name = program_name(process.pid);
            name.is_some_and(|name| match cut {
                Cut::Monitors => MONITORS.contains(&name.as_str()),
                _ => !SPARED.contains(&name.as_str()),
            })
        };
        loop {
            // Those of a container have numbers of their own, and are found as children.
            let mut doomed = namespace_members(running.first.pid);
            doomed.extend(descendants(running.first.pid));
            doomed.retain(|process| *process != running.first && is_doomed(process));
            if doomed.is_empty() {
                break;
            }
            doomed.iter().try_for_each(ProcessIdentity::kill)?;
        }
        reap(&mut running.entered)?;
        // The engine refuses to start while a pid file names any live process.
        let run = self.inside("/run")?;
        for file in ["docker.pid", "docker/containerd/containerd.pid"] {
            // There is none where another engine runs.
            drop(std::fs::remove_file(run.join(file)));
        }
        Ok(())
    }

    /// The engine's socket, seen from outside.
    pub(crate) fn engine(&self) -> Outcome<Address> {
        Ok(Address::Unix(self.inside(&self.inner_socket())?))
    }

    /// The engine's socket, seen from inside.
    pub(crate) fn inner_socket(&self) -> String {
        match &self.kind {
            EngineKind::Docker => "/run/docker.sock".to_owned(),
            EngineKind::RootlessPodman(_) => format!("{}/podman.sock", self.runtime_folder()),
        }
    }

    fn runtime_folder(&self) -> String {
        self.user()
            .map_or_else(|| "/run".to_owned(), |user| user.runtime_folder().display().to_string())
    }

    /// The link to the machine's network, as long as it is switched on.
    pub(crate) fn network(&self) -> Outcome<PathBuf> {
        Ok(PathBuf::from(format!("/proc/{}/ns/net", self.first()?.pid)))
    }

    /// A path of the machine, seen from outside.
    fn inside(&self, path: &str) -> Outcome<PathBuf> {
        Ok(PathBuf::from(format!("/proc/{}/root{path}", self.first()?.pid)))
    }

    fn first(&self) -> Outcome<&ProcessIdentity> {
        let running = self.running.as_ref();
        running
            .map(|running| &running.first)
            .ok_or_else(|| Failure::new("the machine is switched off"))
    }

    /// A command inside, as root.
    pub(crate) fn command(&self, words: &[&str]) -> Outcome<Command> {
        let mut command = clean_command("nsenter", "/root");
        let target = format!("--target={}", self.first()?.pid);
        command
            .args([&target, "--net", "--mount", "--pid"])
            .args(words)
            .current_dir("/");
        Ok(command)
    }

    /// A command inside, as the user of the engine.
    pub(crate) fn user_command(&self, words: &[&str]) -> Outcome<Command> {
        let Some(user) = self.user() else {
            return self.command(words);
        };
        let (uid, gid) = (format!("--reuid={}", user.uid), format!("--regid={}", user.gid));
        let become_user = ["setpriv", &uid, &gid, "--init-groups"];
        let mut command = self.command(&[&become_user[..], words].concat())?;
        command
            .env("HOME", &user.home)
            .env("USER", &user.name)
            .env("LOGNAME", &user.name)
            .env("XDG_RUNTIME_DIR", user.runtime_folder())
            .env("CONTAINERS_CONF", self.ground.path().join("containers.conf"));
        Ok(command)
    }

    fn log(&self, name: &str) -> Outcome<File> {
        let path = self.log_path(name);
        let file = File::options().create(true).append(true).open(&path);
        file.while_doing(|| format!("write {}", path.display()))
    }

    fn log_path(&self, name: &str) -> PathBuf {
        self.ground.path().join("logs").join(name)
    }

    /// The end of a log.
    pub(crate) fn told(&self, name: &str) -> String {
        last_lines(&std::fs::read_to_string(self.log_path(name)).unwrap_or_default(), 20)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The kernel ends it with this program, should that fail.
        drop(self.switch_off());
    }
}

/// Waits for processes that have ended.
fn reap(children: &mut Vec<Child>) -> Outcome<()> {
    for mut child in children.drain(..) {
        child.wait().while_doing(|| "wait for the engine's end".to_owned())?;
    }
    Ok(())
}
