//! Types whose checks are disabled make way: never two of a worker at once, and the old one again when the new one fails.

use futures_util::StreamExt;
use ps_core::runtime::{ContainerId, LogOptions};

use super::super::{Case, Ground, ensure};
use super::WEB;
use crate::conformance::{Failure, Verdict};

/// A worker that writes the time since the machine's start to its log, again and again.
const TICKS: &str = "worker: sh -c 'while cat /proc/uptime; do usleep 20000; done'\n";

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        an_old_worker_is_gone_before_the_new_one_starts,
        a_failing_new_worker_brings_the_old_one_back,
    ]
}

/// An app with a web and one worker that makes way.
fn with_a_worker(ground: &Ground, worker: &str) -> Result<String, Failure> {
    let app = ground.created("shop")?;
    ground.ok(&["ps:scale", &app, "worker=1"])?;
    let source = ground.source_of("shop", &format!("{WEB}{worker}"))?;
    ground.ok(&["deploy", &app, &source])?;
    ground.ok(&["checks:disable", &app, "worker"])?;
    Ok(app)
}

/// The times that a worker wrote, so far or until it ends.
async fn ticks(ground: &Ground, container: &str, follow: bool) -> Result<Vec<f64>, Failure> {
    let options = LogOptions { follow, tail: None };
    let mut logs = ground.engine.read_logs(&ContainerId(container.to_owned()), options);
    let mut text = Vec::new();
    while let Some(chunk) = logs.next().await {
        text.extend_from_slice(&chunk?.bytes);
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    let first_words = text.lines().filter_map(|line| line.split_whitespace().next());
    Ok(first_words.map(str::parse).collect::<Result<Vec<f64>, _>>()?)
}

fn an_old_worker_is_gone_before_the_new_one_starts(ground: &Ground) -> Verdict {
    let app = with_a_worker(ground, TICKS)?;
    for words in [&["ps:restart"][..], &["deploy"]] {
        let old = ground.id(&app, "worker.1")?;
        let mut command = ground.start(&[words, &[app.as_str()]].concat())?;
        // It is followed until its process ends, so that nothing is missed when it is removed.
        let last = ground
            .block_on(ticks(ground, &old, true))?
            .into_iter()
            .fold(0.0, f64::max);
        command.wait(|| {})?.code_is(0)?;
        ground.has_soon(&app, &["web.1", "worker.1"])?;
        let new = ground.id(&app, "worker.1")?;
        ensure(new != old, || "it was not replaced".to_owned())?;
        let first = ground.eventually("the new worker works", || {
            Ok(ground.block_on(ticks(ground, &new, false))?.first().copied())
        })?;
        ensure(last > 0.0 && last < first, || {
            format!("{words:?}: the old one worked until {last}, the new one from {first}")
        })?;
    }
    Ok(())
}

fn a_failing_new_worker_brings_the_old_one_back(ground: &Ground) -> Verdict {
    let app = with_a_worker(ground, "worker: sleep 3600\n")?;
    let before = ground.ids(&app)?;
    let source = ground.source_of("shop", &format!("{WEB}worker: sh -c 'echo no work today; exit 7'\n"))?;
    let failed = ground.run(&["deploy", &app, &source])?;
    failed.is_error_with_hint(8, &["worker.1", "no work today"])?;
    ensure(ground.ids(&app)? == before, || {
        format!("{:?} is not {before:?}", ground.ids(&app))
    })?;
    ground.runs(&app, &["web.1", "worker.1"])?;
    // It is as it was: its policy revives it.
    let id = ContainerId(ground.id(&app, "worker.1")?);
    let detail = ground.block_on(ground.engine.inspect_container(&id))?;
    ensure(detail.restart_policy.to_string() == "on-failure:10", || {
        format!("its policy is {}", detail.restart_policy)
    })
}
