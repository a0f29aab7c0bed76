//! Asks the candidates one after the other until [`Discovery`] has its engine.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use ps_core::runtime::{Engine, RuntimeError, RuntimeErrorKind};

use super::adapters::Adapters;
use super::candidates::{Candidate, Origin};
use super::discovery::{Discovery, Finding, Verdict};
use crate::command_error::CommandError;
use crate::environment::Environment;

/// The search is over: no other address may be tried.
#[derive(Debug)]
pub(super) struct Stopped;

/// Where the search asks, and where it may keep what is slow to ask.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) adapters: &'a dyn Adapters,
    pub(super) notes: Option<&'a Path>,
}

/// The engine to use. A `podman` program without a service is the last resort.
pub(super) async fn find_engine(
    around: Surroundings<'_>,
    mut discovery: Discovery,
    candidates: Vec<Candidate>,
    environment: &Environment,
) -> Result<Arc<dyn Engine>, CommandError> {
    let is_explicit = candidates.iter().any(|candidate| candidate.origin == Origin::Flag);
    match find_running_engine(around, &mut discovery, candidates).await {
        Ok(Some((engine, _))) => return Ok(engine),
        Ok(None) => {}
        Err(Stopped) => return Err(discovery.failure()),
    }
    let own = if !is_explicit && discovery.wants("podman") {
        around.adapters.start_podman_service(environment).await?
    } else {
        None
    };
    if let Some(address) = own {
        let origin = Origin::OwnService;
        let candidates = vec![Candidate { address, origin }];
        if let Ok(Some((engine, _))) = find_running_engine(around, &mut discovery, candidates).await {
            return Ok(engine);
        }
    }
    Err(discovery.failure())
}

/// The engine to use, and where it listens, when it runs; `discovery` knows why there is none.
pub(super) async fn find_running_engine(
    around: Surroundings<'_>,
    discovery: &mut Discovery,
    candidates: Vec<Candidate>,
) -> Result<Option<(Arc<dyn Engine>, Candidate)>, Stopped> {
    for candidate in candidates {
        let (engine, finding) = ask(around, discovery, &candidate).await;
        match (discovery.consider(candidate.clone(), finding), engine) {
            (Verdict::Use, Some(engine)) => return Ok(Some((engine, candidate))),
            (Verdict::Stop, _) => return Err(Stopped),
            _ => {}
        }
    }
    Ok(None)
}

async fn ask(
    around: Surroundings<'_>,
    discovery: &Discovery,
    candidate: &Candidate,
) -> (Option<Arc<dyn Engine>>, Finding) {
    let kind = match around.adapters.probe(&candidate.address).await {
        Ok(kind) => kind,
        Err(error) => return (None, failed(&error)),
    };
    if !discovery.wants(kind.name()) {
        return (None, Finding::OtherKind(kind.name()));
    }
    match around.adapters.connect(kind, &candidate.address, around.notes).await {
        Ok(engine) => {
            let identity = engine.identity();
            (Some(engine), Finding::Engine(identity))
        }
        Err(error) => (None, failed(&error)),
    }
}

fn failed(error: &RuntimeError) -> Finding {
    let mut innermost: &dyn Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    let reason = match error.kind {
        RuntimeErrorKind::Unreachable => "nobody listens".to_owned(),
        RuntimeErrorKind::PermissionDenied => "permission denied".to_owned(),
        RuntimeErrorKind::OutcomeUnknown => "no answer in time".to_owned(),
        _ => innermost.to_string(),
    };
    Finding::Failed {
        kind: error.kind,
        reason,
    }
}
