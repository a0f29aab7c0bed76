//! The keys that lead to a value, as text. Invariant: bounded, whatever the keys are.

use std::fmt;

use crate::names::shown;

/// A place in the document; lives on the stack and becomes text only when there is something to say.
#[derive(Clone, Copy)]
pub(crate) enum KeyPath<'a> {
    /// The whole document.
    Document,
    /// A value by its key.
    Key(&'a KeyPath<'a>, &'a str),
    /// An element of a list, from 0.
    Index(&'a KeyPath<'a>, usize),
}

impl KeyPath<'_> {
    pub(crate) const fn key<'a>(&'a self, key: &'a str) -> KeyPath<'a> {
        KeyPath::Key(self, key)
    }

    pub(crate) const fn index(&self, index: usize) -> KeyPath<'_> {
        KeyPath::Index(self, index)
    }
}

impl fmt::Display for KeyPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document => Ok(()),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
            Self::Key(parent, key) => {
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
                if key.is_empty() || !key.bytes().all(is_plain) {
                    return write!(f, "{parent}[\"{}\"]", shown(key));
                }
                let dot = if matches!(parent, Self::Document) { "" } else { "." };
                write!(f, "{parent}{dot}{}", shown(key))
            }
        }
    }
}
