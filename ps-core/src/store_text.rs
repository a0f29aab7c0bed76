//! Store changes in words, for plans and the journal. A config value never appears.

use std::fmt;

use crate::app::BEING_WRITTEN;

use crate::domains::Domain;
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
    #[expect(clippy::too_many_lines, reason = "one arm for each change")]
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
            Self::SetQuarantine {
                quarantine: Some(quarantine),
                ..
            } => write!(f, "the quarantine: {}", quarantine.cause),
            Self::SetQuarantine { quarantine: None, .. } => f.write_str("that the quarantine is over"),
            Self::RecordCrash { crash, .. } => write!(f, "a failure of {}", crash.replica),
            Self::ForgetCrashes { before: None, .. } => f.write_str("that no failure counts any more"),
            Self::ForgetCrashes { before: Some(_), .. } => f.write_str("that old failures do not count any more"),
            Self::SetDomains { scope, domains } if domains.is_empty() => write!(f, "no domains of {scope}"),
            Self::SetDomains { scope, domains } => {
                let domains: Vec<&str> = domains.iter().map(Domain::as_str).collect();
                write!(f, "the domains {} of {scope}", domains.join(", "))
            }
            Self::SetLinks { links, .. } if links.is_empty() => f.write_str("no links"),
            Self::SetLinks { links, .. } => {
                let links: Vec<String> = links.iter().map(ToString::to_string).collect();
                write!(f, "the links {}", links.join(", "))
            }
            Self::PublishPort { port: Some(port), .. } => write!(f, "the published port {port}"),
            Self::PublishPort { port: None, .. } => f.write_str("no published port"),
            Self::SetRouted { routed: None, .. } => f.write_str("that it has no proxy file"),
            Self::SetRouted {
                routed: Some(routed), ..
            } if routed.is_empty() => f.write_str("that its proxy file names nothing"),
            Self::SetRouted {
                routed: Some(routed), ..
            } => {
                let is_written = routed.contains(&BEING_WRITTEN);
                let named = routed.iter().filter(|generation| **generation != BEING_WRITTEN);
                let named: Vec<String> = named.map(ToString::to_string).collect();
                let what = match (is_written, named.as_slice()) {
                    (false, _) => "that its proxy file names generation ",
                    (true, []) => "that its proxy file is written",
                    (true, _) => "that its proxy file may name generation ",
                };
                write!(f, "{what}{}", named.join(", "))
            }
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
