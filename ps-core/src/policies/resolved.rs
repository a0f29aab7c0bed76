//! The values in force, typed: the app's own, else the global, else the built-in.

use std::time::Duration;

use super::{Properties, Property, PropertyError, RestartPolicy, Ulimit, parse_ulimits};
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
            skip_deploy: value(Property::SkipDeploy) == "true",
            start_command: command(Property::DockerfileStartCmd).or_else(|| command(Property::StartCmd)),
            shell: value(Property::Shell).to_owned(),
            init: value(Property::Init) == "true",
            ulimits: parse_ulimits(value(Property::Ulimits)).unwrap_or_default(),
            kept_releases: value(Property::Keep).parse().unwrap_or(usize::MAX),
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
