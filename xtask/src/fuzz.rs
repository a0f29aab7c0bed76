//! `cargo xtask fuzz`: feeds the Procfile parser inputs that reach new code. Everything it makes is in target/fuzz and target/tools,
//! the inputs that were interesting too, so that a later run goes on where this one ends.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::engines::packages::ensure_installed;
use crate::failure::{Failure, Outcome, WhileDoing};
use crate::program::last_lines;
use crate::test_run::cargo;
use crate::{say, target_folder, tell};

const TARGET: &str = "procfile";
/// Lines are short where mistakes are made; the limits have tests of their own.
const LONGEST_INPUT: usize = 1024;

/// Fuzzes for so long; a finding is a failure that shows the input.
pub(crate) fn run_fuzz(workspace: &Path, duration: Duration) -> Outcome<()> {
    ensure_installed(&[("g++", "c++")])?;
    let target = target_folder();
    let cargo_fuzz = installed_cargo_fuzz(&target.join("tools"))?;
    let work = target.join("fuzz");
    let (corpus, artifacts) = (work.join("corpus"), work.join("findings"));
    for folder in [&corpus, &artifacts] {
        fs::create_dir_all(folder).while_doing(|| format!("make {}", folder.display()))?;
    }
    let crate_folder = workspace.join("ps-procfile/fuzz");
    let mut command = Command::new(cargo_fuzz);
    // Coverage comes with any compiler; the sanitizers need a nightly one, and the crate has no unsafe code.
    command
        .args(["fuzz", "run", TARGET, "--sanitizer", "none", "--fuzz-dir"])
        .arg(&crate_folder)
        .arg("--target-dir")
        .arg(work.join("build"))
        .arg(&corpus)
        .arg(crate_folder.join("seeds"))
        .arg("--")
        .arg(format!("-dict={}", crate_folder.join("procfile.dict").display()))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(format!("-max_total_time={}", duration.as_secs()))
        .arg(format!("-max_len={LONGEST_INPUT}"))
        .args(["-timeout=10", "-print_final_stats=1"])
        .current_dir(&crate_folder);
    let (succeeded, text) = run_and_read(&mut command)?;
    if !succeeded {
        return Err(Failure::new(finding(&text)));
    }
    match executions(&text) {
        Some(count) if count > 0 => {
            tell(&format!(
                "fuzz: {count} executions in {} s, no finding",
                duration.as_secs()
            ));
            Ok(())
        }
        _ => Err(Failure::new(format!(
            "nothing was executed:\n{}",
            last_lines(&text, 15)
        ))),
    }
}

/// cargo-fuzz, installed on the first use.
fn installed_cargo_fuzz(tools: &Path) -> Outcome<PathBuf> {
    let program = tools.join("bin/cargo-fuzz");
    if !program.is_file() {
        say("fuzz: installing cargo-fuzz into target/tools");
        let status = cargo()
            .args(["install", "cargo-fuzz", "--locked", "--quiet", "--root"])
            .arg(tools)
            .status()
            .while_doing(|| "run cargo install".to_owned())?;
        if !status.success() {
            return Err(Failure::new("cargo-fuzz could not be installed"));
        }
    }
    Ok(program)
}

/// Runs to the end; repeats what is not the fuzzer's own chatter, and keeps all of it.
fn run_and_read(command: &mut Command) -> Outcome<(bool, String)> {
    let mut child = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .while_doing(|| "start cargo-fuzz".to_owned())?;
    let mut text = String::new();
    let output = child
        .stderr
        .take()
        .ok_or_else(|| Failure::new("cargo-fuzz has no output"))?;
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if line.contains("Compiling") || line.contains("\tpulse ") || line.starts_with("error") {
            say(&line);
        }
        text.push_str(&line);
        text.push('\n');
    }
    let status = child.wait().while_doing(|| "wait for cargo-fuzz".to_owned())?;
    Ok((status.success(), text))
}

/// How many inputs were tried.
fn executions(text: &str) -> Option<u64> {
    let stat = |line: &str| {
        line.strip_prefix("stat::number_of_executed_units:")?
            .trim()
            .parse()
            .ok()
    };
    text.lines().find_map(stat)
}

/// What went wrong, and the input that did it.
fn finding(text: &str) -> String {
    let written = text.lines().find_map(|line| line.split("Test unit written to ").nth(1));
    let Some(path) = written else {
        return format!("cargo-fuzz failed:\n{}", last_lines(text, 15));
    };
    let input = fs::read(path.trim()).unwrap_or_default();
    let cause = text.lines().skip_while(|line| !line.contains("panicked at")).take(4);
    let cause: Vec<&str> = cause.collect();
    format!(
        "the fuzzer found an input that fails:\n    {}\nit is in {}\n{}",
        input.escape_ascii(),
        path.trim(),
        cause.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_are_read_from_the_closing_figures() {
        let text = "Done 9 runs in 3 second(s)\nstat::number_of_executed_units: 9\nstat::peak_rss_mb: 1\n";
        assert_eq!(executions(text), Some(9));
        assert_eq!(executions("#9 DONE\n"), None);
    }

    #[test]
    fn a_finding_is_shown_with_its_input() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("crash-1");
        fs::write(&file, b"web\x00\n").unwrap();
        let text = format!(
            "#1 NEW\nthread 'main' panicked at a.rs:1:1:\nassertion failed\nartifact_prefix='x'; Test unit written to {}\n",
            file.display()
        );
        let shown = finding(&text);
        assert!(shown.contains("    web\\x00\\n\n"), "{shown}");
        assert!(shown.contains("assertion failed"), "{shown}");
        assert!(finding("error: no compiler\n").contains("no compiler"));
    }
}
