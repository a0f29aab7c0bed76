//! Who may know whom. The allow-list is the architecture: a new crate or edge is entered here, with thought.

use crate::tidy::facts::{Facts, FileFacts, Finding};

/// For each crate the workspace crates it may depend on outside of tests; `None` is any.
const ALLOWED: [(&str, Option<&[&str]>); 15] = [
    ("ps-core", Some(&[])),
    ("ps-procfile", Some(&[])),
    ("ps-appjson", Some(&[])),
    ("ps-runtime-docker", Some(&["ps-core"])),
    ("ps-runtime-podman", Some(&["ps-core"])),
    ("ps-store-sqlite", Some(&["ps-core"])),
    ("ps-proxy-nginx", Some(&["ps-core"])),
    ("ps-host-linux", Some(&["ps-core"])),
    ("ps-probe-hyper", Some(&["ps-core"])),
    ("ps-source", Some(&["ps-core", "ps-procfile", "ps-appjson"])),
    ("ps-cli", None),
    // A third backend knows the ports, and nothing else.
    ("toy-backend", Some(&["ps-core"])),
    // An embedder: any layer but the command line.
    (
        "embed-example",
        Some(&[
            "ps-core",
            "ps-source",
            "ps-store-sqlite",
            "ps-host-linux",
            "ps-probe-hyper",
            "ps-runtime-docker",
            "ps-runtime-podman",
        ]),
    ),
    ("ps-tests", None),
    ("xtask", Some(&[])),
];

/// What the core must not name: formats, engines, the outside.
const FOREIGN_TO_CORE: [&str; 5] = ["serde_json", "tokio", "bollard", "clap", "tracing-subscriber"];

/// What the core must not even reach through others: it would bind embedders to one runtime.
const UNREACHABLE_FROM_CORE: [&str; 2] = ["tokio", "bollard"];

/// The crates that implement a port.
const ADAPTERS: [&str; 7] = [
    "ps_runtime_docker",
    "ps_runtime_podman",
    "ps_store_sqlite",
    "ps_proxy_nginx",
    "ps_source",
    "ps_host_linux",
    "ps_probe_hyper",
];

/// The composition root: the one place that names adapters.
const WIRING: &str = "ps-cli/src/wiring";

/// Each crate knows only the workspace crates on its list.
pub(crate) fn check_workspace_dependencies(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &facts.packages {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == package.name) else {
            let fault = "is not on tidy's list of crates: enter it with what it may depend on";
            findings.push(Finding::of(&package.manifest_path, fault));
            continue;
        };
        let Some(allowed) = allowed else { continue };
        let known = |name: &str| ALLOWED.iter().any(|(other, _)| *other == name);
        let wrong = package
            .direct
            .iter()
            .filter(|name| known(name) && !allowed.contains(&name.as_str()));
        findings.extend(wrong.map(|name| {
            Finding::of(
                &package.manifest_path,
                format!("{} must not depend on {name}", package.name),
            )
        }));
    }
    findings
}

/// The core stays free of formats, engines and async runtimes.
pub(crate) fn check_core_dependencies(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for core in facts.packages.iter().filter(|package| package.name == "ps-core") {
        for name in FOREIGN_TO_CORE {
            if core.direct.contains(name) {
                findings.push(Finding::of(
                    &core.manifest_path,
                    format!("ps-core must not depend on {name}"),
                ));
            } else if UNREACHABLE_FROM_CORE.contains(&name) && core.transitive.contains(name) {
                let fault = format!("ps-core reaches {name} through another dependency (cargo tree -i {name})");
                findings.push(Finding::of(&core.manifest_path, fault));
            }
        }
    }
    findings
}

/// Only the wiring names concrete adapters; a crate may name itself, as its doc tests do.
pub(crate) fn check_adapters_named(facts: &Facts) -> Vec<Finding> {
    let product = |file: &&FileFacts| file.is_rust() && !file.is_beside_the_product() && !file.path.starts_with(WIRING);
    let mut findings = Vec::new();
    for file in facts.files.iter().filter(product) {
        let itself = file.room().replace('-', "_");
        for (line, code) in file.code() {
            let named = ADAPTERS
                .iter()
                .filter(|adapter| **adapter != itself && has_word(code, adapter));
            findings.extend(named.map(|adapter| {
                Finding::at(
                    &file.path,
                    line,
                    format!("names {adapter}: only {WIRING} names adapters"),
                )
            }));
        }
    }
    findings
}

/// Whether `word` stands in `text` by itself, not as part of a longer name.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    let part_of_name = |found: Option<char>| found.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|left| left.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|right| right.chars().next());
        !part_of_name(before) && !part_of_name(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::facts::samples;

    #[test]
    fn a_backend_that_knows_another_is_found() {
        let findings = check_workspace_dependencies(&samples::package(
            "ps-runtime-docker",
            &["ps-core", "ps-runtime-podman"],
        ));
        assert_eq!(findings.len(), 1);
        assert!(findings[0].fault.contains("ps-runtime-podman"));
        assert!(
            check_workspace_dependencies(&samples::package("ps-runtime-docker", &["ps-core", "bollard"])).is_empty()
        );
        assert!(check_workspace_dependencies(&samples::package("ps-cli", &["ps-runtime-podman"])).is_empty());
    }

    #[test]
    fn a_crate_that_is_not_on_the_list_is_found() {
        assert_eq!(
            check_workspace_dependencies(&samples::package("ps-novelty", &[])).len(),
            1
        );
    }

    #[test]
    fn a_core_with_a_runtime_is_found_also_behind_another_crate() {
        assert_eq!(
            check_core_dependencies(&samples::package("ps-core", &["tokio", "serde_json"])).len(),
            2
        );
        let mut facts = samples::package("ps-core", &["futures-util"]);
        facts.packages[0].transitive.insert("tokio".into());
        assert_eq!(check_core_dependencies(&facts).len(), 1);
        assert!(check_core_dependencies(&samples::package("ps-cli", &["tokio"])).is_empty());
    }

    #[test]
    fn an_adapter_named_outside_the_wiring_is_found() {
        let line = "use ps_store_sqlite::SqliteStore;\n";
        let findings = check_adapters_named(&samples::file("ps-cli/src/commands/scale.rs", line));
        assert_eq!(findings[0].place, "ps-cli/src/commands/scale.rs:1");
        for place in [
            "ps-cli/src/wiring.rs",
            "ps-cli/src/wiring/mod.rs",
            "ps-store-sqlite/src/lib.rs",
            "tests/src/a.rs",
        ] {
            assert!(check_adapters_named(&samples::file(place, line)).is_empty(), "{place}");
        }
        assert!(check_adapters_named(&samples::file("ps-cli/src/a.rs", "let ps_sources = 1;\n")).is_empty());
    }
}
