//! `cargo xtask ci`: what a change has to pass, cheapest first. It stops at the first step that fails.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome, WhileDoing};
use crate::test_run::{TestRun, cargo};
use crate::{fuzz, say, tidy};

/// A step that is one cargo command: its name, the arguments, and a variable to set.
struct CargoStep(
    &'static str,
    &'static [&'static str],
    Option<(&'static str, &'static str)>,
);

/// The steps before the tests.
const CARGO_STEPS: [CargoStep; 3] = [
    CargoStep("format", &["fmt", "--all", "--check"], None),
    CargoStep(
        "clippy",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ],
        None,
    ),
    CargoStep(
        "documentation",
        &["doc", "--workspace", "--no-deps", "--locked"],
        Some(("RUSTDOCFLAGS", "-D warnings")),
    ),
];

/// How long the parser is fuzzed.
const FUZZING: Duration = Duration::from_secs(60);

/// Runs all steps; the tests' closing line is the last one.
pub(crate) fn run_ci(workspace: &Path, tests: &TestRun) -> Outcome<()> {
    let begun = Instant::now();
    for CargoStep(name, words, variable) in CARGO_STEPS {
        step(name, || {
            let mut command = cargo();
            command.args(words).envs(variable);
            let status = command
                .status()
                .while_doing(|| format!("run cargo {}", words.join(" ")))?;
            if status.success() {
                Ok(())
            } else {
                Err(Failure::new(format!("cargo {} found faults", words.join(" "))))
            }
        })?;
    }
    step("tidy", || tidy::run_tidy(workspace))?;
    say(&format!("ci: lints passed after {} s", begun.elapsed().as_secs()));
    step("fuzz", || fuzz::run_fuzz(workspace, FUZZING))?;
    say("ci: == test");
    tests.run()
}

fn step(name: &str, work: impl FnOnce() -> Outcome<()>) -> Outcome<()> {
    say(&format!("ci: == {name}"));
    let begun = Instant::now();
    let done = work();
    let took = begun.elapsed().as_secs_f32();
    match done {
        Ok(()) => {
            say(&format!("ci: {name} passed in {took:.1} s"));
            Ok(())
        }
        Err(failure) => Err(Failure::new(format!("ci: {name} FAILED after {took:.1} s: {failure}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_is_named() {
        let failure = step("clippy", || Err(Failure::new("two warnings")))
            .unwrap_err()
            .to_string();
        assert!(failure.starts_with("ci: clippy FAILED after"), "{failure}");
        assert!(failure.ends_with("two warnings"), "{failure}");
    }
}
