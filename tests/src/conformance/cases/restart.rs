//! What engines do when a container ends.

use std::time::Duration;

use ps_core::policies::RestartPolicy;
use ps_core::runtime::{ContainerId, ContainerSpec, ContainerState, RuntimeErrorKind as Kind, StopOutcome};

use super::super::{Bench, Case, Failure, Program, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        on_failure_restarts_so_often_and_gives_up,
        on_failure_leaves_success_alone,
        without_a_policy_nothing_is_restarted,
        always_restarts_after_success_too,
        unless_stopped_restarts_after_failure,
        a_stop_is_final_whatever_the_policy,
        removing_ends_a_crash_loop,
        starting_by_hand_counts_restarts_anew,
        a_crash_loop_is_renamed_at_the_latest_when_it_is_stopped,
        a_crash_loop_ends_when_its_policy_is_taken_away if |can| can.updates_restart_policy,
    ]
}

fn spec(bench: &Bench, program: &Program, policy: RestartPolicy) -> ContainerSpec {
    let mut spec = bench.spec("a", program);
    spec.restart_policy = policy;
    spec
}

/// Waits until the engine has restarted it so often and it has ended for good.
async fn gives_up(bench: &Bench, id: &ContainerId, restarts: u32) -> Verdict {
    let check = async || {
        let detail = bench.engine.inspect_container(id).await?;
        let is_over = detail.restart_count == restarts && detail.state == ContainerState::Exited;
        Ok(is_over.then_some(()))
    };
    bench.eventually("giving up", check).await
}

async fn is_restarted(bench: &Bench, id: &ContainerId) -> Result<u32, Failure> {
    let check = async || {
        let count = bench.engine.inspect_container(id).await?.restart_count;
        Ok((count > 0).then_some(count))
    };
    bench.eventually("a restart", check).await
}

async fn on_failure_restarts_so_often_and_gives_up(bench: &Bench) -> Verdict {
    let id = bench
        .start_spec(&spec(bench, &Program::exits(3), RestartPolicy::on_failure(2)))
        .await?;
    gives_up(bench, &id, 2).await?;
    bench.stays(&id, ContainerState::Exited).await?;
    let detail = bench.engine.inspect_container(&id).await?;
    assert_eq!((detail.restart_count, detail.exit_code), (2, Some(3)));
    assert_eq!(detail.restart_policy, RestartPolicy::on_failure(2));
    Ok(())
}

async fn on_failure_leaves_success_alone(bench: &Bench) -> Verdict {
    let id = bench
        .start_spec(&spec(bench, &Program::exits(0), RestartPolicy::on_failure(2)))
        .await?;
    gives_up(bench, &id, 0).await?;
    bench.stays(&id, ContainerState::Exited).await
}

async fn without_a_policy_nothing_is_restarted(bench: &Bench) -> Verdict {
    let id = bench
        .start_spec(&spec(bench, &Program::exits(3), RestartPolicy::No))
        .await?;
    gives_up(bench, &id, 0).await?;
    bench.stays(&id, ContainerState::Exited).await
}

async fn always_restarts_after_success_too(bench: &Bench) -> Verdict {
    let id = bench
        .start_spec(&spec(bench, &Program::soon_exits(0), RestartPolicy::Always))
        .await?;
    is_restarted(bench, &id).await?;
    Ok(())
}

async fn unless_stopped_restarts_after_failure(bench: &Bench) -> Verdict {
    let id = bench
        .start_spec(&spec(bench, &Program::soon_exits(3), RestartPolicy::UnlessStopped))
        .await?;
    is_restarted(bench, &id).await?;
    Ok(())
}

async fn a_stop_is_final_whatever_the_policy(bench: &Bench) -> Verdict {
    let id = bench
        .start_spec(&spec(bench, &Program::is_deaf(), RestartPolicy::Always))
        .await?;
    let stopped = bench.engine.stop_container(&id, Duration::ZERO).await?;
    assert_eq!(stopped, StopOutcome::Stopped);
    bench.stays(&id, ContainerState::Exited).await
}

/// A stop alone may fall between the end and the restart, and Podman restarts it all the same. There a removal that
/// meets the end of the process fails, and has to be asked for again.
async fn removing_ends_a_crash_loop(bench: &Bench) -> Verdict {
    let id = bench
        .start_spec(&spec(bench, &Program::exits(1), RestartPolicy::Always))
        .await?;
    is_restarted(bench, &id).await?;
    let remove = async || match bench.engine.remove_container(&id).await {
        Err(error) if error.kind == Kind::Conflict => Ok(None),
        removed => Ok(Some(removed?)),
    };
    bench.eventually("the removal", remove).await?;
    assert_eq!(bench.engine.list_containers(&bench.filter()).await?, []);
    Ok(())
}

/// Docker waits longer each time and renames nothing that waits; Podman renames it at any moment.
async fn a_crash_loop_is_renamed_at_the_latest_when_it_is_stopped(bench: &Bench) -> Verdict {
    let id = bench
        .start_spec(&spec(bench, &Program::exits(1), RestartPolicy::on_failure(10)))
        .await?;
    let waits = async || {
        let detail = bench.engine.inspect_container(&id).await?;
        Ok((detail.restart_count >= 4).then_some(()))
    };
    bench.eventually("four restarts", waits).await?;
    let mut name = bench.name("a");
    for number in 0..10 {
        let next = bench.name(&format!("b{number}"));
        match bench.engine.rename_container(&id, &next).await {
            Ok(()) => name = next,
            Err(error) => assert_eq!(error.kind, Kind::Conflict, "{error:?}"),
        }
        assert_eq!(bench.engine.inspect_container(&id).await?.name, name);
        bench.clock.sleep(Duration::from_millis(50)).await;
    }
    bench.engine.stop_container(&id, Duration::ZERO).await?;
    bench.engine.rename_container(&id, &bench.name("c")).await?;
    assert_eq!(bench.engine.inspect_container(&id).await?.name, bench.name("c"));
    Ok(())
}

async fn starting_by_hand_counts_restarts_anew(bench: &Bench) -> Verdict {
    let id = bench
        .start_spec(&spec(bench, &Program::soon_exits(3), RestartPolicy::on_failure(1)))
        .await?;
    gives_up(bench, &id, 1).await?;
    bench.engine.start_container(&id).await?;
    assert_eq!(bench.engine.inspect_container(&id).await?.restart_count, 0);
    gives_up(bench, &id, 1).await
}

async fn a_crash_loop_ends_when_its_policy_is_taken_away(bench: &Bench) -> Verdict {
    let id = bench
        .start_spec(&spec(bench, &Program::soon_exits(3), RestartPolicy::Always))
        .await?;
    is_restarted(bench, &id).await?;
    bench.engine.update_restart_policy(&id, RestartPolicy::No).await?;
    bench.engine.stop_container(&id, Duration::ZERO).await?;
    bench.reaches(&id, ContainerState::Exited).await?;
    bench.stays(&id, ContainerState::Exited).await
}
