//! Stopping and signals.

use std::time::Duration;

use ps_core::runtime::{
    ContainerId, ContainerState, ExitCode, KillOutcome, RuntimeErrorKind as Kind, Signal, StopOutcome,
};

use super::super::bench::kind_of;
use super::super::{Bench, Case, Program, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        stopping_sends_the_signal_and_returns_when_it_has_ended,
        stopping_kills_what_ignores_the_signal,
        stopping_with_no_timeout_kills_at_once,
        stopping_twice_reports_already_stopped,
        stopping_what_was_never_started_reports_already_stopped,
        stopping_what_is_not_there_is_not_found,
        a_stopped_container_can_be_started_again,
        a_signal_reaches_the_process,
        killing_ends_what_ignores_the_signal,
        signalling_what_does_not_run_says_so,
        signalling_what_is_not_there_is_not_found,
    ]
}

const LONG: Duration = Duration::from_secs(30);

fn missing() -> ContainerId {
    ContainerId("0123456789abcdef".repeat(4))
}

async fn exit_code(bench: &Bench, id: &ContainerId) -> Result<Option<i64>, super::super::Failure> {
    let detail = bench.engine.inspect_container(id).await?;
    assert_eq!(detail.state, ContainerState::Exited);
    Ok(detail.exit_code)
}

async fn stopping_sends_the_signal_and_returns_when_it_has_ended(bench: &Bench) -> Verdict {
    let id = bench.start_ready(&Program::runs()).await?;
    let begun = bench.clock.monotonic();
    assert_eq!(bench.engine.stop_container(&id, LONG).await?, StopOutcome::Stopped);
    assert!(bench.since(begun) < Duration::from_secs(10));
    assert_eq!(exit_code(bench, &id).await?, Some(7));
    Ok(())
}

async fn stopping_kills_what_ignores_the_signal(bench: &Bench) -> Verdict {
    let id = bench.start_ready(&Program::is_deaf()).await?;
    let begun = bench.clock.monotonic();
    // Rounded up to two seconds.
    let stopped = bench.engine.stop_container(&id, Duration::from_millis(1200)).await?;
    let took = bench.since(begun);
    assert_eq!(stopped, StopOutcome::Stopped);
    assert!(
        took >= Duration::from_millis(1900) && took < Duration::from_secs(12),
        "{took:?}"
    );
    assert_eq!(exit_code(bench, &id).await?, Some(137));
    Ok(())
}

async fn stopping_with_no_timeout_kills_at_once(bench: &Bench) -> Verdict {
    let id = bench.start_ready(&Program::is_deaf()).await?;
    let begun = bench.clock.monotonic();
    assert_eq!(
        bench.engine.stop_container(&id, Duration::ZERO).await?,
        StopOutcome::Stopped
    );
    assert!(bench.since(begun) < Duration::from_secs(8));
    assert_eq!(exit_code(bench, &id).await?, Some(137));
    Ok(())
}

async fn stopping_twice_reports_already_stopped(bench: &Bench) -> Verdict {
    let id = bench.start("a", &Program::runs()).await?;
    bench.engine.stop_container(&id, Duration::ZERO).await?;
    assert_eq!(
        bench.engine.stop_container(&id, LONG).await?,
        StopOutcome::AlreadyStopped
    );
    Ok(())
}

async fn stopping_what_was_never_started_reports_already_stopped(bench: &Bench) -> Verdict {
    let id = bench.create("a", &Program::runs()).await?;
    assert_eq!(
        bench.engine.stop_container(&id, LONG).await?,
        StopOutcome::AlreadyStopped
    );
    Ok(())
}

async fn stopping_what_is_not_there_is_not_found(bench: &Bench) -> Verdict {
    let stopped = bench.engine.stop_container(&missing(), LONG).await;
    assert_eq!(kind_of(&stopped), Some(Kind::NotFound));
    Ok(())
}

async fn a_stopped_container_can_be_started_again(bench: &Bench) -> Verdict {
    let id = bench.start("a", &Program::runs()).await?;
    bench.engine.stop_container(&id, Duration::ZERO).await?;
    bench.engine.start_container(&id).await?;
    assert!(bench.engine.inspect_container(&id).await?.state.is_running());
    Ok(())
}

async fn a_signal_reaches_the_process(bench: &Bench) -> Verdict {
    let id = bench.start_ready(&Program::runs()).await?;
    assert_eq!(
        bench.engine.kill_container(&id, Signal::Term).await?,
        KillOutcome::Signalled
    );
    assert_eq!(bench.engine.wait_container(&id).await?, ExitCode(7));
    Ok(())
}

async fn killing_ends_what_ignores_the_signal(bench: &Bench) -> Verdict {
    let id = bench.start_ready(&Program::is_deaf()).await?;
    assert_eq!(
        bench.engine.kill_container(&id, Signal::Term).await?,
        KillOutcome::Signalled
    );
    assert_eq!(
        bench.engine.kill_container(&id, Signal::Kill).await?,
        KillOutcome::Signalled
    );
    assert_eq!(bench.engine.wait_container(&id).await?, ExitCode(137));
    Ok(())
}

async fn signalling_what_does_not_run_says_so(bench: &Bench) -> Verdict {
    let id = bench.create("a", &Program::exits(0)).await?;
    assert_eq!(
        bench.engine.kill_container(&id, Signal::Term).await?,
        KillOutcome::NotRunning
    );
    bench.engine.start_container(&id).await?;
    bench.engine.wait_container(&id).await?;
    assert_eq!(
        bench.engine.kill_container(&id, Signal::Kill).await?,
        KillOutcome::NotRunning
    );
    Ok(())
}

async fn signalling_what_is_not_there_is_not_found(bench: &Bench) -> Verdict {
    let signalled = bench.engine.kill_container(&missing(), Signal::Term).await;
    assert_eq!(kind_of(&signalled), Some(Kind::NotFound));
    Ok(())
}
