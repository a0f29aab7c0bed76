//! How long psctl takes when it needs neither engine nor database.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::bench::samples::Samples;
use crate::demo::build_psctl;
use crate::failure::{Failure, Outcome, WhileDoing};
use crate::tell;

const RUNS: usize = 50;

/// `psctl --version` and `psctl help`, many times each.
pub(crate) fn bench_start() -> Outcome<()> {
    let program = build_psctl()?;
    for word in ["--version", "help"] {
        tell(&format!("psctl {word:9}  {}", time(&program, word)?));
    }
    Ok(())
}

fn time(program: &Path, word: &str) -> Outcome<Samples> {
    let mut samples = Samples::default();
    for _ in 0..RUNS {
        let mut command = Command::new(program);
        command.arg(word).stdin(Stdio::null()).stdout(Stdio::null());
        let began = Instant::now();
        let status = command.status().while_doing(|| format!("run psctl {word}"))?;
        samples.add(began.elapsed());
        if !status.success() {
            return Err(Failure::new(format!("psctl {word} ended with {status}")));
        }
    }
    Ok(samples)
}
