//! What holds of every plan from any situation, in any order that its prerequisites allow.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::tests::{Case, plain, retiring, upcoming};
use super::*;
use crate::names::Replica;
use crate::plan::{Action, ContainerRef, EngineAction, Plan, StepId, StoreAction};
use crate::runtime::ContainerState;

/// What the engine and the store hold while a plan is carried out; containers are known by a word.
struct Model {
    names: BTreeMap<String, String>,
    started: BTreeSet<String>,
    serving: BTreeMap<Replica, String>,
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
        }
    }

    fn take_name(&mut self, word: String, name: &str) {
        let is_free = self.names.iter().all(|(other, taken)| *other == word || taken != name);
        assert!(is_free, "{name} is not free");
        self.names.insert(word, name.to_owned());
    }

    fn perform(&mut self, id: StepId, action: &Action) {
        match action {
            Action::Engine(EngineAction::Create { spec, .. }) => self.take_name(id.to_string(), &spec.name),
            Action::Engine(EngineAction::Rename { container, to }) => self.take_name(word(container), to),
            Action::Engine(EngineAction::Start(container)) => {
                assert!(self.names.contains_key(&word(container)), "started before it was made");
                self.started.insert(word(container));
            }
            Action::Engine(EngineAction::Remove(container) | EngineAction::Stop { container, .. }) => {
                assert!(
                    !self.serving.values().any(|serving| *serving == word(container)),
                    "it serves"
                );
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
        model.perform(id, &plan.steps()[id.position()].action);
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
    case
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn every_order_leads_to_the_formation_and_no_name_is_taken_twice(
        (web, worker) in (0_usize..3, 0_usize..3),
        pieces in prop::collection::vec((0_usize..9, 0_usize..4), 4),
        picks in prop::collection::vec(0_usize..50, 1..20),
    ) {
        let case = situation(web, worker, &pieces);
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
