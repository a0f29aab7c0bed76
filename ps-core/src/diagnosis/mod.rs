//! `doctor`: what is wrong on a host, and the command that mends it. Pure: facts in, findings out.
//!
//! Invariant: nothing is asked here, and every finding has an id that is in [`IDS`] and in `docs/doctor.md`. Start at [`diagnose`];
//! the rules stand in one file for each subject.

mod containers;
mod engine;
mod facts;
#[cfg(test)]
mod healthy;
mod machine;
mod proxy;
mod services;
mod state;
#[cfg(test)]
mod tests;

pub use facts::*;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Apps, their state or psctl's work suffer, or will after the next reboot. It makes the exit code 1.
    Wrong,
    /// Worth knowing; nothing is broken.
    Advice,
    /// As it should be.
    Fine,
}

/// The ids of all findings; they never change their meaning.
pub const IDS: [&str; 41] = [
    "engine",
    "engine-missing",
    "engine-permission",
    "engine-asleep",
    "engine-version",
    "live-restore",
    "engine-clock",
    "clock",
    "disk",
    "routes",
    "state",
    "state-missing",
    "state-unusable",
    "state-owner",
    "state-open",
    "state-volatile",
    "state-network",
    "state-damaged",
    "units",
    "units-missing",
    "units-disabled",
    "units-outdated",
    "units-foreign",
    "units-unasked",
    "listener",
    "listener-down",
    "lingering",
    "proxy",
    "proxy-missing",
    "proxy-down",
    "proxy-not-included",
    "proxy-sites",
    "containers",
    "quarantine",
    "restart-policy",
    "not-restored",
    "leftovers",
    "strangers",
    "two-registries",
    "retirements",
    "probe",
];

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule it is; one of [`IDS`].
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it is, in one line.
    pub title: String,
    /// More about it, a line each.
    pub details: Vec<String>,
    /// The command that mends it, for a shell; `None` where no single command does.
    pub cure: Option<String>,
    /// Where more is written.
    pub see: Option<&'static str>,
}

impl Finding {
    fn new(severity: Severity, id: &'static str, title: impl Into<String>) -> Self {
        Self {
            id,
            severity,
            title: title.into(),
            details: Vec::new(),
            cure: None,
            see: None,
        }
    }

    fn wrong(id: &'static str, title: impl Into<String>) -> Self {
        Self::new(Severity::Wrong, id, title)
    }

    fn advice(id: &'static str, title: impl Into<String>) -> Self {
        Self::new(Severity::Advice, id, title)
    }

    fn fine(id: &'static str, title: impl Into<String>) -> Self {
        Self::new(Severity::Fine, id, title)
    }

    fn detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
        self
    }

    fn details(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(lines);
        self
    }

    fn cure(mut self, command: impl Into<Option<String>>) -> Self {
        self.cure = command.into();
        self
    }

    fn see(mut self, place: &'static str) -> Self {
        self.see = Some(place);
        self
    }
}

/// Judges the facts, what is wrong first.
///
/// ```
/// use ps_core::diagnosis::{Facts, Severity, diagnose};
/// // Nothing was found on this host, no engine either.
/// let findings = diagnose(&Facts::default());
/// let first = findings.first().map(|finding| (finding.severity, finding.id));
/// assert_eq!(first, Some((Severity::Wrong, "engine-missing")));
/// ```
pub fn diagnose(facts: &Facts) -> Vec<Finding> {
    let mut findings = [
        engine::judge(facts),
        services::judge(facts),
        proxy::judge(facts),
        state::judge(facts),
        containers::judge(facts),
        machine::judge(facts),
        facts.failed.iter().map(unanswered).collect(),
    ]
    .concat();
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// A question without an answer is a finding of its own: nobody knows whether all is well there.
fn unanswered(probe: &FailedProbe) -> Finding {
    Finding::wrong("probe", format!("could not {}", probe.doing))
        .detail(probe.reason.clone())
        .cure(probe.cure.clone())
}

/// A word as a shell takes it.
///
/// ```
/// use ps_core::diagnosis::quoted;
/// assert_eq!(quoted("/var/lib/psctl"), "/var/lib/psctl");
/// assert_eq!(quoted("it's"), r"'it'\''s'");
/// ```
pub fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:=@%+,-".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// `1 app`, `2 apps`.
fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
