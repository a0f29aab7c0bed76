//! Every case of the corpus, strict and relaxed. Invariant: a file is accepted exactly when the reference accepts it, with the same names and
//! commands, or the first error has the reference's kind and line.

#![expect(
    clippy::expect_used,
    reason = "a corpus that cannot be read is a failure of the test"
)]

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ps_procfile::{Procfile, Rules};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    mode: String,
    input: String,
    input_b64: Option<String>,
    ok: bool,
    processes: BTreeMap<String, String>,
    processes_b64: Option<BTreeMap<String, String>>,
    error_kind: Option<String>,
    error_line: Option<usize>,
}

fn decode(text: &str) -> Vec<u8> {
    STANDARD.decode(text).expect("the corpus is valid base64")
}

impl Case {
    fn rules(&self) -> Rules {
        match self.mode.as_str() {
            "strict" => Rules::Strict,
            "relaxed" => Rules::Relaxed,
            other => unreachable!("{other}: there is no such mode"),
        }
    }

    fn input(&self) -> Vec<u8> {
        self.input_b64
            .as_deref()
            .map_or_else(|| self.input.clone().into_bytes(), decode)
    }

    fn commands(&self) -> BTreeMap<String, Vec<u8>> {
        match &self.processes_b64 {
            Some(encoded) => encoded
                .iter()
                .map(|(name, command)| (name.clone(), decode(command)))
                .collect(),
            None => self
                .processes
                .iter()
                .map(|(name, command)| (name.clone(), command.clone().into_bytes()))
                .collect(),
        }
    }
}

fn reference_cases() -> Vec<Case> {
    serde_json::from_str(include_str!("cases.json")).expect("the corpus is valid JSON")
}

#[test]
fn every_case_gives_the_answer_of_the_reference() {
    let cases = reference_cases();
    assert_eq!(cases.len(), 236, "the corpus is whole");
    for case in &cases {
        let input = case.input();
        match Procfile::parse_with(&input, case.rules()) {
            Ok(procfile) => {
                assert!(case.ok, "{} must be refused: {:?}", case.name, case.error_kind);
                let found: BTreeMap<String, Vec<u8>> = procfile
                    .entries()
                    .iter()
                    .map(|entry| (entry.name().to_owned(), entry.command().to_vec()))
                    .collect();
                assert_eq!(found, case.commands(), "{}", case.name);
            }
            Err(invalid) => {
                let errors = invalid.errors();
                assert!(!case.ok, "{} must be accepted: {errors}", case.name);
                assert_eq!(
                    Some(errors.first().kind.code()),
                    case.error_kind.as_deref(),
                    "{}",
                    case.name
                );
                let line = errors.first().location.as_ref().map(|location| location.line);
                assert_eq!(line, case.error_line, "{}", case.name);
            }
        }
    }
}

#[test]
fn spans_lie_in_the_file_and_point_at_what_they_say() {
    for case in reference_cases() {
        let input = case.input();
        match Procfile::parse_with(&input, case.rules()) {
            Ok(procfile) => {
                for entry in procfile.entries() {
                    assert_eq!(input.get(entry.command_span()), Some(entry.command()), "{}", case.name);
                }
            }
            Err(invalid) => {
                let errors = invalid.errors();
                for error in errors.iter() {
                    let Some(location) = &error.location else { continue };
                    assert!(
                        !location.span.is_empty() && location.span.end <= input.len(),
                        "{}: {error:?}",
                        case.name
                    );
                    let lines = input
                        .get(..location.span.start)
                        .map(|before| before.split(|&byte| byte == b'\n').count());
                    assert_eq!(lines, Some(location.line), "{}: {error:?}", case.name);
                }
                assert!(
                    !errors.render("Procfile").contains(['\u{feff}', '\r', '\0']),
                    "{}",
                    case.name
                );
            }
        }
    }
}
