//! `run` and `enter`: a command beside the app, and a command inside one of its containers.

use std::time::Duration;

use futures_util::StreamExt;
use ps_core::operations::{OperationError, RunRequest};
use ps_core::runtime::{ExecSpec, ExitCode, OutputChunk, RuntimeStream, Signal, TerminalMode};

use super::Outcome;
use super::look::pass_on;
use super::use_cases::{changing, looking};
use crate::arguments::{Enter, Run};
use crate::command_error::CommandError;
use crate::exit_status::ExitStatus;
use crate::terminal::raw_mode::RawMode;
use crate::terminal::{resizes, window_size};
use crate::wiring::Session;

pub(super) async fn run(arguments: &Run, session: &Session) -> Outcome {
    session.app(&arguments.app).await?;
    let use_cases = changing(session).await?;
    let operations = &use_cases.operations;
    let is_terminal = session.terminal().is_interactive();
    let terminal = match (arguments.detach, is_terminal) {
        (true, _) => TerminalMode::Detached,
        (false, true) => TerminalMode::Terminal,
        (false, false) => TerminalMode::Input,
    };
    let request = RunRequest {
        command: arguments.command.clone(),
        terminal,
        time_to_live: Duration::from_secs(arguments.ttl_seconds.into()),
    };
    if session.options().dry_run {
        let words = arguments.command.join(" ");
        session
            .terminal()
            .data(&format!("#1 [] run {words} in a new container of {}", arguments.app));
        return Ok(ExitStatus::Done);
    }
    if arguments.detach {
        let name = operations.run_detached(&arguments.app, &request).await?;
        session.terminal().data(&name);
        return Ok(ExitStatus::Done);
    }
    let input = session.terminal().input_stream();
    let attached = operations.run(&arguments.app, &request, input).await?;
    let engine = operations.adapters().engine.clone();
    let id = attached.container.clone();
    let resize = |size| {
        let (engine, id) = (engine.clone(), id.clone());
        async move { engine.resize_container(&id, size).await }
    };
    let _guard = session.interrupt().guard_child();
    let pass_signals = async {
        let signal = match session.interrupt().wait().await {
            ExitStatus::Terminated => Signal::Term,
            _ => Signal::Interrupt,
        };
        let _ = engine.kill_container(&id, signal).await;
        session.interrupt().wait_for_second().await;
        let _ = engine.kill_container(&id, Signal::Kill).await;
        std::future::pending().await
    };
    let ended = async {
        pump(session, attached.output, is_terminal, resize).await?;
        operations.finish_run(&id).await.map_err(CommandError::from)
    };
    tokio::select! {
        code = ended => code.map(child),
        never = pass_signals => never,
    }
}

pub(super) async fn enter(arguments: &Enter, session: &Session) -> Outcome {
    let record = session.app(&arguments.app).await?;
    let use_cases = looking(session).await?;
    let operations = &use_cases.operations;
    let is_type = |word: &str| {
        record
            .formation
            .iter()
            .any(|(process_type, _)| process_type.as_str() == word)
    };
    let (selection, command) = arguments.target(is_type);
    let word = selection.as_ref().map(ToString::to_string);
    let found = operations.running(&arguments.app, word.as_deref()).await?;
    let what = word.map_or_else(|| arguments.app.to_string(), |word| format!("{}.{word}", arguments.app));
    let container = found.into_iter().next().ok_or(OperationError::NothingRuns { what })?;
    let shell = record.policies(&session.global().await?)?.shell;
    let command = if command.is_empty() {
        vec![shell]
    } else {
        command.to_vec()
    };
    let terminal = session.terminal().is_interactive();
    let engine = operations.adapters().engine.clone();
    let spec = ExecSpec {
        command,
        terminal,
        env: Vec::new(),
    };
    let exec = engine.create_exec(&container.id, &spec).await?;
    let output = engine
        .start_exec(&exec, terminal, session.terminal().input_stream())
        .await?;
    let resize = |size| {
        let (engine, exec) = (engine.clone(), exec.clone());
        async move { engine.resize_exec(&exec, size).await }
    };
    tokio::select! {
        ended = pump(session, output, terminal, resize) => ended?,
        // Engines have no way to signal a command inside a container.
        status = session.interrupt().wait() => return Ok(status),
    }
    let code = engine.exec_exit_code(&exec).await?;
    Ok(code.map_or(ExitStatus::Failed, child))
}

/// Passes output on until it ends, and the window's size as it changes.
async fn pump<F, Fut>(
    session: &Session,
    mut output: RuntimeStream<OutputChunk>,
    is_terminal: bool,
    resize: F,
) -> Result<(), CommandError>
where
    F: Fn(ps_core::runtime::TerminalSize) -> Fut,
    Fut: Future<Output = Result<(), ps_core::runtime::RuntimeError>>,
{
    let _raw = is_terminal.then(RawMode::enter).flatten();
    let mut resized = resizes();
    if let Some(size) = window_size().filter(|_| is_terminal) {
        let _ = resize(size).await;
    }
    loop {
        tokio::select! {
            chunk = output.next() => match chunk {
                Some(chunk) => {
                    let chunk = chunk?;
                    pass_on(session, chunk.channel, &chunk.bytes);
                }
                None => return Ok(()),
            },
            Some(size) = resized.next() => {
                if is_terminal {
                    let _ = resize(size).await;
                }
            }
        }
    }
}

fn child(code: ExitCode) -> ExitStatus {
    ExitStatus::Child(u8::try_from(code.0).unwrap_or(u8::MAX))
}
