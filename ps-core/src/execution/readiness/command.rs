//! Checks by a command in the container. Invariant: its output is read to the end and only its last bytes are kept. An engine
//! cannot end a command that it runs, so one whose time is over goes on inside the container.

use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::attempts::within;
use super::{Alive, CheckFailure, TICK};
use crate::plan::{CommandCheck, StartupCheck};
use crate::runtime::{ExecSpec, RuntimeError, TerminalRuntime};

/// How much of the output is kept.
const KEPT: usize = 4096;

/// How much of the last line is shown.
const SHOWN: usize = 200;

pub(super) async fn attempt(alive: Alive<'_>, check: &StartupCheck, asked: &CommandCheck) -> Result<(), CheckFailure> {
    let ports = alive.candidate.ports;
    // Waiting for a turn is not the command's fault.
    let permit = ports.permits.acquire().await;
    let work = async {
        let spec = ExecSpec {
            command: asked.words(),
            terminal: false,
            env: Vec::new(),
        };
        let engine = ports.engine;
        let exec = engine.create_exec(alive.candidate.id, &spec).await;
        let exec = exec.map_err(CheckFailure::NoCommand)?;
        let output = engine.start_exec(&exec, false, stream::empty().boxed()).await;
        let mut output = output.map_err(CheckFailure::NoCommand)?;
        drop(permit);
        let mut kept: Vec<u8> = Vec::new();
        while let Some(chunk) = output.next().await {
            kept.extend_from_slice(&chunk.map_err(CheckFailure::NoCommand)?.bytes);
            kept.drain(..kept.len().saturating_sub(KEPT));
        }
        let exit_code = exit_code(alive, engine, &exec).await.map_err(CheckFailure::NoCommand)?;
        if exit_code == 0 {
            return Ok(());
        }
        let last_line = last_line(&kept);
        Err(CheckFailure::ExitCode { exit_code, last_line })
    };
    within(ports.clock, check.timeout, work).await
}

/// The exit code; the output may end a moment before it is known.
async fn exit_code<R: TerminalRuntime + ?Sized>(
    alive: Alive<'_>,
    engine: &R,
    exec: &crate::runtime::ExecId,
) -> Result<i64, RuntimeError> {
    let pause: Duration = TICK;
    loop {
        if let Some(code) = engine.exec_exit_code(exec).await? {
            return Ok(code.0);
        }
        alive.candidate.ports.clock.sleep(pause).await;
    }
}

fn last_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    let shown = last.unwrap_or_default().chars().filter(|letter| !letter.is_control());
    shown.take(SHOWN).collect()
}
