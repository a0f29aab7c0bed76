//! The audit trail: what psctl did, for `events`. It never holds a config value.

use std::error::Error;
use std::fmt;
use std::time::SystemTime;

use crate::names::AppName;

/// Something psctl did or noticed, to be added to the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: SystemTime,
    /// About which app; `None` where it is about none.
    pub app: Option<AppName>,
    /// The command, or for the listener `events:listen`.
    pub verb: String,
    /// Who ran it; `None` where nobody is to be named.
    pub by: Option<String>,
    /// How it went.
    pub outcome: AuditOutcome,
    /// What was done, in one line: `restarted web.1`, `quarantined: web.1 ended 11 times within 10 minutes`.
    pub text: String,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOutcome {
    /// As it was meant to.
    Done,
    /// Not; the text says why.
    Failed,
    /// Nothing was done: something was noticed.
    Noticed,
}

impl fmt::Display for AuditOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Noticed => "noticed",
        })
    }
}

/// A text as the trail keeps it: one line without control characters, at most 300 characters long.
///
/// ```
/// use ps_core::audit::one_line;
/// assert_eq!(one_line("no such image\n  (really)\u{7}"), "no such image (really)");
/// assert_eq!(one_line(&"a".repeat(400)).chars().count(), 300);
/// ```
pub fn one_line(text: &str) -> String {
    const LONGEST: usize = 300;
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// What failed, with its causes, as the trail keeps it.
pub fn reason(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    one_line(&text)
}

/// An entry of the trail with its number; numbers only grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedAuditEntry {
    /// The number, from 1.
    pub number: u64,
    /// The entry.
    pub entry: AuditEntry,
}
