//! An nginx laid out like a system's, in a folder of the case. Invariant: it ends with its value, and the host's own is not touched.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::{Ground, ensure};
use crate::conformance::{Failure, Verdict};

/// A system's nginx that somebody else than psctl starts and ends.
#[derive(Debug)]
pub struct SystemNginx {
    folder: PathBuf,
    /// Where apps are served.
    pub port: u16,
}

impl SystemNginx {
    /// Lays it out below a folder; it does not run yet.
    pub(super) fn lay_out(folder: &Path, real: &Path, port: u16) -> Result<Self, Failure> {
        let nginx = Self {
            folder: folder.join("system-nginx"),
            port,
        };
        for name in ["bin", "conf.d", "temp"] {
            fs::create_dir_all(nginx.folder.join(name))?;
        }
        let here = nginx.folder.to_str().ok_or("a path that is no text")?;
        fs::write(nginx.folder.join("nginx.conf"), configuration(here))?;
        let program = nginx.program();
        write_script(&program, &as_built_for(here, real))?;
        // What is printed for hosts with systemd starts this one too.
        let start = format!("[ \"$*\" = \"start nginx\" ] && exec {}\n", program.display());
        write_script(&program.with_file_name("systemctl"), &start)?;
        Ok(nginx)
    }

    /// The program.
    pub fn program(&self) -> PathBuf {
        self.folder.join("bin/nginx")
    }

    /// The folder whose files it takes in.
    pub fn include_directory(&self) -> PathBuf {
        self.folder.join("conf.d")
    }

    /// Starts it.
    pub fn start(&self) -> Verdict {
        let output = Command::new(self.program()).output()?;
        ensure(output.status.success(), || format!("{output:?}"))
    }

    /// Ends it, and waits until it is gone.
    pub fn end(&self, ground: &Ground) -> Verdict {
        let pid = self.pid().ok_or("nginx does not run")?;
        kill_process(pid, Signal::TERM)?;
        ground.eventually("nginx ends", || Ok(test_kill_process(pid).is_err().then_some(())))
    }

    fn pid(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.folder.join("nginx.pid")).ok()?;
        Pid::from_raw(text.trim().parse().ok()?)
    }
}

impl Drop for SystemNginx {
    fn drop(&mut self) {
        if let Some(pid) = self.pid() {
            // It may have ended already.
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

fn write_script(path: &Path, text: &str) -> Verdict {
    fs::write(path, format!("#!/bin/sh\n{text}"))?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}

/// The real program as if it had been built for this folder.
fn as_built_for(here: &str, real: &Path) -> String {
    format!(
        r#"case "$1" in
-V)
    echo "nginx version: nginx/1.22.1" >&2
    echo "configure arguments: --prefix={here} --conf-path={here}/nginx.conf --pid-path={here}/nginx.pid" >&2
    exit ;;
esac
case " $* " in
*" -c "*) exec {real} -p {here} "$@" ;;
*) exec {real} -p {here} -c {here}/nginx.conf "$@" ;;
esac
"#,
        real = real.display()
    )
}

fn configuration(here: &str) -> String {
    format!(
        r"user root;
pid {here}/nginx.pid;
error_log {here}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {here}/temp/body;
    proxy_temp_path {here}/temp/proxy;
    fastcgi_temp_path {here}/temp/fastcgi;
    uwsgi_temp_path {here}/temp/uwsgi;
    scgi_temp_path {here}/temp/scgi;
    include {here}/conf.d/*.conf;
}}
"
    )
}
