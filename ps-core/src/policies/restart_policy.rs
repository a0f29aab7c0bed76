//! What an engine does when a container ends.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// A restart policy, in Docker's words.
///
/// ```
/// use ps_core::policies::RestartPolicy;
/// let policy: RestartPolicy = "on-failure:20".parse()?;
/// assert_eq!(policy.to_string(), "on-failure:20");
/// assert!("on-failure:0".parse::<RestartPolicy>().is_err());
/// # Ok::<(), ps_core::policies::RestartPolicyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RestartPolicy {
    /// Never.
    No,
    /// Whenever it ends.
    Always,
    /// Whenever it ends, unless it was stopped on request.
    UnlessStopped,
    /// When it ends with another code than 0.
    OnFailure {
        /// At most so often; without limit when `None`.
        max_retries: Option<NonZeroU32>,
    },
}

impl RestartPolicy {
    /// `on-failure` with a limit; without one when `max_retries` is 0.
    pub const fn on_failure(max_retries: u32) -> Self {
        Self::OnFailure {
            max_retries: NonZeroU32::new(max_retries),
        }
    }

    /// The policy's word without a limit: `no`, `always`, `unless-stopped`, `on-failure`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Always => "always",
            Self::UnlessStopped => "unless-stopped",
            Self::OnFailure { .. } => "on-failure",
        }
    }

    /// The limit of `on-failure`, else `None`.
    pub fn max_retries(self) -> Option<u32> {
        match self {
            Self::OnFailure { max_retries } => max_retries.map(NonZeroU32::get),
            _ => None,
        }
    }

    /// The policy of an engine's two fields; an unknown or empty word is `No`.
    pub fn from_engine(word: &str, max_retries: u32) -> Self {
        match word {
            "always" => Self::Always,
            "unless-stopped" => Self::UnlessStopped,
            "on-failure" => Self::on_failure(max_retries),
            _ => Self::No,
        }
    }
}

/// Why a word is not a restart policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{word}` is not a restart policy: use no, always, unless-stopped, on-failure, or on-failure:<n> with n from 1"
)]
pub struct RestartPolicyError {
    word: String,
}

impl FromStr for RestartPolicy {
    type Err = RestartPolicyError;

    fn from_str(word: &str) -> Result<Self, RestartPolicyError> {
        let error = || RestartPolicyError { word: word.to_owned() };
        Ok(match word {
            "no" => Self::No,
            "always" => Self::Always,
            "unless-stopped" => Self::UnlessStopped,
            "on-failure" => Self::OnFailure { max_retries: None },
            other => {
                let count = other.strip_prefix("on-failure:").ok_or_else(error)?;
                if !count.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(error());
                }
                // Engines count in a signed 32-bit number.
                let count = count.parse::<u32>().ok().filter(|count| i32::try_from(*count).is_ok());
                let max_retries = count.and_then(NonZeroU32::new).ok_or_else(error)?;
                Self::OnFailure {
                    max_retries: Some(max_retries),
                }
            }
        })
    }
}

impl fmt::Display for RestartPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        self.max_retries().map_or(Ok(()), |max| write!(f, ":{max}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_words_are_taken() {
        for good in [
            "no",
            "always",
            "unless-stopped",
            "on-failure",
            "on-failure:1",
            "on-failure:10",
        ] {
            assert_eq!(good.parse::<RestartPolicy>().unwrap().to_string(), good);
        }
        let bad = [
            "",
            "No",
            "on-failure:",
            "on-failure:0",
            "on-failure:abc",
            "on-failure:-1",
            "on-failure:+1",
            "on-failure:4294967296",
            "on-failure:2147483648",
            "sometimes",
        ];
        for word in bad {
            assert!(word.parse::<RestartPolicy>().is_err(), "{word}");
        }
    }
}
