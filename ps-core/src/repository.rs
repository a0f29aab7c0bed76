//! Git repositories and references as words. Invariant: neither can be read by `git` as an option or as a program to run, and a
//! repository shows no password: neither in `Display` nor in `Debug`.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// What stands where a password was.
const MASK: &str = "***";

/// The schemes that are fetched from; each is one that `git` itself speaks.
const SCHEMES: [&str; 7] = ["https", "http", "ssh", "git", "file", "git+ssh", "ssh+git"];

/// A word that names no repository, or no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepositoryError {
    /// It is empty, begins with `-`, or has control characters.
    #[error("`{shown}` is not a git repository: {reason}")]
    Repository {
        /// Without its password.
        shown: String,
        /// Why.
        reason: &'static str,
    },
    /// It is no name of a branch or tag, and no commit.
    #[error("`{0}` is not a branch, a tag or a commit")]
    Reference(String),
}

/// A repository by URL, by `host:path`, or by a path of this machine. Credentials in it are kept, and never shown.
///
/// ```
/// use ps_core::repository::Repository;
/// let repository: Repository = "https://me:secret@host.example/shop.git".parse()?;
/// assert_eq!(repository.to_string(), "https://***@host.example/shop.git");
/// assert_eq!(repository.without_credentials(), "https://host.example/shop.git");
/// assert!("ext::sh -c true".parse::<Repository>().is_err());
/// # Ok::<(), ps_core::repository::RepositoryError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Repository(String);

impl FromStr for Repository {
    type Err = RepositoryError;

    fn from_str(text: &str) -> Result<Self, RepositoryError> {
        let fault = match text.split_once("://") {
            _ if text.is_empty() => Some("it is empty"),
            _ if text.starts_with('-') => Some("it begins with `-`"),
            _ if text.chars().any(char::is_control) => Some("it has control characters"),
            _ if names_a_program(text) => Some("`::` would run a program"),
            Some((scheme, _)) if !scheme.contains('/') && !SCHEMES.contains(&scheme) => {
                Some("use https, http, ssh, git or file")
            }
            // Git would hand these to ssh as its first word.
            Some((_, rest)) if rest.starts_with('-') => Some("its host begins with `-`"),
            _ => None,
        };
        let repository = Self(text.to_owned());
        match fault {
            None => Ok(repository),
            Some(reason) => Err(RepositoryError::Repository {
                shown: repository.to_string(),
                reason,
            }),
        }
    }
}

/// Whether git would start a program of that name: `ext::…`.
fn names_a_program(text: &str) -> bool {
    let is_word = |word: &str| {
        word.chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "+-._".contains(letter))
    };
    text.split_once("::").is_some_and(|(word, _)| is_word(word))
}

/// The parts of `scheme://credentials@rest`.
struct Parts<'a> {
    scheme: &'a str,
    user: &'a str,
    password: Option<&'a str>,
    rest: &'a str,
}

impl Repository {
    /// As it was given, with its credentials: to be stored, never to be shown.
    pub fn with_credentials(&self) -> &str {
        &self.0
    }

    /// The same without the name and password of an `http` or `https` URL.
    pub fn without_credentials(&self) -> String {
        match self.parts() {
            Some(Parts {
                scheme,
                password: Some(_),
                rest,
                ..
            }) if is_web(scheme) => format!("{scheme}://{rest}"),
            _ => self.0.clone(),
        }
    }

    /// The name and password of an `http` or `https` URL, decoded.
    pub fn credentials(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let parts = self.parts().filter(|parts| is_web(parts.scheme))?;
        Some((decoded(parts.user), decoded(parts.password?)))
    }

    /// The path, when it is one of this machine and no URL.
    pub fn as_path(&self) -> Option<&Path> {
        let before_slash = self.0.split('/').next().unwrap_or_default();
        (!before_slash.contains(':')).then(|| Path::new(&self.0))
    }

    fn parts(&self) -> Option<Parts<'_>> {
        let (scheme, rest) = self.0.split_once("://")?;
        let authority = rest.split('/').next().unwrap_or(rest);
        let (credentials, _) = authority.rsplit_once('@')?;
        let (user, password) = match credentials.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (credentials, None),
        };
        let rest = rest.get(credentials.len() + 1..)?;
        Some(Parts {
            scheme,
            user,
            password,
            rest,
        })
    }
}

fn is_web(scheme: &str) -> bool {
    matches!(scheme, "http" | "https")
}

/// `%40` is `@`; what is no such escape stays.
fn decoded(text: &str) -> Vec<u8> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| !digits.starts_with('+'));
        if let Some(escaped) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(escaped);
            bytes.extend(part.bytes().skip(2));
        } else {
            bytes.push(b'%');
            bytes.extend(part.bytes());
        }
    }
    bytes
}

impl fmt::Display for Repository {
    /// A name without a password may be a token on the web; for ssh it is just a name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            Some(Parts { scheme, rest, .. }) if is_web(scheme) => write!(f, "{scheme}://{MASK}@{rest}"),
            Some(Parts {
                scheme,
                user,
                password: Some(_),
                rest,
            }) => write!(f, "{scheme}://{user}:{MASK}@{rest}"),
            _ => f.write_str(&self.0),
        }
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Repository({self})")
    }
}

/// A branch, a tag, or a commit, whole or its first letters.
///
/// ```
/// use ps_core::repository::GitReference;
/// assert!("release/2.x".parse::<GitReference>().is_ok());
/// assert!("--upload-pack=x".parse::<GitReference>().is_err());
/// assert!("a:b".parse::<GitReference>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitReference(String);

impl GitReference {
    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it can be a commit: 4 to 64 hexadecimal digits.
    pub fn may_be_commit(&self) -> bool {
        (4..=64).contains(&self.0.len()) && self.0.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// Whether it is all of a commit's digits.
    pub fn is_whole_commit(&self) -> bool {
        self.may_be_commit() && matches!(self.0.len(), 40 | 64)
    }
}

impl FromStr for GitReference {
    type Err = RepositoryError;

    /// Git's own rules for names of references, of which none has a meaning beyond a name.
    fn from_str(text: &str) -> Result<Self, RepositoryError> {
        let is_bad = |letter: char| letter.is_control() || letter.is_whitespace() || "~^:?*[\\".contains(letter);
        let is_bad_part = |part: &str| part.is_empty() || part.starts_with('.') || part.strip_suffix(".lock").is_some();
        let is_wrong = text.starts_with('-')
            || text == "@"
            || text.ends_with('.')
            || text.contains("..")
            || text.contains("@{")
            || text.contains(is_bad)
            || text.split('/').any(is_bad_part);
        if is_wrong {
            return Err(RepositoryError::Reference(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for GitReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(text: &str) -> Repository {
        text.parse().unwrap()
    }

    #[test]
    fn a_repository_shows_no_password() {
        for (text, shown, without) in [
            ("https://u:p@h/x", "https://***@h/x", "https://h/x"),
            ("http://u:p@w@h:8080/x@y", "http://***@h:8080/x@y", "http://h:8080/x@y"),
            ("https://token@h/x", "https://***@h/x", "https://token@h/x"),
            ("https://h/x@y", "https://h/x@y", "https://h/x@y"),
            ("ssh://git:p@h/x", "ssh://git:***@h/x", "ssh://git:p@h/x"),
            ("git@h:x/y.git", "git@h:x/y.git", "git@h:x/y.git"),
            ("/srv/a:b@c", "/srv/a:b@c", "/srv/a:b@c"),
        ] {
            let repository = repository(text);
            assert_eq!(repository.to_string(), shown);
            assert_eq!(repository.without_credentials(), without);
            assert_eq!(format!("{repository:?}"), format!("Repository({shown})"));
        }
    }

    #[test]
    fn credentials_are_decoded() {
        let pair = |user: &str, password: &str| Some((user.as_bytes().to_vec(), password.as_bytes().to_vec()));
        assert_eq!(
            repository("https://u%40x:p%3a%zz%@h/x").credentials(),
            pair("u@x", "p:%zz%")
        );
        assert_eq!(repository("https://u:@h").credentials(), pair("u", ""));
        assert_eq!(repository("https://u@h/x").credentials(), None);
        assert_eq!(repository("ssh://u:p@h/x").credentials(), None);
    }

    #[test]
    fn what_git_would_take_for_an_option_or_a_program_is_refused() {
        for text in [
            "",
            "-u",
            "--upload-pack=touch x",
            "ext::sh -c touch",
            "fd::17",
            "a\nb",
            "ssh://-oProxyCommand=x/y",
            "ftp://h/x",
            "javascript://h",
        ] {
            assert!(text.parse::<Repository>().is_err(), "{text}");
        }
        for text in ["ssh://[::1]/x", "[::1]:x", "/srv/a::b", "./x://y", "host:a::b"] {
            assert!(text.parse::<Repository>().is_ok(), "{text}");
        }
        let error = "ftp://u:secret@h/x".parse::<Repository>().unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn paths_are_told_from_urls() {
        for text in ["/srv/x", "x", "../x", "./a:b", "a/b:c"] {
            assert!(repository(text).as_path().is_some(), "{text}");
        }
        for text in ["host:x", "git@host:x", "https://h/x", "file:///srv/x"] {
            assert!(repository(text).as_path().is_none(), "{text}");
        }
    }

    #[test]
    fn references_follow_the_rules_of_git() {
        for text in [
            "main",
            "v1.0",
            "feature/x-y_z",
            "refs/heads/main",
            "HEAD",
            "deadbeef",
            "a@b",
            "é",
        ] {
            assert!(text.parse::<GitReference>().is_ok(), "{text}");
        }
        for text in [
            "", "-x", "a b", "a..b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "/a", "a/", "a//b", ".a", "a/.b",
            "a.lock", "a.", "@", "a@{1}", "a\tb",
        ] {
            assert!(text.parse::<GitReference>().is_err(), "{text}");
        }
    }
}
