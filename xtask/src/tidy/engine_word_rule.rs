//! No code outside the backends asks which engine it talks to: a difference between engines is a capability.

use crate::tidy::facts::{Facts, FileFacts, Finding};

const ENGINES: [&str; 2] = ["docker", "podman"];

/// Where the words are at home, and why.
const AT_HOME: [(&str, &str); 7] = [
    ("ps-runtime-docker/", "the backend itself"),
    ("ps-runtime-podman/", "the backend itself"),
    ("ps-cli/src/wiring", "chooses the backend"),
    ("ps-cli/src/discovery", "looks for engines"),
    ("ps-cli/src/arguments", "the values of --runtime"),
    (
        "ps-cli/src/command_error",
        "hints at how to reach the engine in question",
    ),
    ("ps-core/src/runtime/fake", "plays either engine"),
];

/// No string literal that is an engine's name, and no `is_podman` and its like.
pub(crate) fn check_engine_words(facts: &Facts) -> Vec<Finding> {
    let away = |file: &&FileFacts| {
        file.is_rust() && !file.is_beside_the_product() && !AT_HOME.iter().any(|(home, _)| file.path.starts_with(home))
    };
    let mut findings = Vec::new();
    for file in facts.files.iter().filter(away) {
        for (line, code) in file.code() {
            if let Some(word) = engine_word(code) {
                let fault = format!("asks for {word}: make the difference a capability of the engine");
                findings.push(Finding::at(&file.path, line, fault));
            }
        }
    }
    findings
}

fn engine_word(code: &str) -> Option<String> {
    let code = code.to_lowercase();
    let spellings = ENGINES
        .iter()
        .flat_map(|engine| [format!("\"{engine}\""), format!("is_{engine}")]);
    spellings.into_iter().find(|spelling| code.contains(spelling.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::facts::samples;

    #[test]
    fn asking_for_an_engine_by_name_is_found() {
        for line in ["if kind == \"podman\" {", "if engine.is_docker() {", "\"Podman\" => 1,"] {
            assert_eq!(
                check_engine_words(&samples::file("ps-core/src/planning/scale.rs", line)).len(),
                1,
                "{line}"
            );
            for (home, _) in AT_HOME {
                assert!(
                    check_engine_words(&samples::file(&format!("{home}/a.rs"), line)).is_empty(),
                    "{home}"
                );
            }
        }
    }

    #[test]
    fn sentences_about_engines_are_fine() {
        for line in ["// \"podman\"", "\"the docker socket\"", "\"dockerfile-path\""] {
            assert!(
                check_engine_words(&samples::file("ps-core/src/a.rs", line)).is_empty(),
                "{line}"
            );
        }
    }
}
