//! Why a use case failed. Display tells this layer only.

use crate::config::ConfigError;
use crate::execution::{NotReady, StepError, StepFailure};
use crate::formation::ScaleError;
use crate::names::{AppName, NameError, Replica};
use crate::plan::{Action, ActionKind};
use crate::planning::LaunchError;
use crate::policies::PropertyError;
use crate::runtime::RuntimeError;
use crate::source::SourceError;
use crate::store::StoreError;

/// A failed step of a plan.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct FailedStep {
    /// The app.
    pub app: AppName,
    /// What failed, as a sentence: `could not start shop.web.2`.
    pub text: String,
    /// The replica it was about.
    pub replica: Option<Replica>,
    /// Whether an earlier release goes on serving.
    pub still_serves: bool,
    /// Whether nothing is left of what the command had made; what is left, the next command removes.
    pub is_mended: bool,
    /// The next layer.
    #[source]
    pub error: StepError,
}

impl FailedStep {
    pub(crate) fn new(app: &AppName, mut failure: StepFailure, still_serves: bool, is_mended: bool) -> Self {
        // Backends know a container by its id; people know it by its replica.
        if let (StepError::Runtime(error), Some(replica)) = (&mut failure.error, &failure.replica) {
            error.subject = format!("{app}.{replica}");
        }
        Self {
            app: app.clone(),
            text: failure_text(app, failure.replica.as_ref(), failure.action.as_ref()),
            replica: failure.replica,
            still_serves,
            is_mended,
            error: failure.error,
        }
    }

    /// Whether a readiness check failed.
    pub fn is_check(&self) -> bool {
        matches!(self.error, StepError::NotReady(_))
    }

    /// The last lines that the failing process wrote.
    pub fn last_lines(&self) -> &[String] {
        match &self.error {
            StepError::NotReady(not_ready @ NotReady::Died { .. }) => not_ready.last_lines(),
            StepError::Unsuccessful { last_lines, .. } => last_lines,
            _ => &[],
        }
    }
}

/// What failed, in words for people: containers that have no name yet are called by their replica.
fn failure_text(app: &AppName, replica: Option<&Replica>, action: Option<&Action>) -> String {
    let Some(action) = action else {
        return format!("a step of {app} failed");
    };
    let who = replica.map_or_else(
        || format!("the one-off container of {app}"),
        |replica| format!("{app}.{replica}"),
    );
    match action.kind() {
        ActionKind::Create => format!("could not create {who}"),
        ActionKind::Start => format!("could not start {who}"),
        ActionKind::Stop => format!("could not stop {who}"),
        ActionKind::Remove => format!("could not remove {who}"),
        ActionKind::Rename => format!("could not rename {who}"),
        ActionKind::WaitReady => format!("{who} did not become ready"),
        ActionKind::WaitSucceeded => format!("the release process of {app} failed"),
        _ => format!("could not {action}"),
    }
}

impl OperationError {
    /// The app whose plan broke off: what it replaced before that may have to retire.
    pub fn broken_off(&self) -> Option<&AppName> {
        match self {
            Self::Step(step) => Some(&step.app),
            Self::Interrupted { app, .. } => Some(app),
            _ => None,
        }
    }
}

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A bad scale.
    #[error(transparent)]
    Scale(#[from] ScaleError),
    /// A bad property.
    #[error(transparent)]
    Property(#[from] PropertyError),
    /// A bad config variable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A bad name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A container cannot be described.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// A step failed.
    #[error(transparent)]
    Step(Box<FailedStep>),
    /// It was cancelled; what it had made was removed.
    #[error("{verb} of {app} was interrupted")]
    Interrupted {
        /// The app.
        app: AppName,
        /// The verb.
        verb: String,
    },
    /// The word names no process type or replica of the app.
    #[error("{app} has no process type or replica `{word}`: it has {known}")]
    NoSuchProcess {
        /// The app.
        app: AppName,
        /// The word as given.
        word: String,
        /// What it has, separated by commas.
        known: String,
    },
    /// The app has no source that could be deployed again.
    #[error("{app} has no source to build: deploy it once with a directory or an image")]
    NothingToRebuild {
        /// The app.
        app: AppName,
    },
    /// The app has no release.
    #[error("{app} was never deployed")]
    NeverDeployed {
        /// The app.
        app: AppName,
    },
    /// No replica of that kind runs.
    #[error("no container of {what} runs")]
    NothingRuns {
        /// What was asked for.
        what: String,
    },
    /// A container that is not ours has a name that is needed.
    #[error("a container called {name} exists and does not belong to this psctl")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// The name of the app's next image belongs to another state directory.
    #[error("the image {image} was made by a psctl with another state directory")]
    ImageTaken {
        /// The name.
        image: String,
    },
    /// The subnet cannot be used.
    #[error("the subnet {subnet} overlaps {route}, a route of {interface}")]
    SubnetTaken {
        /// The subnet that was to be used.
        subnet: String,
        /// The route.
        route: String,
        /// Its interface.
        interface: String,
    },
}
