//! The values in force, typed: the app's own, else the global, else the built-in.

use std::path::PathBuf;
use std::time::Duration;

use super::{Properties, Property, PropertyError, RestartPolicy, Ulimit, parse_size, parse_ulimits};
use crate::source::SourcePaths;

/// Every setting's value in force for one app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies {
    /// What the engine does when a container ends.
    pub restart: RestartPolicy,
    /// SIGTERM to SIGKILL.
    pub stop_timeout: Duration,
    /// How long a replica without checks of its own has to run.
    pub default_wait: Duration,
    /// How long an old `web` container stays after the proxy has left it.
    pub wait_to_retire: Duration,
    /// Where the Procfile lies in the source.
    pub procfile_path: String,
    /// Where app.json lies in the source.
    pub appjson_path: String,
    /// Whether restore brings the app back.
    pub restore: bool,
    /// When restore brings the app back: lower ones come first.
    pub restore_priority: i32,
    /// Whether deploys end after the build.
    pub skip_deploy: bool,
    /// Replaces the command of `web` from the Procfile or the image.
    pub start_command: Option<String>,
    /// The shell for commands that need one.
    pub shell: String,
    /// Run under the engine's init.
    pub init: bool,
    /// Resource limits.
    pub ulimits: Vec<Ulimit>,
    /// How many releases can be put back, the current one among them.
    pub kept_releases: usize,
    /// Whether a proxy serves the app.
    pub proxy: ProxyChoice,
    /// The largest request body in bytes; 0 is any.
    pub body_limit: u64,
    /// How long the proxy may take to connect to a container.
    pub connect_timeout: Duration,
    /// How long a container may be silent.
    pub read_timeout: Duration,
    /// How long a container may not take anything.
    pub send_timeout: Duration,
    /// The file of the app's own proxy template.
    pub template: Option<PathBuf>,
}

/// What is said about the proxy of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyChoice {
    /// Nothing: it is served by a proxy where there is one that works.
    Unset,
    /// nginx, and nothing serves it when that does not work.
    Nginx,
    /// None.
    None,
}

impl Policies {
    /// Resolves all settings. Fails only when a stored value breaks its rule.
    ///
    /// ```
    /// use ps_core::policies::{Policies, Properties, Property};
    /// let app = Properties::from([(Property::RestartPolicy, "always".to_owned())]);
    /// let policies = Policies::resolve(&app, &Properties::new())?;
    /// assert_eq!(policies.restart.to_string(), "always");
    /// assert_eq!(policies.stop_timeout.as_secs(), 30);
    /// # Ok::<(), ps_core::policies::PropertyError>(())
    /// ```
    pub fn resolve(app: &Properties, global: &Properties) -> Result<Self, PropertyError> {
        for (property, value) in app.iter().chain(global) {
            property.check(value)?;
        }
        let value = |property| computed(property, app, global);
        let number = |property| value(property).parse::<u64>().unwrap_or_default();
        let command = |property| Some(value(property).to_owned()).filter(|command| !command.is_empty());
        Ok(Self {
            restart: value(Property::RestartPolicy)
                .parse()
                .unwrap_or(RestartPolicy::on_failure(10)),
            stop_timeout: Duration::from_secs(number(Property::StopTimeoutSeconds)),
            default_wait: Duration::from_secs(number(Property::DefaultWait)),
            wait_to_retire: Duration::from_secs(number(Property::WaitToRetire)),
            procfile_path: value(Property::ProcfilePath).to_owned(),
            appjson_path: value(Property::AppjsonPath).to_owned(),
            restore: value(Property::Restore) == "true",
            restore_priority: value(Property::RestorePriority).parse().unwrap_or_default(),
            skip_deploy: value(Property::SkipDeploy) == "true",
            start_command: command(Property::DockerfileStartCmd).or_else(|| command(Property::StartCmd)),
            shell: value(Property::Shell).to_owned(),
            init: value(Property::Init) == "true",
            ulimits: parse_ulimits(value(Property::Ulimits)).unwrap_or_default(),
            kept_releases: value(Property::Keep).parse().unwrap_or(usize::MAX),
            proxy: match value(Property::Proxy) {
                "nginx" => ProxyChoice::Nginx,
                "none" => ProxyChoice::None,
                _ => ProxyChoice::Unset,
            },
            body_limit: parse_size(value(Property::ClientMaxBodySize)).unwrap_or_default(),
            connect_timeout: Duration::from_secs(number(Property::ProxyConnectTimeout)),
            read_timeout: Duration::from_secs(number(Property::ProxyReadTimeout)),
            send_timeout: Duration::from_secs(number(Property::ProxySendTimeout)),
            template: Some(value(Property::Template))
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
        })
    }

    /// Where the files of a source lie.
    pub fn source_paths(&self) -> SourcePaths {
        SourcePaths {
            procfile: self.procfile_path.clone(),
            app_json: self.appjson_path.clone(),
        }
    }
}

/// A property's value in force.
pub fn computed<'a>(property: Property, app: &'a Properties, global: &'a Properties) -> &'a str {
    let global = global.get(&property).filter(|_| property.is_global());
    app.get(&property)
        .or(global)
        .map_or(property.built_in(), String::as_str)
}
