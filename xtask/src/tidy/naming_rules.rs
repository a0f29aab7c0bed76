//! Every file says what it is, and no path or module has a name that says nothing.

use crate::tidy::facts::{Facts, Finding};

/// Words that name no subject.
const EMPTY_WORDS: [&str; 11] = [
    "util", "utils", "helper", "helpers", "common", "misc", "manager", "handler", "info", "base", "impl",
];

/// Names that are somebody else's term, with whose.
const TERMS: [(&str, &str); 1] = [(
    "credential_helper",
    "Docker's name for the programs that keep registry passwords",
)];

/// Every Rust file opens with `//!`.
pub(crate) fn check_opening_comment(facts: &Facts) -> Vec<Finding> {
    let rust = facts.files.iter().filter(|file| file.is_rust());
    let silent = rust.filter(|file| !file.text.starts_with("//! "));
    silent
        .map(|file| Finding::of(&file.path, "does not open with `//!`: say what the file is"))
        .collect()
}

/// No folder or file of the workspace has an empty word in its name.
pub(crate) fn check_path_words(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in facts.files.iter().filter(|file| file.is_rust()) {
        for part in file.path.trim_end_matches(".rs").split('/') {
            findings.extend(empty_word(part).map(|word| Finding::of(&file.path, fault(word))));
        }
    }
    findings
}

/// No module written inside a file has one either.
pub(crate) fn check_module_words(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in facts.files.iter().filter(|file| file.is_rust()) {
        for (index, line) in file.text.lines().enumerate() {
            let word = module_name(line).and_then(empty_word);
            findings.extend(word.map(|word| Finding::at(&file.path, index + 1, fault(word))));
        }
    }
    findings
}

fn fault(word: &str) -> String {
    format!("`{word}` says nothing: name the subject")
}

/// The name in `mod name {` or `pub(crate) mod name;`.
fn module_name(line: &str) -> Option<&str> {
    let (before, after) = line.trim_start().split_once("mod ")?;
    let is_declaration = before.is_empty() || before.trim_end() == "pub" || before.starts_with("pub(");
    let name = after.trim_end().trim_end_matches(['{', ';']).trim_end();
    (is_declaration && !name.contains(' ')).then_some(name)
}

fn empty_word(name: &str) -> Option<&'static str> {
    if TERMS.iter().any(|(term, _)| *term == name.trim_end_matches('s')) {
        return None;
    }
    let mut parts = name.split(['_', '-', '.']);
    parts.find_map(|part| EMPTY_WORDS.into_iter().find(|word| *word == part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::facts::samples;

    #[test]
    fn a_file_that_says_nothing_about_itself_is_found() {
        assert_eq!(
            check_opening_comment(&samples::file("ps-x/src/a.rs", "use std::fs;\n")).len(),
            1
        );
        assert!(check_opening_comment(&samples::file("ps-x/src/a.rs", "//! A thing.\n")).is_empty());
        assert!(check_opening_comment(&samples::file("README.md", "# psctl\n")).is_empty());
    }

    #[test]
    fn an_empty_word_in_a_path_is_found() {
        for path in [
            "ps-x/src/utils.rs",
            "ps-x/src/common/mod.rs",
            "ps-x/src/name_helper.rs",
            "ps-base/src/lib.rs",
        ] {
            assert_eq!(check_path_words(&samples::file(path, "")).len(), 1, "{path}");
        }
        for path in [
            "ps-x/src/database.rs",
            "ps-x/src/information.rs",
            "ps-x/src/credential_helper.rs",
            "docs/common.md",
        ] {
            assert!(check_path_words(&samples::file(path, "")).is_empty(), "{path}");
        }
    }

    #[test]
    fn an_empty_word_as_a_module_is_found() {
        for line in ["mod util {", "    pub mod helpers;", "pub(crate) mod base_types {"] {
            assert_eq!(
                check_module_words(&samples::file("ps-x/src/lib.rs", line)).len(),
                1,
                "{line}"
            );
        }
        assert!(check_module_words(&samples::file("ps-x/src/lib.rs", "mod tests {\n// a mod base {\n")).is_empty());
    }
}
