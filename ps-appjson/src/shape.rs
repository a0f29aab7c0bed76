//! The words in which app.json is described, once: the reader checks documents by the description, and the published schema is
//! written from it. Invariant: a shape says only what both can keep; what goes beyond is said where the pieces are put together.

use crate::names::NameRule;
use crate::text_rule::TextRule;

/// What a value looks like. `null` stands for a key that is not given, wherever there is a key.
pub(crate) enum Shape {
    /// A string.
    Text(TextRule),
    /// A whole number within these bounds, both included.
    Whole { least: u32, most: u32, unit: Unit },
    /// `true` or `false`.
    Flag,
    /// A list of like values.
    List {
        element: &'static Shape,
        example: &'static str,
    },
    /// An object with known keys; others are kept quiet.
    Record(&'static Record),
    /// An object whose keys are names.
    Table {
        names: NameRule,
        value: &'static Shape,
        example: &'static str,
    },
    /// An object, or a string that stands for an object with this one key.
    TextOrRecord { key: &'static str, record: &'static Record },
    /// A value that no output may show.
    Private(&'static Shape),
    /// Anything; it does nothing, and a warning says why.
    Ignored { why: &'static str, hint: &'static str },
}

impl Shape {
    /// Whether a value in it must not be shown; then one of a wrong type must not be shown either, since it may stand in there.
    pub(crate) fn is_private_somewhere(&self) -> bool {
        match self {
            Self::Private(_) | Self::TextOrRecord { .. } | Self::Ignored { .. } => true,
            Self::Text(_) | Self::Whole { .. } | Self::Flag => false,
            Self::List { element: inner, .. } | Self::Table { value: inner, .. } => inner.is_private_somewhere(),
            Self::Record(record) => record.fields.iter().any(|field| field.shape.is_private_somewhere()),
        }
    }
}

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Things,
    Seconds,
}

/// An object with known keys.
pub(crate) struct Record {
    pub(crate) fields: &'static [Field],
    /// At least one of these keys is there, unless the list is empty.
    pub(crate) any_of: &'static [&'static str],
    pub(crate) example: &'static str,
}

/// One key of an object.
pub(crate) struct Field {
    pub(crate) key: &'static str,
    /// What the key is for, one or two sentences; it stands in the schema.
    pub(crate) meaning: &'static str,
    pub(crate) shape: Shape,
    /// What to write when the key is missing, if it has to be there.
    pub(crate) required: Option<&'static str>,
}

impl Field {
    /// A key that may be left out.
    pub(crate) const fn new(key: &'static str, meaning: &'static str, shape: Shape) -> Self {
        Self {
            key,
            meaning,
            shape,
            required: None,
        }
    }

    /// The same key, which has to be there.
    pub(crate) const fn required(self, example: &'static str) -> Self {
        Self {
            required: Some(example),
            ..self
        }
    }
}
