//! Links: containers of others that an app reaches under an alias, in a network of its own, since an alias means one thing per app.
//! Invariant: a linked container is started and connected, and taken out of that network again; nothing else is done to it. Start at
//! [`plan_links`].

use std::collections::{BTreeMap, BTreeSet};

use crate::labels;
use crate::links::Link;
use crate::names::{AppName, OwnerToken, Replica};
use crate::plan::{Cause, ContainerRef, EngineAction, Plan, StepId};
use crate::planning::{NetworkState, Situation};
use crate::runtime::{ContainerId, ContainerState, NetworkAttachment, NetworkSpec};

/// What an app's links meet on the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkState {
    /// The app's own network. It exists only while the app has links.
    pub network: NetworkState,
    /// The containers of the app's links, each once, in the order of the links.
    pub services: Vec<LinkedService>,
    /// What else is connected to the network and is none of psctl's: id and name.
    pub others: Vec<(ContainerId, String)>,
}

/// A container that an app is linked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedService {
    /// Its name.
    pub container: String,
    /// The names under which the app reaches it.
    pub aliases: BTreeSet<String>,
    /// What is there under its name.
    pub found: FoundService,
}

/// What is there under the name of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundService {
    /// Nothing.
    Missing,
    /// A container of an app of this state directory, or of another one.
    OfAnApp,
    /// A container that cannot be connected to networks.
    Unjoinable,
    /// A container that can be linked.
    There {
        /// Its full id.
        id: ContainerId,
        /// Its state.
        state: ContainerState,
        /// Its names in the app's network; `None` when it is not connected to it.
        aliases: Option<BTreeSet<String>>,
    },
}

/// Why a link cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{app} is linked with the container {container}, {problem}")]
pub struct LinkFault {
    /// The app.
    pub app: AppName,
    /// The container's name.
    pub container: String,
    /// What is wrong with it.
    pub problem: LinkProblem,
}

/// What is wrong with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkProblem {
    /// There is no such container.
    #[error("which does not exist")]
    Missing,
    /// It is one of psctl's: its name changes with each deploy.
    #[error("which is a container of an app")]
    OfAnApp,
    /// It cannot be connected to networks.
    #[error("whose network mode does not let it join a network")]
    Unjoinable,
}

impl LinkState {
    /// Nothing linked, nothing there.
    pub fn none(owner: &OwnerToken, app: &AppName) -> Self {
        let spec = NetworkSpec {
            name: link_network_name(owner, app),
            subnet: None,
            resolves_aliases: true,
            labels: BTreeMap::from([
                (labels::OWNER.to_owned(), owner.as_str().to_owned()),
                (labels::APP.to_owned(), app.to_string()),
            ]),
        };
        Self {
            network: NetworkState { spec, exists: false },
            services: Vec::new(),
            others: Vec::new(),
        }
    }

    /// What is reckoned with after [`plan_links`] was carried out.
    #[must_use]
    pub(crate) fn joined(mut self) -> Self {
        self.network.exists |= !self.services.is_empty();
        for service in &mut self.services {
            if let FoundService::There { state, aliases, .. } = &mut service.found {
                *aliases = Some(service.aliases.clone());
                *state = ContainerState::Running;
            }
        }
        self
    }

    /// What is reckoned with when the app has another name: its network is another one, which nothing is connected to yet.
    #[must_use]
    pub(crate) fn of_app(self, owner: &OwnerToken, app: &AppName) -> Self {
        let mut services = self.services;
        for service in &mut services {
            if let FoundService::There { aliases, .. } = &mut service.found {
                *aliases = None;
            }
        }
        Self {
            services,
            ..Self::none(owner, app)
        }
    }
}

/// The name of the network in which an app reaches what it is linked with.
pub(crate) fn link_network_name(owner: &OwnerToken, app: &AppName) -> String {
    format!("psctl-{}-{app}", owner.as_str().get(..12).unwrap_or(owner.as_str()))
}

/// The containers of links, each once, with all their aliases.
pub(crate) fn services_of(links: &[Link]) -> Vec<(&str, BTreeSet<String>)> {
    let mut services: Vec<(&str, BTreeSet<String>)> = Vec::new();
    for link in links {
        let alias = link.alias.clone();
        match services.iter_mut().find(|(container, _)| *container == link.container) {
            Some((_, aliases)) => {
                aliases.insert(alias);
            }
            None => services.push((&link.container, BTreeSet::from([alias]))),
        }
    }
    services
}

/// The plan after which everything that an app is linked with runs, and is connected to the app's network under its aliases. It comes
/// before every plan that starts containers of the app. Empty when that is so already.
///
/// # Errors
/// When a linked container is missing or cannot be linked.
pub fn plan_links(situation: &Situation) -> Result<Plan, LinkFault> {
    let links = &situation.links;
    let mut plan = Plan::new(situation.record.name.clone());
    for service in &links.services {
        usable(situation, service)?;
    }
    let mut before: Vec<StepId> = Vec::new();
    if !links.services.is_empty() && !links.network.exists {
        let create = EngineAction::CreateNetwork(links.network.spec.clone());
        before.push(plan.push(create, Cause::Linked, &[]));
    }
    for service in &links.services {
        join_service(&mut plan, situation, service, &before);
    }
    Ok(plan)
}

fn usable(situation: &Situation, service: &LinkedService) -> Result<(), LinkFault> {
    let problem = match &service.found {
        FoundService::There { .. } => return Ok(()),
        FoundService::Missing => LinkProblem::Missing,
        FoundService::OfAnApp => LinkProblem::OfAnApp,
        FoundService::Unjoinable => LinkProblem::Unjoinable,
    };
    Err(LinkFault {
        app: situation.record.name.clone(),
        container: service.container.clone(),
        problem,
    })
}

fn join_service(plan: &mut Plan, situation: &Situation, service: &LinkedService, before: &[StepId]) {
    let FoundService::There { id, state, aliases } = &service.found else {
        return;
    };
    let network = situation.links.network.spec.name.clone();
    let container = ContainerRef::Existing {
        id: id.clone(),
        name: service.container.clone(),
    };
    let mut before = before.to_vec();
    if !aliases
        .as_ref()
        .is_some_and(|there| there.is_superset(&service.aliases))
    {
        if aliases.is_some() {
            // Names are given with the connection, and stay with it.
            let disconnect = EngineAction::Disconnect {
                container: container.clone(),
                network: network.clone(),
            };
            before = vec![plan.push(disconnect, Cause::Linked, &before)];
        }
        let connect = EngineAction::Connect {
            container: container.clone(),
            network,
            aliases: service.aliases.iter().cloned().collect(),
        };
        before = vec![plan.push(connect, Cause::Linked, &before)];
    }
    if matches!(state, ContainerState::Created | ContainerState::Exited) {
        plan.push(EngineAction::Start(container), Cause::Linked, &before);
    }
}

/// The network that a container of the app is made in. The one that the host reaches it in comes first: an engine gives a container one
/// network when it is made, and others later.
pub(crate) fn first_network(situation: &Situation) -> Option<NetworkAttachment> {
    let linked = Some(&situation.links.network).filter(|_| !situation.record.links.is_empty());
    let network = situation.network.as_ref().or(linked)?;
    Some(NetworkAttachment {
        network: network.spec.name.clone(),
        address: None,
    })
}

/// Connects a container that a step makes to the network of the app's links, unless it is made there; returns the step after which it
/// may start.
pub(crate) fn join_links(
    plan: &mut Plan,
    situation: &Situation,
    replica: Option<&Replica>,
    created: StepId,
    cause: &Cause,
) -> StepId {
    if situation.record.links.is_empty() || situation.network.is_none() {
        return created;
    }
    let connect = EngineAction::Connect {
        container: ContainerRef::Made(created),
        network: situation.links.network.spec.name.clone(),
        aliases: Vec::new(),
    };
    plan.push_for(replica, connect, cause.clone(), &[created])
}

/// What of an app's network is still needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// What the app is linked with, or a container of it that stays was made with.
    Unused,
    /// Nothing: the app goes.
    All,
}

/// Adds the steps that take what is no longer linked out of the app's network, and remove the network after its last use.
pub(crate) fn leave_links(
    plan: &mut Plan,
    situation: &Situation,
    leaving: Leaving,
    stays: impl Fn(&ContainerId) -> bool,
    after: &[StepId],
) {
    let links = &situation.links;
    if !links.network.exists {
        return;
    }
    let kept = match leaving {
        Leaving::Unused => kept(situation, stays),
        Leaving::All => BTreeSet::new(),
    };
    let mut last: Vec<StepId> = after.to_vec();
    let leaves = links.others.iter().filter(|(_, name)| !kept.contains(name.as_str()));
    for (id, name) in leaves {
        let disconnect = EngineAction::Disconnect {
            container: ContainerRef::Existing {
                id: id.clone(),
                name: name.clone(),
            },
            network: links.network.spec.name.clone(),
        };
        last.push(plan.push(disconnect, Cause::Unlinked, after));
    }
    if kept.is_empty() {
        plan.push(
            EngineAction::RemoveNetwork(links.network.spec.name.clone()),
            Cause::Unlinked,
            &last,
        );
    }
}

/// The names of the containers that the app is linked with, or that a container of it was made with which stays.
fn kept(situation: &Situation, stays: impl Fn(&ContainerId) -> bool) -> BTreeSet<&str> {
    let observed = &situation.observed;
    let replicas = observed
        .containers
        .iter()
        .map(|container| (&container.id, &container.links));
    let one_offs = observed.one_offs.iter().map(|one_off| (&one_off.id, &one_off.links));
    let held = replicas.chain(one_offs).filter(|(id, _)| stays(id));
    held.flat_map(|(_, links)| links)
        .chain(&situation.record.links)
        .map(|link| link.container.as_str())
        .collect()
}

/// What is reckoned with once nothing is in the app's network that nothing needs there.
pub(crate) fn left(situation: &Situation) -> LinkState {
    let kept = kept(situation, |_| true);
    let mut links = situation.links.clone();
    links.network.exists &= !kept.is_empty();
    links.others.retain(|(_, name)| kept.contains(name.as_str()));
    links
}

/// The plan that takes out of the app's network what nothing needs there any more.
pub fn plan_leave_links(situation: &Situation) -> Plan {
    let mut plan = Plan::going_on_after_failures(situation.record.name.clone());
    leave_links(&mut plan, situation, Leaving::Unused, |_| true, &[]);
    plan
}
