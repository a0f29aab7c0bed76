//! Every crate inherits its lints and its dependencies' versions from the workspace.

use crate::tidy::facts::{Facts, Finding};

/// Every crate has `[lints] workspace = true`.
pub(crate) fn check_inherited_lints(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &facts.packages {
        let entries = entries_of(&package.manifest);
        let inherits = entries
            .iter()
            .any(|entry| entry.section == "lints" && is_inherited(entry));
        if !inherits {
            findings.push(Finding::of(
                &package.manifest_path,
                "does not inherit the lints: add [lints] workspace = true",
            ));
        }
    }
    findings
}

/// Every dependency stands in the workspace's table; only a crate's own dev-dependency on itself is a path.
pub(crate) fn check_inherited_dependencies(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &facts.packages {
        for entry in entries_of(&package.manifest)
            .iter()
            .filter(|entry| is_dependency(&entry.section))
        {
            if !is_inherited(entry) && entry.name() != package.name {
                let fault = format!("`{}` is not inherited: move it to the workspace's table", entry.name());
                findings.push(Finding::at(&package.manifest_path, entry.line, fault));
            }
        }
    }
    findings
}

/// A `key = value` of a manifest. A whole section of one dependency (`[dependencies.x]`) counts as one entry.
#[derive(Debug, Default)]
struct Entry {
    section: String,
    key: String,
    value: String,
    line: usize,
}

impl Entry {
    /// The dependency's name, without `.workspace`.
    fn name(&self) -> &str {
        self.key.split('.').next().unwrap_or_default().trim_matches('"')
    }
}

fn is_dependency(section: &str) -> bool {
    section
        .split('.')
        .next_back()
        .is_some_and(|last| last.ends_with("dependencies"))
}

fn is_inherited(entry: &Entry) -> bool {
    let bare: String = entry.value.chars().filter(|letter| !letter.is_whitespace()).collect();
    let by_key = entry.key == "workspace" || entry.key.ends_with(".workspace");
    (by_key && bare == "true") || bare.contains("workspace=true")
}

/// Reads what these two rules need of TOML: sections, and entries that may go over several lines.
fn entries_of(manifest: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut section = String::new();
    let mut continued = false;
    for (index, raw) in manifest.lines().enumerate() {
        let text = raw.split(" #").next().unwrap_or_default().trim();
        if continued {
            if let Some(last) = entries.last_mut() {
                last.value.push_str(text);
                continued = is_open(&last.value);
            }
        } else if text.starts_with('[') {
            text.trim_matches(['[', ']']).trim().clone_into(&mut section);
            if let Some((table, name)) = section
                .clone()
                .rsplit_once('.')
                .filter(|(table, _)| is_dependency(table))
            {
                let (section, key) = (table.to_owned(), name.to_owned());
                entries.push(Entry {
                    section,
                    key,
                    value: String::new(),
                    line: index + 1,
                });
            }
        } else if let Some((key, value)) = text.split_once('=').filter(|_| !text.starts_with('#')) {
            let one_dependency = entries
                .last_mut()
                .filter(|last| section == format!("{}.{}", last.section, last.key));
            if let Some(whole) = one_dependency {
                whole.value.push_str(text);
                whole.value.push(';');
            } else {
                let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
                continued = is_open(&value);
                entries.push(Entry {
                    section: section.clone(),
                    key,
                    value,
                    line: index + 1,
                });
            }
        }
    }
    entries
}

fn is_open(value: &str) -> bool {
    let count = |letter: char| value.matches(letter).count();
    count('[') > count(']') || count('{') > count('}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::facts::samples;

    #[test]
    fn a_crate_without_the_lints_is_found() {
        assert_eq!(
            check_inherited_lints(&samples::manifest("[package]\nname = \"ps-x\"\n")).len(),
            1
        );
        assert_eq!(
            check_inherited_lints(&samples::manifest("[lints.clippy]\nall = \"deny\"\n")).len(),
            1
        );
        assert!(check_inherited_lints(&samples::manifest("[lints]\nworkspace = true\n")).is_empty());
    }

    #[test]
    fn a_dependency_with_a_version_of_its_own_is_found() {
        let wrong = [
            "[dependencies]\nserde = \"1\"\n",
            "[dev-dependencies]\nserde = { version = \"1\", features = [\n  \"derive\",\n] }\n",
            "[dependencies.serde]\nversion = \"1\"\n",
            "[target.'cfg(unix)'.dependencies]\nserde = \"1\"\n",
            "[build-dependencies]\nserde = { path = \"../serde\" }\n",
        ];
        for text in wrong {
            assert_eq!(
                check_inherited_dependencies(&samples::manifest(text)).len(),
                1,
                "{text}"
            );
        }
    }

    #[test]
    fn inherited_dependencies_in_every_spelling_are_fine() {
        let right = [
            "[dependencies]\nserde.workspace = true\nclap = { workspace = true, optional = true } # why\n",
            "[dependencies]\nserde = { workspace = true, features = [\n  \"derive\",\n] }\n",
            "[dependencies.serde]\nworkspace = true\nfeatures = [\"derive\"]\n",
            "[dev-dependencies]\nps-x = { path = \".\" }\n",
            "[package]\nversion = \"1\"\n[features]\na = [\"b\"]\n",
        ];
        for text in right {
            assert_eq!(check_inherited_dependencies(&samples::manifest(text)), [], "{text}");
        }
    }
}
