//! Hosts that apps answer for. A domain belongs to one app.

use std::fmt;
use std::str::FromStr;

use crate::names::AppName;

/// A host name, in lower case: `shop.example.com`, or with `*.` in front for every name one label below.
///
/// ```
/// use ps_core::domains::Domain;
/// assert_eq!("Shop.Example.COM".parse::<Domain>()?.as_str(), "shop.example.com");
/// assert!("*.example.com".parse::<Domain>().is_ok());
/// assert!("shop_1.example.com;".parse::<Domain>().is_err());
/// # Ok::<(), ps_core::domains::DomainError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(String);

/// Why a word is no domain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{word}` is no domain: use letters, digits, `-` and dots, as in shop.example.com or *.example.com, at most 253 characters"
)]
pub struct DomainError {
    word: String,
}

impl Domain {
    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for every name one label below. Apps have no names below such a one, so it cannot be a global domain.
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with("*.")
    }

    /// The name of an app below this one.
    pub fn below(&self, app: &AppName) -> Result<Self, DomainError> {
        format!("{app}.{self}").parse()
    }
}

impl FromStr for Domain {
    type Err = DomainError;

    fn from_str(word: &str) -> Result<Self, DomainError> {
        let name = word.to_ascii_lowercase();
        let labels = name.strip_prefix("*.").unwrap_or(&name);
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if name.len() > 253 || !labels.split('.').all(is_label) {
            return Err(DomainError { word: word.to_owned() });
        }
        Ok(Self(name))
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The domains an app answers for: its own; without any, its name below each global domain (or the host's name, when no global
/// one is set) and below `localhost`. A default that another app has as its own stays with that one.
///
/// ```
/// use ps_core::domains::{Domain, domains_in_force};
/// let none = |_: &Domain| false;
/// let domains = domains_in_force(&"shop".parse()?, &[], &["example.com".parse()?], "box", none);
/// let names: Vec<&str> = domains.iter().map(Domain::as_str).collect();
/// assert_eq!(names, ["shop.example.com", "shop.localhost"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn domains_in_force(
    app: &AppName,
    own: &[Domain],
    global: &[Domain],
    host: &str,
    is_taken: impl Fn(&Domain) -> bool,
) -> Vec<Domain> {
    if !own.is_empty() {
        return own.to_vec();
    }
    let host: Vec<Domain> = host.parse().into_iter().collect();
    let parents = if global.is_empty() { &host } else { global };
    let localhost = Domain("localhost".to_owned());
    let mut domains: Vec<Domain> = Vec::new();
    for parent in parents.iter().chain([&localhost]) {
        if let Ok(domain) = parent.below(app)
            && !is_taken(&domain)
            && !domains.contains(&domain)
        {
            domains.push(domain);
        }
    }
    domains
}
