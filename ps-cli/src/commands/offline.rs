//! Commands that need neither runtime nor store nor engine, so that they answer in a few milliseconds.

use crate::arguments::Command;
use crate::command_error::{CommandError, CommandErrorKind};
use crate::commands::Outcome;
use crate::exit_status::ExitStatus;
use crate::rendering::{help, manual};
use crate::terminal::Terminal;

/// Runs the command when it is one of these.
pub fn execute_offline(command: &Command, program: &clap::Command, terminal: &Terminal) -> Option<Outcome> {
    match command {
        Command::Version => terminal.data(concat!("psctl ", env!("CARGO_PKG_VERSION"))),
        Command::PsHelp => terminal.data(&help::namespace(program, "ps")),
        Command::Ps(arguments) if arguments.app.is_none() => terminal.data(&help::namespace(program, "ps")),
        Command::Help(arguments) => match &arguments.command {
            None => terminal.data(&help::overview(program)),
            Some(name) => return Some(command_help(name, program, terminal)),
        },
        Command::Completions(arguments) => {
            let mut script = Vec::new();
            clap_complete::generate(arguments.shell, &mut program.clone(), "psctl", &mut script);
            terminal.exempt(&script);
        }
        Command::Man => match manual::page(program) {
            Ok(page) => terminal.exempt(&page),
            Err(error) => return Some(Err(CommandError::new(CommandErrorKind::Failed, error))),
        },
        _ => return None,
    }
    Some(Ok(ExitStatus::Done))
}

fn command_help(name: &str, program: &clap::Command, terminal: &Terminal) -> Outcome {
    let Some(command) = program.find_subcommand(name) else {
        let error = CommandError::usage(format!("`{name}` is not a psctl command"));
        return Err(error.hint("`psctl help` shows the commands"));
    };
    terminal.data(command.clone().render_help().to_string().trim_end());
    Ok(ExitStatus::Done)
}
