//! What callers hear when the engine itself fails.

use std::time::Duration;

use ps_core::runtime::{ContainerId, RuntimeErrorKind as Kind};

use super::super::bench::kind_of;
use super::super::{Bench, Breakage, Case, Program, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        an_engine_that_is_gone_is_unreachable,
        a_silent_engine_leaves_the_outcome_unknown_within_the_limit,
        an_error_names_what_was_tried_and_on_what,
    ]
}

async fn an_engine_that_is_gone_is_unreachable(bench: &Bench) -> Verdict {
    let engine = bench.broken(Breakage::Gone).await?;
    let listed = engine.list_containers(&bench.filter()).await;
    assert_eq!(kind_of(&listed), Some(Kind::Unreachable));
    let created = engine.create_container(&bench.spec("a", &Program::runs())).await;
    assert_eq!(kind_of(&created), Some(Kind::Unreachable));
    Ok(())
}

async fn a_silent_engine_leaves_the_outcome_unknown_within_the_limit(bench: &Bench) -> Verdict {
    let engine = bench.broken(Breakage::Silent).await?;
    let begun = bench.clock.monotonic();
    let created = engine.create_container(&bench.spec("a", &Program::runs())).await;
    assert_eq!(kind_of(&created), Some(Kind::OutcomeUnknown));
    let missing = ContainerId("0123456789abcdef".repeat(4));
    let stopped = engine.stop_container(&missing, Duration::ZERO).await;
    assert_eq!(kind_of(&stopped), Some(Kind::OutcomeUnknown));
    assert!(bench.since(begun) < Duration::from_secs(300));
    Ok(())
}

async fn an_error_names_what_was_tried_and_on_what(bench: &Bench) -> Verdict {
    let name = bench.name("a");
    bench.create("a", &Program::runs()).await?;
    let error = bench
        .create("a", &Program::runs())
        .await
        .err()
        .ok_or("it was made twice")?;
    assert!(error.to_string().contains(&name), "{error}");
    assert!(error.source.is_some());
    assert!(!error.operation.is_empty() && !error.runtime.is_empty());
    Ok(())
}
