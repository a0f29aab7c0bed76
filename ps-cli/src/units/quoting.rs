//! Words of unit files: how a path or an argument is written so that systemd reads it back as it was.
//!
//! Invariant: what is quoted is one word, whatever letters are in it, and nothing in it is a specifier (`%`), a variable (`$`)
//! or an end of line. Rules: systemd.syntax(7) "Quoting", systemd.service(5) "Command lines", systemd.unit(5) "Specifiers".

use std::path::{Path, PathBuf};

/// A path that cannot stand in a unit file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} cannot stand in a unit file: {reason}", path.display())]
pub struct UnquotableError {
    /// The path.
    pub path: PathBuf,
    reason: &'static str,
}

fn unquotable(path: &Path, reason: &'static str) -> UnquotableError {
    let path = path.to_owned();
    UnquotableError { path, reason }
}

/// The text of a path, when unit files can hold it.
pub(super) fn path_text(path: &Path) -> Result<&str, UnquotableError> {
    let text = path.to_str().filter(|text| !text.chars().any(char::is_control));
    text.ok_or_else(|| unquotable(path, "it has letters that are no UTF-8, or control characters"))
}

/// The path of a program, as the first word of a command: systemd takes none with quotes or backslashes, however they are
/// written, and looks for no variables in it.
pub(super) fn program(path: &Path) -> Result<String, UnquotableError> {
    let text = path_text(path)?;
    if text.contains(['"', '\'', '\\']) {
        return Err(unquotable(
            path,
            "it is a program with quotes or backslashes in its path",
        ));
    }
    Ok(word(text))
}

/// Text that is no list of words: a description.
pub(super) fn plain(text: &str) -> String {
    text.replace('%', "%%")
}

/// A word of a list of words, such as paths: quotes, backslashes and specifiers mean nothing special.
pub(super) fn word(text: &str) -> String {
    let is_harmless = |letter: char| letter.is_ascii_alphanumeric() || "/._-:=+,@".contains(letter);
    if !text.is_empty() && text.chars().all(is_harmless) {
        return text.to_owned();
    }
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    format!("\"{escaped}\"")
}

/// An argument of a command: variables mean nothing special either.
pub(super) fn argument(text: &str) -> String {
    word(text).replace('$', "$$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_systemd_is_escaped() {
        for (text, expected) in [
            ("/var/lib/psctl", "/var/lib/psctl"),
            ("", "\"\""),
            ("/a b", "\"/a b\""),
            ("/100%", "\"/100%%\""),
            ("/a\"b\\c", "\"/a\\\"b\\\\c\""),
            ("/$HOME/${X}", "\"/$$HOME/$${X}\""),
            (";", "\";\""),
            ("/straße", "\"/straße\""),
        ] {
            assert_eq!(argument(text), expected);
        }
        assert_eq!(word("/$HOME"), "\"/$HOME\"");
        assert_eq!(plain("100% of /a b"), "100%% of /a b");
    }

    #[test]
    fn what_would_end_a_line_is_refused() {
        use std::os::unix::ffi::OsStrExt;
        let not_text = Path::new(std::ffi::OsStr::from_bytes(b"/a\xff"));
        for path in [Path::new("/a\nExecStart=/b"), Path::new("/a\u{7}"), not_text] {
            assert!(path_text(path).is_err(), "{path:?}");
        }
        assert_eq!(path_text(Path::new("/a b")).unwrap(), "/a b");
        assert_eq!(program(Path::new("/a b/$x")).unwrap(), "\"/a b/$x\"");
        for path in ["/a'b", "/a\"b", "/a\\b"] {
            assert!(program(Path::new(path)).is_err(), "{path}");
        }
    }
}
