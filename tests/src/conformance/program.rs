//! What containers run in the suite: a real command, and the script that a fake follows in its place.

use std::time::Duration;

use bytes::Bytes;
use ps_core::runtime::OutputChannel;
use ps_core::testing::{ProcessStep, Script, TermReaction};

/// A command and what it does.
#[derive(Debug, Clone)]
pub struct Program {
    /// Program and arguments.
    pub words: Vec<String>,
    /// The same for a fake.
    pub script: Script,
}

impl Program {
    /// A shell line.
    pub fn shell(line: &str, steps: impl IntoIterator<Item = ProcessStep>) -> Self {
        Self::words(&["sh", "-c", line], steps)
    }

    /// A command.
    pub fn words(words: &[&str], steps: impl IntoIterator<Item = ProcessStep>) -> Self {
        Self {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            script: Script::new(steps),
        }
    }

    /// Says `ready`, runs until SIGTERM, and then ends with 7.
    pub fn runs() -> Self {
        let line = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done";
        let steps = [print(OutputChannel::Out, "ready\n"), ProcessStep::Forever];
        let mut program = Self::shell(line, steps);
        program.script.on_term = TermReaction::Exits(7);
        program
    }

    /// Says `ready`, runs, and takes no notice of SIGTERM.
    pub fn is_deaf() -> Self {
        let steps = [print(OutputChannel::Out, "ready\n"), ProcessStep::Forever];
        let mut program = Self::shell("trap '' TERM; echo ready; exec sleep 1000", steps);
        program.script.on_term = TermReaction::Ignores;
        program
    }

    /// Ends at once.
    pub fn exits(code: i64) -> Self {
        Self::shell(&format!("exit {code}"), [ProcessStep::Exit(code)])
    }

    /// Ends after a third of a second.
    pub fn soon_exits(code: i64) -> Self {
        let wait = ProcessStep::Wait(Duration::from_millis(300));
        Self::shell(&format!("sleep 0.3; exit {code}"), [wait, ProcessStep::Exit(code)])
    }

    /// Prints one word to each stream and ends.
    pub fn prints() -> Self {
        let steps = [print(OutputChannel::Out, "out\n"), print(OutputChannel::Err, "err\n")];
        Self::shell("echo out; echo err >&2", steps)
    }

    /// Copies its input to its output.
    pub fn copies() -> Self {
        Self::words(&["cat"], [ProcessStep::CopyInput])
    }
}

/// The step of writing a text.
pub(super) fn print(channel: OutputChannel, text: &'static str) -> ProcessStep {
    ProcessStep::Print(channel, Bytes::from_static(text.as_bytes()))
}
