//! `cargo xtask tidy`: the rules of this workspace that neither rustc nor clippy knows.
//!
//! Every rule is one function from facts to findings; gathering the facts is apart, so each rule has a test that makes
//! it fail. Start reading at [`RULES`].

mod dependency_rules;
mod engine_word_rule;
mod facts;
mod gather;
mod manifest_rules;
mod naming_rules;
mod printing_rule;
mod size_rule;
mod tracked_file_rules;

use std::path::Path;

use crate::failure::{Failure, Outcome};
use crate::tell;
use facts::{Facts, Finding};

/// A rule: from the facts to what breaks it.
type Rule = fn(&Facts) -> Vec<Finding>;

/// All rules, with a name for each to be called by in reports.
const RULES: [(&str, Rule); 14] = [
    ("workspace dependencies", dependency_rules::check_workspace_dependencies),
    ("core dependencies", dependency_rules::check_core_dependencies),
    ("adapters named", dependency_rules::check_adapters_named),
    ("printing", printing_rule::check_printing),
    ("engine words", engine_word_rule::check_engine_words),
    ("opening comment", naming_rules::check_opening_comment),
    ("path words", naming_rules::check_path_words),
    ("module words", naming_rules::check_module_words),
    ("inherited lints", manifest_rules::check_inherited_lints),
    ("inherited dependencies", manifest_rules::check_inherited_dependencies),
    ("file size", size_rule::check_file_size),
    ("file size list", size_rule::check_list_is_needed),
    ("machine paths", tracked_file_rules::check_machine_paths),
    ("shell scripts", tracked_file_rules::check_shell_scripts),
];

/// Checks the workspace; every finding is printed.
pub(crate) fn run_tidy(workspace: &Path) -> Outcome<()> {
    let facts = gather::gather_facts(workspace)?;
    let mut count = 0;
    for (name, rule) in RULES {
        for finding in rule(&facts) {
            tell(&format!("tidy: {}: {} [{name}]", finding.place, finding.fault));
            count += 1;
        }
    }
    if count > 0 {
        return Err(Failure::new(format!("tidy has {count} findings")));
    }
    tell(&format!(
        "tidy: {} files and {} crates keep all {} rules",
        facts.files.len(),
        facts.packages.len(),
        RULES.len()
    ));
    Ok(())
}
