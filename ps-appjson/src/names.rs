//! Names of process types and of variables. Invariant: a process type that passes here is one in a strict Procfile.

/// The longest process type, in bytes.
pub const NAME_LIMIT: usize = 63;

/// Which names may be keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// A DNS label, as in strict Procfiles.
    ProcessType,
    /// A name of the environment.
    Variable,
}

impl NameRule {
    /// Whether it is such a name.
    pub(crate) fn accepts(self, name: &str) -> bool {
        let bytes = name.as_bytes();
        match self {
            Self::ProcessType => {
                let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
                bytes.first().is_some_and(is_plain)
                    && bytes.last().is_some_and(is_plain)
                    && bytes.iter().all(|byte| is_plain(byte) || *byte == b'-')
                    && bytes.len() <= NAME_LIMIT
            }
            Self::Variable => {
                let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
                bytes.first().is_some_and(|first| !first.is_ascii_digit()) && bytes.iter().all(is_word)
            }
        }
    }

    /// What such a name is called.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::ProcessType => "process type",
            Self::Variable => "name of a variable",
        }
    }

    /// The rule in words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::ProcessType => {
                "lower-case letters, digits and `-`, with a letter or digit at both ends, at most 63 characters"
            }
            Self::Variable => "letters, digits and `_`, without a digit first",
        }
    }

    /// The rule as a regular expression, but for the length.
    pub(crate) const fn pattern(self) -> &'static str {
        match self {
            Self::ProcessType => "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
            Self::Variable => "^[A-Za-z_][A-Za-z0-9_]*$",
        }
    }

    /// The nearest name that is allowed.
    pub(crate) fn mended(self, name: &str) -> Option<String> {
        let filler = match self {
            Self::ProcessType => '-',
            Self::Variable => '_',
        };
        let mut mended = String::new();
        for letter in name.chars().take(2 * NAME_LIMIT) {
            let letter = match self {
                Self::ProcessType => letter.to_ascii_lowercase(),
                Self::Variable => letter,
            };
            if letter.is_ascii_alphanumeric() || letter == filler {
                mended.push(letter);
            } else if !mended.ends_with(filler) {
                mended.push(filler);
            }
        }
        let mended = mended.trim_matches(filler);
        self.accepts(mended).then(|| mended.to_owned())
    }
}

/// A name as it may stand in a message: short, on one line, without control characters.
pub(crate) fn shown(name: &str) -> String {
    const SHOWN: usize = 40;
    let mut shown: String = name.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if name.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}
