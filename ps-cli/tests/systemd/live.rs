//! A user's systemd in namespaces and a cgroup of its own, with a daemon that stands for the engine and a program that stands
//! for psctl.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::Failed;
use ps_cli::units::{EngineService, Suffix, UnitRole, UnitScope, UnitSettings, unit_files};
use tempfile::TempDir;

/// The program of a user's systemd.
pub(crate) const MANAGER: &str = "/usr/lib/systemd/systemd";

const ENGINE: &str = "\
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/sleep infinity
Restart=on-failure
RestartSec=100ms
";

/// Ends as `code` says, and leaves a line.
const PROGRAM: &str = "\
#!/bin/sh
case \" $* \" in *' ps:restore '*) echo restored >>PLACE/restores; exit $(cat PLACE/code) ;; esac
";

/// `PLACE` is the test's own directory. A step that does not come true within 30 s fails with its name.
const SCRIPT: &str = r#"
mount --bind HIERARCHY /sys/fs/cgroup
mount -t tmpfs none /run
mkdir -p /run/systemd/system /run/user/own
export XDG_RUNTIME_DIR=/run/user/own DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/own/bus
export SYSTEMD_UNIT_PATH=PLACE/units:/usr/lib/systemd/user:/lib/systemd/user
dbus-daemon --session --address=$DBUS_SESSION_BUS_ADDRESS --fork --nopidfile
MANAGER --user --unit=basic.target >PLACE/scope.log 2>&1 &
ctl() { systemctl --user "$@" 2>>PLACE/scope.log; }
eventually() {
    step=$1; shift; tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { echo "not within 30 s: $step; $(wc -l <PLACE/restores) restores" >&2; exit 1; }
        sleep 0.1
    done
}
is() { [ "$(ctl is-active $1)" = $2 ]; }
ran() { [ "$(wc -l <PLACE/restores)" = $1 ] && is psctl-restore.service $2; }
crash() { kill -9 "$(ctl show -p MainPID --value docker.service)"; }

eventually "the manager runs" is basic.target active
mkdir PLACE/units/docker.service.wants
ln -s ../psctl-restore.service PLACE/units/docker.service.wants/
ctl daemon-reload
ctl start docker.service;      eventually "it runs at the first start" ran 1 active
ctl restart docker.service;    eventually "it runs at a restart" ran 2 active
crash;                         eventually "it runs when systemd starts a dead engine again" ran 3 active
ctl stop docker.service;       eventually "it ends with the engine" ran 3 inactive
ctl start docker.service;      eventually "it runs at the start after a stop" ran 4 active
echo 3 >PLACE/code
ctl restart docker.service;    eventually "some apps do not come back" ran 5 failed
ctl restart docker.service;    eventually "it runs again after it failed" ran 6 failed
crash;                         eventually "and when the engine died after that" ran 7 failed
echo 0 >PLACE/code
ctl restart docker.service;    eventually "it succeeds again" ran 8 active
sed -i s/on-failure/no/ PLACE/units/docker.service; ctl daemon-reload
crash;                         eventually "it ends with an engine that stays down" ran 8 inactive
ctl start docker.service;      eventually "it runs when somebody starts that engine" ran 9 active
"#;

/// The options of `unshare`; all processes end with the first one of their namespace.
const NAMESPACES: [&str; 7] = [
    "--user",
    "--map-root-user",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
];

/// Why this machine cannot give systemd namespaces and a cgroup, if it cannot.
pub(crate) fn obstacle() -> Option<String> {
    let cgroup = match Cgroup::new("psctl-test-obstacle") {
        Ok(cgroup) => cgroup,
        Err(error) => return Some(format!("no cgroup: {error}")),
    };
    let script = format!(
        "mount --bind {} /sys/fs/cgroup && mount -t tmpfs none /run",
        cgroup.hierarchy.display()
    );
    let output = cgroup.run(&script).ok()?;
    let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " ");
    (!output.status.success()).then(|| format!("no namespaces: {said}"))
}

/// A cgroup that is removed with all that is in it.
struct Cgroup {
    hierarchy: PathBuf,
    path: PathBuf,
}

impl Cgroup {
    fn new(name: &str) -> std::io::Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        let unified = mounts.lines().find_map(|line| {
            let mut words = line.split(' ').skip(1);
            let place = words.next()?;
            (words.next() == Some("cgroup2")).then(|| PathBuf::from(place))
        });
        let hierarchy = unified.ok_or_else(|| std::io::Error::other("cgroup2 is not mounted"))?;
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let own = own
            .lines()
            .find_map(|line| line.strip_prefix("0::/"))
            .unwrap_or_default();
        let path = hierarchy.join(own).join(format!("{name}-{}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self { hierarchy, path })
    }

    /// Runs a script as root of namespaces in this cgroup.
    fn run(&self, script: &str) -> std::io::Result<std::process::Output> {
        let enter = format!("echo $$ >{}/cgroup.procs && exec unshare \"$@\"", self.path.display());
        let mut command = Command::new("sh");
        command
            .args(["-c", &enter, "sh"])
            .args(NAMESPACES)
            .args(["sh", "-c", script]);
        command.stdin(Stdio::null()).output()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // What has just died may still be counted.
        for _ in 0..100 {
            remove_all(&self.path);
            if !self.path.exists() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
}

/// Cgroups go from the leaves up.
fn remove_all(path: &Path) {
    let children = fs::read_dir(path).into_iter().flatten().flatten();
    for child in children.filter(|child| child.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove_all(&child.path());
    }
    drop(fs::remove_dir(path));
}

pub(crate) fn restore_runs_at_every_start() -> Result<(), Failed> {
    let place = TempDir::new()?;
    let path = place.path().to_str().expect("a place with a plain name");
    let program = place.path().join("psctl");
    fs::write(&program, PROGRAM.replace("PLACE", path))?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    fs::write(place.path().join("code"), "0\n")?;
    fs::write(place.path().join("restores"), "")?;
    fs::create_dir(place.path().join("units"))?;
    fs::write(place.path().join("units/docker.service"), ENGINE)?;
    let settings = UnitSettings {
        scope: UnitScope::User,
        engine: EngineService::Daemon("docker.service"),
        program,
        state_directory: place.path().join("state"),
        suffix: Suffix::default(),
        engine_options: Vec::new(),
        nginx: None,
    };
    for unit in unit_files(&settings)?
        .iter()
        .filter(|unit| unit.role == UnitRole::Restore)
    {
        fs::write(place.path().join("units").join(&unit.name), &unit.text)?;
    }
    let cgroup = Cgroup::new("psctl-test")?;
    let script = SCRIPT.replace("PLACE", path).replace("MANAGER", MANAGER);
    let output = cgroup.run(&script.replace("HIERARCHY", &cgroup.hierarchy.display().to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let log = fs::read_to_string(place.path().join("scope.log")).unwrap_or_default();
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{said}\nthe manager said:\n{log}").into())
}
