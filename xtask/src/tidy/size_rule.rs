//! A file is read in one sitting: over 500 lines wants a reason.

use crate::tidy::facts::{Facts, Finding};

const MOST_LINES: usize = 500;

/// Files that may be longer, each with its reason.
const LONGER: [(&str, &str); 0] = [];

/// No Rust file is longer than it should be.
pub(crate) fn check_file_size(facts: &Facts) -> Vec<Finding> {
    let allowed = |path: &str| LONGER.iter().any(|(longer, _)| *longer == path);
    let long = facts
        .files
        .iter()
        .filter(|file| file.is_rust() && file.text.lines().count() > MOST_LINES);
    let wrong = long.filter(|file| !allowed(&file.path));
    wrong
        .map(|file| Finding::of(&file.path, too_long(file.text.lines().count())))
        .collect()
}

/// The list holds no file that is short again or gone.
pub(crate) fn check_list_is_needed(facts: &Facts) -> Vec<Finding> {
    unneeded(facts, &LONGER)
}

fn unneeded(facts: &Facts, list: &[(&str, &str)]) -> Vec<Finding> {
    let is_long = |path: &str| {
        facts
            .files
            .iter()
            .any(|file| file.path == path && file.text.lines().count() > MOST_LINES)
    };
    let short = list.iter().filter(|(path, _)| !is_long(path));
    short
        .map(|(path, _)| Finding::of(path, "needs no exception from the file size any more"))
        .collect()
}

fn too_long(lines: usize) -> String {
    format!("has {lines} lines, over {MOST_LINES}: split it, or enter it in tidy's list with a reason")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::facts::samples;

    #[test]
    fn a_file_that_is_too_long_is_found() {
        let facts = samples::file("ps-x/src/a.rs", &"//! x\n".repeat(MOST_LINES + 1));
        assert_eq!(check_file_size(&facts).len(), 1);
        let facts = samples::file("ps-x/src/a.rs", &"//! x\n".repeat(MOST_LINES));
        assert!(check_file_size(&facts).is_empty());
    }

    #[test]
    fn an_exception_that_is_not_needed_is_found() {
        let facts = samples::file("ps-x/src/a.rs", "//! x\n");
        assert_eq!(unneeded(&facts, &[("ps-x/src/a.rs", "was long")]).len(), 1);
        let facts = samples::file("ps-x/src/a.rs", &"//! x\n".repeat(MOST_LINES + 1));
        assert!(unneeded(&facts, &[("ps-x/src/a.rs", "a table")]).is_empty());
    }
}
