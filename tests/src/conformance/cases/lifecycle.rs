//! Starting, waiting, renaming, removing.

use std::time::Duration;

use ps_core::policies::RestartPolicy;
use ps_core::runtime::{ContainerId, ContainerState, ExitCode, RemoveOutcome, RuntimeErrorKind as Kind, StartOutcome};
use ps_core::testing::Behaviour;

use super::super::bench::kind_of;
use super::super::{Bench, Case, Program, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        starting_runs_the_command,
        starting_twice_reports_already_running,
        starting_what_is_not_there_is_not_found,
        starting_a_program_that_is_not_there_is_invalid,
        a_container_that_has_ended_can_be_started_again,
        waiting_returns_the_exit_code,
        waiting_for_what_has_ended_returns_at_once,
        waiting_for_what_is_not_there_is_not_found,
        renaming_frees_the_old_name,
        a_running_container_can_be_renamed,
        renaming_to_a_name_in_use_says_so,
        renaming_what_is_not_there_is_not_found,
        removing_leaves_nothing,
        removing_twice_reports_already_gone,
        removing_a_running_container_does_not_wait_for_it,
        a_removed_name_can_be_used_again,
        a_policy_can_be_changed_while_it_runs if |can| can.updates_restart_policy,
        changing_a_policy_is_unsupported_where_the_engine_cannot if |can| !can.updates_restart_policy,
    ]
}

fn missing() -> ContainerId {
    ContainerId("0123456789abcdef".repeat(4))
}

async fn starting_runs_the_command(bench: &Bench) -> Verdict {
    let id = bench.create("a", &Program::runs()).await?;
    let before = bench.clock.now();
    assert_eq!(bench.engine.start_container(&id).await?, StartOutcome::Started);
    let detail = bench.engine.inspect_container(&id).await?;
    assert_eq!((detail.state, detail.exit_code), (ContainerState::Running, None));
    assert!(detail.pid.is_some());
    let started = detail.started_at.ok_or("it has no start time")?;
    let tolerance = Duration::from_secs(2);
    assert!(
        started + tolerance >= before && started <= bench.clock.now() + tolerance,
        "{started:?}"
    );
    Ok(())
}

async fn starting_twice_reports_already_running(bench: &Bench) -> Verdict {
    let id = bench.start("a", &Program::runs()).await?;
    let pid = bench.engine.inspect_container(&id).await?.pid;
    assert_eq!(bench.engine.start_container(&id).await?, StartOutcome::AlreadyRunning);
    assert_eq!(bench.engine.inspect_container(&id).await?.pid, pid);
    Ok(())
}

async fn starting_what_is_not_there_is_not_found(bench: &Bench) -> Verdict {
    let started = bench.engine.start_container(&missing()).await;
    assert_eq!(kind_of(&started), Some(Kind::NotFound));
    Ok(())
}

async fn starting_a_program_that_is_not_there_is_invalid(bench: &Bench) -> Verdict {
    let mut program = Program::words(&["/no/such/program"], []);
    program.script = Behaviour::NotExecutable.into();
    let id = bench.create("a", &program).await?;
    let started = bench.engine.start_container(&id).await;
    assert_eq!(kind_of(&started), Some(Kind::Invalid));
    assert!(!bench.engine.inspect_container(&id).await?.state.is_running());
    Ok(())
}

async fn a_container_that_has_ended_can_be_started_again(bench: &Bench) -> Verdict {
    let id = bench.start("a", &Program::soon_exits(4)).await?;
    assert_eq!(bench.engine.wait_container(&id).await?, ExitCode(4));
    assert_eq!(bench.engine.start_container(&id).await?, StartOutcome::Started);
    assert_eq!(bench.engine.wait_container(&id).await?, ExitCode(4));
    let detail = bench.engine.inspect_container(&id).await?;
    assert_eq!((detail.state, detail.restart_count), (ContainerState::Exited, 0));
    Ok(())
}

async fn waiting_returns_the_exit_code(bench: &Bench) -> Verdict {
    let id = bench.start("a", &Program::soon_exits(3)).await?;
    assert_eq!(bench.engine.wait_container(&id).await?, ExitCode(3));
    let detail = bench.engine.inspect_container(&id).await?;
    assert_eq!(
        (detail.state, detail.exit_code, detail.pid),
        (ContainerState::Exited, Some(3), None)
    );
    Ok(())
}

async fn waiting_for_what_has_ended_returns_at_once(bench: &Bench) -> Verdict {
    let id = bench.start("a", &Program::exits(5)).await?;
    bench.reaches(&id, ContainerState::Exited).await?;
    assert_eq!(bench.engine.wait_container(&id).await?, ExitCode(5));
    Ok(())
}

async fn waiting_for_what_is_not_there_is_not_found(bench: &Bench) -> Verdict {
    let waited = bench.engine.wait_container(&missing()).await;
    assert_eq!(kind_of(&waited), Some(Kind::NotFound));
    Ok(())
}

async fn renaming_frees_the_old_name(bench: &Bench) -> Verdict {
    let id = bench.create("old", &Program::runs()).await?;
    bench.engine.rename_container(&id, &bench.name("new")).await?;
    assert_eq!(bench.engine.inspect_container(&id).await?.name, bench.name("new"));
    let other = bench.create("old", &Program::runs()).await?;
    assert_ne!(other, id);
    Ok(())
}

async fn a_running_container_can_be_renamed(bench: &Bench) -> Verdict {
    let id = bench.start("old", &Program::runs()).await?;
    let pid = bench.engine.inspect_container(&id).await?.pid;
    bench.engine.rename_container(&id, &bench.name("new")).await?;
    let listed = bench.engine.list_containers(&bench.filter()).await?;
    let rows: Vec<_> = listed
        .iter()
        .map(|row| (row.name.as_str(), row.state.is_running()))
        .collect();
    assert_eq!(rows, [(bench.name("new").as_str(), true)]);
    assert_eq!(bench.engine.inspect_container(&id).await?.pid, pid);
    Ok(())
}

async fn renaming_to_a_name_in_use_says_so(bench: &Bench) -> Verdict {
    bench.create("a", &Program::runs()).await?;
    let other = bench.create("b", &Program::runs()).await?;
    let renamed = bench.engine.rename_container(&other, &bench.name("a")).await;
    assert_eq!(kind_of(&renamed), Some(Kind::NameInUse));
    assert_eq!(bench.engine.inspect_container(&other).await?.name, bench.name("b"));
    Ok(())
}

async fn renaming_what_is_not_there_is_not_found(bench: &Bench) -> Verdict {
    let renamed = bench.engine.rename_container(&missing(), &bench.name("a")).await;
    assert_eq!(kind_of(&renamed), Some(Kind::NotFound));
    Ok(())
}

async fn removing_leaves_nothing(bench: &Bench) -> Verdict {
    let id = bench.create("a", &Program::runs()).await?;
    assert_eq!(bench.engine.remove_container(&id).await?, RemoveOutcome::Removed);
    let inspected = bench.engine.inspect_container(&id).await;
    assert_eq!(kind_of(&inspected), Some(Kind::NotFound));
    assert_eq!(bench.engine.list_containers(&bench.filter()).await?, []);
    Ok(())
}

async fn removing_twice_reports_already_gone(bench: &Bench) -> Verdict {
    let id = bench.create("a", &Program::runs()).await?;
    bench.engine.remove_container(&id).await?;
    assert_eq!(bench.engine.remove_container(&id).await?, RemoveOutcome::AlreadyGone);
    Ok(())
}

async fn removing_a_running_container_does_not_wait_for_it(bench: &Bench) -> Verdict {
    let mut spec = bench.spec("a", &Program::is_deaf());
    spec.stop_timeout = Some(Duration::from_secs(60));
    let id = bench.start_spec(&spec).await?;
    let begun = bench.clock.monotonic();
    assert_eq!(bench.engine.remove_container(&id).await?, RemoveOutcome::Removed);
    assert!(bench.since(begun) < Duration::from_secs(8));
    Ok(())
}

async fn a_removed_name_can_be_used_again(bench: &Bench) -> Verdict {
    let id = bench.start("a", &Program::runs()).await?;
    bench.engine.remove_container(&id).await?;
    bench.start("a", &Program::runs()).await?;
    Ok(())
}

async fn a_policy_can_be_changed_while_it_runs(bench: &Bench) -> Verdict {
    let mut spec = bench.spec("a", &Program::runs());
    spec.restart_policy = RestartPolicy::Always;
    let id = bench.start_spec(&spec).await?;
    assert_eq!(
        bench.engine.inspect_container(&id).await?.restart_policy,
        RestartPolicy::Always
    );
    for policy in [
        RestartPolicy::on_failure(4),
        RestartPolicy::UnlessStopped,
        RestartPolicy::No,
    ] {
        bench.engine.update_restart_policy(&id, policy).await?;
        assert_eq!(bench.engine.inspect_container(&id).await?.restart_policy, policy);
    }
    Ok(())
}

async fn changing_a_policy_is_unsupported_where_the_engine_cannot(bench: &Bench) -> Verdict {
    let id = bench.start("a", &Program::runs()).await?;
    let changed = bench.engine.update_restart_policy(&id, RestartPolicy::Always).await;
    assert_eq!(kind_of(&changed), Some(Kind::Unsupported));
    Ok(())
}
