//! Why a use case failed. Display tells this layer only.

use std::path::PathBuf;

use crate::config::ConfigError;
use crate::execution::{StepError, StepFailure};
use crate::formation::ScaleError;
use crate::links::Link;
use crate::names::{AppName, NameError, OneOffKind, Replica};
use crate::plan::{Action, ActionKind, Cause, Plan};
use crate::planning::{EnvError, FormationError, LaunchError, LinkFault};
use crate::policies::PropertyError;
use crate::proxy::ProxyError;
use crate::release::ReleaseNumber;
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
    /// The command of a deploy that it belonged to. When that is the postdeploy one, the new release serves.
    pub phase: Option<OneOffKind>,
    /// Whether an earlier release goes on serving.
    pub still_serves: bool,
    /// Whether nothing is left of what the command had made; what is left, the next command removes.
    pub is_mended: bool,
    /// The next layer.
    #[source]
    pub error: StepError,
}

impl FailedStep {
    pub(crate) fn new(plan: &Plan, mut failure: StepFailure, still_serves: bool, is_mended: bool) -> Self {
        let app = plan.app();
        let phase = plan
            .steps()
            .get(failure.step.position())
            .and_then(|step| match step.cause {
                Cause::Phase { kind, .. } => Some(kind),
                _ => None,
            });
        let step = plan.steps().get(failure.step.position());
        let is_linked = step.is_some_and(|step| matches!(step.cause, Cause::Linked | Cause::Unlinked));
        // Backends know a container by its id; people know it by its replica.
        if let (StepError::Runtime(error), Some(replica)) = (&mut failure.error, &failure.replica) {
            error.subject = format!("{app}.{replica}");
        }
        Self {
            app: app.clone(),
            text: match &failure.action {
                // What the app is linked with has a name of its own.
                Some(action) if is_linked => format!("could not {action}"),
                action => failure_text(app, phase, failure.replica.as_ref(), action.as_ref()),
            },
            replica: failure.replica,
            phase,
            still_serves: still_serves && phase != Some(OneOffKind::Postdeploy),
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
            StepError::NotReady(not_ready) => not_ready.last_lines(),
            StepError::Unsuccessful { last_lines, .. } => last_lines,
            StepError::Proxy(error) => &error.said,
            _ => &[],
        }
    }
}

/// What failed, in words for people: containers that have no name yet are called by their replica.
fn failure_text(
    app: &AppName,
    phase: Option<OneOffKind>,
    replica: Option<&Replica>,
    action: Option<&Action>,
) -> String {
    let Some(action) = action else {
        return format!("a step of {app} failed");
    };
    let who = match (replica, phase) {
        (Some(replica), _) => format!("{app}.{replica}"),
        (None, Some(OneOffKind::Release)) => format!("the release process of {app}"),
        (None, Some(kind)) => format!("the {kind} command of {app}"),
        (None, None) => format!("the one-off container of {app}"),
    };
    match action.kind() {
        ActionKind::Create => format!("could not create {who}"),
        ActionKind::Start => format!("could not start {who}"),
        ActionKind::Stop => format!("could not stop {who}"),
        ActionKind::Remove => format!("could not remove {who}"),
        ActionKind::Rename => format!("could not rename {who}"),
        ActionKind::WaitReady => format!("{who} did not become ready"),
        ActionKind::WaitSucceeded => format!("{who} failed"),
        ActionKind::Proxy => format!("could not send requests for {app} to its containers"),
        ActionKind::Locate => format!("{who} cannot get requests"),
        ActionKind::Attach => format!("could not send its script to {who}"),
        ActionKind::Commit => format!("could not keep the files of {who}"),
        _ => format!("could not {action}"),
    }
}

impl OperationError {
    /// The app whose plan broke off: what it replaced before that may have to retire.
    pub fn broken_off(&self) -> Option<&AppName> {
        match self {
            Self::Step(step) => Some(&step.app),
            Self::Interrupted { app, .. } | Self::PostdeployInterrupted { app } => Some(app),
            _ => None,
        }
    }
}

/// `2 images: a:1, b:1`.
fn counted(images: &[String]) -> String {
    match images {
        [] => "no image".to_owned(),
        images => format!("{} images: {}", images.len(), images.join(", ")),
    }
}

/// `v1, v2, v3`; of many releases the newest.
fn listed(releases: &[ReleaseNumber]) -> String {
    const SHOWN: usize = 10;
    let skipped = releases.len().saturating_sub(SHOWN);
    let names: Vec<String> = releases.iter().skip(skipped).map(ToString::to_string).collect();
    let more = if skipped > 0 { "…, " } else { "" };
    format!("{more}{}", names.join(", "))
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
    /// The proxy.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// A bad scale.
    #[error(transparent)]
    Scale(#[from] ScaleError),
    /// A source scales a type that cannot be scaled.
    #[error(transparent)]
    Formation(#[from] FormationError),
    /// A source asks for an environment that cannot be made.
    #[error("{app} cannot be deployed")]
    Env {
        /// The app.
        app: AppName,
        /// Why.
        #[source]
        error: EnvError,
    },
    /// A link cannot be used.
    #[error(transparent)]
    Link(#[from] LinkFault),
    /// Another link of the app has the alias.
    #[error("{app} reaches the container {} as {} already", link.container, link.alias)]
    AliasTaken {
        /// The app.
        app: AppName,
        /// The link that has the alias.
        link: Link,
    },
    /// The app has no such link.
    #[error("{app} has no link {word}: it has {}", if known.is_empty() { "none" } else { known })]
    NoSuchLink {
        /// The app.
        app: AppName,
        /// The link as given.
        word: String,
        /// Those it has, separated by commas.
        known: String,
    },
    /// A network that is not ours has the name of the app's own.
    #[error("a network called {name} exists and does not belong to this psctl")]
    NetworkTaken {
        /// The name.
        name: String,
    },
    /// The current release's app.json owns the scale.
    #[error("the app.json of {app} says how many replicas there are")]
    ScaleOwned {
        /// The app.
        app: AppName,
    },
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
    /// It was cancelled when the new release served already.
    #[error("the postdeploy command of {app} was interrupted")]
    PostdeployInterrupted {
        /// The app.
        app: AppName,
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
    /// `web` has an outside port, which one container can have.
    #[error("{app} publishes port {port}, which one web replica can have, not {replicas}")]
    PublishedOnce {
        /// The app.
        app: AppName,
        /// The port.
        port: u16,
        /// How many were asked for.
        replicas: u16,
    },
    /// The app has no source that could be deployed again.
    #[error("{app} has no source to build: deploy it once with a directory, an archive, a git repository or an image")]
    NothingToRebuild {
        /// The app.
        app: AppName,
    },
    /// What was to be loaded is no archive of images.
    #[error("{} is no archive of images", file.display())]
    NoImageArchive {
        /// The app.
        app: AppName,
        /// The file.
        file: PathBuf,
        /// What the engine said.
        #[source]
        error: RuntimeError,
    },
    /// An archive to be deployed holds no image, or more than one.
    #[error("the image archive {} holds {}", file.display(), counted(images))]
    NotOneImage {
        /// The app.
        app: AppName,
        /// The archive.
        file: PathBuf,
        /// The images, which are loaded: each by a name or its id.
        images: Vec<String>,
    },
    /// The engine no longer has the image that was loaded.
    #[error("the image of the archive {} is gone from the engine", file.display())]
    LoadedImageGone {
        /// The app.
        app: AppName,
        /// The archive.
        file: PathBuf,
    },
    /// There is no release of that number.
    #[error("{app} has no release {number}: it has {}", listed(known))]
    NoSuchRelease {
        /// The app.
        app: AppName,
        /// The number.
        number: ReleaseNumber,
        /// The releases it has.
        known: Vec<ReleaseNumber>,
    },
    /// The image or the config of the release is gone.
    #[error("{number} of {app} cannot be put back: its image was removed")]
    ReleaseRemoved {
        /// The app.
        app: AppName,
        /// The release.
        number: ReleaseNumber,
        /// The releases that can be put back.
        possible: Vec<ReleaseNumber>,
    },
    /// A release that served cannot be made again.
    #[error("the image of {number} of {app} is gone, and {why}")]
    ReleaseLost {
        /// The app.
        app: AppName,
        /// The release.
        number: ReleaseNumber,
        /// Why it is not made from its source: `the directory /src changed since`.
        why: String,
    },
    /// Containers that were started ended at once.
    #[error("{containers} ended right after its start")]
    EndedAgain {
        /// The app.
        app: AppName,
        /// Their names, separated by commas.
        containers: String,
    },
    /// No one-off of `run` has that name.
    #[error("{app} has no one-off container {name}: it has {}", if known.is_empty() { "none" } else { known })]
    NoSuchRun {
        /// The app.
        app: AppName,
        /// The name.
        name: String,
        /// Those it has, separated by commas.
        known: String,
    },
    /// No release served before the current one.
    #[error("no earlier release of {app} has served, so there is nothing to roll back to")]
    NothingToRollBackTo {
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
