//! Restart, stop, start, destroy, rename, and live properties.

use super::super::{Case, Ground, ensure};
use super::{WEB, WEB_AND_WORKER};
use crate::conformance::Verdict;

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        a_restart_replaces_all_or_a_type_or_one_replica,
        a_crash_loop_is_replaced_whenever_it_waits,
        stopped_containers_are_kept_and_started_again,
        with_the_policy_always_a_stop_lasts_too,
        a_restart_policy_takes_effect_where_the_engine_can,
        a_destroyed_app_leaves_nothing,
        a_renamed_app_runs_under_its_new_name,
        all_apps_are_handled_at_once,
        an_app_that_was_never_deployed_is_no_error,
    ]
}

fn a_restart_replaces_all_or_a_type_or_one_replica(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB_AND_WORKER)?;
    let all = ["web.1", "web.2", "worker.1"];
    ground.ok(&["ps:scale", &app, "web=2", "worker=1"])?;
    let mut before = ground.ids(&app)?;
    let selections: [(&[&str], &[&str]); 3] = [(&[], &all), (&["web"], &["web.1", "web.2"]), (&["web.2"], &["web.2"])];
    for (words, replaced) in selections {
        ground.ok(&[&["ps:restart", &app], words].concat())?;
        ground.has_soon(&app, &all)?;
        let after = ground.ids(&app)?;
        for replica in all {
            let is_new = before.get(replica) != after.get(replica);
            ensure(is_new == replaced.contains(&replica), || {
                format!("restart {words:?} of {replica}: {before:?} {after:?}")
            })?;
        }
        before = after;
    }
    ground.run(&["ps:restart", &app, "web.3"])?.is_error(2, &["web.3"])?;
    ground.run(&["ps:restart", &app, "nosuch"])?.is_error(2, &["nosuch"])?;
    ensure(ground.ids(&app)? == before, || {
        "a refused restart changed containers".to_owned()
    })
}

/// Docker waits longer before each restart; after four it waits most of the time.
fn a_crash_loop_is_replaced_whenever_it_waits(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", "web: false\n")?;
    let good = ground.source_of("good", WEB)?;
    for words in [&["ps:restart", &app][..], &["deploy", &app, &good]] {
        ground.eventually("four restarts", || {
            let mut rows = ground.containers(&app)?.into_iter();
            let old = rows.find(|row| !row.name.contains("retiring")).ok_or("no web")?;
            let detail = ground.block_on(ground.engine.inspect_container(&old.id))?;
            Ok((detail.restart_count >= 4).then_some(()))
        })?;
        ground.ok(words)?;
    }
    ground.has_soon(&app, &["web.1"])?;
    ground.runs(&app, &["web.1"])
}

fn stopped_containers_are_kept_and_started_again(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB_AND_WORKER)?;
    ground.ok(&["ps:scale", &app, "worker=1"])?;
    let before = ground.ids(&app)?;
    ground.ok(&["ps:stop", &app])?;
    let rows = ground.containers(&app)?;
    ensure(
        rows.len() == 2 && rows.iter().all(|row| !row.state.is_running()),
        || format!("not stopped: {rows:?}"),
    )?;
    let report = ground.ok(&["ps:report", &app, "--running"])?;
    ensure(report.out == "false\n", || report.told())?;
    let scaled = ground.ok(&["ps:scale", &app, "web=2"])?;
    ensure(ground.containers(&app)?.len() == 2, || {
        format!("a stopped app was scaled: {}", scaled.told())
    })?;
    ground.ok(&["ps:scale", &app, "web=1"])?;
    ground.ok(&["ps:stop", &app])?;
    ground.ok(&["ps:start", &app])?;
    ground.runs(&app, &["web.1", "worker.1"])?;
    let after = ground.ids(&app)?;
    ensure(before == after, || {
        format!("containers were replaced: {before:?} {after:?}")
    })?;
    ground.ok(&["ps:start", &app])?;
    ensure(ground.ids(&app)? == after, || {
        "starting twice replaced containers".to_owned()
    })
}

fn with_the_policy_always_a_stop_lasts_too(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    ground.ok(&["ps:set", &app, "restart-policy", "always"])?;
    let source = ground.source_of("shop", WEB)?;
    ground.ok(&["deploy", &app, &source])?;
    let before = ground.id(&app, "web.1")?;
    ground.ok(&["ps:stop", &app])?;
    let rows = ground.containers(&app)?;
    ensure(rows.iter().all(|row| !row.state.is_running()), || {
        format!("it runs: {rows:?}")
    })?;
    // Where a live container cannot be changed it is made anew.
    let is_kept = ground.engine.capabilities().updates_restart_policy;
    ensure(rows.is_empty() != is_kept, || {
        format!("not what this engine needs: {rows:?}")
    })?;
    ground.ok(&["ps:start", &app])?;
    ground.runs(&app, &["web.1"])?;
    let after = ground.id(&app, "web.1")?;
    ensure((before == after) == is_kept, || format!("{before} {after}"))?;
    policy_is(ground, &app, "always")
}

fn policy_is(ground: &Ground, app: &str, policy: &str) -> Verdict {
    for row in ground.containers(app)? {
        let detail = ground.block_on(ground.engine.inspect_container(&row.id))?;
        ensure(detail.restart_policy.to_string() == policy, || {
            format!("{} has the policy {}", row.name, detail.restart_policy)
        })?;
    }
    Ok(())
}

fn a_restart_policy_takes_effect_where_the_engine_can(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let before = ground.id(&app, "web.1")?;
    policy_is(ground, &app, "on-failure:10")?;
    ground.ok(&["ps:set", &app, "restart-policy", "unless-stopped"])?;
    ensure(ground.id(&app, "web.1")? == before, || "it was replaced".to_owned())?;
    let is_live = ground.engine.capabilities().updates_restart_policy;
    policy_is(ground, &app, if is_live { "unless-stopped" } else { "on-failure:10" })?;
    ground
        .run(&["ps:set", &app, "restart-policy", "sometimes"])?
        .is_error(2, &["sometimes"])?;
    ground.ok(&["ps:rebuild", &app])?;
    ground.has_soon(&app, &["web.1"])?;
    policy_is(ground, &app, "unless-stopped")
}

fn a_destroyed_app_leaves_nothing(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB_AND_WORKER)?;
    ground.ok(&["ps:scale", &app, "web=2", "worker=1"])?;
    ground.ok(&["ps:rebuild", &app])?;
    ground.ok(&["run", "--detach", &app, "sleep", "3600"])?;
    ensure(ground.has_image(&format!("psctl/{app}:v1"))?, || {
        "no image v1".to_owned()
    })?;
    let asked = ground.run(&["apps:destroy", &app])?;
    ensure(asked.code != Some(0), || format!("destroyed unasked: {}", asked.told()))?;
    ground.ok(&["apps:destroy", &app, "--force"])?;
    ground.has_soon(&app, &[])?;
    for number in 1..=3 {
        let image = format!("psctl/{app}:v{number}");
        ensure(!ground.has_image(&image)?, || format!("{image} is left"))?;
    }
    ground.run(&["apps:exists", &app])?.code_is(20)?;
    ground.run(&["ps:report", &app])?.is_error(20, &[&app])?;
    let rows: i64 = ground.database()?.query_row(
        "SELECT (SELECT count(*) FROM apps) + (SELECT count(*) FROM serving) + (SELECT count(*) FROM endpoints)",
        [],
        |row| row.get(0),
    )?;
    ensure(rows == 0, || format!("{rows} rows are left"))
}

fn a_renamed_app_runs_under_its_new_name(ground: &Ground) -> Verdict {
    let app = ground.deployed("old", WEB)?;
    let new = ground.app("new");
    ground.ok(&["config:set", &app, "COLOUR=green"])?;
    ground.ok(&["apps:rename", &app, &new])?;
    ground.has_soon(&new, &["web.1"])?;
    ground.has_soon(&app, &[])?;
    ground.runs(&new, &["web.1"])?;
    let value = ground.ok(&["config:get", &new, "COLOUR"])?;
    ensure(value.out == "green\n", || value.told())?;
    ground.ok(&["ps:restart", &new])?;
    ground.has_soon(&new, &["web.1"])?;
    ground.run(&["ps:report", &app])?.is_error(20, &[&app])
}

fn all_apps_are_handled_at_once(ground: &Ground) -> Verdict {
    let one = ground.deployed("one", WEB)?;
    let other = ground.deployed("other", WEB)?;
    ground.ok(&["ps:stop", "--all", "--parallel", "-1"])?;
    for app in [&one, &other] {
        let rows = ground.containers(app)?;
        ensure(rows.iter().all(|row| !row.state.is_running()), || {
            format!("it runs: {rows:?}")
        })?;
    }
    let listed = ground.ok(&["ps:report", "--running"])?;
    listed.shows(&[&format!("{one}: false\n"), &format!("{other}: false\n")])?;
    ground.ok(&["ps:start", "--all", "--parallel=2"])?;
    ground.runs(&one, &["web.1"])?;
    ground.runs(&other, &["web.1"])?;
    ground.run(&["ps:stop", "--all", &one])?.is_error(2, &[])
}

fn an_app_that_was_never_deployed_is_no_error(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    for verb in ["ps:start", "ps:stop", "ps:restart"] {
        let warned = ground.ok(&[verb, &app])?;
        ensure(warned.err.contains("was never deployed"), || warned.told())?;
    }
    ground.run(&["ps:rebuild", &app])?.is_error_with_hint(1, &[&app])?;
    ground.has_soon(&app, &[])
}
