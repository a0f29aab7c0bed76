//! The report of many apps, measured by the bench of `ps-core` itself: no process and no engine in between.

use std::process::{Command, Stdio};

use crate::failure::{Failure, Outcome, WhileDoing};
use crate::{say, workspace_folder};

/// Builds and runs `ps-core/benches/report.rs`.
pub(crate) fn bench_report() -> Outcome<()> {
    say("building the bench of ps-core in release mode");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args([
        "bench",
        "--quiet",
        "--package",
        "ps-core",
        "--features",
        "testing",
        "--bench",
        "report",
    ]);
    let status = command.current_dir(workspace_folder()).stdin(Stdio::null()).status();
    if status.while_doing(|| "run cargo".to_owned())?.success() {
        return Ok(());
    }
    Err(Failure::new("the bench of the report failed"))
}
