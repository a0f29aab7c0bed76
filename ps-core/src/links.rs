//! Links: containers run by someone else, such as databases, that an app reaches under an alias.

use std::fmt;
use std::str::FromStr;

/// A container of someone else, and the host name under which the app's containers reach it.
///
/// ```
/// use ps_core::links::Link;
/// let link: Link = "postgres-15:db".parse()?;
/// assert_eq!((link.container.as_str(), link.alias.as_str()), ("postgres-15", "db"));
/// assert_eq!("redis".parse::<Link>()?.alias, "redis");
/// assert!("redis:".parse::<Link>().is_err());
/// # Ok::<(), ps_core::links::LinkError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The container's name.
    pub container: String,
    /// The host name.
    pub alias: String,
}

/// Why a word is no link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no link: use <container> or <container>:<alias>; an alias has letters, digits, `-`, `_` and dots")]
pub struct LinkError {
    word: String,
}

impl FromStr for Link {
    type Err = LinkError;

    fn from_str(word: &str) -> Result<Self, LinkError> {
        let (container, alias) = word.split_once(':').unwrap_or((word, word));
        let is_container = container.starts_with(|c: char| c.is_ascii_alphanumeric())
            && container
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        let is_alias = (1..=63).contains(&alias.len())
            && alias.starts_with(|c: char| c.is_ascii_alphanumeric())
            && alias
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        if !is_container || !is_alias {
            return Err(LinkError { word: word.to_owned() });
        }
        Ok(Self {
            container: container.to_owned(),
            alias: alias.to_owned(),
        })
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.alias == self.container {
            f.write_str(&self.container)
        } else {
            write!(f, "{}:{}", self.container, self.alias)
        }
    }
}
