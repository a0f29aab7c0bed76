//! How commands are split, and that `/bin/sh -f` agrees with every answer. Invariant: each case that yields words is also
//! given to the real shell, with the same variables and nothing else in its environment.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot run the shell has nothing else to do"
)]

use std::process::Command;

use proptest::prelude::*;
use ps_core::command_line::{CommandForm, split_command};

/// The variables of every case; `UNSET` is not among them.
const VARIABLES: &[(&str, &str)] = &[
    ("PORT", "5000"),
    ("EMPTY", ""),
    ("TWO", "a b"),
    ("WIDE", " a \t b\n"),
    ("QUOTED", "'a b' \"c\" \\d"),
    ("STAR", "*"),
    ("DOLLAR", "$PORT"),
    ("TILDE", "~"),
    ("_x1", "under"),
    ("X", "x"),
];

fn lookup(name: &str) -> Option<String> {
    VARIABLES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| (*value).to_owned())
}

#[expect(clippy::disallowed_methods, reason = "the test asks the real shell")]
fn words_of_the_shell(command: &str) -> Vec<String> {
    let script = format!("show() {{ for word in \"$@\"; do printf '%s\\0' \"$word\"; done; }}\nshow {command}\n");
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-f", "-c", &script])
        .env_clear()
        .envs(VARIABLES.iter().copied());
    let output = shell.output().expect("/bin/sh runs");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("the shell kept the text");
    text.split_terminator('\0').map(str::to_owned).collect()
}

const WORDS: &[(&str, &[&str])] = &[
    ("", &[]),
    ("  \t ", &[]),
    ("node server.js", &["node", "server.js"]),
    ("  node \t server.js  ", &["node", "server.js"]),
    ("env QUEUE=* rake work", &["env", "QUEUE=*", "rake", "work"]),
    ("bundle exec puma -p $PORT", &["bundle", "exec", "puma", "-p", "5000"]),
    ("a ${PORT}", &["a", "5000"]),
    ("a ${PORT:-3000}", &["a", "5000"]),
    ("a ${UNSET:-3000}", &["a", "3000"]),
    ("a ${EMPTY:-3000}", &["a", "3000"]),
    ("a ${UNSET:-}", &["a"]),
    ("a \"${UNSET:-}\"", &["a", ""]),
    ("a $UNSET b", &["a", "b"]),
    ("a \"$UNSET\" b", &["a", "", "b"]),
    ("a $EMPTY", &["a"]),
    ("$UNSET", &[]),
    ("a ''", &["a", ""]),
    ("a \"\"''", &["a", ""]),
    ("a $EMPTY''", &["a", ""]),
    ("a $TWO", &["a", "a", "b"]),
    ("a \"$TWO\"", &["a", "a b"]),
    ("a '$TWO'", &["a", "$TWO"]),
    ("a \\$TWO", &["a", "$TWO"]),
    ("a \"\\$TWO\"", &["a", "$TWO"]),
    ("a x$TWO", &["a", "xa", "b"]),
    ("a x${TWO}y", &["a", "xa", "by"]),
    ("a x\"$TWO\"y", &["a", "xa by"]),
    ("a x${WIDE}y", &["a", "x", "a", "b", "y"]),
    ("a $WIDE", &["a", "a", "b"]),
    ("a \"$WIDE\"", &["a", " a \t b\n"]),
    ("a $QUOTED", &["a", "'a", "b'", "\"c\"", "\\d"]),
    ("a $STAR", &["a", "*"]),
    ("a $DOLLAR", &["a", "$PORT"]),
    ("a $TILDE", &["a", "~"]),
    ("a *.rb [ab]? {x,y}", &["a", "*.rb", "[ab]?", "{x,y}"]),
    ("a 'b c' \"d e\" f\\ g", &["a", "b c", "d e", "f g"]),
    ("a 'it'\\''s'", &["a", "it's"]),
    ("a \"it's\"", &["a", "it's"]),
    ("a 'say \"hi\"'", &["a", "say \"hi\""]),
    ("a \"say \\\"hi\\\"\"", &["a", "say \"hi\""]),
    ("a \"b\\c\\\\d\"", &["a", "b\\c\\d"]),
    ("a 'b\\c'", &["a", "b\\c"]),
    ("a b\\\\c \\n \\\"", &["a", "b\\c", "n", "\""]),
    ("a \\~ '~' x~ \"~/b\"", &["a", "~", "~", "x~", "~/b"]),
    ("a b# c#d '#' \\# \"#\"", &["a", "b#", "c#d", "#", "#", "#"]),
    ("a # the rest; is > a comment", &["a"]),
    ("# only a comment", &[]),
    ("a #", &["a"]),
    ("a $", &["a", "$"]),
    ("a \"$\" $. $% b$", &["a", "$", "$.", "$%", "b$"]),
    (
        "a $PORT.x ${PORT}x $PORT-x $_x1",
        &["a", "5000.x", "5000x", "5000-x", "under"],
    ),
    ("a $PORTx", &["a"]),
    ("a ';' '&&' \"|\" \\> \\( '`'", &["a", ";", "&&", "|", ">", "(", "`"]),
    ("a \"\\`\"", &["a", "`"]),
    ("a X=1 --y=2", &["a", "X=1", "--y=2"]),
    ("'X=1' a", &["X=1", "a"]),
    ("X\\=1 a", &["X=1", "a"]),
    ("1X=1 a", &["1X=1", "a"]),
    ("./X=1 a", &["./X=1", "a"]),
    ("'if' a", &["if", "a"]),
    ("\\while a", &["while", "a"]),
    ("a if then { } !", &["a", "if", "then", "{", "}", "!"]),
    ("iffy {a} !x", &["iffy", "{a}", "!x"]),
    ("a cd exec", &["a", "cd", "exec"]),
    ("execute ./cd", &["execute", "./cd"]),
    ("$X y", &["x", "y"]),
    ("a ${UNSET:-b c}", &["a", "b", "c"]),
    ("a \"${UNSET:-b c}\"", &["a", "b c"]),
    ("a ${UNSET:-\"b c\"}", &["a", "b c"]),
    ("a ${UNSET:-'b c'd}", &["a", "b cd"]),
    ("a ${UNSET:-b\\ c}", &["a", "b c"]),
    ("a ${UNSET:-b\\}c}", &["a", "b}c"]),
    ("a \"${UNSET:-b\\}c}\"", &["a", "b}c"]),
    ("a ${UNSET:-$PORT}", &["a", "5000"]),
    ("a ${UNSET:-${EMPTY:-$TWO}}", &["a", "a", "b"]),
    ("a \"${UNSET:-${EMPTY:-$TWO}}\"", &["a", "a b"]),
    ("a ${UNSET:-\"$TWO\"}", &["a", "a b"]),
    ("a ${UNSET:-;|&<>()#}", &["a", ";|&<>()#"]),
    ("a ${UNSET:-''}", &["a", ""]),
    ("a ${UNSET:- b }c", &["a", "b", "c"]),
    ("a x${UNSET:- b }c", &["a", "x", "b", "c"]),
    ("a ${UNSET:-*}", &["a", "*"]),
    ("a 'b\nc'", &["a", "b\nc"]),
    ("é $PORTé 'ü ö'", &["é", "5000é", "ü ö"]),
    ("a\u{b}b c\u{a0}d e\rf", &["a\u{b}b", "c\u{a0}d", "e\rf"]),
];

const NEEDS_SHELL: &[&str] = &[
    "a; b",
    "a && b",
    "a || b",
    "a | b",
    "a &",
    "a > log",
    "a 2>&1",
    "a < in",
    "(a)",
    "a\nb",
    "a # c\nb",
    "a b\\\nc",
    "a \"b\\\nc\"",
    "a $(b)",
    "a \"$(b)\"",
    "a $((1+1))",
    "a $[1+1]",
    "a `b`",
    "a \"`b`\"",
    "X=1 a",
    "X= a",
    "_x1=$PORT a",
    "~/bin/a",
    "a ~",
    "a ~user/x",
    "a $1",
    "a $@",
    "a \"$*\"",
    "a $$",
    "a $?",
    "a $#",
    "a $!",
    "a $-",
    "a $0",
    "a $'b'",
    "a $\"b\"",
    "a ${PORT-1}",
    "a ${PORT:+1}",
    "a ${PORT:?no}",
    "a ${PORT:=1}",
    "a ${#PORT}",
    "a ${PORT%0}",
    "a ${PORT##5}",
    "a ${1}",
    "a ${}",
    "a ${PORT",
    "a ${UNSET:-b",
    "a ${PORT:-$(b)}",
    "a ${UNSET:-~}",
    "a ${PORT:-`b`}",
    "a 'b",
    "a \"b",
    "a b\\",
    "cd app",
    "exec a",
    "export X",
    ". ./env",
    "source ./env",
    "set -e",
    "unset X",
    "eval a",
    "trap x",
    "ulimit -n 1",
    "umask 22",
    "wait",
    "read x",
    "'cd' app",
    "$UNSET cd app",
    ": a",
    "command a",
    "if a",
    "while a",
    "for a in b",
    "case a in",
    "until a",
    "{ a",
    "! a",
    "time a",
    "[[ a ]]",
    "function a",
];

#[test]
fn commands_of_words_are_split_as_the_table_says() {
    for (command, words) in WORDS {
        let expected = CommandForm::Words(words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(split_command(command, lookup), expected, "{command:?}");
    }
}

#[test]
fn the_shell_agrees_with_the_table() {
    for (command, words) in WORDS {
        assert_eq!(words_of_the_shell(command), *words, "{command:?}");
    }
}

#[test]
fn what_is_more_than_words_needs_a_shell() {
    for command in NEEDS_SHELL {
        assert_eq!(split_command(command, lookup), CommandForm::NeedsShell, "{command:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_shell_agrees_with_any_words(parts in prop::collection::vec(prop::sample::select(&[
        "a", " ", "'", "\"", "\\", "$", "{", "}", "$X", "$TWO", "$WIDE", "$EMPTY", "${UNSET:-", "${TWO}", "\"$TWO\"", "#", "=",
        "*", "~", "\\}", "''", "é", "\n", "-",
    ][..]), 0..12)) {
        let command = format!("run {}", parts.concat());
        if let CommandForm::Words(words) = split_command(&command, lookup) {
            prop_assert_eq!(words_of_the_shell(&command), words, "{:?}", command);
        }
    }
}
