//! `procfile:check`, `procfile:list` and `procfile:show`: what the parser sees.
//!
//! Invariant: all three read alike, say everything that is wrong, and print the same document as JSON.

use ps_procfile::{Entry, InvalidProcfile, Procfile, Rules};

use super::Outcome;
use super::procfile_input::{Content, read};
use crate::arguments::{Format, ProcfileReading, ProcfileShow};
use crate::command_error::{CommandError, CommandErrorKind};
use crate::exit_status::ExitStatus;
use crate::rendering::procfile_view::{ProcessCommand, ProcfileView};
use crate::terminal::Terminal;
use crate::wiring::Session;

/// What is printed for people.
enum Wanted<'a> {
    Verdict,
    Names,
    Commands,
    CommandOf(&'a str),
}

pub(super) async fn check(arguments: &ProcfileReading, session: &Session) -> Outcome {
    answer(arguments, &Wanted::Verdict, session).await
}

pub(super) async fn list(arguments: &ProcfileReading, session: &Session) -> Outcome {
    answer(arguments, &Wanted::Names, session).await
}

pub(super) async fn show(arguments: &ProcfileShow, session: &Session) -> Outcome {
    let wanted = arguments
        .process_type
        .as_deref()
        .map_or(Wanted::Commands, Wanted::CommandOf);
    answer(&arguments.reading, &wanted, session).await
}

async fn answer(arguments: &ProcfileReading, wanted: &Wanted<'_>, session: &Session) -> Outcome {
    let (terminal, format) = (session.terminal(), arguments.format);
    match read(arguments.place.as_deref(), session).await? {
        Content::File { name, bytes } => {
            let rules = if arguments.relaxed {
                Rules::Relaxed
            } else {
                Rules::Strict
            };
            let parsed = Procfile::parse_with(&bytes, rules);
            answer_file(&name, &parsed, wanted, format, terminal)
        }
        Content::TooLarge { name } => {
            if format == Format::Json {
                terminal.json(&ProcfileView::too_large().document());
            }
            let error = CommandError::new(CommandErrorKind::InvalidFile, format!("{name} is larger than 1 MiB"));
            Err(error.hint("a Procfile is small: is this another file?"))
        }
        Content::Release { app, commands } => {
            let processes = commands.iter().map(|(name, command)| ProcessCommand {
                name: name.as_str(),
                command: command.as_bytes(),
                line: None,
            });
            let processes = wanted.select(app.as_str(), processes.collect())?;
            match format {
                Format::Json => terminal.json(&ProcfileView::new(&processes).document()),
                Format::Stdout => wanted.print(&processes, terminal),
            }
            Ok(ExitStatus::Done)
        }
    }
}

fn answer_file(
    name: &str,
    parsed: &Result<Procfile<'_>, InvalidProcfile<'_>>,
    wanted: &Wanted<'_>,
    format: Format,
    terminal: &Terminal,
) -> Outcome {
    match parsed {
        Ok(procfile) => {
            let processes = wanted.select(name, commands(procfile.entries()))?;
            let warnings = procfile.warnings();
            if format == Format::Json {
                terminal.json(&ProcfileView::of_parsed(parsed, &processes).document());
                return Ok(ExitStatus::Done);
            }
            if !warnings.is_empty() {
                terminal.diagnostics(|paint| warnings.paint(name, usize::MAX, paint));
            }
            wanted.print(&processes, terminal);
            Ok(ExitStatus::Done)
        }
        Err(invalid) => {
            let view = || ProcfileView::of_parsed(parsed, &commands(invalid.entries()));
            match format {
                Format::Json => terminal.json(&view().document()),
                Format::Stdout => terminal.diagnostics(|paint| invalid.paint(name, usize::MAX, paint)),
            }
            let errors = match invalid.errors().len() {
                1 => "1 error".to_owned(),
                count => format!("{count} errors"),
            };
            Err(CommandError::new(
                CommandErrorKind::InvalidFile,
                format!("{name} has {errors}"),
            ))
        }
    }
}

fn commands<'a>(entries: &[Entry<'a>]) -> Vec<ProcessCommand<'a>> {
    entries.iter().map(ProcessCommand::from).collect()
}

impl Wanted<'_> {
    /// The processes that are asked for; `name` is where they are from.
    fn select<'p>(
        &self,
        name: &str,
        processes: Vec<ProcessCommand<'p>>,
    ) -> Result<Vec<ProcessCommand<'p>>, CommandError> {
        let Self::CommandOf(wanted) = self else {
            return Ok(processes);
        };
        let one = processes.iter().find(|process| process.name == *wanted);
        one.map(|process| vec![*process]).ok_or_else(|| {
            let error = CommandError::usage(format!("{name} has no process type `{wanted}`"));
            error.hint(format!("it has {}", names(&processes)))
        })
    }

    fn print(&self, processes: &[ProcessCommand<'_>], terminal: &Terminal) {
        match self {
            Self::Verdict => terminal.data(&format!("valid procfile detected: {}", names(processes))),
            Self::Names => processes.iter().for_each(|process| terminal.data(process.name)),
            // Commands are shown byte for byte.
            Self::Commands => {
                let lines = processes
                    .iter()
                    .map(|process| [process.name.as_bytes(), b": ", process.command, b"\n"].concat());
                terminal.exempt(&lines.collect::<Vec<_>>().concat());
            }
            Self::CommandOf(_) => {
                let lines = processes.iter().map(|process| [process.command, b"\n"].concat());
                terminal.exempt(&lines.collect::<Vec<_>>().concat());
            }
        }
    }
}

fn names(processes: &[ProcessCommand<'_>]) -> String {
    let names = processes.iter().map(|process| process.name);
    names.collect::<Vec<_>>().join(", ")
}
