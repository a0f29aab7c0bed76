//! What a step does, in words: the text of plans, dry runs and traces. Invariant: no config value appears in it.

use std::fmt;

use super::action::{Action, ContainerRef, EngineAction, ImageAction, ProxyAction, StoreAction, WaitAction};
use super::{Readiness, StartupKind};
use crate::store::EndpointKind;

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(action) => action.fmt(f),
            Self::Image(action) => action.fmt(f),
            Self::Wait(action) => action.fmt(f),
            Self::Proxy(action) => action.fmt(f),
            Self::Store(action) => action.fmt(f),
        }
    }
}

impl fmt::Display for EngineAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateNetwork(spec) => match spec.subnet {
                Some(subnet) => write!(f, "create network {} ({subnet})", spec.name),
                None => write!(f, "create network {}", spec.name),
            },
            Self::RemoveNetwork(network) => write!(f, "remove network {network}"),
            Self::Connect {
                container,
                network,
                aliases,
            } => {
                write!(f, "connect {container} to {network}")?;
                let names = aliases.join(" and ");
                if names.is_empty() {
                    Ok(())
                } else {
                    write!(f, " as {names}")
                }
            }
            Self::Disconnect { container, network } => write!(f, "disconnect {container} from {network}"),
            Self::Create { spec, .. } => write!(f, "create {}", spec.name),
            Self::Start(container) => write!(f, "start {container}"),
            Self::Stop { container, timeout } => {
                write!(f, "stop {container}, SIGKILL after {} s", timeout.as_secs())
            }
            Self::Kill { container, signal } => write!(f, "send {} to {container}", signal.name()),
            Self::UpdateRestartPolicy { container, policy } => {
                write!(f, "set the restart policy of {container} to {policy}")
            }
            Self::Rename { container, to, .. } => write!(f, "rename {container} to {to}"),
            Self::Remove(container) => write!(f, "remove {container}"),
            Self::Attach { container, .. } => write!(f, "send a script to {container}"),
            Self::Commit { container, spec } => write!(f, "keep the files of {container} as image {}", spec.tag),
            Self::ReadFile { container, path } => write!(f, "read {path} from {container}"),
            Self::Locate { container, .. } => write!(f, "ask where {container} listens"),
        }
    }
}

impl fmt::Display for ImageAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build { source, tag, .. } => write!(f, "build image {tag} from {source}"),
            Self::Pull { image } => write!(f, "pull image {image}"),
            Self::Load { file } => write!(f, "load image archive {}", file.display()),
            Self::TagLoaded { file, tag, .. } => write!(f, "name the image of {} also {tag}", file.display()),
            Self::Tag { image, tag } => write!(f, "name image {image} also {tag}"),
            Self::Remove { image } => write!(f, "remove image {image}"),
        }
    }
}

impl fmt::Display for WaitAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready {
                container, readiness, ..
            } => {
                write!(f, "wait until {container} is ready{}", Asked(readiness))?;
                write!(f, ", at most {} s", readiness.limit().as_secs())
            }
            Self::Succeeded { container, .. } => write!(f, "wait until {container} has ended with 0"),
        }
    }
}

impl fmt::Display for ProxyAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serve { app, upstreams, .. } if upstreams.is_empty() => write!(f, "answer 502 for {app}"),
            Self::Serve { app, upstreams, .. } => {
                let from: Vec<String> = upstreams
                    .iter()
                    .map(|upstream| format!("{} ({})", upstream.replica, upstream.located))
                    .collect();
                write!(f, "send requests for {app} to {}", Listed(&from))
            }
            Self::Remove(app) => write!(f, "send no requests to {app} any more"),
        }
    }
}

impl fmt::Display for StoreAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(changes) => write!(f, "record {}", Listed(changes)),
            Self::ReserveEndpoints { kind, wanted, .. } => {
                let what = match kind {
                    EndpointKind::Address(_) => "addresses",
                    EndpointKind::LoopbackPort => "loopback ports",
                };
                let replicas: Vec<_> = wanted.iter().map(|(replica, _)| replica).collect();
                write!(f, "reserve {what} for {}", Listed(&replicas))
            }
            Self::Switch(switch) => {
                let mut parts: Vec<String> = Vec::new();
                parts.extend(
                    switch
                        .release
                        .as_ref()
                        .map(|release| format!("release {}", release.number)),
                );
                parts.extend(switch.serve.iter().map(|serving| match &serving.container {
                    ContainerRef::Made(step) => format!("{} is served from {step}", serving.replica),
                    ContainerRef::Existing { name, .. } => format!("{} is served from {name}", serving.replica),
                }));
                parts.extend(switch.changes.iter().map(ToString::to_string));
                write!(f, "record {}", Listed(&parts))
            }
        }
    }
}

/// What a source asks for; the default needs no words.
struct Asked<'a>(&'a Readiness);

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.checks.as_slice() {
            [only]
                if matches!(
                    only.kind,
                    StartupKind::Uptime(_) | StartupKind::UptimeOrListening { .. }
                ) =>
            {
                Ok(())
            }
            checks => write!(f, ": {}", Listed(checks)),
        }
    }
}

struct Listed<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Listed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, item) in self.0.iter().enumerate() {
            let gap = if position == 0 { "" } else { ", " };
            write!(f, "{gap}{item}")?;
        }
        Ok(())
    }
}
