//! Store changes in words, for plans and the journal. A config value never appears.

use std::fmt;

use crate::store::{Scope, StoreChange};

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("all apps"),
            Self::App(app) => app.fmt(f),
        }
    }
}

impl fmt::Display for StoreChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateApp(app) => write!(f, "the app {app}"),
            Self::DestroyApp(app) => write!(f, "that {app} is gone"),
            Self::RenameApp { app, to } => write!(f, "that {app} is called {to}"),
            Self::SetProperty {
                scope,
                property,
                value: Some(_),
            } => write!(f, "{property} of {scope}"),
            Self::SetProperty {
                scope,
                property,
                value: None,
            } => write!(f, "no {property} of {scope}"),
            Self::SetConfig { scope, .. } => write!(f, "the config of {scope}"),
            Self::SetFormation { formation, .. } => write!(f, "the formation {formation}"),
            Self::SetCheckMode { process_type, mode, .. } => write!(f, "checks of {process_type}: {mode:?}"),
            Self::SetSource { source, .. } => write!(f, "the source {source}"),
            Self::MarkStopped { stopped: true, .. } => f.write_str("that the operator stopped it"),
            Self::MarkStopped { stopped: false, .. } => f.write_str("that it should run"),
            Self::UseGenerations { next, .. } => write!(f, "that generations below {next} are used"),
            Self::UseReleaseNumbers { next, .. } => write!(f, "that releases below {next} are used"),
            Self::RecordRelease { release, .. } => write!(f, "release {}", release.number),
            Self::ExpireRelease { release, .. } => write!(f, "that {release} is not put back any more"),
            Self::ExpectImage { number, .. } => write!(f, "that there may be an image of {number}"),
            Self::ForgetImage { number, .. } => write!(f, "that the image of {number} is gone"),
            Self::Serve { replica, serving, .. } => {
                write!(f, "that generation {} serves as {replica}", serving.generation)
            }
            Self::StopServing { replica, .. } => write!(f, "that {replica} is not served"),
            Self::AddRetirement { retirement, .. } => {
                write!(
                    f,
                    "that generation {} of {} retires",
                    retirement.generation, retirement.replica
                )
            }
            Self::FinishRetirement { container, .. } => write!(f, "that {} is gone", container.short()),
            Self::ReleaseEndpoint { generation, .. } => {
                write!(f, "that the address of generation {generation} is free")
            }
        }
    }
}
