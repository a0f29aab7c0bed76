//! The documented exit codes. Scripts rely on them: a code never changes its meaning.

/// How psctl ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0: done, or nothing to do.
    Done,
    /// 1: failed, or refused.
    Failed,
    /// 2: usage, or a bad value.
    Usage,
    /// 3: some apps failed under `--all`.
    SomeAppsFailed,
    /// 4: an invalid Procfile, app.json, CHECKS or `DOKKU_SCALE`.
    InvalidFile,
    /// 5: another command holds the app's lock.
    Locked,
    /// 7: no engine reachable, or not the one this state belongs to.
    NoEngine,
    /// 8: checks failed; an old release keeps running, if there was one.
    ChecksFailed,
    /// 10: `--dry-run --detailed-exitcode` found something to do.
    ChangesPending,
    /// 20: no such app.
    NoSuchApp,
    /// 70: a bug.
    Bug,
    /// 130: interrupted (SIGINT).
    Interrupted,
    /// 143: told to end (SIGTERM).
    Terminated,
    /// The code of the process that `run` or `enter` ran.
    Child(u8),
}

impl ExitStatus {
    /// The code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::SomeAppsFailed => 3,
            Self::InvalidFile => 4,
            Self::Locked => 5,
            Self::NoEngine => 7,
            Self::ChecksFailed => 8,
            Self::ChangesPending => 10,
            Self::NoSuchApp => 20,
            Self::Bug => 70,
            Self::Interrupted => 130,
            Self::Terminated => 143,
            Self::Child(code) => code,
        }
    }
}
