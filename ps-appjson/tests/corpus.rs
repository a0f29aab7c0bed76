//! Every file of the corpus: what is read from it, or the whole diagnostic. `PSCTL_WRITE_GOLDEN=1` renews the answers.

#![expect(
    clippy::expect_used,
    reason = "a corpus that cannot be read is a failure of the test"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ps_appjson::{AppJson, CheckKind, ChecksFile, Diagnostics, FormatErrors, ScaleFile};

fn inputs(format: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(format);
    let entries = std::fs::read_dir(folder).expect("the corpus is there");
    let paths = entries.map(|entry| entry.expect("the corpus is readable").path());
    let mut inputs: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "in"))
        .collect();
    inputs.sort();
    inputs
}

/// Compares every answer of a format with the one in the corpus.
fn check_corpus(format: &str, count: usize, answer: fn(&[u8]) -> String) {
    let inputs = inputs(format);
    assert_eq!(inputs.len(), count, "the corpus of {format} is whole");
    for input in inputs {
        let answer = answer(&std::fs::read(&input).expect("the corpus is readable"));
        let expected = input.with_extension("out");
        if std::env::var_os("PSCTL_WRITE_GOLDEN").is_some() {
            std::fs::write(&expected, &answer).expect("the corpus is writable");
        }
        let expected = std::fs::read_to_string(expected).expect("every input has an answer");
        assert_eq!(answer, expected, "{}", input.display());
    }
}

fn refused(errors: &FormatErrors, file: &str, source: &[u8]) -> String {
    format!("refused\n{}\n", errors.render(file, source))
}

fn accepted(mut summary: String, warnings: &Diagnostics, file: &str, source: &[u8]) -> String {
    if !warnings.is_empty() {
        let _ = writeln!(summary, "warnings\n{}", warnings.render(file, source));
    }
    summary
}

fn app_json_answer(source: &[u8]) -> String {
    let app = match AppJson::parse(source) {
        Ok(app) => app,
        Err(errors) => return refused(&errors, "app.json", source),
    };
    let mut summary = "accepted\n".to_owned();
    for (name, process) in &app.formation {
        let _ = writeln!(summary, "{name}: {process:?}");
    }
    let _ = writeln!(summary, "{:?}", app.scripts);
    for (name, checks) in &app.health_checks {
        let _ = writeln!(summary, "{name}: {} checks", checks.len());
        for check in checks {
            let _ = writeln!(summary, "  {check:?}");
        }
    }
    for (name, declaration) in &app.env {
        let _ = writeln!(summary, "{name}: {declaration:?}");
    }
    accepted(summary, &app.warnings, "app.json", source)
}

fn checks_answer(source: &[u8]) -> String {
    let file = match ChecksFile::parse(source) {
        Ok(file) => file,
        Err(errors) => return refused(&errors, "CHECKS", source),
    };
    let mut summary = "accepted\n".to_owned();
    for check in &file.checks {
        let _ = writeln!(summary, "{check:?}");
        if let CheckKind::Path(path) = &check.kind {
            for header in &path.headers {
                let _ = writeln!(summary, "  {}: {}", header.name, header.value);
            }
        }
    }
    accepted(summary, &file.warnings, "CHECKS", source)
}

fn scale_answer(source: &[u8]) -> String {
    match ScaleFile::parse(source) {
        Ok(file) => format!("accepted\n{:?}\n", file.quantities),
        Err(errors) => refused(&errors, "DOKKU_SCALE", source),
    }
}

#[test]
fn every_app_json_of_the_corpus_gets_its_answer() {
    check_corpus("app_json", 59, app_json_answer);
}

#[test]
fn every_checks_file_of_the_corpus_gets_its_answer() {
    check_corpus("checks", 13, checks_answer);
}

#[test]
fn every_scale_file_of_the_corpus_gets_its_answer() {
    check_corpus("dokku_scale", 8, scale_answer);
}

#[test]
fn no_answer_shows_the_value_of_a_variable_or_a_header() {
    for input in inputs("app_json") {
        let answer = app_json_answer(&std::fs::read(&input).expect("the corpus is readable"));
        for value in ["hunter2", "12345", "67890", "gr\\\"ay", "stable"] {
            assert!(!answer.contains(value), "{} shows {value}", input.display());
        }
    }
}
