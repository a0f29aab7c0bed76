//! Liveness checks of one container: made again and again while it runs. Invariant: this only finds out; what follows is decided as for
//! everything else.

use std::time::Duration;

use super::VERB;
use super::attend::Round;
use crate::execution::{Candidate, Deaths, ExecutionPorts, IgnoreEvents, NotReady, wait_until_ready};
use crate::names::{AppName, Replica};
use crate::operations::{OperationError, Operations};
use crate::plan::Readiness;
use crate::planning::{Situation, liveness_of};
use crate::redaction::Redactor;
use crate::runtime::ContainerId;

/// The shortest pause between two rounds of checks.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// Why the watching of a container ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It does not run any more, or cannot be asked: to be looked at.
    Ended,
    /// Its checks failed.
    Unhealthy,
}

impl Round<'_> {
    /// Checks a container until it is unhealthy or ends.
    pub(super) async fn watch_life(self, app: &AppName, replica: &Replica, container: &ContainerId) -> Life {
        if let Ok(life) = self.lives(app, replica, container).await {
            return life;
        }
        // Whatever it was, it must not be asked for without a pause.
        self.operations.adapters.clock.sleep(SHORTEST_PAUSE * 5).await;
        Life::Ended
    }

    async fn lives(self, app: &AppName, replica: &Replica, container: &ContainerId) -> Result<Life, OperationError> {
        let situation = self.operations.situation(app).await?;
        let Some(release) = &situation.record.release else {
            return Ok(Life::Ended);
        };
        let checks = liveness_of(&situation, release, replica.process_type())?;
        let Some(pause) = checks.iter().map(|check| check.wait).min() else {
            return Ok(std::future::pending().await);
        };
        let readiness = Readiness { checks };
        let mut age = self.operations.age(container).await?;
        loop {
            let began = self.operations.adapters.clock.monotonic();
            match self.ask(&situation, replica, container, age, &readiness).await {
                Ok(()) => {}
                Err(NotReady::CheckFailed { .. }) => return Ok(Life::Unhealthy),
                Err(_) => return Ok(Life::Ended),
            }
            self.operations.adapters.clock.sleep(pause.max(SHORTEST_PAUSE)).await;
            let took = self.operations.adapters.clock.monotonic().saturating_sub(began);
            age = age.saturating_add(took);
        }
    }

    /// One round of all its checks, side by side.
    async fn ask(
        self,
        situation: &Situation,
        replica: &Replica,
        container: &ContainerId,
        age: Duration,
        readiness: &Readiness,
    ) -> Result<(), NotReady> {
        let Operations {
            adapters,
            permits,
            cancellation,
            ..
        } = self.operations;
        let ports = ExecutionPorts {
            engine: &*adapters.engine,
            store: &*adapters.store,
            source: &*adapters.source,
            clock: &*adapters.clock,
            host: &*adapters.host,
            prober: &*adapters.prober,
            proxy: &*adapters.proxy,
            events: &IgnoreEvents,
            permits,
            cancellation,
            redactor: &Redactor::new(Vec::<String>::new()),
            owner: self.owner,
            verb: VERB,
            context: None,
            credentials: None,
        };
        let serving = situation.record.serving.get(replica);
        let candidate = Candidate {
            ports: &ports,
            app: &situation.record.name,
            replica: Some(replica),
            id: container,
            endpoint: serving.and_then(|serving| serving.endpoint),
            age,
        };
        wait_until_ready(candidate, &Deaths::default(), readiness)
            .await
            .map(drop)
    }
}
