//! Running other programs. Stdin is always closed, so nothing ever waits for a keyboard.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::failure::{Failure, Outcome, WhileDoing};

/// Where programs of the system stand, also for a user whose `PATH` lacks the `sbin` folders.
pub(crate) const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Variables that a started daemon keeps from ours: how to reach the world, nothing of cargo.
const KEPT_VARIABLES: [&str; 8] = [
    "LANG",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
];

/// `program` with a clean environment: the system's path, `HOME` and proxies.
pub(crate) fn clean_command(program: &str, home: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", SYSTEM_PATH)
        .env("HOME", home)
        .stdin(Stdio::null());
    for name in KEPT_VARIABLES {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// Runs to the end and keeps the output; a failure carries the end of what the program wrote.
pub(crate) fn run_quietly(command: &mut Command) -> Outcome<Output> {
    let line = command_line(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .while_doing(|| format!("run `{line}`"))?;
    if output.status.success() {
        return Ok(output);
    }
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(Failure::new(format!(
        "`{line}` ended with {}:\n{}",
        output.status,
        last_lines(&text, 15)
    )))
}

/// The last `count` lines of `text`, indented for use below an error.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.len().saturating_sub(count);
    lines
        .iter()
        .skip(start)
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Whether `name` is a program on the system's path.
pub(crate) fn is_installed(name: &str) -> bool {
    SYSTEM_PATH
        .split(':')
        .any(|folder| Path::new(folder).join(name).is_file())
}

/// Whether we may start system daemons and install packages.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The command as one would type it, for messages.
pub(crate) fn command_line(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_named_with_the_end_of_its_output() {
        let failure = run_quietly(Command::new("sh").args(["-c", "echo first; echo why >&2; exit 3"])).unwrap_err();
        let text = failure.to_string();
        assert!(text.contains("sh -c"), "{text}");
        assert!(text.contains("exit status: 3"), "{text}");
        assert!(text.ends_with("    first\n    why"), "{text}");
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        assert_eq!(last_lines("a\nb\nc\n", 2), "    b\n    c");
        assert_eq!(last_lines("", 2), "");
    }

    #[test]
    fn the_shell_is_installed_and_nonsense_is_not() {
        assert!(is_installed("sh"));
        assert!(!is_installed("no-such-program-here"));
    }
}
