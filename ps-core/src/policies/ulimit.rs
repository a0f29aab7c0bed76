//! Resource limits of a container: `nofile=16384:16384,nproc=32768`.

use std::fmt;

/// One limit with its soft and hard value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ulimit {
    /// The name as engines take it, for example `nofile`.
    pub name: String,
    /// Soft limit.
    pub soft: u64,
    /// Hard limit.
    pub hard: u64,
}

impl fmt::Display for Ulimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}:{}", self.name, self.soft, self.hard)
    }
}

/// Why a text is not a list of limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a limit: use <name>=<soft>[:<hard>], for example nofile=16384:16384, separated by commas")]
pub struct UlimitError {
    word: String,
}

const NAMES: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// Reads a list of limits; an empty text is an empty list. A missing hard limit equals the soft one.
///
/// ```
/// use ps_core::policies::parse_ulimits;
/// let limits = parse_ulimits("nofile=1024:2048,nproc=64")?;
/// assert_eq!(limits.len(), 2);
/// assert!(parse_ulimits("files=1").is_err());
/// # Ok::<(), ps_core::policies::UlimitError>(())
/// ```
pub fn parse_ulimits(text: &str) -> Result<Vec<Ulimit>, UlimitError> {
    let words = text.split(',').map(str::trim).filter(|_| !text.trim().is_empty());
    let mut limits: Vec<Ulimit> = Vec::new();
    for word in words {
        let limit = parse_ulimit(word).ok_or_else(|| UlimitError { word: word.to_owned() })?;
        if limits.iter().any(|other| other.name == limit.name) {
            return Err(UlimitError { word: word.to_owned() });
        }
        limits.push(limit);
    }
    Ok(limits)
}

fn parse_ulimit(word: &str) -> Option<Ulimit> {
    let (name, values) = word.split_once('=')?;
    let (soft, hard) = values.split_once(':').unwrap_or((values, values));
    let number = |text: &str| text.parse::<u64>().ok().filter(|value| i64::try_from(*value).is_ok());
    let (soft, hard) = (number(soft)?, number(hard)?);
    (NAMES.contains(&name) && soft <= hard).then(|| Ulimit {
        name: name.to_owned(),
        soft,
        hard,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_strict() {
        assert_eq!(parse_ulimits(" ").unwrap(), vec![]);
        for bad in [
            "nofile",
            "nofile=",
            "nofile=a",
            "nofile=2:1",
            "nofile=-1",
            "nofile=1,nofile=2",
            "nofile=1,",
            "x=1",
        ] {
            assert!(parse_ulimits(bad).is_err(), "{bad}");
        }
    }
}
