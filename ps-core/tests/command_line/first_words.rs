//! Commands that need no shell though their first word looks as if, and their words. Invariant: the real shell also runs
//! them as they are.

use crate::words::Case;

/// What stands first.
pub(crate) const FIRST: &[Case] = &[
    ("'X=1' a", &["X=1", "a"]),
    ("X\\=1 a", &["X=1", "a"]),
    ("X'='1 a", &["X=1", "a"]),
    ("'X'=1 a", &["X=1", "a"]),
    ("\"X=\"1", &["X=1"]),
    ("$X=1 a", &["x=1", "a"]),
    ("${UNSET}X=1 a", &["X=1", "a"]),
    ("$UNSET X=1 a", &["X=1", "a"]),
    ("1X=1 a", &["1X=1", "a"]),
    ("X-Y=1 a", &["X-Y=1", "a"]),
    ("=1 a", &["=1", "a"]),
    ("--x=1 a", &["--x=1", "a"]),
    ("'if' a", &["if", "a"]),
    ("\\while a", &["while", "a"]),
    ("i\"f\" a", &["if", "a"]),
    ("if$EMPTY a", &["if", "a"]),
    ("$WORD a", &["while", "a"]),
    ("$UNSET while a", &["while", "a"]),
    ("'{' a }", &["{", "a", "}"]),
    ("'!' a", &["!", "a"]),
    ("iffy {a} !x", &["iffy", "{a}", "!x"]),
    ("{} a", &["{}", "a"]),
    ("{a} b", &["{a}", "b"]),
    ("!x a", &["!x", "a"]),
    ("a\u{b} b", &["a\u{b}", "b"]),
    ("é 'ü ö'", &["é", "ü ö"]),
    ("execute ./cd", &["execute", "./cd"]),
    ("a\\ b c", &["a b", "c"]),
    ("*x a", &["*x", "a"]),
    ("$TWO c", &["a", "b", "c"]),
    ("'#' a", &["#", "a"]),
    ("\\~ a", &["~", "a"]),
    ("$TILDE a", &["~", "a"]),
    ("then$ a", &["then$", "a"]),
];
