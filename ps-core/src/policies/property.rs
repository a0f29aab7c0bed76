//! The settings of `ps:set`, `checks:set` and `releases:set`: their names, scopes, defaults and rules.

use std::collections::BTreeMap;
use std::fmt;

use super::{RestartPolicy, parse_ulimits};

/// A setting of an app, kept as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Property {
    /// `appjson-path`
    AppjsonPath,
    /// `client-max-body-size`, of `proxy:set`
    ClientMaxBodySize,
    /// `default-wait`
    DefaultWait,
    /// `dockerfile-start-cmd`
    DockerfileStartCmd,
    /// `http-port`, of `proxy:set`
    HttpPort,
    /// `include-directory`, of `proxy:set`
    IncludeDirectory,
    /// `init`
    Init,
    /// `keep`, of `releases:set`
    Keep,
    /// `nginx-mode`, of `proxy:set`
    NginxMode,
    /// `procfile-path`
    ProcfilePath,
    /// `proxy`, of `proxy:set`
    Proxy,
    /// `proxy-connect-timeout`, of `proxy:set`
    ProxyConnectTimeout,
    /// `proxy-read-timeout`, of `proxy:set`
    ProxyReadTimeout,
    /// `proxy-send-timeout`, of `proxy:set`
    ProxySendTimeout,
    /// `reload-command`, of `proxy:set`
    ReloadCommand,
    /// `restart-policy`
    RestartPolicy,
    /// `restore`
    Restore,
    /// `restore-priority`
    RestorePriority,
    /// `shell`
    Shell,
    /// `skip-deploy`
    SkipDeploy,
    /// `start-cmd`
    StartCmd,
    /// `stop-timeout-seconds`
    StopTimeoutSeconds,
    /// `template`, of `proxy:set`
    Template,
    /// `ulimits`
    Ulimits,
    /// `wait-to-retire`
    WaitToRetire,
}

/// Which command sets a property; each has its own list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PropertyGroup {
    /// `ps:set`
    Ps,
    /// `checks:set`
    Checks,
    /// `releases:set`
    Releases,
    /// `proxy:set`
    Proxy,
}

impl PropertyGroup {
    /// Its properties, sorted by name.
    pub fn properties(self) -> impl Iterator<Item = Property> {
        Property::ALL
            .into_iter()
            .filter(move |property| property.group() == self)
    }

    /// Its property of that name.
    ///
    /// ```
    /// use ps_core::policies::{Property, PropertyGroup};
    /// assert_eq!(PropertyGroup::Checks.property("wait-to-retire"), Ok(Property::WaitToRetire));
    /// assert!(PropertyGroup::Ps.property("wait-to-retire").is_err());
    /// ```
    ///
    /// # Errors
    /// [`PropertyError::Unknown`], with the valid ones.
    pub fn property(self, word: &str) -> Result<Property, PropertyError> {
        let found = self.properties().find(|property| property.name() == word);
        found.ok_or_else(|| PropertyError::Unknown {
            word: word.to_owned(),
            group: self,
        })
    }
}

/// The values that are set, of an app or of all apps.
pub type Properties = BTreeMap<Property, String>;

/// Why a property cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PropertyError {
    /// There is no such property.
    #[error("no property `{word}`: valid properties are {}", names(*.group, |_| true))]
    Unknown {
        /// The word as given.
        word: String,
        /// Where it was looked for.
        group: PropertyGroup,
    },
    /// It belongs to one app.
    #[error(
        "`{property}` cannot be set globally: global properties are {}",
        names(.property.group(), Property::is_global)
    )]
    NotGlobal {
        /// The property.
        property: Property,
    },
    /// It belongs to all apps.
    #[error(
        "`{property}` is set for all apps, with --global: properties of one app are {}",
        names(.property.group(), Property::is_for_apps)
    )]
    OnlyGlobal {
        /// The property.
        property: Property,
    },
    /// The value breaks the property's rule.
    #[error("`{value}` is no value of {property}: use {rule}")]
    Invalid {
        /// The property.
        property: Property,
        /// The value as given.
        value: String,
        /// What it must look like.
        rule: String,
    },
}

fn names(group: PropertyGroup, accept: impl Fn(Property) -> bool) -> String {
    let names: Vec<&str> = group.properties().filter(|p| accept(*p)).map(Property::name).collect();
    names.join(", ")
}

impl Property {
    /// All properties, sorted by name.
    pub const ALL: [Self; 25] = [
        Self::AppjsonPath,
        Self::ClientMaxBodySize,
        Self::DefaultWait,
        Self::DockerfileStartCmd,
        Self::HttpPort,
        Self::IncludeDirectory,
        Self::Init,
        Self::Keep,
        Self::NginxMode,
        Self::ProcfilePath,
        Self::Proxy,
        Self::ProxyConnectTimeout,
        Self::ProxyReadTimeout,
        Self::ProxySendTimeout,
        Self::ReloadCommand,
        Self::RestartPolicy,
        Self::Restore,
        Self::RestorePriority,
        Self::Shell,
        Self::SkipDeploy,
        Self::StartCmd,
        Self::StopTimeoutSeconds,
        Self::Template,
        Self::Ulimits,
        Self::WaitToRetire,
    ];

    /// Which command sets it.
    pub const fn group(self) -> PropertyGroup {
        match self {
            Self::DefaultWait | Self::WaitToRetire => PropertyGroup::Checks,
            Self::Keep => PropertyGroup::Releases,
            Self::ClientMaxBodySize
            | Self::HttpPort
            | Self::IncludeDirectory
            | Self::NginxMode
            | Self::Proxy
            | Self::ProxyConnectTimeout
            | Self::ProxyReadTimeout
            | Self::ProxySendTimeout
            | Self::ReloadCommand
            | Self::Template => PropertyGroup::Proxy,
            _ => PropertyGroup::Ps,
        }
    }

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AppjsonPath => "appjson-path",
            Self::ClientMaxBodySize => "client-max-body-size",
            Self::DefaultWait => "default-wait",
            Self::DockerfileStartCmd => "dockerfile-start-cmd",
            Self::HttpPort => "http-port",
            Self::IncludeDirectory => "include-directory",
            Self::Init => "init",
            Self::Keep => "keep",
            Self::NginxMode => "nginx-mode",
            Self::ProcfilePath => "procfile-path",
            Self::Proxy => "proxy",
            Self::ProxyConnectTimeout => "proxy-connect-timeout",
            Self::ProxyReadTimeout => "proxy-read-timeout",
            Self::ProxySendTimeout => "proxy-send-timeout",
            Self::ReloadCommand => "reload-command",
            Self::RestartPolicy => "restart-policy",
            Self::Restore => "restore",
            Self::RestorePriority => "restore-priority",
            Self::Shell => "shell",
            Self::SkipDeploy => "skip-deploy",
            Self::StartCmd => "start-cmd",
            Self::StopTimeoutSeconds => "stop-timeout-seconds",
            Self::Template => "template",
            Self::Ulimits => "ulimits",
            Self::WaitToRetire => "wait-to-retire",
        }
    }

    /// The property of that name, whichever command sets it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|property| property.name() == name)
    }

    /// Whether it can be set for all apps.
    pub const fn is_global(self) -> bool {
        !matches!(
            self,
            Self::Restore | Self::RestorePriority | Self::StartCmd | Self::DockerfileStartCmd | Self::Template
        )
    }

    /// Whether it can be set for one app.
    pub const fn is_for_apps(self) -> bool {
        !matches!(
            self,
            Self::HttpPort | Self::IncludeDirectory | Self::NginxMode | Self::ReloadCommand
        )
    }

    /// The value in force when neither the app nor the global scope has one; empty where the engine decides.
    pub const fn built_in(self) -> &'static str {
        match self {
            Self::AppjsonPath => "app.json",
            Self::DefaultWait => "10",
            Self::ProcfilePath => "Procfile",
            Self::RestartPolicy => "on-failure:10",
            Self::Restore | Self::Init => "true",
            Self::Keep => "5",
            Self::RestorePriority => "0",
            Self::Shell => "/bin/sh",
            Self::SkipDeploy => "false",
            Self::StopTimeoutSeconds => "30",
            Self::ClientMaxBodySize => "1m",
            Self::WaitToRetire | Self::ProxyConnectTimeout | Self::ProxyReadTimeout | Self::ProxySendTimeout => "60",
            Self::DockerfileStartCmd
            | Self::HttpPort
            | Self::IncludeDirectory
            | Self::NginxMode
            | Self::Proxy
            | Self::ReloadCommand
            | Self::StartCmd
            | Self::Template
            | Self::Ulimits => "",
        }
    }

    /// Whether the value is one that the property takes. An empty value clears and is always taken.
    ///
    /// ```
    /// use ps_core::policies::Property;
    /// assert!(Property::StopTimeoutSeconds.check("86400").is_ok());
    /// assert!(Property::ProcfilePath.check("../Procfile").is_err());
    /// ```
    #[expect(clippy::too_many_lines, reason = "one arm for each rule")]
    pub fn check(self, value: &str) -> Result<(), PropertyError> {
        let rule = match self {
            _ if value.is_empty() => None,
            Self::RestartPolicy => {
                let words = "no, always, unless-stopped, on-failure, or on-failure:<n> with n from 1";
                value.parse::<RestartPolicy>().is_err().then(|| words.to_owned())
            }
            Self::Ulimits => {
                let form = "<name>=<soft>[:<hard>] such as nofile=16384:16384, separated by commas";
                parse_ulimits(value).is_err().then(|| form.to_owned())
            }
            Self::ProcfilePath | Self::AppjsonPath => {
                (!is_inner_path(value)).then(|| "a relative path inside the source, without `..`".to_owned())
            }
            Self::StopTimeoutSeconds | Self::DefaultWait | Self::WaitToRetire => {
                let is_valid = is_number(value) && value.parse::<u32>().is_ok_and(|seconds| seconds <= 86_400);
                (!is_valid).then(|| "whole seconds from 0 to 86400".to_owned())
            }
            Self::Proxy => (!matches!(value, "nginx" | "none")).then(|| "nginx or none".to_owned()),
            Self::NginxMode => (!matches!(value, "system" | "own")).then(|| "system or own".to_owned()),
            Self::HttpPort => {
                let is_valid = is_number(value) && value.parse::<u16>().is_ok_and(|port| port > 0);
                (!is_valid).then(|| "a port from 1 to 65535".to_owned())
            }
            Self::ClientMaxBodySize => parse_size(value)
                .is_none()
                .then(|| "bytes, or a number with k, m or g behind it; 0 is any".to_owned()),
            Self::ProxyConnectTimeout | Self::ProxyReadTimeout | Self::ProxySendTimeout => {
                let is_valid =
                    is_number(value) && value.parse().is_ok_and(|seconds| (1..=86_400_u32).contains(&seconds));
                (!is_valid).then(|| "whole seconds from 1 to 86400".to_owned())
            }
            Self::Template | Self::IncludeDirectory => {
                let is_valid = value.starts_with('/') && !value.contains(['\0', '\n']);
                (!is_valid).then(|| "an absolute path on this host".to_owned())
            }
            Self::ReloadCommand => {
                let is_valid = value.starts_with('/') && !value.contains(['\0', '\n']);
                (!is_valid).then(|| "the absolute path of a program, and its arguments".to_owned())
            }
            Self::Keep => {
                let is_valid = is_number(value) && value.parse().is_ok_and(|count| (1..=1000_u16).contains(&count));
                (!is_valid).then(|| "a number of releases from 1 to 1000".to_owned())
            }
            Self::RestorePriority => value
                .parse::<i32>()
                .is_err()
                .then(|| "a whole number; lower ones are restored first".to_owned()),
            Self::Restore | Self::SkipDeploy | Self::Init => {
                (!matches!(value, "true" | "false")).then(|| "true or false".to_owned())
            }
            Self::Shell => (!value.starts_with('/')).then(|| "an absolute path in the image".to_owned()),
            Self::StartCmd | Self::DockerfileStartCmd => value
                .contains('\0')
                .then(|| "a command line without NUL bytes".to_owned()),
        };
        rule.map_or(Ok(()), |rule| {
            Err(PropertyError::Invalid {
                property: self,
                value: value.to_owned(),
                rule,
            })
        })
    }
}

/// A size in bytes: `1048576`, `1024k`, `1m`, `2g`.
///
/// ```
/// use ps_core::policies::parse_size;
/// assert_eq!(parse_size("1m"), Some(1_048_576));
/// assert_eq!(parse_size("1.5m"), None);
/// ```
pub fn parse_size(value: &str) -> Option<u64> {
    let unit = value.bytes().next_back()?;
    let factor: u64 = match unit.to_ascii_lowercase() {
        b'k' => 1 << 10,
        b'm' => 1 << 20,
        b'g' => 1 << 30,
        _ => 1,
    };
    let digits = if factor == 1 {
        value
    } else {
        value.get(..value.len() - 1)?
    };
    let is_valid = !digits.is_empty() && is_number(digits);
    digits.parse::<u64>().ok().filter(|_| is_valid)?.checked_mul(factor)
}

fn is_number(value: &str) -> bool {
    value.bytes().all(|b| b.is_ascii_digit())
}

fn is_inner_path(value: &str) -> bool {
    !value.starts_with('/')
        && !value.contains(['\0', '\\'])
        && value.split('/').all(|part| part != "..")
        && value.split('/').any(|part| !part.is_empty() && part != ".")
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_values_obey_their_own_rules() {
        for property in Property::ALL {
            assert_eq!(property.check(property.built_in()), Ok(()), "{property}");
        }
    }

    #[test]
    fn bad_values_are_refused() {
        let cases = [
            (Property::RestartPolicy, "on-failure:abc"),
            (Property::ProcfilePath, "/etc/Procfile"),
            (Property::ProcfilePath, "a/../../b"),
            (Property::ProcfilePath, "."),
            (Property::StopTimeoutSeconds, "-1"),
            (Property::StopTimeoutSeconds, "86401"),
            (Property::StopTimeoutSeconds, "1.5"),
            (Property::DefaultWait, "1m"),
            (Property::WaitToRetire, "86401"),
            (Property::Restore, "yes"),
            (Property::Shell, "bash"),
            (Property::Ulimits, "nofile"),
            (Property::Keep, "0"),
            (Property::Keep, "1001"),
            (Property::Keep, "+5"),
            (Property::Proxy, "caddy"),
            (Property::HttpPort, "0"),
            (Property::ClientMaxBodySize, "m"),
            (Property::ProxyReadTimeout, "0"),
            (Property::Template, "site.conf"),
        ];
        for (property, value) in cases {
            assert!(property.check(value).is_err(), "{property} {value}");
        }
    }

    #[test]
    fn an_unknown_property_lists_the_valid_ones() {
        let error = PropertyGroup::Ps.property("resart-policy").unwrap_err().to_string();
        assert!(
            error.contains("restart-policy, restore") && !error.contains("default-wait"),
            "{error}"
        );
        let error = PropertyGroup::Checks
            .property("restart-policy")
            .unwrap_err()
            .to_string();
        assert!(
            error.ends_with("valid properties are default-wait, wait-to-retire"),
            "{error}"
        );
    }
}
