//! The environment after a deploy: the app's own, with the variables that app.json asks for. Invariant: a value that is set
//! and not empty stays, unless app.json says `sync`; chance comes from outside, as bytes.

use std::fmt::Write;

use crate::config::{Config, ConfigError};
use crate::manifest::{EnvRequest, EnvRequests, EnvValue};

/// Random bytes of a generated secret; it is written as twice as many hexadecimal digits.
pub const SECRET_BYTES: usize = 32;

/// Whether an app was deployed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeployKind {
    /// It has no release.
    First,
    /// It has one.
    Later,
}

/// A variable that the user has to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingVariable {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
}

impl std::fmt::Display for MissingVariable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.description {
            Some(description) => write!(f, "{} ({description})", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Why the environment that app.json asks for cannot be made. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum EnvError {
    /// Required variables have no value.
    #[error("app.json requires {}, and there is no value for {}", listed(.missing), if .missing.len() == 1 { "it" } else { "them" })]
    Missing {
        /// The variables, at least one.
        missing: Vec<MissingVariable>,
    },
    /// A name is no variable name.
    #[error("app.json asks for a variable that cannot be set")]
    Invalid(#[from] ConfigError),
    /// No random bytes could be had.
    #[error("no secret could be generated")]
    NoRandom(#[source] std::io::Error),
}

fn listed(missing: &[MissingVariable]) -> String {
    let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// The variables that a deploy sets, with their values.
///
/// `config` is the environment that the app would have without them, the one of all apps included. The first deploy sets what is missing,
/// later ones set again what is to be synced. `random` is asked once for each secret.
///
/// # Errors
/// When a required variable has no value, and when `random` fails.
///
/// ```
/// use ps_core::config::Config;
/// use ps_core::manifest::{EnvRequest, EnvRequests, EnvValue};
/// use ps_core::planning::{DeployKind, deployed_env};
/// let secret = EnvRequest { value: EnvValue::Secret, ..EnvRequest::default() };
/// let requests = EnvRequests::from([("SECRET_KEY".to_owned(), secret)]);
/// let set = deployed_env(&requests, &Config::default(), DeployKind::First, || Ok([10; 32]))?;
/// assert_eq!(set.get("SECRET_KEY").map(str::len), Some(64));
/// # Ok::<(), ps_core::planning::EnvError>(())
/// ```
pub fn deployed_env(
    requests: &EnvRequests,
    config: &Config,
    kind: DeployKind,
    mut random: impl FnMut() -> std::io::Result<[u8; SECRET_BYTES]>,
) -> Result<Config, EnvError> {
    let has_value = |name: &str| config.get(name).is_some_and(|value| !value.is_empty());
    let lacks = |(name, request): &(&String, &EnvRequest)| {
        request.is_required && request.value == EnvValue::FromUser && !has_value(name)
    };
    let missing: Vec<MissingVariable> = requests
        .iter()
        .filter(lacks)
        .map(|(name, request)| MissingVariable {
            name: name.clone(),
            description: request.description.clone(),
        })
        .collect();
    if !missing.is_empty() {
        return Err(EnvError::Missing { missing });
    }
    let mut set = Config::default();
    for (name, request) in requests {
        let is_due = request.is_synced || (kind == DeployKind::First && !has_value(name));
        match &request.value {
            EnvValue::Given(value) if is_due => set.set(name, value.clone())?,
            EnvValue::Secret if is_due => set.set(name, hexadecimal(&random().map_err(EnvError::NoRandom)?))?,
            EnvValue::Given(_) | EnvValue::Secret | EnvValue::FromUser => {}
        }
    }
    Ok(set)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(value: EnvValue) -> EnvRequest {
        EnvRequest {
            value,
            ..EnvRequest::default()
        }
    }

    fn requests(entries: &[(&str, EnvRequest)]) -> EnvRequests {
        entries
            .iter()
            .map(|(name, request)| ((*name).to_owned(), request.clone()))
            .collect()
    }

    fn config(entries: &[(&str, &str)]) -> Config {
        let mut config = Config::default();
        for (name, value) in entries {
            config.set(name, *value).unwrap();
        }
        config
    }

    fn set(requests: &EnvRequests, before: &[(&str, &str)], kind: DeployKind) -> Vec<(String, String)> {
        let mut next = 0;
        let random = || {
            next += 1;
            Ok([next; SECRET_BYTES])
        };
        let set = deployed_env(requests, &config(before), kind, random).unwrap();
        set.iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn the_first_deploy_sets_what_is_missing() {
        let requests = requests(&[
            ("A", request(EnvValue::Given("one".to_owned()))),
            ("B", request(EnvValue::Secret)),
            ("C", request(EnvValue::Secret)),
            ("D", request(EnvValue::FromUser)),
        ]);
        let expected = [
            pair("A", "one"),
            pair("B", &"01".repeat(32)),
            pair("C", &"02".repeat(32)),
        ];
        assert_eq!(set(&requests, &[], DeployKind::First), expected);
        assert_eq!(set(&requests, &[], DeployKind::Later), []);
    }

    #[test]
    fn what_the_user_set_stays_unless_it_is_empty() {
        let requests = requests(&[("A", request(EnvValue::Given("one".to_owned())))]);
        assert_eq!(set(&requests, &[("A", "mine")], DeployKind::First), []);
        assert_eq!(set(&requests, &[("A", "")], DeployKind::First), [pair("A", "one")]);
    }

    #[test]
    fn what_is_synced_is_set_by_every_deploy() {
        let mut synced = request(EnvValue::Given("one".to_owned()));
        synced.is_synced = true;
        let requests = requests(&[("A", synced)]);
        for kind in [DeployKind::First, DeployKind::Later] {
            assert_eq!(set(&requests, &[("A", "mine")], kind), [pair("A", "one")]);
        }
    }

    #[test]
    fn a_required_variable_without_a_value_is_named() {
        let mut required = request(EnvValue::FromUser);
        required.is_required = true;
        required.description = Some("where the mail goes".to_owned());
        let requests = requests(&[("MAIL_HOST", required)]);
        let nothing = || Ok([0; SECRET_BYTES]);
        for before in [config(&[]), config(&[("MAIL_HOST", "")])] {
            let error = deployed_env(&requests, &before, DeployKind::Later, nothing)
                .unwrap_err()
                .to_string();
            assert!(error.contains("MAIL_HOST (where the mail goes)"), "{error}");
        }
        let given = config(&[("MAIL_HOST", "mail.example")]);
        assert!(
            deployed_env(&requests, &given, DeployKind::First, nothing)
                .unwrap()
                .is_empty()
        );
    }
}
