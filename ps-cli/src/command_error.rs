//! How a command fails: every conversion into [`CommandError`] stands here, and one match gives its exit code.
//!
//! Invariant: the message and its causes say what went wrong, a hint says what to do about it, naming a command or a file.

use std::error::Error;

use ps_core::config::ConfigError;
use ps_core::execution::{CheckFailure, NotReady, StepError};
use ps_core::formation::ScaleError;
use ps_core::names::{NameError, OneOffKind};
use ps_core::operations::{FailedStep, OperationError};
use ps_core::policies::PropertyError;
use ps_core::proxy::ProxyError;
use ps_core::runtime::{EngineAddressError, RuntimeError, RuntimeErrorKind};
use ps_core::source::{SourceError, SourceErrorKind};
use ps_core::store::{StoreError, StoreErrorKind};

use crate::arguments::ScopeError;
use crate::exit_status::ExitStatus;
use crate::link_error::link_error;
use crate::operation_error::{env_error, hint_of_possible, image_archive_error, launch_error, not_restored};
use crate::words::WordsError;

/// What kind of failure, as far as the exit code goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandErrorKind {
    /// It was tried and failed, or was refused.
    Failed,
    /// The command line is wrong.
    Usage,
    /// Some of all apps failed.
    SomeAppsFailed,
    /// A file of the source is invalid.
    InvalidFile,
    /// Another command works on the app.
    Locked,
    /// There is no engine to work with.
    NoEngine,
    /// New containers were not ready.
    ChecksFailed,
    /// There is no such app.
    NoSuchApp,
    /// Ended by Ctrl-C.
    Interrupted,
    /// Ended by SIGTERM.
    Terminated,
    /// psctl is wrong.
    Bug,
}

/// A failed command.
#[derive(Debug)]
pub struct CommandError {
    /// Decides the exit code.
    pub kind: CommandErrorKind,
    /// What went wrong, with its causes.
    pub error: Box<dyn Error + Send + Sync>,
    /// What to do about it.
    pub hints: Vec<String>,
    /// The last lines of the process that failed, with the name of its replica.
    pub output: Option<(String, Vec<String>)>,
}

impl CommandError {
    /// A failure without hints.
    pub fn new(kind: CommandErrorKind, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind,
            error: error.into(),
            hints: Vec::new(),
            output: None,
        }
    }

    /// A wrong command line.
    pub fn usage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(CommandErrorKind::Usage, error)
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The documented code.
    pub const fn exit_status(&self) -> ExitStatus {
        match self.kind {
            CommandErrorKind::Failed => ExitStatus::Failed,
            CommandErrorKind::Usage => ExitStatus::Usage,
            CommandErrorKind::SomeAppsFailed => ExitStatus::SomeAppsFailed,
            CommandErrorKind::InvalidFile => ExitStatus::InvalidFile,
            CommandErrorKind::Locked => ExitStatus::Locked,
            CommandErrorKind::NoEngine => ExitStatus::NoEngine,
            CommandErrorKind::ChecksFailed => ExitStatus::ChecksFailed,
            CommandErrorKind::NoSuchApp => ExitStatus::NoSuchApp,
            CommandErrorKind::Interrupted => ExitStatus::Interrupted,
            CommandErrorKind::Terminated => ExitStatus::Terminated,
            CommandErrorKind::Bug => ExitStatus::Bug,
        }
    }

    /// The lines for people: `error: …`, `caused by: …`, and after an empty line `hint: …`.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("error: {}", self.error)];
        let mut cause = self.error.source();
        while let Some(error) = cause {
            lines.push(format!("caused by: {error}"));
            cause = error.source();
        }
        if !self.hints.is_empty() {
            lines.push(String::new());
            lines.extend(self.hints.iter().map(|hint| format!("hint: {hint}")));
        }
        lines
    }
}

impl From<StoreError> for CommandError {
    fn from(mut error: StoreError) -> Self {
        let (kind, hint) = match &error.kind {
            StoreErrorKind::NoSuchApp(app) => {
                let hint = format!("`psctl apps:list` shows the apps, `psctl apps:create {app}` makes this one");
                (CommandErrorKind::NoSuchApp, Some(hint))
            }
            StoreErrorKind::AppExists(_) => (
                CommandErrorKind::Failed,
                Some("`psctl apps:list` shows the apps".into()),
            ),
            StoreErrorKind::Locked { .. } => {
                // The flags are the command line's: the store's own hint does not know them.
                error.hint = None;
                let hint = "wait until it is done with --wait, or longer with --lock-timeout <seconds>".to_owned();
                (CommandErrorKind::Locked, Some(hint))
            }
            StoreErrorKind::ListenerRuns { .. } => (CommandErrorKind::Locked, None),
            StoreErrorKind::Unusable => {
                let hint = "use another directory with --state-dir or PSCTL_STATE_DIR".to_owned();
                (CommandErrorKind::Failed, Some(hint))
            }
            StoreErrorKind::TooNew => (
                CommandErrorKind::Failed,
                Some("use the newer psctl that wrote it".into()),
            ),
            StoreErrorKind::DomainTaken { by, .. } => (
                CommandErrorKind::Failed,
                Some(format!("`psctl domains:report {by}` shows its domains")),
            ),
            StoreErrorKind::PortTaken { by, .. } => (
                CommandErrorKind::Failed,
                Some(format!("use another port, or `psctl ports:unpublish {by}`")),
            ),
            StoreErrorKind::NoEndpointLeft => (
                CommandErrorKind::Failed,
                Some("scale something down; the network is as large as PSCTL_SUBNET was when it was made".into()),
            ),
            StoreErrorKind::Failed => (CommandErrorKind::Failed, None),
        };
        let hints = error.hint.take().or(hint).into_iter().collect();
        Self {
            kind,
            error: Box::new(error),
            hints,
            output: None,
        }
    }
}

impl From<RuntimeError> for CommandError {
    fn from(error: RuntimeError) -> Self {
        let kind = runtime_kind(&error);
        let hint = runtime_hint(&error);
        let mut error = Self::new(kind, error);
        error.hints.extend(hint);
        error
    }
}

fn runtime_kind(error: &RuntimeError) -> CommandErrorKind {
    match error.kind {
        RuntimeErrorKind::Unreachable | RuntimeErrorKind::PermissionDenied => CommandErrorKind::NoEngine,
        RuntimeErrorKind::Invalid
        | RuntimeErrorKind::NotFound
        | RuntimeErrorKind::NameInUse
        | RuntimeErrorKind::ImageMissing
        | RuntimeErrorKind::Conflict
        | RuntimeErrorKind::AddressInUse
        | RuntimeErrorKind::OutcomeUnknown
        | RuntimeErrorKind::Unsupported
        | RuntimeErrorKind::BuildFailed
        | RuntimeErrorKind::Unexpected => CommandErrorKind::Failed,
    }
}

fn runtime_hint(error: &RuntimeError) -> Option<String> {
    Some(match (error.kind, error.runtime) {
        (RuntimeErrorKind::Unreachable, "podman") => {
            "start its service: `systemctl start podman.socket` (rootless: `systemctl --user start podman.socket`)"
                .into()
        }
        (RuntimeErrorKind::Unreachable, _) => {
            "start it: `systemctl start docker`; or name another engine with --host".into()
        }
        (RuntimeErrorKind::PermissionDenied, "docker") => docker_permission_hint(),
        (RuntimeErrorKind::PermissionDenied, _) => {
            "the socket belongs to another user: run psctl as that user, or start an engine of your own".into()
        }
        (RuntimeErrorKind::ImageMissing, _) => {
            format!("pull or build {} first, or check its name", error.subject)
        }
        (RuntimeErrorKind::AddressInUse, _) => {
            "something else on this host has that port or address: stop it, or use another port (`psctl ports:publish`)"
                .into()
        }
        (RuntimeErrorKind::OutcomeUnknown, _) => {
            "it may have happened: run the command again, it looks at what is there first".into()
        }
        _ => return None,
    })
}

/// What to do when the engine's socket may not be opened.
pub fn docker_permission_hint() -> String {
    "join the group that owns the socket (`sudo usermod -aG docker $USER`, then log in again), or use a rootless engine: `systemctl --user start podman.socket`".to_owned()
}

impl From<SourceError> for CommandError {
    fn from(mut error: SourceError) -> Self {
        let kind = match error.kind {
            SourceErrorKind::InvalidFile => CommandErrorKind::InvalidFile,
            SourceErrorKind::Unreadable | SourceErrorKind::NoDockerfile | SourceErrorKind::Refused => {
                CommandErrorKind::Failed
            }
        };
        let hints = error.hint.take().into_iter().collect();
        Self {
            kind,
            error: Box::new(error),
            hints,
            output: None,
        }
    }
}

impl From<ProxyError> for CommandError {
    fn from(mut error: ProxyError) -> Self {
        let hints = error.hint.take().into_iter().collect();
        let said = std::mem::take(&mut error.said);
        Self {
            kind: CommandErrorKind::Failed,
            error: Box::new(error),
            hints,
            output: Some(("nginx".to_owned(), said)).filter(|(_, said)| !said.is_empty()),
        }
    }
}

impl From<OperationError> for CommandError {
    fn from(error: OperationError) -> Self {
        match error {
            OperationError::Store(error) => error.into(),
            OperationError::Runtime(error) => error.into(),
            OperationError::Source(error) => error.into(),
            OperationError::Proxy(error) => error.into(),
            OperationError::Scale(error) => error.into(),
            OperationError::Formation(error) => Self::new(CommandErrorKind::InvalidFile, error)
                .hint("add the type to the Procfile, or take its quantity away"),
            OperationError::Env { app, error } => env_error(&app, error),
            OperationError::ScaleOwned { .. } => Self::new(CommandErrorKind::Failed, error)
                .hint("change its quantities and deploy, or remove them to scale with `psctl ps:scale`"),
            OperationError::Property(error) => error.into(),
            OperationError::Config(error) => error.into(),
            OperationError::Name(error) => error.into(),
            OperationError::Step(step) => Self::from(*step),
            OperationError::Launch(error) => launch_error(error),
            OperationError::ImageTaken { .. } => Self::new(CommandErrorKind::Failed, error)
                .hint("choose another name for the app, or use that state directory with --state-dir"),
            OperationError::NameTaken { .. } => Self::new(CommandErrorKind::Failed, error)
                .hint("rename or remove that container, or choose another name for the app"),
            OperationError::Link(_)
            | OperationError::AliasTaken { .. }
            | OperationError::NoSuchLink { .. }
            | OperationError::NetworkTaken { .. }
            | OperationError::SubnetTaken { .. } => link_error(error),
            OperationError::NoSuchProcess { .. } => Self::usage(error),
            OperationError::NoSuchRun { .. } => Self::usage(error).hint("`psctl run:list <app>` shows them"),
            OperationError::Interrupted { .. } => Self::new(CommandErrorKind::Interrupted, error)
                .hint("what it had made was removed; what served before goes on serving"),
            OperationError::PostdeployInterrupted { .. } => Self::new(CommandErrorKind::Interrupted, error)
                .hint("the new release serves all the same; `psctl run <app> <command>` runs the command again"),
            OperationError::NothingToRebuild { .. } => Self::new(CommandErrorKind::Failed, error).hint(
                "`psctl deploy <app> <dir>`, `git:from-archive`, `git:sync --build`, `git:from-image` and `git:load-image` name one",
            ),
            OperationError::NoImageArchive { .. }
            | OperationError::NotOneImage { .. }
            | OperationError::LoadedImageGone { .. } => image_archive_error(error),
            OperationError::PublishedOnce { .. } => Self::new(CommandErrorKind::Failed, error)
                .hint("`psctl ports:unpublish <app>` takes the port away"),
            OperationError::NeverDeployed { .. } => {
                Self::new(CommandErrorKind::Failed, error).hint("`psctl deploy <app> <dir>` deploys it")
            }
            OperationError::NoSuchRelease { .. } => Self::usage(error).hint("`psctl releases <app>` shows them"),
            OperationError::ReleaseRemoved { ref possible, .. } => {
                let hint = hint_of_possible(possible);
                Self::new(CommandErrorKind::Failed, error).hint(hint)
            }
            OperationError::ReleaseLost { .. } | OperationError::EndedAgain { .. } => not_restored(error),
            OperationError::NothingToRollBackTo { .. } => {
                Self::new(CommandErrorKind::Failed, error).hint("`psctl releases <app>` shows the releases")
            }
            OperationError::NothingRuns { .. } => {
                Self::new(CommandErrorKind::Failed, error).hint("`psctl ps:report <app>` shows what runs")
            }
        }
    }
}

/// Most of what cannot be reached listens on its own loopback address only.
fn check_hint(not_ready: &NotReady) -> Option<String> {
    let NotReady::CheckFailed { reason, .. } = not_ready else {
        return None;
    };
    let is_unheard = matches!(reason, CheckFailure::NoAnswer(_) | CheckFailure::NotListening { .. });
    let hint = "it has to listen on 0.0.0.0, not on 127.0.0.1 alone, and on the port that the check asks";
    is_unheard.then(|| hint.to_owned())
}

impl From<FailedStep> for CommandError {
    fn from(step: FailedStep) -> Self {
        let lines = step.last_lines().to_vec();
        let phase = step.phase;
        let who = match (&step.replica, phase) {
            _ if matches!(step.error, StepError::Proxy(_)) => "nginx".to_owned(),
            (Some(replica), _) => replica.to_string(),
            (None, phase) => phase.unwrap_or(OneOffKind::Release).to_string(),
        };
        let (still_serves, is_mended) = (step.still_serves, step.is_mended);
        let (kind, hint) = match &step.error {
            StepError::NotReady(not_ready) => (CommandErrorKind::ChecksFailed, check_hint(not_ready)),
            StepError::Runtime(error)
                if error.kind == RuntimeErrorKind::Invalid && phase == Some(OneOffKind::Predeploy) =>
            {
                let hint = "a predeploy command needs a shell in the image: `psctl ps:set <app> shell <path>` says where it is, else it is /bin/sh";
                (CommandErrorKind::Failed, Some(hint.to_owned()))
            }
            StepError::Runtime(error) if error.kind == RuntimeErrorKind::Invalid => {
                let hint = "is the program of the command in the image, and executable? A command that needs a shell runs with /bin/sh (`psctl ps:set <app> shell`)";
                (CommandErrorKind::Failed, Some(hint.to_owned()))
            }
            StepError::Runtime(error) => (runtime_kind(error), runtime_hint(error)),
            StepError::Source(error) => (CommandErrorKind::Failed, error.hint.clone()),
            StepError::Proxy(error) => (CommandErrorKind::Failed, error.hint.clone()),
            StepError::NotThere { .. } => (CommandErrorKind::ChecksFailed, None),
            StepError::Store(_) | StepError::Unsuccessful { .. } | StepError::Cancelled => {
                (CommandErrorKind::Failed, None)
            }
            StepError::MissingResult => (CommandErrorKind::Bug, None),
        };
        let after = match phase {
            Some(OneOffKind::Postdeploy) => Some(format!(
                "the new release serves all the same; `psctl run {} <command>` runs the command again",
                step.app
            )),
            Some(OneOffKind::FirstDeploy) => Some("the next first deploy runs the command again".to_owned()),
            _ => None,
        };
        let mut error = Self::new(kind, step);
        error.output = Some((who, lines)).filter(|(_, lines)| !lines.is_empty());
        error.hints.extend(hint.into_iter().chain(after));
        if still_serves {
            let rest = if is_mended {
                "nothing of the new containers is left"
            } else {
                "the next command removes what is left of the new containers"
            };
            error.hints.push(format!("what served before goes on serving; {rest}"));
        }
        error
    }
}

impl From<NameError> for CommandError {
    fn from(error: NameError) -> Self {
        Self::usage(error)
    }
}

impl From<ScaleError> for CommandError {
    fn from(error: ScaleError) -> Self {
        Self::usage(error)
    }
}

impl From<PropertyError> for CommandError {
    fn from(error: PropertyError) -> Self {
        Self::usage(error)
    }
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        Self::usage(error)
    }
}

impl From<EngineAddressError> for CommandError {
    fn from(error: EngineAddressError) -> Self {
        Self::usage(error)
    }
}

impl From<ScopeError> for CommandError {
    fn from(error: ScopeError) -> Self {
        Self::usage(error).hint("name an app, or write --global")
    }
}

impl From<WordsError> for CommandError {
    fn from(error: WordsError) -> Self {
        let hint = match &error {
            WordsError::UnknownCommand {
                nearest: Some(name), ..
            } => format!("did you mean `psctl {name}`?"),
            WordsError::UnknownCommand { nearest: None, .. } => "`psctl help` shows the commands".to_owned(),
            WordsError::TwoInfoFlags { .. } => "without one, the report prints everything".to_owned(),
        };
        Self::usage(error).hint(hint)
    }
}

impl From<clap::Error> for CommandError {
    /// clap's own text has the same parts: the message, `tip:` lines and the usage.
    fn from(error: clap::Error) -> Self {
        let text = error.render().to_string();
        let message = text.split("\n\n").next().unwrap_or_default();
        let mut result = Self::usage(message.trim_start_matches("error: ").trim_end().to_owned());
        for line in text.lines().map(str::trim) {
            if let Some(tip) = line.strip_prefix("tip: ") {
                result = result.hint(tip.replace('\'', "`"));
            } else if let Some(usage) = line.strip_prefix("Usage: ") {
                result = result.hint(format!("usage: {usage}"));
            }
        }
        result
    }
}
