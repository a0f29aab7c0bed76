//! The `psctl` command around the use cases of `ps-core`: parse, wire, call, render.
//!
//! Invariant: [`run`] touches nothing but what it is given, so that tests call it in-process. Start at [`run`], then
//! [`commands::execute`].

pub mod arguments;
pub mod command_error;
pub mod commands;
pub mod env_file;
pub mod environment;
pub mod exit_status;
pub mod interrupt;
mod link_error;
mod operation_error;
pub mod rendering;
pub mod terminal;
pub mod units;
pub mod wiring;
pub mod words;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use arguments::{Arguments, Command, GlobalOptions};
use command_error::{CommandError, CommandErrorKind};
use commands::Outcome;
use environment::{Environment, Io};
use exit_status::ExitStatus;
use interrupt::Interrupt;
use terminal::{Loudness, Terminal};
use wiring::Session;
use wiring::adapters::Adapters;

/// Runs the words after the program's name, and returns how the process should end. Everything was printed by then.
pub fn run(words: &[OsString], environment: Environment, io: Io, adapters: Arc<dyn Adapters>) -> ExitStatus {
    let terminal = Arc::new(Terminal::new(io, &environment));
    let attempt = AssertUnwindSafe(|| run_words(words, environment, &terminal, adapters));
    let outcome = catch_unwind(attempt).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        let error = CommandError::new(CommandErrorKind::Bug, format!("psctl has a bug: {text}"));
        Err(error.hint("please report it with the command you ran; state and containers are as after an interruption"))
    });
    terminal.settle_lines();
    let outcome = match terminal.take_failure() {
        Some(error) if outcome.is_ok() => {
            let message = format!("could not write to standard output: {error}");
            Err(CommandError::new(CommandErrorKind::Failed, message))
        }
        _ => outcome,
    };
    outcome.unwrap_or_else(|error| {
        terminal.error(&error);
        error.exit_status()
    })
}

fn run_words(
    words: &[OsString],
    environment: Environment,
    terminal: &Arc<Terminal>,
    adapters: Arc<dyn Adapters>,
) -> Outcome {
    let mut program = Arguments::command();
    program.build();
    let arranged = words::arrange(&program, words)?;
    terminal.hide(words::config_values(&arranged));
    let is_help = |word: &OsString| word == "--help" || word == "-h";
    if arranged.command.is_none() && (words.is_empty() || words.iter().any(is_help)) {
        terminal.data(&rendering::help::overview(&program));
        return Ok(ExitStatus::Done);
    }
    let typed = arranged.typed.unwrap_or_default();
    let full = std::iter::once(OsString::from("psctl")).chain(arranged.words);
    let parsed = program.try_get_matches_from_mut(full);
    let parsed = parsed.and_then(|matches| Arguments::from_arg_matches(&matches));
    let Arguments { command, global } = match parsed {
        Ok(arguments) => arguments,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            terminal.data(error.render().to_string().trim_end());
            return Ok(ExitStatus::Done);
        }
        Err(error) => return Err(error.into()),
    };
    let loudness = if global.quiet { Loudness::Quiet } else { Loudness::Usual };
    terminal.configure(loudness, global.color, global.progress, &environment);
    if let Some(outcome) = commands::execute_offline(&command, &program, terminal) {
        return outcome;
    }
    if let Some(modern) = modern_name(&typed) {
        terminal.warn(&format!("{typed} is an early name of `{modern}`"));
    }
    run_command(command, global, environment, terminal, adapters)
}

/// What to write in the place of an early name.
fn modern_name(typed: &str) -> Option<&'static str> {
    match typed {
        "ps:rebuildall" | "rebuildall" => Some("ps:rebuild --all"),
        "ps:restartall" | "restartall" | "deploy:all" => Some("ps:restart --all"),
        _ => None,
    }
}

fn run_command(
    command: Command,
    options: GlobalOptions,
    environment: Environment,
    terminal: &Arc<Terminal>,
    adapters: Arc<dyn Adapters>,
) -> Outcome {
    // One thread: psctl waits more than it computes, and each further one costs `events:listen` memory for good.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CommandError::new(CommandErrorKind::Failed, error))?;
    let interrupt = Interrupt::new();
    let session = Session::new(terminal.clone(), options, environment, interrupt.clone(), adapters);
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = commands::execute(command, &session) => outcome,
            status = interrupt.follow() => {
                terminal.warn("interrupted");
                Ok(status)
            }
        }
    });
    // A blocking read that nobody waits for any more must not keep the process.
    runtime.shutdown_background();
    outcome
}
