//! The units before the real systemd: it reads every one without a word, links them where their `[Install]` says, and runs the
//! restore at every start of the engine. Without its programs the tests show as ignored; with `PS_REQUIRE_ENGINES` set they fail.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot be set up fails"
)]

#[path = "../unit_cases/mod.rs"]
mod unit_cases;

mod live;
mod offline;

use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    program.starts_with('/') && Path::new(program).exists()
        || std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Which of the programs are missing, if any.
fn missing(programs: &[&str]) -> Option<String> {
    let missing: Vec<&str> = programs
        .iter()
        .copied()
        .filter(|program| !is_installed(program))
        .collect();
    (!missing.is_empty()).then(|| format!("{} not installed", missing.join(", ")))
}

/// A test, or the reason why it cannot run here.
fn trial(name: &str, obstacle: Option<String>, run: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    let Some(reason) = obstacle else {
        return Trial::test(name, run);
    };
    let is_required = std::env::var_os("PS_REQUIRE_ENGINES").is_some();
    Trial::test(format!("{name} ({reason})"), move || Err(Failed::from(reason))).with_ignored_flag(!is_required)
}

fn main() -> std::process::ExitCode {
    let no_analysis = missing(&["systemd-analyze"]);
    let mut trials: Vec<Trial> = unit_cases::cases()
        .into_iter()
        .map(|(case, settings)| {
            let name = format!("systemd_reads_the_units_of_{case}_without_a_word");
            trial(&name, no_analysis.clone(), move || offline::verify(&settings))
        })
        .collect();
    trials.push(trial(
        "verification_is_strict",
        no_analysis,
        offline::verification_is_strict,
    ));
    trials.push(trial(
        "units_are_linked_where_they_are_wanted",
        missing(&["systemctl"]),
        offline::units_are_linked,
    ));
    trials.push(trial(
        "the_restore_runs_at_every_start_of_the_engine",
        missing(&[live::MANAGER, "unshare", "dbus-daemon", "systemctl"]).or_else(live::obstacle),
        live::restore_runs_at_every_start,
    ));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
