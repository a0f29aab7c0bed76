//! Asks `/bin/sh -f` for the words of commands. Invariant: the environment holds the given variables and nothing else, and any
//! number of commands is one process.

use std::path::Path;
use std::process::{Command, Output};

/// The program that says how many arguments it got, and which.
const SHOW: &str = "#!/bin/sh\nprintf '%s\\0' \"$#\" \"$@\"\n";

/// The words of each command, as the shell gives them to a program that has them all as arguments.
pub(crate) fn words_as_arguments<'a>(
    commands: impl IntoIterator<Item = &'a str>,
    variables: &[(&str, &str)],
) -> Vec<Vec<String>> {
    let mut script = "show() { printf '%s\\0' \"$#\" \"$@\"; }\n".to_owned();
    for command in commands {
        script.push_str("show ");
        script.push_str(command);
        script.push('\n');
    }
    lists(&run(&script, variables))
}

/// The words of each command, which the shell runs as it stands: every one of `programs` is a file that shows what it got.
pub(crate) fn words_as_programs(commands: &[&str], programs: &[&str], variables: &[(&str, &str)]) -> Vec<Vec<String>> {
    let directory = tempfile::tempdir().expect("a directory for programs");
    for program in programs {
        // `$0` is the path: the name is put in the place of the number of words, which follows.
        let text = SHOW.replace("\"$#\"", "\"$(($# + 1))\" \"${0##*/}\"");
        make_program(&directory.path().join(program), &text);
    }
    let path = directory.path().to_str().expect("a path of text");
    let variables: Vec<_> = variables.iter().copied().chain([("PATH", path)]).collect();
    lists(&run(&commands.join("\n"), &variables))
}

fn run(script: &str, variables: &[(&str, &str)]) -> Output {
    #[expect(clippy::disallowed_methods, reason = "the test asks the real shell")]
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-f", "-c", script])
        .env_clear()
        .envs(variables.iter().copied());
    let output = shell.output().expect("/bin/sh runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{complaint}\n{script}");
    output
}

#[expect(clippy::disallowed_methods, reason = "the test makes programs for the real shell")]
fn make_program(file: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(file, text).expect("a program");
    std::fs::set_permissions(file, PermissionsExt::from_mode(0o755)).expect("a program that may run");
}

/// Each list of words is preceded by its length.
fn lists(output: &Output) -> Vec<Vec<String>> {
    let text = String::from_utf8(output.stdout.clone()).expect("the shell kept the text");
    let mut parts = text.split_terminator('\0').map(str::to_owned);
    let mut lists = Vec::new();
    while let Some(count) = parts.next() {
        let count = count.parse().expect("a number of words");
        lists.push(parts.by_ref().take(count).collect());
    }
    lists
}
