//! What a source says of its app besides the commands: the values of app.json, CHECKS and `DOKKU_SCALE`, whatever their formats are.
//! Invariant: a release keeps the manifest it was made with; what only a deploy needs ([`EnvRequest`]) is not part of it.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU16;

use crate::checks::{CheckMoment, HealthCheck};
use crate::names::ProcessType;

/// What a source says of its app. Empty where it says nothing.
///
/// ```
/// use ps_core::manifest::{FormationEntry, Manifest};
/// let mut manifest = Manifest::default();
/// assert!(!manifest.owns_scale());
/// let two = FormationEntry { quantity: Some(2), max_parallel: None };
/// manifest.formation.insert("web".parse()?, two);
/// assert!(manifest.owns_scale());
/// # Ok::<(), ps_core::names::NameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// app.json's `formation`.
    pub formation: BTreeMap<ProcessType, FormationEntry>,
    /// The quantities of a `DOKKU_SCALE` file; `None` where there is no such file.
    pub scale_file: Option<BTreeMap<ProcessType, u16>>,
    /// Commands around a deploy.
    pub scripts: Scripts,
    /// Checks by type, in the order of the source.
    pub checks: BTreeMap<ProcessType, Vec<HealthCheck>>,
}

/// What app.json says of a type's replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FormationEntry {
    /// How many there are.
    pub quantity: Option<u16>,
    /// How many are started at once; `None` is no bound of its own.
    pub max_parallel: Option<NonZeroU16>,
}

/// Commands around a deploy, as written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scripts {
    /// Before the release process; its changes of files are kept in the image.
    pub predeploy: Option<String>,
    /// After the new release serves.
    pub postdeploy: Option<String>,
    /// In the first deploy of the app alone, before its containers start.
    pub first_deploy: Option<String>,
}

/// A variable that app.json asks for; used by the deploy that reads it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvRequest {
    /// What it is for, for people.
    pub description: Option<String>,
    /// Where its value comes from when the app has none.
    pub value: EnvValue,
    /// Whether a deploy without a value is refused.
    pub is_required: bool,
    /// Whether every deploy sets it again, not only the first.
    pub is_synced: bool,
}

/// Where the value of a requested variable comes from.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum EnvValue {
    /// The user has to give it.
    #[default]
    FromUser,
    /// This one. It may be a password; `Debug` does not show it.
    Given(String),
    /// A random one: 64 hexadecimal digits.
    Secret,
}

impl fmt::Debug for EnvValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FromUser => "FromUser",
            Self::Given(_) => "Given(…)",
            Self::Secret => "Secret",
        })
    }
}

/// Requested variables by name.
pub type EnvRequests = BTreeMap<String, EnvRequest>;

impl Manifest {
    /// Whether app.json gives a quantity, so that `ps:scale` may not.
    pub fn owns_scale(&self) -> bool {
        self.formation.values().any(|entry| entry.quantity.is_some())
    }

    /// How many replicas of a type are started at once, where app.json says so.
    pub fn max_parallel(&self, process_type: &ProcessType) -> Option<NonZeroU16> {
        self.formation.get(process_type)?.max_parallel
    }

    /// The checks of a type at a moment, in the order of the source.
    pub fn checks_of(&self, process_type: &ProcessType, moment: CheckMoment) -> impl Iterator<Item = &HealthCheck> {
        let checks = self.checks.get(process_type).into_iter().flatten();
        checks.filter(move |check| check.moment == moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value_of_a_variable() {
        let given = EnvRequest {
            value: EnvValue::Given("hunter2".to_owned()),
            ..EnvRequest::default()
        };
        let shown = format!("{given:?}");
        assert!(shown.contains("Given") && !shown.contains("hunter2"), "{shown}");
    }
}
