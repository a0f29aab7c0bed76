//! Rules about every tracked file, of whatever kind.

use crate::tidy::facts::{Facts, Finding};

/// Folders of one machine, spelled apart so that this file keeps its own rule.
const MACHINE_FOLDERS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// No file names a folder of somebody's machine.
pub(crate) fn check_machine_paths(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &facts.files {
        for (index, line) in file.text.lines().enumerate() {
            let found = MACHINE_FOLDERS.into_iter().find(|folder| names_folder(line, folder));
            findings.extend(found.map(|folder| {
                Finding::at(
                    &file.path,
                    index + 1,
                    format!("names `{folder}`, a folder of one machine"),
                )
            }));
        }
    }
    findings
}

/// Whether a path that begins with `folder` stands in the line; `/srv/x` within a longer path does not count.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line.get(..at).and_then(|left| left.chars().next_back());
        before.is_none_or(|letter| !letter.is_alphanumeric() && !"._-/}$".contains(letter))
    })
}

/// No shell script is tracked: tasks are Rust, and the way in is `.ci/run`.
pub(crate) fn check_shell_scripts(facts: &Facts) -> Vec<Finding> {
    let scripts = facts.files.iter().filter(|file| {
        std::path::Path::new(&file.path)
            .extension()
            .is_some_and(|extension| extension == "sh")
    });
    scripts
        .map(|file| Finding::of(&file.path, "is a shell script: make it a task of xtask"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::facts::samples;

    #[test]
    fn a_machines_folder_is_found_in_any_file() {
        for folder in MACHINE_FOLDERS {
            for line in [format!("see {folder}x"), format!("\"{folder}\""), folder.to_owned()] {
                assert_eq!(
                    check_machine_paths(&samples::file("docs/a.md", &line)).len(),
                    1,
                    "{line}"
                );
            }
            let inner = format!("/srv{folder}x and {}", folder.trim_end_matches('/'));
            assert!(
                check_machine_paths(&samples::file("docs/a.md", &inner)).is_empty(),
                "{inner}"
            );
        }
    }

    #[test]
    fn a_shell_script_is_found() {
        assert_eq!(check_shell_scripts(&samples::file("tools/a.sh", "")).len(), 1);
        assert!(check_shell_scripts(&samples::file(".ci/run", "#!/bin/bash\n")).is_empty());
        assert!(check_shell_scripts(&samples::file("docs/sh.md", "")).is_empty());
    }
}
