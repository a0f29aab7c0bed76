//! The environment that users set with `config:set`. Values never appear in `Debug` output.

use std::collections::BTreeMap;
use std::fmt;

/// Name -> value, sorted by name.
///
/// ```
/// use ps_core::config::Config;
/// let mut config = Config::default();
/// config.set("DATABASE_URL", "postgres://user:secret@db/shop")?;
/// assert!(!format!("{config:?}").contains("secret"));
/// assert!(config.set("1X", "").is_err());
/// # Ok::<(), ps_core::config::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Config(BTreeMap<String, String>);

/// Why a variable cannot be set. The value is never shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The name is no variable name.
    #[error("`{name}` is not a variable name: use letters, digits and `_`, not starting with a digit")]
    InvalidName {
        /// The name as given.
        name: String,
    },
    /// A NUL byte cannot be in an environment.
    #[error("the value of {name} has a NUL byte")]
    NulInValue {
        /// The variable.
        name: String,
    },
}

impl Config {
    /// Sets one variable.
    pub fn set(&mut self, name: &str, value: impl Into<String>) -> Result<(), ConfigError> {
        let value = value.into();
        let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
        if !is_name {
            return Err(ConfigError::InvalidName { name: name.to_owned() });
        }
        if value.contains('\0') {
            return Err(ConfigError::NulInValue { name: name.to_owned() });
        }
        self.0.insert(name.to_owned(), value);
        Ok(())
    }

    /// Removes one variable; whether it was there.
    pub fn unset(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// One value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All variables, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These variables, with those of `other` over them.
    #[must_use]
    pub fn overlaid(&self, other: &Self) -> Self {
        let mut result = self.clone();
        result
            .0
            .extend(other.0.iter().map(|(name, value)| (name.clone(), value.clone())));
        result
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
