//! Nothing prints but the terminal module of the command: a library that prints cannot be embedded.

use crate::tidy::dependency_rules::has_word;
use crate::tidy::facts::{Facts, FileFacts, Finding};

const TERMINAL: &str = "ps-cli/src/terminal";
const MACROS: [&str; 5] = ["println", "print", "eprintln", "eprint", "dbg"];
const STREAMS: [&str; 2] = ["stdout()", "stderr()"];

/// Where handles of the standard streams are taken for something else than printing, and for what.
const ASKING: [(&str, &str); 1] = [("ps-cli/src/environment", "asks whether they are terminals")];

/// No printing macro and no handle of a standard stream outside the terminal module.
pub(crate) fn check_printing(facts: &Facts) -> Vec<Finding> {
    let product =
        |file: &&FileFacts| file.is_rust() && !file.is_beside_the_product() && !file.path.starts_with(TERMINAL);
    let mut findings = Vec::new();
    for file in facts.files.iter().filter(product) {
        for (line, code) in file.code() {
            let asks = ASKING.iter().any(|(place, _)| file.path.starts_with(place));
            if let Some(means) = printing_macro(code).or_else(|| stream_handle(code).filter(|_| !asks)) {
                findings.push(Finding::at(
                    &file.path,
                    line,
                    format!("uses {means}: only {TERMINAL} prints"),
                ));
            }
        }
    }
    findings
}

fn printing_macro(code: &str) -> Option<String> {
    MACROS
        .iter()
        .map(|name| format!("{name}!"))
        .find(|call| has_call(code, call))
}

fn stream_handle(code: &str) -> Option<String> {
    // `.stdout()` is a method of something else, such as a captured output.
    let handle = |name: &&&str| code.contains(**name) && !code.contains(&format!(".{name}"));
    STREAMS.iter().find(handle).map(|name| (*name).to_owned())
}

fn has_call(code: &str, call: &str) -> bool {
    let name = call.trim_end_matches('!');
    code.contains(call) && has_word(code, name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::facts::samples;

    #[test]
    fn printing_outside_the_terminal_module_is_found() {
        for line in [
            "    println!(\"x\");",
            "eprint!(\"x\")",
            "std::io::stdout().flush()",
            "dbg!(a)",
        ] {
            assert_eq!(
                check_printing(&samples::file("ps-core/src/a.rs", line)).len(),
                1,
                "{line}"
            );
            assert!(
                check_printing(&samples::file("ps-cli/src/terminal.rs", line)).is_empty(),
                "{line}"
            );
            assert!(
                check_printing(&samples::file("xtask/src/a.rs", line)).is_empty(),
                "{line}"
            );
        }
    }

    #[test]
    fn the_environment_may_ask_for_handles_and_not_print() {
        let place = "ps-cli/src/environment.rs";
        assert!(check_printing(&samples::file(place, "std::io::stdout().is_terminal()")).is_empty());
        assert_eq!(check_printing(&samples::file(place, "println!(\"x\")")).len(), 1);
    }

    #[test]
    fn comments_and_other_names_are_no_printing() {
        for line in [
            "/// println!(\"x\")",
            "write!(f, \"x\")",
            "my_println!(x)",
            "child.stdout()",
            "blueprint!(x)",
        ] {
            assert!(
                check_printing(&samples::file("ps-core/src/a.rs", line)).is_empty(),
                "{line}"
            );
        }
    }
}
