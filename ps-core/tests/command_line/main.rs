//! How commands are split, and that `/bin/sh -f` agrees with every answer. Invariant: each case that yields words is also
//! given to the real shell, with the same variables and nothing else in its environment.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot run the shell has nothing else to do"
)]

mod default_words;
mod first_words;
mod needs_shell;
mod real_shell;
mod variables;
mod words;

use std::collections::BTreeSet;

use first_words::FIRST;
use needs_shell::NEEDS_SHELL;
use proptest::prelude::*;
use ps_core::command_line::{CommandForm, split_command};
use real_shell::{words_as_arguments, words_as_programs};
use variables::{VARIABLES, lookup};

#[test]
fn commands_of_words_are_split_as_the_table_says() {
    for (command, words) in words::all() {
        let expected = CommandForm::Words(words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(split_command(command, lookup), expected, "{command:?}");
    }
}

#[test]
fn the_shell_agrees_with_the_table() {
    let commands: Vec<&str> = words::all().map(|(command, _)| command).collect();
    let distinct: BTreeSet<&str> = commands.iter().copied().collect();
    assert!(
        distinct.len() == commands.len() && commands.len() >= 200,
        "{}",
        commands.len()
    );
    let answers = words_as_arguments(commands.iter().copied(), VARIABLES);
    assert_eq!(answers.len(), commands.len());
    for ((command, words), answer) in words::all().zip(answers) {
        assert_eq!(answer, words, "{command:?}");
    }
}

#[test]
fn the_shell_runs_what_stands_first_as_the_table_says() {
    let commands: Vec<&str> = FIRST.iter().map(|(command, _)| *command).collect();
    let programs: Vec<&str> = FIRST.iter().filter_map(|(_, words)| words.first().copied()).collect();
    let answers = words_as_programs(&commands, &programs, VARIABLES);
    assert_eq!(answers.len(), commands.len());
    for ((command, words), answer) in FIRST.iter().zip(answers) {
        assert_eq!(answer, *words, "{command:?}");
    }
}

#[test]
fn a_long_command_is_split_whole() {
    let words: Vec<String> = (0..5_000).map(|number| format!("word {number}")).collect();
    let command = words
        .iter()
        .map(|word| format!("'{word}'"))
        .collect::<Vec<_>>()
        .join(" ");
    assert_eq!(words_as_arguments([command.as_str()], VARIABLES).concat(), words);
    assert_eq!(split_command(&command, lookup), CommandForm::Words(words));
}

#[test]
fn what_is_more_than_words_needs_a_shell() {
    for command in NEEDS_SHELL {
        assert_eq!(split_command(command, lookup), CommandForm::NeedsShell, "{command:?}");
    }
}

#[test]
fn a_variable_that_every_container_has_is_the_configs_where_that_has_it() {
    let home = |name: &str| (name == "HOME").then(|| "/app".to_owned());
    let words = ["a", "/app/x"].map(str::to_owned).to_vec();
    assert_eq!(split_command("a $HOME/x", home), CommandForm::Words(words));
    assert_eq!(split_command("a $HOME/x", |_| None), CommandForm::NeedsShell);
}

/// Names that random commands use, beside `UNSET`; their values are random too.
const NAMES: [&str; 4] = ["X", "TWO", "_x1", "EMPTY"];

/// Values with blanks, quotes, stars and marks of the shell, in any mixture.
fn value() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(
        &[
            "", "a", "b", " ", "  ", "\t", "\n", "'", "\"", "\\", "*", "[a]", "?", "$X", "~", "#", "{a,b}", ";", "=",
            "é", "Á", "\r",
        ][..],
    );
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

/// Text as it stands in a word, in quotes, or in a default; not always well formed.
fn text() -> impl Strategy<Value = String> {
    let letters = prop::sample::select(
        &[
            "a", "b", " ", "\t", "'", "\"", "\\", "$", "{", "}", "#", "=", "*", "~", "\\}", "\\\"", "\\$", "''",
            "\"\"", "é", "Á", "\n", "-", ":", "!", "%", "]",
        ][..],
    );
    let name = prop::sample::select(&["X", "TWO", "_x1", "EMPTY", "UNSET"][..]);
    let plain = prop_oneof![
        3 => letters.prop_map(str::to_owned),
        1 => name.clone().prop_map(|name| format!("${name}")),
        1 => name.clone().prop_map(|name| format!("${{{name}}}")),
    ];
    plain.prop_recursive(4, 24, 4, move |inner| {
        let several = prop::collection::vec(inner, 0..4).prop_map(|parts| parts.concat());
        prop_oneof![
            several.clone(),
            several.clone().prop_map(|text| format!("\"{text}\"")),
            several.clone().prop_map(|text| format!("'{text}'")),
            (name.clone(), several).prop_map(|(name, text)| format!("${{{name}:-{text}}}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_shell_agrees_with_any_words(
        values in prop::array::uniform4(value()),
        commands in prop::collection::vec(prop::collection::vec(text(), 0..8), 40),
    ) {
        let variables: Vec<(&str, &str)> = NAMES.into_iter().zip(values.iter().map(String::as_str)).collect();
        let lookup = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let split = commands.iter().filter_map(|parts| {
            let command = format!("run {}", parts.concat());
            match split_command(&command, lookup) {
                CommandForm::Words(words) => Some((command, words)),
                CommandForm::NeedsShell => None,
            }
        });
        let split: Vec<(String, Vec<String>)> = split.collect();
        let answers = words_as_arguments(split.iter().map(|(command, _)| command.as_str()), &variables);
        prop_assert_eq!(answers.len(), split.len());
        for ((command, words), answer) in split.into_iter().zip(answers) {
            prop_assert_eq!(answer, words, "{:?}", command);
        }
    }
}
