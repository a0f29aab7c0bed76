//! Names that are checked once, when they enter: afterwards a value of these types is right.
//!
//! Start at [`AppName`] and [`Replica`].

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

/// The longest app name and process type, in bytes (a DNS label).
pub const MAX_NAME_BYTES: usize = 63;

/// The most replicas one process type may have.
pub const MAX_QUANTITY: u16 = 1000;

/// Why a word is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The word is empty.
    #[error("{what} is empty")]
    Empty {
        /// What was expected, for example `app name`.
        what: &'static str,
    },
    /// The word is longer than [`MAX_NAME_BYTES`].
    #[error("{what} `{word}` is longer than {MAX_NAME_BYTES} bytes")]
    TooLong {
        /// What was expected.
        what: &'static str,
        /// The word as given.
        word: String,
    },
    /// The word has a byte that is not allowed.
    #[error("{what} `{word}` is not valid: {rule}")]
    Invalid {
        /// What was expected.
        what: &'static str,
        /// The word as given.
        word: String,
        /// The rule in words.
        rule: &'static str,
    },
}

fn check_name(
    what: &'static str,
    rule: &'static str,
    word: &str,
    is_valid: impl Fn(&[u8]) -> bool,
) -> Result<(), NameError> {
    if word.is_empty() {
        return Err(NameError::Empty { what });
    }
    if word.len() > MAX_NAME_BYTES {
        return Err(NameError::TooLong {
            what,
            word: word.to_owned(),
        });
    }
    if !is_valid(word.as_bytes()) {
        return Err(NameError::Invalid {
            what,
            word: word.to_owned(),
            rule,
        });
    }
    Ok(())
}

const fn is_lower_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// The name of an app: `[a-z0-9][a-z0-9.-]*`, at most 63 bytes.
///
/// ```
/// use ps_core::names::AppName;
/// let app: AppName = "node-js-app".parse()?;
/// assert_eq!(app.as_str(), "node-js-app");
/// assert!("Shop".parse::<AppName>().is_err());
/// # Ok::<(), ps_core::names::NameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppName(String);

impl AppName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AppName {
    type Err = NameError;

    fn from_str(word: &str) -> Result<Self, NameError> {
        let rule = "lower-case letters, digits, `.` and `-`, starting with a letter or digit";
        check_name("app name", rule, word, |bytes| {
            bytes.first().copied().is_some_and(is_lower_alphanumeric)
                && bytes
                    .iter()
                    .all(|&b| is_lower_alphanumeric(b) || b == b'.' || b == b'-')
        })?;
        Ok(Self(word.to_owned()))
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A process type as in strict Procfiles: a DNS label of at most 63 bytes.
///
/// ```
/// use ps_core::names::ProcessType;
/// assert!("web".parse::<ProcessType>()?.is_web());
/// assert!("worker_2".parse::<ProcessType>().is_err());
/// # Ok::<(), ps_core::names::NameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessType(String);

impl ProcessType {
    /// The type that is scaled to one at first and that serves traffic.
    pub fn web() -> Self {
        Self("web".to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `web`.
    pub fn is_web(&self) -> bool {
        self.0 == "web"
    }

    /// Whether this is `release`, which runs once in a deploy and is never scaled.
    pub fn is_release(&self) -> bool {
        self.0 == "release"
    }
}

impl FromStr for ProcessType {
    type Err = NameError;

    fn from_str(word: &str) -> Result<Self, NameError> {
        let rule = "lower-case letters, digits and `-`, with a letter or digit at both ends";
        check_name("process type", rule, word, |bytes| {
            bytes.first().copied().is_some_and(is_lower_alphanumeric)
                && bytes.last().copied().is_some_and(is_lower_alphanumeric)
                && bytes.iter().all(|&b| is_lower_alphanumeric(b) || b == b'-')
        })?;
        Ok(Self(word.to_owned()))
    }
}

impl fmt::Display for ProcessType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// One numbered instance of a process type, for example `web.2`. Numbers start at 1.
///
/// ```
/// use ps_core::names::Replica;
/// let replica: Replica = "web.2".parse()?;
/// assert_eq!(replica.index(), 2);
/// assert_eq!(replica.to_string(), "web.2");
/// assert!("web.0".parse::<Replica>().is_err());
/// # Ok::<(), ps_core::names::NameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Replica {
    process_type: ProcessType,
    index: NonZeroU16,
}

impl Replica {
    /// The replica of a type with the given number, or `None` for 0 and above [`MAX_QUANTITY`].
    pub fn new(process_type: ProcessType, index: u16) -> Option<Self> {
        let index = NonZeroU16::new(index).filter(|index| index.get() <= MAX_QUANTITY)?;
        Some(Self { process_type, index })
    }

    /// The type of this replica.
    pub fn process_type(&self) -> &ProcessType {
        &self.process_type
    }

    /// The number, from 1.
    pub fn index(&self) -> u16 {
        self.index.get()
    }
}

impl FromStr for Replica {
    type Err = NameError;

    fn from_str(word: &str) -> Result<Self, NameError> {
        let invalid = || NameError::Invalid {
            what: "replica",
            word: word.to_owned(),
            rule: "a process type, a dot and a number from 1, for example `web.1`",
        };
        let (process_type, index) = word.rsplit_once('.').ok_or_else(invalid)?;
        if !index.bytes().all(|b| b.is_ascii_digit()) || index.starts_with('0') {
            return Err(invalid());
        }
        let index = index.parse().map_err(|_| invalid())?;
        Self::new(process_type.parse()?, index).ok_or_else(invalid)
    }
}

impl fmt::Display for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.process_type, self.index)
    }
}

/// A number that grows with each container made for an app; two containers of an app never share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

impl Generation {
    /// The generation `count` later.
    #[must_use]
    pub const fn after(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a container of a replica is called in each part of its life.
///
/// ```
/// use ps_core::names::{container_name, Generation, NameStage};
/// let (app, replica) = ("shop".parse()?, "web.1".parse()?);
/// assert_eq!(container_name(&app, &replica, NameStage::Serving), "shop.web.1");
/// let coming = NameStage::Upcoming(Generation(12));
/// assert_eq!(container_name(&app, &replica, coming), "shop.web.1.upcoming-12");
/// # Ok::<(), ps_core::names::NameError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameStage {
    /// `<app>.<type>.<n>`
    Serving,
    /// `<app>.<type>.<n>.upcoming-<generation>`
    Upcoming(Generation),
    /// `<app>.<type>.<n>.retiring-<generation>`
    Retiring(Generation),
}

/// The container name of a replica in a stage of its life.
pub fn container_name(app: &AppName, replica: &Replica, stage: NameStage) -> String {
    match stage {
        NameStage::Serving => format!("{app}.{replica}"),
        NameStage::Upcoming(generation) => format!("{app}.{replica}.upcoming-{generation}"),
        NameStage::Retiring(generation) => format!("{app}.{replica}.retiring-{generation}"),
    }
}

/// The container name of a one-off process, for example `shop.run.7`.
pub fn one_off_name(app: &AppName, kind: OneOffKind, generation: Generation) -> String {
    format!("{app}.{kind}.{generation}")
}

/// Why a container that is no replica runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OneOffKind {
    /// The `release` process of a deploy.
    Release,
    /// A command of `run`.
    Run,
    /// Never started: made to read files out of an image.
    Extract,
    /// app.json's `scripts.dokku.predeploy`: what it changes is kept in the image.
    Predeploy,
    /// app.json's `scripts.postdeploy`, which runs in an app's first deploy alone.
    FirstDeploy,
    /// app.json's `scripts.dokku.postdeploy`, once the new release serves.
    Postdeploy,
}

impl OneOffKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::Release,
        Self::Run,
        Self::Extract,
        Self::Predeploy,
        Self::FirstDeploy,
        Self::Postdeploy,
    ];

    /// The word that stands in names and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Run => "run",
            Self::Extract => "extract",
            Self::Predeploy => "predeploy",
            Self::FirstDeploy => "first-deploy",
            Self::Postdeploy => "postdeploy",
        }
    }
}

impl fmt::Display for OneOffKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The random word of one state directory; containers carry it as a label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerToken(String);

impl OwnerToken {
    /// Takes a token of at least 16 lower-case hexadecimal digits.
    pub fn new(token: impl Into<String>) -> Result<Self, NameError> {
        let token = token.into();
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if token.len() < 16 || !token.bytes().all(is_hex) {
            return Err(NameError::Invalid {
                what: "owner token",
                word: token,
                rule: "at least 16 lower-case hexadecimal digits",
            });
        }
        Ok(Self(token))
    }

    /// The token as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn app_names_follow_the_rule() {
        for good in ["a", "0", "shop", "shop.example", "a-b.c-", &"x".repeat(63)] {
            assert!(good.parse::<AppName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", ".a", "A", "a_b", "a/b", "ä", "a b", &"x".repeat(64)] {
            assert!(bad.parse::<AppName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn replicas_have_one_spelling() {
        for bad in [
            "web", "web.", "web.0", "web.01", "web.+1", "web.-1", "web.1001", ".1", "Web.1",
        ] {
            assert!(bad.parse::<Replica>().is_err(), "{bad}");
        }
        assert!("web.1000".parse::<Replica>().is_ok());
    }

    #[test]
    fn replicas_sort_by_number() {
        let parse = |text: &str| text.parse::<Replica>().unwrap();
        assert!(parse("web.2") < parse("web.10"));
    }
}
