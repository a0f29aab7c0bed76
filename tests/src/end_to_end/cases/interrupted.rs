//! Commands that meet each other, are interrupted, or are killed.

use rustix::process::{Pid, Signal, kill_process};

use super::super::{Case, Ground, Running, ensure};
use super::{WEB, WEB_AND_WORKER};
use crate::conformance::{Failure, Verdict};

/// A web process that never listens, and so takes all of its ten seconds to be found ready.
const SLOW: &str = "web: sleep 3600\n";

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        a_second_command_names_the_first_or_waits,
        an_interrupted_deploy_leaves_the_old_release_serving,
        a_terminated_first_deploy_leaves_nothing,
        what_a_killed_deploy_left_is_mended_by_the_next_command,
        a_killed_build_is_repeated_by_the_next_deploy,
        the_old_containers_go_though_psctl_is_killed_after_a_restart,
        the_next_command_retires_what_a_killed_one_left,
    ]
}

/// An app with a release that serves, and a deploy of a next one that is being checked.
fn amid_deploy(ground: &Ground) -> Result<(String, Running), Failure> {
    let app = ground.deployed("shop", WEB)?;
    ground.ok(&["checks:enable", &app])?;
    let source = ground.source_of("slow", SLOW)?;
    let deploy = ground.start(&["deploy", &app, &source])?;
    ground.eventually("the new web runs", || {
        let rows = ground.containers(&app)?;
        let is_up = rows
            .iter()
            .any(|row| row.name.contains("upcoming") && row.state.is_running());
        let is_checking = deploy.err()?.contains("checking");
        Ok((is_up && is_checking).then_some(()))
    })?;
    Ok((app, deploy))
}

fn a_second_command_names_the_first_or_waits(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    // It holds the lock until it is interrupted.
    let source = ground.source_of("long", &format!("{WEB}release: sleep 3600\n"))?;
    let mut deploy = ground.start(&["deploy", &app, &source])?;
    ground.eventually("the release process runs", || {
        let rows = ground.containers(&app)?;
        let runs = rows
            .iter()
            .any(|row| row.name.contains("release") && row.state.is_running());
        Ok(runs.then_some(()))
    })?;
    let before = ground.containers(&app)?;
    let changing: [&[&str]; 5] = [
        &["ps:scale", &app, "web=2"],
        &["ps:restart", &app],
        &["ps:stop", &app],
        &["config:set", &app, "A=b"],
        &["ps:set", &app, "restart-policy", "no"],
    ];
    for words in changing {
        let refused = ground.run(&[&["--lock-timeout", "0"], words].concat())?;
        refused.is_error_with_hint(5, &[&app, "deploy"])?;
    }
    let mut waiting = ground.start(&["--wait", "ps:stop", &app])?;
    // Looking needs no lock.
    ground.ok(&["ps:report", &app])?;
    let after = ground.containers(&app)?;
    ensure(after == before, || {
        format!("a refused command changed {before:?} to {after:?}")
    })?;
    ensure(waiting.is_running()?, || "it did not wait".to_owned())?;
    deploy.signal(Signal::INT)?;
    deploy.wait(|| {})?.code_is(130)?;
    waiting.wait(|| {})?.code_is(0)?;
    let rows = ground.containers(&app)?;
    let is_stopped = rows.len() == 1 && rows.iter().all(|row| !row.state.is_running());
    ensure(is_stopped, || format!("not just a stopped web: {rows:?}"))
}

fn an_interrupted_deploy_leaves_the_old_release_serving(ground: &Ground) -> Verdict {
    let (app, mut deploy) = amid_deploy(ground)?;
    let old = ground.id(&app, "web.1")?;
    deploy.signal(Signal::INT)?;
    let ended = deploy.wait(|| {})?;
    ended.is_error_with_hint(130, &[])?;
    ground.runs(&app, &["web.1"])?;
    ensure(ground.id(&app, "web.1")? == old, || {
        "another container serves".to_owned()
    })?;
    ensure(!ground.has_image(&format!("psctl/{app}:v2"))?, || {
        "its image is left".to_owned()
    })?;
    let report = ground.ok(&["ps:report", &app, "--release"])?;
    ensure(report.out == "v1\n", || report.told())
}

fn a_terminated_first_deploy_leaves_nothing(ground: &Ground) -> Verdict {
    let app = ground.app("shop");
    let source = ground.source_of("slow", SLOW)?;
    let mut deploy = ground.start(&["deploy", &app, &source])?;
    ground.eventually("the web is checked", || {
        Ok(deploy.err()?.contains("checking").then_some(()))
    })?;
    deploy.signal(Signal::TERM)?;
    deploy.wait(|| {})?.code_is(143)?;
    ground.has_soon(&app, &[])?;
    ensure(!ground.has_image(&format!("psctl/{app}:v1"))?, || {
        "its image is left".to_owned()
    })?;
    ground.run(&["apps:exists", &app])?.code_is(20)?;
    Ok(())
}

fn what_a_killed_deploy_left_is_mended_by_the_next_command(ground: &Ground) -> Verdict {
    let (app, mut deploy) = amid_deploy(ground)?;
    let old = ground.id(&app, "web.1")?;
    deploy.signal(Signal::KILL)?;
    deploy.wait(|| {})?;
    ensure(ground.containers(&app)?.len() == 2, || {
        "nothing was left to mend".to_owned()
    })?;
    ground.ok(&["ps:start", &app])?;
    ground.runs(&app, &["web.1"])?;
    ensure(ground.id(&app, "web.1")? == old, || {
        "another container serves".to_owned()
    })?;
    ground.ok(&["checks:skip", &app])?;
    let source = ground.source_of("next", WEB)?;
    ground.ok(&["deploy", &app, &source])?;
    ground.has_soon(&app, &["web.1"])?;
    ensure(ground.id(&app, "web.1")? != old, || "it was not replaced".to_owned())
}

fn a_killed_build_is_repeated_by_the_next_deploy(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let dockerfile = format!("FROM {}\nEXPOSE 5000\nRUN echo building && sleep 2\n", ground.base);
    let source = ground.source("shop", &[("Dockerfile", &dockerfile), ("Procfile", WEB)])?;
    let mut deploy = ground.start(&["deploy", &app, &source])?;
    ground.eventually("it builds", || Ok(deploy.err()?.contains("building").then_some(())))?;
    deploy.signal(Signal::KILL)?;
    deploy.wait(|| {})?;
    ground.ok(&["deploy", &app, &source])?;
    ground.has_soon(&app, &["web.1"])
}

/// The one-shots of this case that are running.
fn one_shots(ground: &Ground) -> Result<Vec<Pid>, Failure> {
    let state = ground.state().display().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(number) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // It may end at any time.
        let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        if words.contains("ps:retire") && words.contains(&state) {
            found.extend(Pid::from_raw(number));
        }
    }
    Ok(found)
}

/// How often a step was done, as the journal says.
fn times(ground: &Ground, beginning: &str) -> Result<i64, Failure> {
    let pattern = format!("{beginning}%");
    Ok(ground.database()?.query_row(
        "SELECT count(*) FROM journal WHERE state = 'done' AND text LIKE ?1",
        [pattern],
        |row| row.get(0),
    )?)
}

fn the_old_containers_go_though_psctl_is_killed_after_a_restart(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB_AND_WORKER)?;
    let old = ground.id(&app, "web.1")?;
    let restart = ground.start(&["ps:restart", &app])?;
    ground.eventually("the old one waits to be removed or is gone", || {
        let name = ground.ids(&app)?.into_iter().find(|(_, id)| *id == old);
        Ok(name.is_none_or(|(name, _)| name.contains("retiring")).then_some(()))
    })?;
    ground.eventually("the one-shot was started", || {
        let is_there = !one_shots(ground)?.is_empty() || ground.ids(&app)?.len() == 1;
        Ok(is_there.then_some(()))
    })?;
    // It may have ended by itself.
    let _ = restart.signal(Signal::KILL);
    ground.has_soon(&app, &["web.1"])?;
    ensure(ground.id(&app, "web.1")? != old, || "it was not replaced".to_owned())?;
    ground.eventually("the one-shot has ended", || {
        Ok(one_shots(ground)?.is_empty().then_some(()))
    })?;
    let removals = times(ground, &format!("remove {app}.web.1"))?;
    ensure(removals == 1, || {
        format!("the old container was removed {removals} times")
    })?;
    ground.ok(&["ps:retire", &app])?;
    ground.runs(&app, &["web.1"])
}

fn the_next_command_retires_what_a_killed_one_left(ground: &Ground) -> Verdict {
    // Deaf to SIGTERM, so that the one-shot takes its time.
    let app = ground.app("shop");
    ground.ok(&["apps:create", &app])?;
    ground.ok(&["checks:skip", &app])?;
    ground.ok(&["ps:set", &app, "stop-timeout-seconds", "8"])?;
    let deaf = "web: sh -c 'trap \"\" TERM; while true; do sleep 1; done'\n";
    let source = ground.source_of("shop", deaf)?;
    ground.ok(&["deploy", &app, &source])?;
    ground.ok(&["ps:restart", &app])?;
    let one_shot = ground.eventually("the one-shot runs", || Ok(one_shots(ground)?.first().copied()))?;
    kill_process(one_shot, Signal::KILL)?;
    ground.eventually("the one-shot is gone", || {
        Ok(one_shots(ground)?.is_empty().then_some(()))
    })?;
    ensure(ground.containers(&app)?.len() == 2, || {
        "the old container has gone already".to_owned()
    })?;
    ground.ok(&["ps:start", &app, "--wait-retired"])?;
    ground.runs(&app, &["web.1"])
}
