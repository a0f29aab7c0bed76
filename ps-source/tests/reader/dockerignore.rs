//! `.dockerignore` as Docker reads it. Invariant: for each case the context holds what the `docker` client sent for the same tree
//! (`dockerignore_cases.json` was recorded from client 28.2 by way of a listening socket), but for the differences named here.

use std::collections::BTreeSet;

use crate::tree::{context_names, prepare, sample_tree};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    ignore: String,
    #[serde(default)]
    left_out: BTreeSet<String>,
    #[serde(default)]
    refused: bool,
}

/// Docker's older client does not look into an excluded directory for a `!` pattern with a wildcard; `BuildKit` and we do.
const BROUGHT_BACK: &[(&str, &[&str])] = &[("*\n!**/foo.txt\n", &["src/foo.txt", "src/lib/foo.txt"])];

fn is_directory(name: &str) -> bool {
    name.ends_with('/')
}

#[tokio::test]
async fn the_context_holds_what_docker_would_send() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("dockerignore_cases.json")).unwrap();
    assert!(cases.len() >= 80);
    let directory = sample_tree();
    let everything = context_names(&prepare(&directory).await.unwrap()).await;
    for case in cases {
        std::fs::write(directory.path().join(".dockerignore"), &case.ignore).unwrap();
        let prepared = prepare(&directory).await;
        assert_eq!(prepared.is_err(), case.refused, "{:?}", case.ignore);
        let Ok(prepared) = prepared else { continue };
        let sent = context_names(&prepared).await;
        let brought_back = BROUGHT_BACK
            .iter()
            .find(|(ignore, _)| *ignore == case.ignore)
            .map_or(&[][..], |found| found.1);
        let left_out: BTreeSet<&String> = everything.iter().filter(|name| !sent.contains(name)).collect();
        let is_expected = |name: &&String| !brought_back.contains(&name.as_str());
        let files = |name: &&String| !is_directory(name);
        let expected: BTreeSet<&String> = case.left_out.iter().filter(is_expected).collect();
        assert_eq!(
            left_out.iter().copied().filter(files).collect::<Vec<_>>(),
            expected.iter().copied().filter(files).collect::<Vec<_>>(),
            "{:?}",
            case.ignore
        );
        // A directory is also sent when something in it is; the older client leaves its making to the engine.
        for name in expected.into_iter().filter(|name| is_directory(name)) {
            let holds_something = sent
                .iter()
                .any(|other| other != name && other.starts_with(name.as_str()));
            assert_eq!(sent.contains(name), holds_something, "{:?}: {name}", case.ignore);
        }
    }
}

#[tokio::test]
async fn a_refused_pattern_names_its_line() {
    let directory = sample_tree();
    std::fs::write(directory.path().join(".dockerignore"), "foo\n\n  a[ \n").unwrap();
    let error = prepare(&directory).await.unwrap_err();
    assert_eq!(error.to_string(), ".dockerignore:3: `a[` is not a pattern");
}
