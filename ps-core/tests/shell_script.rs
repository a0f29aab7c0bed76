//! Real shells run the script as it is meant: every value arrives, and half a script runs nothing.

#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "the test asks the real shell, and has nothing to do without it"
)]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use ps_core::config::Config;
use ps_core::shell_script::ShellScript;

/// The shells of this machine, with what comes before the script's own arguments.
fn shells() -> Vec<(&'static str, Vec<&'static str>)> {
    let known = [
        ("/bin/sh", vec![]),
        ("/bin/bash", vec![]),
        ("/bin/busybox", vec!["sh"]),
        ("/usr/bin/busybox", vec!["sh"]),
    ];
    known
        .into_iter()
        .filter(|(shell, _)| Path::new(shell).exists())
        .collect()
}

/// Values that a shell could take for something else.
const VALUES: &[(&str, &str)] = &[
    ("EMPTY", ""),
    ("QUOTES", "it's \"quoted\" '' \"\""),
    ("LINES", "one\ntwo\n\n three\n"),
    ("LINE_END", "\n"),
    ("DOLLAR", "$HOME ${HOME} $(echo no) `echo no` $1 $$ $'x'"),
    ("BACKSLASH", "\\ \\n \\' \\\" \\\\ end\\"),
    ("BLANKS", "  \t two  "),
    ("CHARACTERS", "Á é ß ł 日本 \u{81}\u{88}\u{a0} \u{7f} \u{1} \r"),
    ("OPERATORS", "; exit 3; & | > < ( ) { } # ! * ? ~ [a]"),
    ("line", "the name of the variable that the reader uses"),
];

fn script(command: &str) -> ShellScript {
    let mut variables = Config::default();
    for (name, value) in VALUES {
        variables.set(name, *value).expect("a variable");
    }
    ShellScript {
        shell: "/bin/sh".to_owned(),
        variables,
        command: command.to_owned(),
    }
}

fn run(shell: &str, before: &[&str], input: &str) -> Output {
    let mut child = Command::new(shell)
        .args(before)
        .args(ShellScript::arguments())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the shell starts");
    let mut stdin = child.stdin.take().expect("its input");
    // One that ends before it has read everything is what some cases are about.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

#[test]
fn every_value_arrives_in_every_shell() {
    let (mut command, mut expected) = (String::new(), String::new());
    for (name, value) in VALUES {
        expected.push_str(value);
        expected.push('\0');
        command.push_str("printf '%s\\0' \"$");
        command.push_str(name);
        command.push_str("\"\n");
    }
    for (shell, before) in shells() {
        let output = run(shell, &before, &script(&command).line());
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{shell}");
        assert!(output.status.success(), "{shell}: {output:?}");
    }
}

#[test]
fn the_command_gets_no_input_and_ends_at_its_first_error() {
    for (shell, before) in shells() {
        let output = run(
            shell,
            &before,
            &script("cat; echo 'it''s' $0; false; echo never").line(),
        );
        assert_eq!(String::from_utf8_lossy(&output.stdout), "its /bin/sh\n", "{shell}");
        assert_eq!(output.status.code(), Some(1), "{shell}");
        let output = run(shell, &before, &script("exit 7").line());
        assert_eq!(output.status.code(), Some(7), "{shell}");
    }
}

#[test]
fn a_script_that_does_not_arrive_whole_runs_nothing_and_fails() {
    let whole = script("echo ran").line();
    for (shell, before) in shells() {
        for end in [0, 1, whole.len() / 2, whole.len() - 1] {
            let half = whole.get(..end).unwrap_or_default();
            let output = run(shell, &before, half);
            assert!(!output.status.success(), "{shell}, {end} bytes");
            assert!(output.stdout.is_empty(), "{shell}, {end} bytes");
        }
    }
}
