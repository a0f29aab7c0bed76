//! Calls about networks. Invariant: one is made once, also when two commands need it at the same moment; what is there already, or still
//! in use, is as good as done.

use std::time::Duration;

use crate::host::Clock;
use crate::plan::EngineAction;
use crate::runtime::{ContainerId, Engine, NetworkSpec, RuntimeError, RuntimeErrorKind};

/// How often the network of another command is looked for, and with which pause.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// Makes the network, unless another command of the same state directory makes it at this moment. Engines take the subnet before
/// the network can be seen.
pub(super) async fn make_network(
    engine: &dyn Engine,
    clock: &dyn Clock,
    spec: &NetworkSpec,
) -> Result<(), RuntimeError> {
    let mut made = engine.create_network(spec).await;
    for _ in 0..TRIES {
        match &made {
            // Interfaces of the host are going away.
            Err(error) if error.kind == RuntimeErrorKind::Conflict => clock.sleep(PAUSE).await,
            _ => break,
        }
        made = engine.create_network(spec).await;
    }
    let refused = match made {
        Err(error) if error.kind == RuntimeErrorKind::NameInUse => return Ok(()),
        Err(error) if error.kind == RuntimeErrorKind::AddressInUse => error,
        made => return made,
    };
    for _ in 0..TRIES {
        match engine.inspect_network(&spec.name).await {
            Ok(network) if spec.subnet.is_none() || network.subnet == spec.subnet => return Ok(()),
            Ok(_) => break,
            Err(_) => clock.sleep(PAUSE).await,
        }
    }
    Err(refused)
}

/// Removes a network; one that somebody put a container into meanwhile stays.
pub(super) async fn remove_network(engine: &dyn Engine, name: &str) -> Result<(), RuntimeError> {
    match engine.remove_network(name).await {
        Err(error) if error.kind == RuntimeErrorKind::Conflict => Ok(()),
        removed => removed.map(drop),
    }
}

/// Connects a container to a network, or takes it out.
pub(super) async fn connect(engine: &dyn Engine, id: &ContainerId, action: &EngineAction) -> Result<(), RuntimeError> {
    match action {
        EngineAction::Connect { network, aliases, .. } => {
            engine.connect_container(network, id, aliases).await.map(drop)
        }
        EngineAction::Disconnect { network, .. } => engine.disconnect_container(network, id).await.map(drop),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::NetworkRuntime as _;
    use crate::testing::{FakeClock, FakeEngine, Fault, FaultEffect};

    fn spec() -> NetworkSpec {
        NetworkSpec {
            name: "psctl-abc".into(),
            subnet: Some("10.210.0.0/16".parse().unwrap()),
            resolves_aliases: false,
            labels: std::collections::BTreeMap::new(),
        }
    }

    #[tokio::test]
    async fn a_network_that_another_command_makes_at_the_same_moment_is_taken() {
        let clock = FakeClock::automatic();
        let engine = FakeEngine::new(&clock);
        engine.create_network(&spec()).await.unwrap();
        let refusal = FaultEffect::Fail(RuntimeErrorKind::AddressInUse);
        engine.inject(Fault::new(refusal).on_method("create_network"));
        make_network(&engine, &clock, &spec()).await.unwrap();
    }

    #[tokio::test]
    async fn a_subnet_that_another_network_has_is_refused() {
        let clock = FakeClock::automatic();
        let engine = FakeEngine::new(&clock);
        let other = NetworkSpec {
            name: "other".into(),
            ..spec()
        };
        engine.create_network(&other).await.unwrap();
        let error = make_network(&engine, &clock, &spec()).await.unwrap_err();
        assert_eq!(error.kind, RuntimeErrorKind::AddressInUse);
    }
}
