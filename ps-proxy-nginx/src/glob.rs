//! The wildcards of nginx's `include`. Invariant: matches what `glob(3)` does, in the order of bytes; what cannot be read is empty.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// Whether a path has a wildcard.
pub(crate) fn has_wildcard(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

/// The files and folders that a pattern matches, sorted; a path without wildcards is itself, there or not.
pub(crate) fn expand(pattern: &Path) -> Vec<PathBuf> {
    if !has_wildcard(pattern) {
        return vec![pattern.to_owned()];
    }
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        found = match component {
            Component::Normal(name) if has_wildcard(Path::new(name)) => {
                let name = name.to_string_lossy();
                found
                    .iter()
                    .flat_map(|folder| matching_entries(folder, &name))
                    .collect()
            }
            other => found
                .iter()
                .map(|path| path.join(other))
                .filter(|path| path.exists())
                .collect(),
        };
    }
    found.sort();
    found
}

fn matching_entries(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    let matching = names.filter(|name| matches(pattern, &name.to_string_lossy()));
    matching.map(|name| folder.join(name)).collect()
}

/// Whether a pattern without slashes matches a name.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    matches_rest(&pattern, &name)
}

fn matches_rest(pattern: &[char], name: &[char]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        (['*', rest @ ..], _) => {
            // Several stars are one, so that the work stays small.
            let rest = rest
                .iter()
                .position(|letter| *letter != '*')
                .map_or(&[][..], |at| rest.get(at..).unwrap_or(&[]));
            (0..=name.len()).any(|taken| matches_rest(rest, name.get(taken..).unwrap_or(&[])))
        }
        (['?', rest @ ..], [_, left @ ..]) => matches_rest(rest, left),
        (['[', rest @ ..], [letter, left @ ..]) => match set_of(rest) {
            Some((set, after)) => is_in_set(set, *letter) && matches_rest(after, left),
            None => *letter == '[' && matches_rest(rest, left),
        },
        (['\\', wanted, rest @ ..] | [wanted, rest @ ..], [letter, left @ ..]) => {
            wanted == letter && matches_rest(rest, left)
        }
        _ => false,
    }
}

/// The letters of a set after its `[`, and what follows its `]`. A `]` at the beginning is a letter.
fn set_of(pattern: &[char]) -> Option<(&[char], &[char])> {
    let first = usize::from(matches!(pattern.first(), Some('!' | '^')));
    let end = pattern.iter().skip(first + 1).position(|letter| *letter == ']')? + first + 1;
    Some((pattern.get(..end)?, pattern.get(end + 1..)?))
}

fn is_in_set(set: &[char], letter: char) -> bool {
    let (is_negated, mut rest) = match set {
        ['!' | '^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut is_in = false;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if let ['-', last, after @ ..] = rest {
            is_in |= (*first..=*last).contains(&letter);
            rest = after;
        } else {
            is_in |= *first == letter;
        }
    }
    is_in != is_negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_in_a_shell() {
        for (pattern, name, is_match) in [
            ("*.conf", "a.conf", true),
            ("*.conf", ".a.conf", false),
            ("*.conf", "a.conf.bak", false),
            ("*", "default", true),
            ("a**b", "axxb", true),
            ("?.conf", "a.conf", true),
            ("?.conf", "ab.conf", false),
            ("[0-9]*", "10-a", true),
            ("[!0-9]*", "10-a", false),
            ("[]x]", "]", true),
            ("[ab", "[ab", true),
            ("serving.con[f]", "serving.conf", true),
        ] {
            assert_eq!(matches(pattern, name), is_match, "{pattern} {name}");
        }
    }

    #[test]
    fn patterns_are_expanded_in_order_in_every_part() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b/2.conf", "a/1.conf", "a/.hidden.conf", "a/other"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = expand(&folder.path().join("*/*.conf"));
        assert_eq!(found, [folder.path().join("a/1.conf"), folder.path().join("b/2.conf")]);
        let plain = folder.path().join("absent.conf");
        assert_eq!(expand(&plain), [plain]);
    }
}
