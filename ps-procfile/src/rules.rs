//! The two sets of rules and the limits of both. Invariant: a limit is checked in both sets.

/// The longest name, in bytes.
pub const NAME_LIMIT: usize = 63;

/// The longest line, in bytes before its LF; a CR counts. The reference has this limit too.
pub const LINE_LIMIT: usize = 65_535;

/// The largest file, in bytes: 1 MiB. The reference has no such limit.
pub const FILE_LIMIT: usize = 1024 * 1024;

/// Which names are allowed; everything else is the same.
///
/// ```
/// use ps_procfile::{Procfile, Rules};
///
/// assert!(Procfile::parse(b"Web_1: node web.js").is_err());
/// assert!(Procfile::parse_with(b"Web_1: node web.js", Rules::Relaxed).is_ok());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Rules {
    /// Names are DNS labels: `a-z`, `0-9` and `-`, with a letter or digit at both ends.
    #[default]
    Strict,
    /// Names may also have `A-Z` and `_`, and `-` anywhere; names that differ only in case are different names.
    Relaxed,
}

impl Rules {
    /// Whether a name has only what these rules allow. Its length is another question.
    pub(crate) fn allow_name(self, name: &[u8]) -> bool {
        match self {
            Self::Strict => is_strict_name(name),
            Self::Relaxed => !name.is_empty() && name.iter().all(|&byte| is_name_byte(byte)),
        }
    }
}

/// Whether a byte can stand in a name under the relaxed rules; what has others is not `name: command` at all.
pub(crate) const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Whether this is a name of the strict rules but for its length.
pub(crate) fn is_strict_name(name: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.first().is_some_and(is_plain)
        && name.last().is_some_and(is_plain)
        && name.iter().all(|byte| is_plain(byte) || *byte == b'-')
}
