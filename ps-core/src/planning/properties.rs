//! What holds of every plan from any situation, in any order that its prerequisites allow.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::tests::{Case, plain, retiring, upcoming};
use super::traffic_cases::{File, served};
use super::*;
use crate::app::CheckMode;
use crate::names::{Generation, ProcessType, Replica};
use crate::observation::{ObservedApp, ObservedContainer, Role};
use crate::plan::{Action, ContainerRef, EngineAction, Plan, ProxyAction, StepId, StoreAction, WaitAction};
use crate::planning::stop_first::is_stop_first;
use crate::runtime::ContainerState;
use crate::store::StoreChange;

/// What the engine and the store hold while a plan is carried out; containers are known by a word.
struct Model {
    names: BTreeMap<String, String>,
    started: BTreeSet<String>,
    serving: BTreeMap<Replica, String>,
    /// What each container is, or was, a replica of.
    replicas: BTreeMap<String, Replica>,
    /// Those that may have a process.
    alive: BTreeSet<String>,
    /// The type whose replicas make way before new ones start.
    stop_first: Option<ProcessType>,
    /// Checked replicas that run at first, and have to go on as long as they are served.
    ready: BTreeSet<Replica>,
    /// The generation of each container, by its word.
    generations: BTreeMap<String, Generation>,
    /// The new containers that were waited for, where they are waited for at all.
    unready: BTreeSet<String>,
    /// What the proxy sends requests to; `None` where it knows nothing of the app.
    file: Option<BTreeSet<String>>,
    /// What the store says that the file may name.
    routed: Option<BTreeSet<Generation>>,
    /// The endpoints that are given out.
    endpoints: BTreeSet<Generation>,
    /// What ran when it was asked where it listens.
    located: BTreeSet<StepId>,
    /// What retires.
    retiring: BTreeSet<Generation>,
    /// Whether the operator stops it all: what stops may get requests for a moment.
    is_stopped: bool,
}

fn word(container: &ContainerRef) -> String {
    match container {
        ContainerRef::Existing { id, .. } => id.0.clone(),
        ContainerRef::Made(step) => step.to_string(),
    }
}

impl Model {
    fn of(situation: &Situation) -> Self {
        let containers = &situation.observed.containers;
        let serving = situation.record.serving.iter();
        Self {
            names: containers.iter().map(|c| (c.id.0.clone(), c.name.clone())).collect(),
            started: containers
                .iter()
                .filter(|c| c.state.is_running())
                .map(|c| c.id.0.clone())
                .collect(),
            serving: serving
                .map(|(replica, s)| (replica.clone(), s.container.0.clone()))
                .collect(),
            replicas: containers.iter().map(|c| (c.id.0.clone(), c.replica.clone())).collect(),
            alive: containers
                .iter()
                .filter(|c| c.state.may_have_a_process())
                .map(|c| c.id.0.clone())
                .collect(),
            stop_first: [ProcessType::web(), "worker".parse().unwrap()]
                .into_iter()
                .find(|process_type| is_stop_first(situation, process_type)),
            ready: BTreeSet::new(),
            generations: containers.iter().map(|c| (c.id.0.clone(), c.generation)).collect(),
            unready: BTreeSet::new(),
            file: situation.record.routed.as_ref().map(|routed| {
                let named = containers.iter().filter(|c| routed.contains(&c.generation));
                named.map(|c| c.id.0.clone()).collect()
            }),
            routed: situation.record.routed.clone(),
            endpoints: situation.endpoints.iter().map(|endpoint| endpoint.generation).collect(),
            is_stopped: false,
            located: BTreeSet::new(),
            retiring: situation
                .record
                .retirements
                .iter()
                .map(|retirement| retirement.generation)
                .collect(),
        }
        .with_ready_replicas()
    }

    fn makes_way(&self, replica: &Replica) -> bool {
        self.stop_first.as_ref() == Some(replica.process_type())
    }

    fn with_ready_replicas(mut self) -> Self {
        let is_ready = |(replica, word): &(&Replica, &String)| self.started.contains(*word) && !self.makes_way(replica);
        self.ready = self
            .serving
            .iter()
            .filter(is_ready)
            .map(|(replica, _)| replica.clone())
            .collect();
        self
    }

    /// What was ready, and is still served, is ready.
    fn check_readiness(&self) {
        for replica in &self.ready {
            let word = self.serving.get(replica);
            assert!(
                word.is_none_or(|word| self.alive.contains(word)),
                "{replica} was ready, and is not any more"
            );
        }
    }

    /// Nothing of the replica runs beside a new container whose type makes way.
    fn check_alone(&self, word: &str) {
        let replica = &self.replicas[word];
        let others = self
            .alive
            .iter()
            .filter(|other| *other != word && self.replicas[*other] == *replica);
        let others: Vec<&String> = others.collect();
        assert!(
            !self.makes_way(replica) || others.is_empty(),
            "{replica} starts beside {others:?}"
        );
    }

    /// Whatever breaks off now: the endpoint of a container that gets requests is nobody else's, and what may get some is there.
    fn check_traffic(&self) {
        for word in self.file.iter().flatten() {
            let generation = self.generations[word];
            let may_get = self.routed.as_ref().is_some_and(|routed| routed.contains(&generation));
            assert!(may_get, "{word} gets requests, and the store does not know");
            assert!(
                self.endpoints.contains(&generation),
                "the endpoint of {word} is given away"
            );
        }
    }

    /// The proxy serves what serves, and nothing is kept for nobody.
    fn check_routed_at_the_end(&self, is_served: bool) {
        let serving = self
            .serving
            .iter()
            .filter(|(replica, _)| replica.process_type().is_web());
        let serving: BTreeSet<String> = serving.map(|(_, word)| word.clone()).collect();
        let file = self.file.clone().unwrap_or_default();
        assert!(file.is_subset(&serving), "{file:?} get requests, {serving:?} serve");
        if is_served {
            let in_doubt = self
                .routed
                .iter()
                .flatten()
                .any(|generation| *generation == crate::app::BEING_WRITTEN);
            assert!(in_doubt || file == serving, "{file:?} get requests, {serving:?} serve");
        } else {
            assert_eq!(self.file, None);
        }
        let used = serving.iter().map(|word| self.generations[word]);
        let used: BTreeSet<Generation> = used.chain(self.retiring.iter().copied()).collect();
        assert!(
            self.endpoints.is_subset(&used),
            "{:?} are kept, {used:?} used",
            self.endpoints
        );
    }

    fn gets_requests(&self, word: &str) -> bool {
        self.file.iter().flatten().any(|named| named == word)
    }

    fn record(&mut self, change: &StoreChange) {
        match change {
            StoreChange::StopServing { replica, .. } => drop(self.serving.remove(replica)),
            StoreChange::SetRouted { routed, .. } => self.routed.clone_from(routed),
            StoreChange::AddRetirement { retirement, .. } => drop(self.retiring.insert(retirement.generation)),
            StoreChange::ReleaseEndpoint { generation, .. }
                if !self.routed.iter().flatten().any(|routed| routed == generation) =>
            {
                self.endpoints.remove(generation);
            }
            _ => {}
        }
    }

    fn route(&mut self, plan: &Plan, action: &ProxyAction) {
        let ProxyAction::Serve { upstreams, .. } = action else {
            self.file = None;
            return;
        };
        let mut file = BTreeSet::new();
        for upstream in upstreams {
            let Action::Engine(EngineAction::Locate { container, .. }) =
                &plan.steps()[upstream.located.position()].action
            else {
                panic!("it was not located");
            };
            let word = word(container);
            assert_eq!(self.replicas[&word], upstream.replica);
            if !self.located.contains(&upstream.located) {
                continue;
            }
            assert!(!self.unready.contains(&word), "{word} gets requests before it is ready");
            let is_new = matches!(container, ContainerRef::Made(_));
            assert!(
                !is_new || self.started.contains(&word),
                "{word} gets requests and was not started"
            );
            file.insert(word);
        }
        self.file = Some(file);
    }

    fn take_name(&mut self, word: String, name: &str) {
        let is_free = self.names.iter().all(|(other, taken)| *other == word || taken != name);
        assert!(is_free, "{name} is not free");
        self.names.insert(word, name.to_owned());
    }

    fn serves(&self, container: &ContainerRef) -> bool {
        self.serving.values().any(|serving| *serving == word(container))
    }

    fn perform(&mut self, plan: &Plan, id: StepId, action: &Action, replica: Option<&Replica>) {
        match action {
            Action::Engine(EngineAction::Create { spec, .. }) => {
                self.take_name(id.to_string(), &spec.name);
                let replica = replica.expect("a container of a replica");
                self.replicas.insert(id.to_string(), replica.clone());
                let generation: u64 = spec.labels[crate::labels::GENERATION].parse().unwrap();
                self.generations.insert(id.to_string(), Generation(generation));
            }
            Action::Store(StoreAction::ReserveEndpoints { wanted, .. }) => {
                self.endpoints.extend(wanted.iter().map(|(_, generation)| *generation));
            }
            Action::Store(StoreAction::Record(changes)) => changes.iter().for_each(|change| self.record(change)),
            Action::Wait(WaitAction::Ready { container, .. }) => drop(self.unready.remove(&word(container))),
            Action::Engine(EngineAction::Locate { container, .. }) if self.alive.contains(&word(container)) => {
                self.located.insert(id);
            }
            Action::Proxy(action) => self.route(plan, action),
            Action::Engine(EngineAction::Rename { container, to, .. }) => self.take_name(word(container), to),
            Action::Engine(EngineAction::Start(container)) => {
                assert!(self.names.contains_key(&word(container)), "started before it was made");
                self.started.insert(word(container));
                self.alive.insert(word(container));
                if matches!(container, ContainerRef::Made(_)) {
                    self.check_alone(&word(container));
                }
            }
            Action::Engine(EngineAction::Stop { container, .. }) => {
                let makes_way = self.is_stopped || self.makes_way(&self.replicas[&word(container)]);
                assert!(makes_way || !self.serves(container), "it serves");
                assert!(makes_way || !self.gets_requests(&word(container)), "it gets requests");
                self.alive.remove(&word(container));
            }
            Action::Engine(EngineAction::Remove(container)) => {
                assert!(!self.serves(container), "it serves");
                assert!(!self.gets_requests(&word(container)), "it gets requests");
                self.alive.remove(&word(container));
                self.names.remove(&word(container));
            }
            Action::Store(StoreAction::Switch(switch)) => {
                for planned in &switch.serve {
                    assert!(self.started.contains(&word(&planned.container)), "it is not ready");
                    self.serving.insert(planned.replica.clone(), word(&planned.container));
                }
                for change in &switch.changes {
                    self.record(change);
                }
            }
            _ => {}
        }
    }
}

/// Carries a plan out in an order that the picks choose among the possible ones.
fn carry_out(plan: &Plan, model: &mut Model, picks: &[usize]) {
    let mut done: BTreeSet<StepId> = BTreeSet::new();
    model.unready = plan
        .steps()
        .iter()
        .filter_map(|step| match &step.action {
            Action::Wait(WaitAction::Ready { container, .. }) => Some(word(container)),
            _ => None,
        })
        .collect();
    for turn in 0..plan.steps().len() {
        let is_possible = |id: &StepId| {
            let step = &plan.steps()[id.position()];
            !done.contains(id) && step.after.iter().all(|earlier| done.contains(earlier))
        };
        let possible: Vec<StepId> = plan.ids().filter(is_possible).collect();
        let pick = picks.get(turn % picks.len().max(1)).copied().unwrap_or(0);
        let id = possible[pick % possible.len()];
        let step = &plan.steps()[id.position()];
        model.perform(plan, id, &step.action, step.replica.as_ref());
        model.check_readiness();
        model.check_traffic();
        done.insert(id);
    }
}

/// A situation from numbers: for each of four replicas what it has, and in which state.
fn situation(web: usize, worker: usize, pieces: &[(usize, usize)]) -> Case {
    let states = [
        ContainerState::Running,
        ContainerState::Exited,
        ContainerState::Paused,
        ContainerState::Restarting,
    ];
    let mut case = Case::deployed(&format!("web={web} worker={worker}"));
    for (replica, (piece, state)) in ["web.1", "web.2", "worker.1", "worker.2"].iter().zip(pieces) {
        let state = states[state % states.len()].clone();
        case = match piece % 9 {
            0 => case,
            1 => case.serving(replica, state),
            2 => case.missing(replica),
            3 => case.leftover(replica, upcoming),
            4 => case.leftover(replica, plain),
            5 => case.leftover(replica, plain).serving_as(replica, upcoming, state),
            6 => case.retiring(replica, plain, 0).serving_as(replica, upcoming, state),
            7 => case.retiring(replica, retiring, 60).serving(replica, state),
            _ => case.leftover(replica, retiring).serving(replica, state),
        };
    }
    case.but(|situation| {
        let record = &situation.record;
        let containers = situation.observed.containers.iter_mut();
        let is_leftover = |container: &&mut ObservedContainer| ObservedApp::role(record, container) == Role::Leftover;
        for leftover in containers.filter(is_leftover) {
            leftover.state = ContainerState::Running;
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn every_order_leads_to_the_formation_without_a_gap_or_a_name_taken_twice(
        (web, worker) in (0_usize..3, 0_usize..3),
        pieces in prop::collection::vec((0_usize..9, 0_usize..4), 4),
        picks in prop::collection::vec(0_usize..50, 1..20),
        makes_way in prop::option::of(prop::sample::select(vec!["web", "worker"])),
    ) {
        let case = situation(web, worker, &pieces).but(|situation| {
            let disabled = makes_way.map(|name| (name.parse().unwrap(), CheckMode::Disabled));
            situation.record.checks.extend(disabled);
        });
        let wanted: Vec<Replica> = case.0.record.formation.replicas().collect();
        let plans = || [case.started(), case.scaled(&format!("web={web}"), false), case.rolled_out(2, Selection::All)];
        for (plan, again) in plans().iter().zip(plans()) {
            prop_assert_eq!(plan.to_string(), again.to_string());
            for order in [&[0][..], &picks] {
                let mut model = Model::of(&case.0);
                carry_out(plan, &mut model, order);
                let serving: Vec<Replica> = model.serving.keys().cloned().collect();
                prop_assert_eq!(&serving, &wanted);
                for (replica, word) in &model.serving {
                    prop_assert_eq!(&model.names[word], &format!("shop.{replica}"));
                }
            }
        }
    }

    #[test]
    fn in_every_order_requests_go_to_what_is_there_and_ready(
        (web, worker) in (0_usize..3, 0_usize..3),
        pieces in prop::collection::vec((0_usize..9, 0_usize..4), 4),
        picks in prop::collection::vec(0_usize..50, 1..20),
        makes_way in any::<bool>(),
        is_checked in any::<bool>(),
        file in prop::sample::select(vec![File::Missing, File::Empty, File::Serving, File::Everything]),
        is_served in any::<bool>(),
    ) {
        let case = situation(web, worker, &pieces).but(|situation| {
            let web = ProcessType::web();
            if makes_way {
                situation.record.checks.insert(web, CheckMode::Disabled);
            } else if is_checked {
                situation.record.checks.remove(&web);
            }
            served(situation, file);
            if !is_served {
                situation.routing = Routing::None;
            }
        });
        let plans = [case.started(), case.scaled(&format!("web={web}"), false), case.rolled_out(2, Selection::All)];
        for (number, plan) in plans.iter().enumerate() {
            for order in [&[0][..], &picks] {
                let mut model = Model::of(&case.0);
                carry_out(plan, &mut model, order);
                // Scaling writes a file only where something else changes.
                if number != 1 {
                    model.check_routed_at_the_end(is_served);
                }
            }
        }
        let stops = (plan_stop(&case.0), true);
        let others = [plan_mend(&case.0), plan_retire(&case.0), plan_route(&case.0), plan_unroute(&case.0)];
        for (plan, is_stopped) in others.into_iter().map(|plan| (plan, false)).chain([stops]) {
            for order in [&[0][..], &picks] {
                let mut model = Model::of(&case.0);
                model.is_stopped = is_stopped;
                if is_stopped {
                    model.ready.clear();
                }
                carry_out(&plan, &mut model, order);
            }
        }
    }
}
