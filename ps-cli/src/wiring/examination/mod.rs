//! Gathers what `doctor` judges: one question after the other, each bounded in time.
//!
//! Invariant: nothing is made, changed, started, bound or locked. A question without an answer is kept as one
//! ([`FailedProbe`]) and ends nothing. Start at [`examine`].

mod cures;
mod held_locks;
mod places;
mod services;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use ps_core::addresses::Subnet;
use ps_core::app::AppRecord;
use ps_core::diagnosis::{EngineFacts, Facts, FailedProbe, FoundEngine, Registry};
use ps_core::names::AppName;
use ps_core::policies::{ProxyChoice, RestartPolicy};
use ps_core::proxy::ProxyPresence;
use ps_core::runtime::{ContainerFilter, ContainerId, Engine, EngineIdentity};

use self::cures::oldest_tested;
use self::held_locks::HeldLocks;
use super::adapters::find_program;
use super::candidates::Candidate;
use super::session::{EngineSearch, Session};
use crate::command_error::CommandError;

/// How long one question may take.
const LIMIT: Duration = Duration::from_secs(10);

/// How many containers are asked for at once.
const AT_ONCE: usize = 8;

/// Looks at everything.
pub async fn examine(session: &Session) -> Result<Facts, CommandError> {
    let directory = session.state_directory()?;
    let mut facts = Facts {
        now: Some(session.clock().now()),
        state: places::state(&directory, session.environment()),
        ..Facts::default()
    };
    facts.registry = registry(session, &mut facts).await;
    let bound = bound(session, &mut facts).await;
    let engine = engine(session, bound, &mut facts).await;
    let locks = HeldLocks::read();
    facts.busy = busy(&directory, &facts, &locks);
    services::look(session, &directory, &locks, &mut facts).await;
    cures::fill(session, &mut facts);
    if let Some(engine) = &engine {
        containers(&**engine, &mut facts).await;
        facts.foreign_routes = foreign_routes(session, &**engine, &facts);
    }
    let is_local = engine.is_some_and(|engine| engine.capabilities().host_sees_processes);
    facts.disks = places::disks(&directory, &facts, is_local);
    proxy(session, &mut facts).await;
    Ok(facts)
}

/// An answer in time; without one the reason is kept.
async fn ask<T, E: Into<CommandError>>(
    facts: &mut Facts,
    doing: &str,
    question: impl Future<Output = Result<T, E>>,
) -> Option<T> {
    let reason = match tokio::time::timeout(LIMIT, question).await {
        Ok(Ok(answer)) => return Some(answer),
        Ok(Err(error)) => reason(&error.into()),
        Err(_) => format!("no answer within {} s", LIMIT.as_secs()),
    };
    facts.failed.push(FailedProbe {
        doing: doing.to_owned(),
        reason,
        cure: None,
    });
    None
}

/// The error and its causes in one line.
fn reason(error: &CommandError) -> String {
    let mut text = error.error.to_string();
    let mut cause = error.error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// What the state says; why it cannot be read goes to the facts of the directory.
async fn registry(session: &Session, facts: &mut Facts) -> Option<Registry> {
    let read = async {
        let Some(store) = session.existing_store()? else {
            return Ok(None);
        };
        Ok::<_, CommandError>(Some(Registry {
            owner: store.owner().await?,
            apps: session.apps().await?,
            global: session.global().await?,
            subnet: store.subnet().await?,
        }))
    };
    let answer = match tokio::time::timeout(LIMIT, read).await {
        Ok(answer) => answer.map_err(|error| reason(&error)),
        Err(_) => Err(format!("no answer within {} s", LIMIT.as_secs())),
    };
    let check = session.damage_of_state();
    // What cannot be read is told below.
    if let Ok(Ok(damage)) = tokio::time::timeout(LIMIT, check).await {
        facts.state.damage = damage;
    }
    answer.unwrap_or_else(|reason| {
        facts.state.failure = Some(reason);
        None
    })
}

async fn bound(session: &Session, facts: &mut Facts) -> Option<EngineIdentity> {
    facts.registry.as_ref()?;
    let question = async { Ok::<_, CommandError>(session.store_to_read().await?.bound_engine().await?) };
    ask(facts, "read which engine the state belongs to", question).await?
}

/// Searches as every command does, but starts none.
async fn engine(
    session: &Session,
    bound: Option<EngineIdentity>,
    facts: &mut Facts,
) -> Option<std::sync::Arc<dyn Engine>> {
    facts.engine.bound.clone_from(&bound);
    let EngineSearch { discovery, found } = ask(facts, "look for an engine", session.search_engine(bound)).await?;
    let podman = discovery.wants("podman") && session.options().host.is_none();
    facts.engine = EngineFacts {
        found: None,
        tried: discovery.tried(),
        is_denied: discovery.is_denied(),
        starts_by_itself: podman && found.is_none() && find_program(session.environment(), "podman").is_some(),
        ..std::mem::take(&mut facts.engine)
    };
    let (engine, Candidate { address, origin }) = found?;
    let detail = ask(facts, "ask the engine about itself", engine.inspect_engine()).await;
    let identity = engine.identity();
    facts.engine.found = Some(FoundEngine {
        oldest_tested: oldest_tested(&identity.kind),
        identity,
        address: address.to_string(),
        reason: origin.to_string(),
        detail,
    });
    Some(engine)
}

fn busy(directory: &Path, facts: &Facts, locks: &HeldLocks) -> BTreeSet<AppName> {
    let folder = directory.join("locks");
    let apps = facts.registry.iter().flat_map(|registry| &registry.apps);
    let is_held = |name: &&AppName| locks.holds(&folder.join(format!("{name}.lock")));
    apps.map(|app| &app.name).filter(is_held).cloned().collect()
}

async fn containers(engine: &dyn Engine, facts: &mut Facts) {
    let filter = ContainerFilter::default();
    facts.containers = ask(facts, "list the containers", engine.list_containers(&filter)).await;
    let (Some(registry), Some(rows)) = (&facts.registry, &facts.containers) else {
        return;
    };
    let is_there = |id: &ContainerId| rows.iter().any(|row| row.id == *id);
    let serving = |app: &AppRecord| {
        app.serving
            .values()
            .map(|serving| serving.container.clone())
            .collect::<Vec<_>>()
    };
    let ids: Vec<ContainerId> = registry.apps.iter().flat_map(serving).filter(is_there).collect();
    let inspect = async |id: ContainerId| {
        // One that went away meanwhile has no policy any more.
        let detail = engine.inspect_container(&id).await.ok()?;
        Some((id, detail.restart_policy))
    };
    let asked = stream::iter(ids).map(inspect).buffer_unordered(AT_ONCE);
    let policies = async { Ok::<_, CommandError>(asked.filter_map(async |one| one).collect().await) };
    let policies: Option<BTreeMap<ContainerId, RestartPolicy>> = ask(facts, "inspect the containers", policies).await;
    facts.restart_policies = policies.unwrap_or_default();
}

/// Routes that win over the one to psctl's containers. The engine's own bridge has the whole subnet.
fn foreign_routes(session: &Session, engine: &dyn Engine, facts: &Facts) -> Vec<(Subnet, String)> {
    let subnet = facts.registry.as_ref().and_then(|registry| registry.subnet);
    let Some(subnet) = subnet.filter(|_| engine.capabilities().host_reaches_containers) else {
        return Vec::new();
    };
    let routes = session.host().routes();
    let wins = |route: &Subnet| route.prefix() >= subnet.prefix() && route.overlaps(&subnet);
    let mut taking: Vec<(Subnet, String)> = routes.into_iter().filter(|(route, _)| wins(route)).collect();
    let is_bridge = |name: &str| ["br-", "podman", "cni-"].iter().any(|start| name.starts_with(start));
    let own = taking
        .iter()
        .position(|(route, name)| *route == subnet && is_bridge(name));
    let own = own.or_else(|| taking.iter().position(|(route, _)| *route == subnet));
    if let Some(own) = own {
        taking.remove(own);
    }
    taking
}

async fn proxy(session: &Session, facts: &mut Facts) {
    if facts.state.failure.is_some() {
        return;
    }
    let Some(proxy) = ask(facts, "set the proxy up", session.proxy()).await else {
        return;
    };
    facts.proxy = ask(facts, "ask about the proxy", proxy.state()).await;
    let is_ready = facts
        .proxy
        .as_ref()
        .is_some_and(|proxy| proxy.presence == ProxyPresence::Ready);
    let with_global = facts.registry.iter().flat_map(|registry| {
        let apps = registry.apps.iter();
        apps.map(|app| (app, app.policies(&registry.global)))
    });
    let served = with_global.filter(|(app, policies)| {
        let is_wanted = policies
            .as_ref()
            .is_ok_and(|policies| policies.proxy != ProxyChoice::None);
        app.routed.is_some() || is_ready && is_wanted && app.release.is_some()
    });
    let served: Vec<AppName> = served.map(|(app, _)| app.name.clone()).collect();
    for app in served {
        let doing = format!("read the proxy's file of {app}");
        if let Some(None) = ask(facts, &doing, proxy.site_file(&app)).await {
            facts.missing_sites.insert(app);
        }
    }
}
