//! The variables of the tables. Invariant: `UNSET` is not among them.

/// Names and values.
pub(crate) const VARIABLES: &[(&str, &str)] = &[
    ("PORT", "5000"),
    ("EMPTY", ""),
    ("BLANK", " \t "),
    ("LINES", "\n\n"),
    ("TWO", "a b"),
    ("WIDE", " a \t b\n"),
    ("QUOTED", "'a b' \"c\" \\d"),
    ("STAR", "*"),
    ("GLOBS", "*.rb [a-z]? x*"),
    ("DOLLAR", "$PORT"),
    ("TILDE", "~"),
    ("HASH", "# x"),
    ("EQUALS", "A=1 B=2"),
    ("SEMICOLON", "; b | c"),
    ("RETURN", "a\rb\u{b}c"),
    ("ACCENTS", "é\u{a0}ü Á\u{3000}日"),
    ("BRACES", "{a,b}"),
    ("JSON", "{\"a\": [1, 2]}"),
    ("WORD", "while"),
    ("_x1", "under"),
    ("x", "small"),
    ("X", "x"),
];

/// Answers a variable.
pub(crate) fn lookup(name: &str) -> Option<String> {
    let found = VARIABLES.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| (*value).to_owned())
}
