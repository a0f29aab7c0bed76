//! The nginx program: where it is, what it says of itself, and the ways it is run. Invariant: every run ends in a bounded time.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ps_core::proxy::{ProxyError, ProxyErrorKind};

use crate::config::NginxConfig;
use crate::durable_file::cannot;
use crate::process::{Ended, nginx_command, run};

/// Where it is looked for after `PATH`: ordinary users often do not have the `sbin` folders there.
const ALSO_IN: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/// How long nginx may take to look at a configuration, which may hold names that have to be resolved.
const LIMIT: Duration = Duration::from_secs(30);

/// How long it may take to tell its version.
const VERSION_LIMIT: Duration = Duration::from_secs(5);

/// The main configuration of most distributions.
const USUAL_CONFIGURATION: &str = "/etc/nginx/nginx.conf";

/// Where it notes its process id when neither its configuration nor its build says so.
const USUAL_PID: &str = "/run/nginx.pid";

/// The program and how it was built.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its version, for example `1.22.1`.
    pub(crate) version: Option<String>,
    /// The system's main configuration.
    pub(crate) configuration: PathBuf,
    /// Whether the program reads that one without being told.
    is_usual: bool,
    prefix: PathBuf,
    pid: PathBuf,
}

/// The system's main configuration, as far as it is known without a program.
pub(crate) fn main_configuration_without_program(config: &NginxConfig) -> PathBuf {
    let told = config.main_configuration.clone();
    told.unwrap_or_else(|| PathBuf::from(USUAL_CONFIGURATION))
}

/// Where the program is; `None` when there is none.
pub(crate) fn find_program(config: &NginxConfig) -> Option<PathBuf> {
    let is_runnable = |path: &PathBuf| {
        path.metadata()
            .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    if let Some(program) = &config.program {
        return Some(program.clone()).filter(is_runnable);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).chain(ALSO_IN.map(PathBuf::from)).collect();
    let absolute = folders.into_iter().filter(|folder| folder.is_absolute());
    absolute.map(|folder| folder.join("nginx")).find(is_runnable)
}

impl Program {
    /// Finds it and asks how it was built.
    pub(crate) async fn learn(config: &NginxConfig) -> Result<Self, ProxyError> {
        let Some(path) = find_program(config) else {
            let message = match &config.program {
                Some(program) => format!("there is no program {}", program.display()),
                None => "there is no nginx on this host".to_owned(),
            };
            let mut failure = ProxyError::new(ProxyErrorKind::Absent, message);
            failure.hint = Some("install nginx, or serve the app without it: psctl proxy:set <app> none".to_owned());
            return Err(failure);
        };
        let mut command = nginx_command(&path);
        command.arg("-V");
        let ended = run(command, VERSION_LIMIT)
            .await
            .map_err(|error| cannot("run", &path, error))?;
        Ok(Self::built_as(path, &ended.said, config.main_configuration.clone()))
    }

    fn built_as(path: PathBuf, said: &[String], told: Option<PathBuf>) -> Self {
        let version = said.iter().find_map(|line| line.strip_prefix("nginx version: "));
        let version = version.and_then(|name| name.split('/').nth(1)).map(|text| {
            let number = text.split(' ').next();
            number.unwrap_or(text).to_owned()
        });
        let words = || said.iter().flat_map(|line| line.split(' '));
        let built = |option: &str| words().find_map(|word| word.strip_prefix(option)).map(PathBuf::from);
        let prefix = built("--prefix=").unwrap_or_else(|| PathBuf::from("/usr/local/nginx"));
        let usual = prefix.join(built("--conf-path=").unwrap_or_else(|| PathBuf::from(USUAL_CONFIGURATION)));
        Self {
            path,
            version,
            is_usual: told.as_ref().is_none_or(|told| *told == usual),
            configuration: told.unwrap_or(usual),
            pid: prefix.join(built("--pid-path=").unwrap_or_else(|| PathBuf::from(USUAL_PID))),
            prefix,
        }
    }

    /// Where it notes its process id, when its main configuration says `own`, or nothing.
    pub(crate) fn pid_file(&self, own: Option<&str>) -> PathBuf {
        own.map_or_else(|| self.pid.clone(), |own| self.prefix.join(own))
    }

    /// Has a configuration tested. Nothing is served by it.
    pub(crate) async fn test(&self, configuration: &Path) -> Result<Ended, ProxyError> {
        self.run(&["-t", "-c"], Some(configuration)).await
    }

    /// Starts it in the background, in a session of its own.
    pub(crate) async fn start(&self, configuration: &Path) -> Result<Ended, ProxyError> {
        self.run(&["-c"], Some(configuration)).await
    }

    /// Tells the one that runs with the system's main configuration to read it again.
    pub(crate) async fn signal_reload(&self) -> Result<Ended, ProxyError> {
        if self.is_usual {
            self.run(&["-s", "reload"], None).await
        } else {
            self.run(&["-s", "reload", "-c"], Some(&self.configuration)).await
        }
    }

    async fn run(&self, words: &[&str], configuration: Option<&Path>) -> Result<Ended, ProxyError> {
        let mut command = nginx_command(&self.path);
        command.args(words).args(configuration);
        let ended = run(command, LIMIT).await;
        ended.map_err(|error| cannot("run", &self.path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nginx_says_of_its_build_is_understood() {
        let said = [
            "nginx version: nginx/1.22.1 (Debian)".to_owned(),
            "configure arguments: --with-cc-opt='-g' --prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf --pid-path=/run/n.pid".to_owned(),
        ];
        let program = Program::built_as("/usr/sbin/nginx".into(), &said, None);
        assert_eq!(program.version.as_deref(), Some("1.22.1"));
        assert_eq!(program.configuration, Path::new("/etc/nginx/nginx.conf"));
        assert!(program.is_usual);
        assert_eq!(program.pid_file(None), Path::new("/run/n.pid"));
        assert_eq!(
            program.pid_file(Some("logs/n.pid")),
            Path::new("/usr/share/nginx/logs/n.pid")
        );
        let told = Program::built_as("/x".into(), &said, Some("/srv/nginx.conf".into()));
        assert_eq!(
            (told.configuration.to_str(), told.is_usual),
            (Some("/srv/nginx.conf"), false)
        );
        let bare = Program::built_as("/x".into(), &[], None);
        assert_eq!(
            (bare.version.as_deref(), bare.pid_file(None).as_path()),
            (None, Path::new(USUAL_PID))
        );
    }
}
