//! A JSON-shaped value, so that the core can sanitise an engine's document without knowing JSON.

/// One value of an engine's document. Objects keep the engine's order.
#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, in the engine's own spelling.
    Number(String),
    /// Text.
    Text(String),
    /// An array.
    List(Vec<Document>),
    /// An object.
    Object(Vec<(String, Document)>),
}

impl Document {
    /// The value under a key of an object.
    ///
    /// ```
    /// use ps_core::runtime::Document;
    /// let document = Document::Object(vec![("Id".into(), Document::Text("7ce".into()))]);
    /// assert_eq!(document.get("Id"), Some(&Document::Text("7ce".into())));
    /// assert_eq!(document.get("Name"), None);
    /// ```
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}
