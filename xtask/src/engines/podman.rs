//! The system's Podman as two services: one as root, one as an ordinary user.
//!
//! Both read a `containers.conf` of ours, so the machine's own configuration stays as it is.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::engines::daemon::{daemon_command, start};
use crate::engines::ordinary_user::{OrdinaryUser, ensure_user};
use crate::engines::places::Places;
use crate::failure::{Outcome, WhileDoing};
use crate::process::ProcessIdentity;
use crate::program::{clean_command, is_installed, run_quietly};
use crate::say;

/// Without the limits, containers fail with `RLIMIT_NOFILE: Operation not permitted` where the defaults may not be raised;
/// crun refuses rootless containers in hybrid cgroup mode; there is neither systemd nor its journal; and Podman falls back
/// to CNI, whose plugins are not installed, where images were there before its first start.
pub(crate) const CONTAINERS_CONF: &str = r#"[containers]
default_ulimits = ["nofile=16384:16384", "nproc=32768:32768"]
[network]
network_backend = "netavark"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"#;

const LIMIT: Duration = Duration::from_secs(30);

/// The socket of the service as root.
pub(crate) fn rootful_socket(places: &Places) -> Outcome<PathBuf> {
    places.socket("podman.sock")
}

/// Starts the service as root.
pub(crate) fn start_rootful(places: &Places) -> Outcome<(PathBuf, ProcessIdentity)> {
    let socket = rootful_socket(places)?;
    let service = format!("unix://{}", socket.display());
    let mut command = daemon_command("/root", &["podman", "system", "service", "--time=0", &service]);
    command.env("CONTAINERS_CONF", containers_conf(places)?);
    let process = start(command, &socket, &places.log("podman")?, LIMIT)?;
    Ok((socket, process))
}

/// The socket of the service as `user`; the checkout may be closed to that user, so it is in the user's runtime folder.
pub(crate) fn rootless_socket(places: &Places, user: &OrdinaryUser) -> PathBuf {
    user.runtime_folder().join(format!("psctl-{}.sock", places.tag()))
}

/// Starts the service as the ordinary user, made when missing.
pub(crate) fn start_rootless(places: &Places) -> Outcome<(PathBuf, ProcessIdentity)> {
    let user = ensure_user()?;
    make_runtime_folder(&user)?;
    open_tun_device()?;
    let socket = rootless_socket(places, &user);
    let log = places.log("podman-rootless")?;
    let service = format!("unix://{}", socket.display());
    let serve = ["podman", "system", "service", "--time=0", &service];
    let conf = containers_conf(places)?;
    let started = start(as_user(&user, &conf, &serve), &socket, &log, LIMIT).or_else(|failure| {
        if !lost_its_processes(&failure.to_string()) {
            return Err(failure);
        }
        say(&format!(
            "engines: the rootless containers of {} lost their processes; marking them as ended",
            user.name
        ));
        run_quietly(&mut as_user(&user, &conf, &["podman", "system", "migrate"]))?;
        start(as_user(&user, &conf, &serve), &socket, &log, LIMIT)
    });
    Ok((socket, started?))
}

/// Whether Podman refuses to start because its containers run by its books while all their processes were killed. Its own
/// cure is `podman system migrate`, which a reboot makes needless.
fn lost_its_processes(failure: &str) -> bool {
    failure.contains("podman system migrate")
}

/// `words` as `user`, in a session of its own.
fn as_user(user: &OrdinaryUser, conf: &Path, words: &[&str]) -> Command {
    let (uid, gid) = (format!("--reuid={}", user.uid), format!("--regid={}", user.gid));
    let mut all = vec!["setpriv", &uid, &gid, "--init-groups"];
    all.extend(words);
    let mut command = daemon_command(&user.home.to_string_lossy(), &all);
    command
        .env("USER", &user.name)
        .env("LOGNAME", &user.name)
        .env("XDG_RUNTIME_DIR", user.runtime_folder())
        .env("CONTAINERS_CONF", conf);
    command
}

/// The socket of the service that the user of this task starts without being root.
pub(crate) fn own_socket(places: &Places) -> Outcome<PathBuf> {
    match runtime_folder_of_this_user() {
        Some(folder) => Ok(folder.join(format!("psctl-{}.sock", places.tag()))),
        None => places.socket("podman-own.sock"),
    }
}

/// Starts the service as the user of this task, who is not root. Its own configuration counts, but for machines without
/// systemd, where containers need ours.
pub(crate) fn start_own(places: &Places) -> Outcome<(PathBuf, ProcessIdentity)> {
    let socket = own_socket(places)?;
    let home = std::env::var("HOME").unwrap_or_else(|_| "/".to_owned());
    let service = format!("unix://{}", socket.display());
    let mut command = daemon_command(&home, &["podman", "system", "service", "--time=0", &service]);
    command.envs(runtime_folder_of_this_user().map(|folder| ("XDG_RUNTIME_DIR", folder)));
    if let Some(own) = std::env::var_os("CONTAINERS_CONF") {
        command.env("CONTAINERS_CONF", own);
    } else if !Path::new("/run/systemd/system").exists() && is_installed("runc") {
        let file = places.state()?.join("containers.conf");
        fs::write(&file, CONTAINERS_CONF).while_doing(|| format!("write {}", file.display()))?;
        command.env("CONTAINERS_CONF", file);
    }
    let process = start(command, &socket, &places.log("podman-own")?, LIMIT)?;
    Ok((socket, process))
}

/// What a login session has; without one, the usual place when it is there.
fn runtime_folder_of_this_user() -> Option<PathBuf> {
    let named = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let usual = PathBuf::from(format!("/run/user/{}", rustix::process::geteuid().as_raw()));
    named.or(Some(usual)).filter(|folder| folder.is_dir())
}

/// Writes our configuration where every user can read it.
fn containers_conf(places: &Places) -> Outcome<PathBuf> {
    let file = places.short()?.join("containers.conf");
    fs::write(&file, CONTAINERS_CONF).while_doing(|| format!("write {}", file.display()))?;
    let readable = fs::Permissions::from_mode(0o644);
    fs::set_permissions(&file, readable).while_doing(|| format!("open {}", file.display()))?;
    Ok(file)
}

/// What a login session would have made.
fn make_runtime_folder(user: &OrdinaryUser) -> Outcome<()> {
    let folder = user.runtime_folder();
    fs::create_dir_all(&folder).while_doing(|| format!("make {}", folder.display()))?;
    chown(&folder, Some(user.uid), Some(user.gid)).while_doing(|| format!("give away {}", folder.display()))?;
    let private = fs::Permissions::from_mode(0o700);
    fs::set_permissions(&folder, private).while_doing(|| format!("close {}", folder.display()))
}

/// slirp4netns opens the device as the ordinary user.
pub(crate) fn open_tun_device() -> Outcome<()> {
    let device = Path::new("/dev/net/tun");
    if !device.exists() {
        fs::create_dir_all("/dev/net").while_doing(|| "make /dev/net".to_owned())?;
        run_quietly(clean_command("mknod", "/root").args(["/dev/net/tun", "c", "10", "200"]))?;
    }
    let open = fs::Permissions::from_mode(0o666);
    fs::set_permissions(device, open).while_doing(|| format!("open {} to users", device.display()))
}
