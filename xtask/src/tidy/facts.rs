//! What the rules look at: plain data about the workspace's crates and tracked files.

use std::collections::BTreeSet;

/// Everything the rules know.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The workspace's crates.
    pub(crate) packages: Vec<PackageFacts>,
    /// The tracked files that are text.
    pub(crate) files: Vec<FileFacts>,
}

/// One crate of the workspace.
#[derive(Debug, Default)]
pub(crate) struct PackageFacts {
    /// Its name, such as `ps-core`.
    pub(crate) name: String,
    /// Where its `Cargo.toml` is, from the workspace's root.
    pub(crate) manifest_path: String,
    /// The text of its `Cargo.toml`.
    pub(crate) manifest: String,
    /// What it depends on outside of tests, optional ones too.
    pub(crate) direct: BTreeSet<String>,
    /// What it depends on outside of tests, directly or not.
    pub(crate) transitive: BTreeSet<String>,
}

/// One tracked file.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileFacts {
    /// From the workspace's root, with `/`.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

/// One violation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// `path` or `path:line`.
    pub(crate) place: String,
    /// What is wrong, and what to do.
    pub(crate) fault: String,
}

impl Finding {
    /// A finding about a whole file or crate.
    pub(crate) fn of(place: &str, fault: impl Into<String>) -> Self {
        Self {
            place: place.to_owned(),
            fault: fault.into(),
        }
    }

    /// A finding about a line, counted from 1.
    pub(crate) fn at(path: &str, line: usize, fault: impl Into<String>) -> Self {
        Self {
            place: format!("{path}:{line}"),
            fault: fault.into(),
        }
    }
}

impl FileFacts {
    /// Whether it is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        std::path::Path::new(&self.path)
            .extension()
            .is_some_and(|extension| extension == "rs")
    }

    /// The crate's folder: the first part of the path.
    pub(crate) fn room(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// Whether it is part of tests, examples, tools or build scripts, where the rules about the product do not hold.
    pub(crate) fn is_beside_the_product(&self) -> bool {
        let mut parts = self.path.split('/');
        let beside = |part: &str| {
            matches!(
                part,
                "tests" | "examples" | "benches" | "build.rs" | "tests.rs" | "xtask"
            ) || part.ends_with("_tests.rs")
        };
        parts.any(beside)
    }

    /// The lines of code of the product, numbered from 1: without comments and without test modules.
    pub(crate) fn code(&self) -> Vec<(usize, &str)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let mut code = Vec::new();
        let mut test_indent: Option<usize> = None;
        for (index, line) in lines.iter().enumerate() {
            let trimmed = line.trim_start();
            let indent = line.len() - trimmed.len();
            if let Some(outer) = test_indent {
                // rustfmt puts the closing brace where the item began.
                if indent == outer && trimmed.starts_with('}') {
                    test_indent = None;
                }
                continue;
            }
            let opens_tests = trimmed.starts_with("#[cfg(test)]")
                && lines
                    .get(index + 1..)
                    .unwrap_or_default()
                    .iter()
                    .find(|next| !next.trim_start().starts_with("#["))
                    .is_some_and(|next| next.trim_end().ends_with('{'));
            if opens_tests {
                test_indent = Some(indent);
            } else if !trimmed.starts_with("//") {
                code.push((index + 1, *line));
            }
        }
        code
    }
}

#[cfg(test)]
pub(crate) mod samples {
    //! Facts for tests of rules.

    use super::{Facts, FileFacts, PackageFacts};

    /// Facts with one file.
    pub(crate) fn file(path: &str, text: &str) -> Facts {
        Facts {
            files: vec![FileFacts {
                path: path.into(),
                text: text.into(),
            }],
            ..Facts::default()
        }
    }

    /// Facts with one crate that has these direct dependencies.
    pub(crate) fn package(name: &str, direct: &[&str]) -> Facts {
        let direct: std::collections::BTreeSet<String> = direct.iter().map(ToString::to_string).collect();
        let package = PackageFacts {
            name: name.into(),
            manifest_path: format!("{name}/Cargo.toml"),
            transitive: direct.clone(),
            direct,
            ..PackageFacts::default()
        };
        Facts {
            packages: vec![package],
            ..Facts::default()
        }
    }

    /// Facts with one crate that has this manifest.
    pub(crate) fn manifest(text: &str) -> Facts {
        let package = PackageFacts {
            name: "ps-x".into(),
            manifest_path: "ps-x/Cargo.toml".into(),
            manifest: text.into(),
            ..PackageFacts::default()
        };
        Facts {
            packages: vec![package],
            ..Facts::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_without_comments_and_test_modules() {
        let text = "//! Top.\nfn a() {}\n#[cfg(test)]\nmod tests {\n    fn t() {\n    }\n}\n// note\nfn b() {}\n";
        let file = FileFacts {
            path: "ps-x/src/lib.rs".into(),
            text: text.into(),
        };
        assert_eq!(file.code(), [(2, "fn a() {}"), (9, "fn b() {}")]);
    }

    #[test]
    fn a_test_module_in_a_file_of_its_own_hides_nothing() {
        let file = FileFacts {
            path: "ps-x/src/lib.rs".into(),
            text: "#[cfg(test)]\nmod tests;\nfn b() {}\n".into(),
        };
        assert!(file.code().contains(&(3, "fn b() {}")));
    }

    #[test]
    fn tests_and_tools_are_beside_the_product() {
        let beside = |path: &str| {
            FileFacts {
                path: path.into(),
                ..FileFacts::default()
            }
            .is_beside_the_product()
        };
        assert!(beside("tests/src/lib.rs") && beside("xtask/src/main.rs") && beside("ps-x/tests/it.rs"));
        assert!(beside("ps-x/build.rs") && beside("ps-x/src/plan/tests.rs"));
        assert!(!beside("ps-core/src/runtime/mod.rs"));
    }
}
