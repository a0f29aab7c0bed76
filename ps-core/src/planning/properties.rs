//! What holds of every plan from any situation, in any order that its prerequisites allow.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::tests::{Case, plain, retiring, upcoming};
use super::*;
use crate::app::CheckMode;
use crate::names::{ProcessType, Replica};
use crate::observation::{ObservedApp, ObservedContainer, Role};
use crate::plan::{Action, ContainerRef, EngineAction, Plan, StepId, StoreAction};
use crate::planning::stop_first::is_stop_first;
use crate::runtime::ContainerState;

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

    fn take_name(&mut self, word: String, name: &str) {
        let is_free = self.names.iter().all(|(other, taken)| *other == word || taken != name);
        assert!(is_free, "{name} is not free");
        self.names.insert(word, name.to_owned());
    }

    fn serves(&self, container: &ContainerRef) -> bool {
        self.serving.values().any(|serving| *serving == word(container))
    }

    fn perform(&mut self, id: StepId, action: &Action, replica: Option<&Replica>) {
        match action {
            Action::Engine(EngineAction::Create { spec, .. }) => {
                self.take_name(id.to_string(), &spec.name);
                let replica = replica.expect("a container of a replica");
                self.replicas.insert(id.to_string(), replica.clone());
            }
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
                let makes_way = self.makes_way(&self.replicas[&word(container)]);
                assert!(makes_way || !self.serves(container), "it serves");
                self.alive.remove(&word(container));
            }
            Action::Engine(EngineAction::Remove(container)) => {
                assert!(!self.serves(container), "it serves");
                self.alive.remove(&word(container));
                self.names.remove(&word(container));
            }
            Action::Store(StoreAction::Switch(switch)) => {
                for planned in &switch.serve {
                    assert!(self.started.contains(&word(&planned.container)), "it is not ready");
                    self.serving.insert(planned.replica.clone(), word(&planned.container));
                }
                for change in &switch.changes {
                    if let crate::store::StoreChange::StopServing { replica, .. } = change {
                        self.serving.remove(replica);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Carries a plan out in an order that the picks choose among the possible ones.
fn carry_out(plan: &Plan, model: &mut Model, picks: &[usize]) {
    let mut done: BTreeSet<StepId> = BTreeSet::new();
    for turn in 0..plan.steps().len() {
        let is_possible = |id: &StepId| {
            let step = &plan.steps()[id.position()];
            !done.contains(id) && step.after.iter().all(|earlier| done.contains(earlier))
        };
        let possible: Vec<StepId> = plan.ids().filter(is_possible).collect();
        let pick = picks.get(turn % picks.len().max(1)).copied().unwrap_or(0);
        let id = possible[pick % possible.len()];
        let step = &plan.steps()[id.position()];
        model.perform(id, &step.action, step.replica.as_ref());
        model.check_readiness();
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
}
