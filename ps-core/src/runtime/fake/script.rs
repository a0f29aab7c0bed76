//! What the fake's processes do: there is no code in its images, so tests say what a command does.

use std::time::Duration;

use bytes::Bytes;

use crate::runtime::OutputChannel;

/// The usual lives of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// It runs until it is stopped.
    Runs,
    /// It ends by itself with an exit code.
    ExitsAfter(Duration, i64),
    /// It listens on a TCP port from then on.
    ListensAfter(Duration, u16),
    /// It listens, and ends by itself later.
    ListensThenExits {
        /// From its start to listening.
        after: Duration,
        /// The port.
        port: u16,
        /// From its start to its end.
        exits_after: Duration,
        /// The exit code.
        code: i64,
    },
    /// It runs and takes no notice of SIGTERM.
    IgnoresTerm,
    /// There is no such program: the start fails.
    NotExecutable,
}

/// One thing a process does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessStep {
    /// Writes to one of its streams.
    Print(OutputChannel, Bytes),
    /// Writes the value of a variable and a newline to standard output.
    PrintVariable(String),
    /// Writes a file of its container; the path has no slash in front.
    WriteFile(String, Bytes),
    /// Copies standard input to standard output until it is closed.
    CopyInput,
    /// Does nothing for a while.
    Wait(Duration),
    /// Listens on a TCP port from now on.
    Listen(u16),
    /// Ends. A script that comes to its end exits with 0.
    Exit(i64),
    /// Runs until it is stopped.
    Forever,
}

/// What a process does at SIGTERM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermReaction {
    /// It ends with this code.
    Exits(i64),
    /// Nothing.
    Ignores,
}

/// Everything a process does, in order.
///
/// ```
/// use ps_core::testing::{ProcessStep, Script};
/// use ps_core::runtime::OutputChannel;
/// let script = Script::new([ProcessStep::Print(OutputChannel::Out, "hello\n".into()), ProcessStep::Exit(3)]);
/// assert_eq!(script.steps.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The steps.
    pub steps: Vec<ProcessStep>,
    /// At SIGTERM.
    pub on_term: TermReaction,
    /// Whether there is such a program at all.
    pub is_executable: bool,
}

impl Script {
    /// A process that ends with 143 at SIGTERM.
    pub fn new(steps: impl IntoIterator<Item = ProcessStep>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            on_term: TermReaction::Exits(143),
            is_executable: true,
        }
    }
}

impl From<Behaviour> for Script {
    fn from(behaviour: Behaviour) -> Self {
        use ProcessStep::{Exit, Forever, Listen, Wait};
        match behaviour {
            Behaviour::Runs => Self::new([Forever]),
            Behaviour::ExitsAfter(after, code) => Self::new([Wait(after), Exit(code)]),
            Behaviour::ListensAfter(after, port) => Self::new([Wait(after), Listen(port), Forever]),
            Behaviour::ListensThenExits {
                after,
                port,
                exits_after,
                code,
            } => Self::new([
                Wait(after),
                Listen(port),
                Wait(exits_after.saturating_sub(after)),
                Exit(code),
            ]),
            Behaviour::IgnoresTerm => Self {
                on_term: TermReaction::Ignores,
                ..Self::new([Forever])
            },
            Behaviour::NotExecutable => Self {
                is_executable: false,
                ..Self::new([])
            },
        }
    }
}

/// Which script a start gets: the newest rule whose pattern fits.
#[derive(Debug, Default)]
pub(super) struct Scripts {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    pattern: String,
    script: Script,
    /// How many more starts it serves; without end when `None`.
    left: Option<u32>,
}

impl Scripts {
    pub(super) fn add(&mut self, pattern: &str, script: Script, left: Option<u32>) {
        self.rules.push(Rule {
            pattern: pattern.to_owned(),
            script,
            left,
        });
    }

    /// The script for a process that is known by these words (name, image, command).
    pub(super) fn take(&mut self, words: &[&str]) -> Option<Script> {
        let fits = |rule: &&mut Rule| rule.left != Some(0) && words.iter().any(|word| glob(&rule.pattern, word));
        let rule = self.rules.iter_mut().rev().find(fits)?;
        rule.left = rule.left.map(|left| left - 1);
        Some(rule.script.clone())
    }
}

/// Whether a word fits a pattern in which `*` stands for anything.
pub(super) fn glob(pattern: &str, word: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == word;
    };
    let Some(mut left) = word.strip_prefix(first) else {
        return false;
    };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return left.ends_with(part);
        }
        match left.split_once(part) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, word, fits) in [
            ("shop.web.1", "shop.web.1", true),
            ("shop.web.*", "shop.web.12", true),
            ("*.upcoming-*", "shop.web.1.upcoming-7", true),
            ("*.web.*", "shop.worker.1", false),
            ("shop", "shop.web.1", false),
            ("*", "", true),
        ] {
            assert_eq!(glob(pattern, word), fits, "{pattern} {word}");
        }
    }

    #[test]
    fn the_newest_rule_wins_until_it_is_used_up() {
        let mut scripts = Scripts::default();
        scripts.add("*", Behaviour::Runs.into(), None);
        scripts.add("web", Behaviour::IgnoresTerm.into(), Some(1));
        assert_eq!(scripts.take(&["web"]), Some(Behaviour::IgnoresTerm.into()));
        assert_eq!(scripts.take(&["web"]), Some(Behaviour::Runs.into()));
    }
}
