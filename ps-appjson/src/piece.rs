//! Values of app.json that have the shape they should have. Invariant: a value that has not is [`Content::Broken`], which
//! reads as not given; its error was reported.

use std::collections::BTreeMap;
use std::ops::Range;

/// A value and where it stands.
pub(crate) struct Piece<'a> {
    pub(crate) span: Range<usize>,
    pub(crate) content: Content<'a>,
}

pub(crate) enum Content<'a> {
    Text(&'a str),
    Whole(u32),
    Flag(bool),
    List(Vec<Piece<'a>>),
    Record(Fields<'a>),
    Table(Vec<(&'a str, Piece<'a>)>),
    Broken,
}

impl Piece<'_> {
    /// Whether it says something: empty texts and lists, 0 and `false` do not, as in Dokku, whose reader cannot tell them from
    /// keys that are not there.
    fn is_something(&self) -> bool {
        match &self.content {
            Content::Text(text) => !text.is_empty(),
            Content::Whole(number) => *number > 0,
            Content::Flag(flag) => *flag,
            Content::List(elements) => !elements.is_empty(),
            Content::Record(_) | Content::Table(_) | Content::Broken => true,
        }
    }
}

/// The known keys of an object that are there.
#[derive(Default)]
pub(crate) struct Fields<'a>(pub(crate) BTreeMap<&'static str, Piece<'a>>);

impl<'a> Fields<'a> {
    /// The piece of a key that says something.
    pub(crate) fn given(&self, key: &str) -> Option<&Piece<'a>> {
        self.0.get(key).filter(|piece| piece.is_something())
    }

    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        match self.given(key)?.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text with something else than blanks, as an owned one.
    pub(crate) fn unblank_text(&self, key: &str) -> Option<String> {
        self.text(key).filter(|text| !text.trim().is_empty()).map(str::to_owned)
    }

    /// A number, also 0.
    pub(crate) fn whole(&self, key: &str) -> Option<u32> {
        match self.0.get(key)?.content {
            Content::Whole(number) => Some(number),
            _ => None,
        }
    }

    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        match self.0.get(key)?.content {
            Content::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    pub(crate) fn list(&self, key: &str) -> &[Piece<'a>] {
        match self.0.get(key).map(|piece| &piece.content) {
            Some(Content::List(elements)) => elements,
            _ => &[],
        }
    }

    pub(crate) fn record(&self, key: &str) -> Option<&Fields<'a>> {
        match &self.0.get(key)?.content {
            Content::Record(fields) => Some(fields),
            _ => None,
        }
    }

    /// The names of a table and their values.
    pub(crate) fn table(&self, key: &str) -> &[(&'a str, Piece<'a>)] {
        match self.0.get(key).map(|piece| &piece.content) {
            Some(Content::Table(entries)) => entries,
            _ => &[],
        }
    }
}
