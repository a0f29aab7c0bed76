//! Commands that belong to a deploy and run once, each in a container of its own. Invariant: nothing that serves is touched, and the
//! container is gone when its plan is done.

use std::collections::BTreeMap;

use crate::names::OneOffKind;
use crate::plan::{Action, Cause, ContainerRef, EngineAction, Plan, StepId, WaitAction};
use crate::planning::Situation;
use crate::planning::bring_up::record_intent;
use crate::planning::launch::{one_off_spec, predeploy_script, predeploy_spec};
use crate::planning::links::join_links;
use crate::planning::mend::mend;
use crate::release::Release;
use crate::runtime::{CommitSpec, ContainerSpec};

/// A command that runs once in a deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// Which.
    pub kind: OneOffKind,
    /// Its command line.
    pub command: String,
}

/// The plan that runs a command once, with a release's image and environment.
pub fn plan_phase(situation: &Situation, release: &Release, phase: &Phase) -> Plan {
    let mut work = Work::begin(situation, release, phase.kind);
    let generation = situation.next_generation();
    let spec = one_off_spec(situation, release, phase.kind, generation, &phase.command);
    let container = work.create(situation, spec);
    work.push(EngineAction::Start(container.clone()));
    let wait = WaitAction::Succeeded {
        container: container.clone(),
        kind: phase.kind,
        attached: None,
    };
    work.push(wait);
    work.push(EngineAction::Remove(container));
    work.plan
}

/// The plan that runs a command once and keeps what it changes in the image, under a name; the second value is the step that
/// brings the image. Its entrypoint and command are those of the release's image.
///
/// The environment reaches the command through its standard input, and never the container's own description, which the image
/// would keep.
pub fn plan_predeploy(situation: &Situation, release: &Release, command: &str, tag: &str) -> (Plan, StepId) {
    let kind = OneOffKind::Predeploy;
    let mut work = Work::begin(situation, release, kind);
    let generation = situation.next_generation();
    let container = work.create(situation, predeploy_spec(situation, release, generation));
    let attached = work.push(EngineAction::Attach {
        container: container.clone(),
        script: Box::new(predeploy_script(situation, release, generation, command)),
    });
    work.push(EngineAction::Start(container.clone()));
    let wait = WaitAction::Succeeded {
        container: container.clone(),
        kind,
        attached: Some(attached),
    };
    work.push(wait);
    let committed = work.push(EngineAction::Commit {
        container: container.clone(),
        spec: Box::new(CommitSpec {
            tag: tag.to_owned(),
            entrypoint: release.image.detail.entrypoint.clone(),
            command: release.image.detail.command.clone(),
            labels: BTreeMap::new(),
        }),
    });
    work.push(EngineAction::Remove(container));
    (work.plan, committed)
}

/// Steps one after the other.
struct Work {
    plan: Plan,
    cause: Cause,
    after: Vec<StepId>,
}

impl Work {
    fn begin(situation: &Situation, release: &Release, kind: OneOffKind) -> Self {
        let mut plan = Plan::new(situation.record.name.clone());
        let cause = Cause::Phase {
            kind,
            release: release.number,
        };
        let mended = mend(&mut plan, situation);
        let intent = record_intent(&mut plan, situation, Vec::new(), 1, &cause);
        let after = intent.into_iter().chain(mended).collect();
        let mut work = Self { plan, cause, after };
        if let Some(network) = situation.network.as_ref().filter(|network| !network.exists) {
            work.push(EngineAction::CreateNetwork(network.spec.clone()));
        }
        work
    }

    fn push(&mut self, action: impl Into<Action>) -> StepId {
        let step = self.plan.push(action, self.cause.clone(), &self.after);
        self.after = vec![step];
        step
    }

    fn create(&mut self, situation: &Situation, spec: ContainerSpec) -> ContainerRef {
        let spec = Box::new(spec);
        let created = self.push(EngineAction::Create { spec, endpoint: None });
        self.after = vec![join_links(&mut self.plan, situation, None, created, &self.cause)];
        ContainerRef::Made(created)
    }
}
