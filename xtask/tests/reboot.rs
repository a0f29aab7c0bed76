//! The short version of `cargo xtask bench reboot`: three rounds on Docker and on rootless Podman. It is here and not in `tests/`
//! because cargo builds a package's binary for that package's own tests, so the harness that runs is that of this source.

#![expect(clippy::print_stdout, reason = "a test program of its own")]

use std::fmt::Write as _;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

/// The longest that the rounds of one engine may take.
const LIMIT: Duration = Duration::from_secs(600);

/// The engines: name, the variable that says they are wanted, arguments of the harness, and how many sides it plays.
const ENGINES: [(&str, &str, &[&str], usize); 2] = [
    ("docker", "PSCTL_TEST_DOCKER", &["--control-rounds", "1"], 2),
    (
        "podman-rootless",
        "PSCTL_TEST_PODMAN_ROOTLESS",
        &["--runtime", "podman", "--rootless"],
        1,
    ),
];

/// Why the rounds cannot be played here.
fn absence(variable: &str) -> Option<String> {
    if std::env::var_os(variable).is_none_or(|value| value.is_empty()) {
        return Some(format!("{variable} is not set"));
    }
    (!rustix::process::geteuid().is_root()).then(|| "a machine of its own needs root".to_owned())
}

/// The `psctl` of the same build.
fn psctl() -> Result<PathBuf, Failed> {
    let test = std::env::current_exe()?;
    let found = test.ancestors().skip(1).take(2).map(|folder| folder.join("psctl"));
    let found = found.into_iter().find(|path| path.is_file());
    found.ok_or_else(|| "psctl is not built: run `cargo build -p ps-cli` first".into())
}

fn play(arguments: &[&str], sides: usize) -> Result<(), Failed> {
    let mut harness = Command::new(env!("CARGO_BIN_EXE_xtask"));
    harness
        .args(["bench", "reboot", "--json", "--rounds", "3"])
        .args(arguments);
    harness.arg("--program").arg(psctl()?).stdin(Stdio::null());
    let told = tempfile::NamedTempFile::new()?;
    harness.stdout(Stdio::piped()).stderr(told.reopen()?);
    let (code, answer) = wait(harness.spawn()?)?;
    let told = std::fs::read_to_string(told.path())?;
    let fail = |why: &str| Err(Failed::from(format!("{why}\n{answer}\n{told}")));
    let Ok(answered) = serde_json::from_str::<Value>(&answer) else {
        return fail("the harness gave no document");
    };
    let played = answered.get("sides").and_then(Value::as_array).map_or(0, Vec::len);
    if code != Some(0) {
        return fail(&format!("the harness ended with {code:?}"));
    }
    if played != sides {
        return fail(&format!("{played} sides were played, not {sides}"));
    }
    print!("{}", figures(&answered));
    Ok(())
}

/// The exit code and the output; a harness that takes too long is killed, and everything of it ends with it.
fn wait(mut harness: Child) -> Result<(Option<i32>, String), Failed> {
    let end = Instant::now() + LIMIT;
    while harness.try_wait()?.is_none() {
        if Instant::now() >= end {
            harness.kill()?;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut answer = String::new();
    if let Some(mut output) = harness.stdout.take() {
        output.read_to_string(&mut answer)?;
    }
    Ok((harness.wait()?.code(), answer))
}

fn figures(answered: &Value) -> String {
    let mut text = String::new();
    for side in answered.get("sides").and_then(Value::as_array).into_iter().flatten() {
        let figure = |key: &str| side.get(key).map(Value::to_string).unwrap_or_default();
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{}: {} rounds, {} requests, {} wrong, {} lost, all back after {} s at most",
            figure("name").trim_matches('"'),
            figure("rounds"),
            figure("requests"),
            figure("wrong"),
            figure("lost"),
            figure("worst_seconds")
        );
    }
    text
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // A machine that boots is all that two cores can take.
    arguments.test_threads = Some(1);
    let is_required = std::env::var_os("PS_REQUIRE_ENGINES").is_some();
    let trial = |(name, variable, words, sides): (&str, &str, &'static [&'static str], usize)| match absence(variable) {
        None => Trial::test(
            format!("{name}::the_wrong_app_never_answers_after_power_cuts"),
            move || play(words, sides),
        ),
        Some(reason) => Trial::test(format!("{name}::absent ({reason})"), move || Err(Failed::from(reason)))
            .with_ignored_flag(!is_required),
    };
    libtest_mimic::run(&arguments, ENGINES.into_iter().map(trial).collect()).exit_code()
}
