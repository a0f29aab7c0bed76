//! The settings of `ps:set`: their names, scopes, defaults and rules.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::{RestartPolicy, parse_ulimits};

/// A setting of an app, kept as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Property {
    /// `appjson-path`
    AppjsonPath,
    /// `dockerfile-start-cmd`
    DockerfileStartCmd,
    /// `init`
    Init,
    /// `procfile-path`
    ProcfilePath,
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
    /// `ulimits`
    Ulimits,
}

/// The values that are set, of an app or of all apps.
pub type Properties = BTreeMap<Property, String>;

/// Why a property cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PropertyError {
    /// There is no such property.
    #[error("no property `{word}`: valid properties are {}", names(|_| true))]
    Unknown {
        /// The word as given.
        word: String,
    },
    /// It belongs to one app.
    #[error(
        "`{property}` cannot be set globally: global properties are {}",
        names(Property::is_global)
    )]
    NotGlobal {
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

fn names(accept: impl Fn(Property) -> bool) -> String {
    let names: Vec<&str> = Property::ALL
        .into_iter()
        .filter(|p| accept(*p))
        .map(Property::name)
        .collect();
    names.join(", ")
}

impl Property {
    /// All properties, sorted by name.
    pub const ALL: [Self; 12] = [
        Self::AppjsonPath,
        Self::DockerfileStartCmd,
        Self::Init,
        Self::ProcfilePath,
        Self::RestartPolicy,
        Self::Restore,
        Self::RestorePriority,
        Self::Shell,
        Self::SkipDeploy,
        Self::StartCmd,
        Self::StopTimeoutSeconds,
        Self::Ulimits,
    ];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AppjsonPath => "appjson-path",
            Self::DockerfileStartCmd => "dockerfile-start-cmd",
            Self::Init => "init",
            Self::ProcfilePath => "procfile-path",
            Self::RestartPolicy => "restart-policy",
            Self::Restore => "restore",
            Self::RestorePriority => "restore-priority",
            Self::Shell => "shell",
            Self::SkipDeploy => "skip-deploy",
            Self::StartCmd => "start-cmd",
            Self::StopTimeoutSeconds => "stop-timeout-seconds",
            Self::Ulimits => "ulimits",
        }
    }

    /// Whether it can be set for all apps.
    pub const fn is_global(self) -> bool {
        !matches!(
            self,
            Self::Restore | Self::RestorePriority | Self::StartCmd | Self::DockerfileStartCmd
        )
    }

    /// The value in force when neither the app nor the global scope has one; empty where the engine decides.
    pub const fn built_in(self) -> &'static str {
        match self {
            Self::AppjsonPath => "app.json",
            Self::ProcfilePath => "Procfile",
            Self::RestartPolicy => "on-failure:10",
            Self::Restore | Self::Init => "true",
            Self::RestorePriority => "0",
            Self::Shell => "/bin/sh",
            Self::SkipDeploy => "false",
            Self::StopTimeoutSeconds => "30",
            Self::DockerfileStartCmd | Self::StartCmd | Self::Ulimits => "",
        }
    }

    /// Whether the value is one that the property takes. An empty value clears and is always taken.
    ///
    /// ```
    /// use ps_core::policies::Property;
    /// assert!(Property::StopTimeoutSeconds.check("86400").is_ok());
    /// assert!(Property::ProcfilePath.check("../Procfile").is_err());
    /// ```
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
            Self::StopTimeoutSeconds => {
                let is_valid = is_number(value) && value.parse::<u32>().is_ok_and(|seconds| seconds <= 86_400);
                (!is_valid).then(|| "whole seconds from 0 to 86400".to_owned())
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

fn is_number(value: &str) -> bool {
    value.bytes().all(|b| b.is_ascii_digit())
}

fn is_inner_path(value: &str) -> bool {
    !value.starts_with('/')
        && !value.contains(['\0', '\\'])
        && value.split('/').all(|part| part != "..")
        && value.split('/').any(|part| !part.is_empty() && part != ".")
}

impl FromStr for Property {
    type Err = PropertyError;

    fn from_str(word: &str) -> Result<Self, PropertyError> {
        let found = Self::ALL.into_iter().find(|property| property.name() == word);
        found.ok_or_else(|| PropertyError::Unknown { word: word.to_owned() })
    }
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
            (Property::Restore, "yes"),
            (Property::Shell, "bash"),
            (Property::Ulimits, "nofile"),
        ];
        for (property, value) in cases {
            assert!(property.check(value).is_err(), "{property} {value}");
        }
    }

    #[test]
    fn an_unknown_property_lists_the_valid_ones() {
        let error = "resart-policy".parse::<Property>().unwrap_err();
        assert!(error.to_string().contains("restart-policy, restore"), "{error}");
    }
}
