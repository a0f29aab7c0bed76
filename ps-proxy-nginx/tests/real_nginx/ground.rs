//! A place for one case: a folder, a port, and the nginx that was started for it.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::net::{SocketAddrV4, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ps_core::names::{OwnerToken, ProcessType, Replica};
use ps_core::proxy::{Site, SiteChange, SiteSettings, Upstream};
use ps_core::runtime::ContainerId;
use ps_proxy_nginx::{NginxConfig, NginxMode, NginxProxy};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Ports that a case of this process has.
static TAKEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A case's place; its nginx ends with it.
#[derive(Debug)]
pub(crate) struct Ground {
    folder: TempDir,
    pub(crate) config: NginxConfig,
}

/// A port that nobody listens on, below those that the kernel gives to clients.
pub(crate) fn free_port() -> u16 {
    loop {
        let port = 12_000 + u16::try_from(RandomState::new().hash_one(2) % 20_000).unwrap();
        if TcpListener::bind(("0.0.0.0", port)).is_ok() && TAKEN.lock().unwrap().insert(port) {
            return port;
        }
    }
}

/// Waits until something is so.
pub(crate) fn eventually(limit: Duration, mut check: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if check() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    check()
}

impl Ground {
    /// A configuration that is never used.
    pub(crate) fn any_config() -> NginxConfig {
        NginxConfig::own("/nowhere".into(), OwnerToken::new("0123456789abcdef").unwrap())
    }

    fn of_mode(mode: NginxMode) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Workers of the system's nginx are another user.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let state = folder.path().join("state");
        fs::create_dir(&state).unwrap();
        fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
        let owner = OwnerToken::new(format!("{:016x}", RandomState::new().hash_one(1))).unwrap();
        let mut config = NginxConfig::own(state, owner);
        config.mode = mode;
        config.http_port = free_port();
        config.main_configuration = Some(folder.path().join("etc/nginx.conf"));
        config.include_directory = folder.path().join("etc/conf.d");
        Self { folder, config }
    }

    /// For an nginx of psctl's own.
    pub(crate) fn own() -> Self {
        Self::of_mode(NginxMode::Own)
    }

    /// For the system's nginx: Debian's layout with its default site, on this case's port. It does not run yet.
    pub(crate) fn system() -> Self {
        let ground = Self::of_mode(NginxMode::System);
        let (folder, port) = (ground.folder.path(), ground.config.http_port);
        for name in ["etc/conf.d", "etc/sites-enabled", "etc/snippets", "log", "temp"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        let main = include_str!("system_nginx.conf").replace("@FOLDER@", folder.to_str().unwrap());
        fs::write(ground.folder.path().join("etc/nginx.conf"), main).unwrap();
        let has_ipv6 = !fs::read_to_string("/proc/net/if_inet6").unwrap_or_default().is_empty();
        let ipv6 = if has_ipv6 {
            format!("listen [::]:{port} default_server;")
        } else {
            String::new()
        };
        let site = format!(
            "server {{\n  listen {port} default_server;\n  {ipv6}\n  server_name _;\n  include snippets/answer.conf;\n}}\n"
        );
        fs::write(
            folder.join("etc/snippets/answer.conf"),
            "location / { return 200 \"the default site\\n\"; }\n",
        )
        .unwrap();
        fs::write(folder.join("etc/sites-enabled/default"), site).unwrap();
        ground
    }

    /// The same with a copy of this machine's own configuration.
    pub(crate) fn this_system() -> Self {
        let ground = Self::of_mode(NginxMode::System);
        let folder = ground.folder.path();
        for name in ["log", "temp"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        copy_folder(Path::new("/etc/nginx"), &folder.join("etc"), &|text| {
            let (etc, port) = (format!("{}/etc/", folder.display()), ground.config.http_port);
            let log = format!("{}/log/", folder.display());
            let temp = format!(
                "http {{ client_body_temp_path {0}/temp/body; proxy_temp_path {0}/temp/proxy; fastcgi_temp_path {0}/temp/fastcgi; uwsgi_temp_path {0}/temp/uwsgi; scgi_temp_path {0}/temp/scgi;",
                folder.display()
            );
            text.replace("/etc/nginx/", &etc)
                .replace("/run/nginx.pid", &folder.join("nginx.pid").display().to_string())
                .replace("/var/log/nginx/", &log)
                .replace("listen 80 ", &format!("listen {port} "))
                .replace("listen [::]:80 ", &format!("listen [::]:{port} "))
                .replacen("\nhttp {", &format!("\n{temp}"), 1)
        });
        ground
    }

    /// Starts the system's nginx.
    pub(crate) fn start(&self) {
        let program = NginxProxy::new(self.config.clone()).program().unwrap();
        let output = Command::new(program)
            .arg("-c")
            .args(&self.config.main_configuration)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(eventually(Duration::from_secs(5), || self.pid().is_some()));
    }

    /// The adapter.
    pub(crate) fn proxy(&self) -> NginxProxy {
        NginxProxy::new(self.config.clone())
    }

    /// A path in the folder of the case.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// nginx's part of the state directory.
    pub(crate) fn nginx(&self, name: &str) -> PathBuf {
        self.config.state_directory.join("nginx").join(name)
    }

    /// Writes a file in the folder of the case.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The process id of the nginx of this case.
    pub(crate) fn pid(&self) -> Option<i32> {
        let file = match self.config.mode {
            NginxMode::Own => self.nginx("nginx.pid"),
            NginxMode::System => self.path("nginx.pid"),
        };
        let pid: i32 = fs::read_to_string(file).ok()?.trim().parse().ok()?;
        Path::new(&format!("/proc/{pid}")).exists().then_some(pid)
    }

    /// Ends the nginx of this case.
    pub(crate) fn end_nginx(&self, signal: Signal) {
        let Some(pid) = self.pid() else { return };
        let workers = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        // The master first: it would replace its workers.
        let workers = workers.split_whitespace().map(|worker| worker.parse().unwrap());
        let processes: Vec<i32> = std::iter::once(pid).chain(workers).collect();
        let all: &[i32] = if signal == Signal::KILL { &processes } else { &[pid] };
        for process in all {
            let _ = kill_process(Pid::from_raw(*process).unwrap(), signal);
        }
        let is_gone = || processes.iter().all(|process| !is_alive(*process));
        assert!(eventually(Duration::from_secs(10), is_gone), "nginx does not end");
    }

    /// Everything below `generations`.
    pub(crate) fn generations(&self) -> Vec<String> {
        let entries = fs::read_dir(self.nginx("generations")).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn copy_folder(from: &Path, to: &Path, changed: &impl Fn(String) -> String) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if from.is_dir() {
            copy_folder(&from, &to, changed);
        } else if let Ok(text) = fs::read_to_string(&from) {
            fs::write(to, changed(text)).unwrap();
        }
    }
}

/// A process that was ended and that nobody waited for is gone as well.
fn is_alive(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = status.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.end_nginx(Signal::TERM);
        let short = &self.config.owner.as_str()[..8];
        for kind in ["body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            let _ = fs::remove_dir_all(format!("/run/psctl-{short}-{kind}"));
        }
    }
}

/// A site with `web` replicas at these addresses.
pub(crate) fn site(app: &str, domains: &[&str], addresses: &[SocketAddrV4]) -> Site {
    let upstream = |(index, address): (usize, &SocketAddrV4)| Upstream {
        replica: Replica::new(ProcessType::web(), u16::try_from(index + 1).unwrap()).unwrap(),
        container: ContainerId(format!("{index:064x}")),
        address: *address,
    };
    Site {
        app: app.parse().unwrap(),
        settings: SiteSettings {
            domains: domains.iter().map(|domain| domain.parse().unwrap()).collect(),
            body_limit: 1 << 20,
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(60),
            send_timeout: Duration::from_secs(60),
            template: None,
        },
        upstreams: addresses.iter().enumerate().map(upstream).collect(),
    }
}

/// Serving it.
pub(crate) fn serve(app: &str, domains: &[&str], addresses: &[SocketAddrV4]) -> SiteChange {
    SiteChange::Serve(site(app, domains, addresses))
}
