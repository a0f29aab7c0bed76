//! `ps:restore`: containers that were stopped or removed behind psctl's back serve again, and nothing else is touched.

use std::time::Duration;

use ps_core::runtime::ContainerId;

use super::super::{Case, Ground, ensure};
use super::{WEB, WEB_AND_WORKER};
use crate::conformance::{Failure, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        what_is_stopped_behind_its_back_is_started_and_not_made_anew,
        a_missing_container_has_the_app_redeployed_from_its_image,
        a_missing_image_is_built_again_unless_its_source_changed,
        what_its_operator_stopped_stays_stopped,
        apps_come_back_by_their_priority,
        a_dry_run_of_a_restore_changes_nothing,
    ]
}

/// Stops all containers of an app as somebody else would.
fn stop_behind_its_back(ground: &Ground, app: &str) -> Verdict {
    for id in ground.ids(app)?.into_values() {
        ground.block_on(ground.engine.stop_container(&ContainerId(id), Duration::ZERO))?;
    }
    ground.runs_none(app)
}

/// Removes one of them.
fn remove_behind_its_back(ground: &Ground, app: &str, replica: &str) -> Verdict {
    let id = ContainerId(ground.id(app, replica)?);
    ground.block_on(ground.engine.remove_container(&id))?;
    Ok(())
}

fn what_is_stopped_behind_its_back_is_started_and_not_made_anew(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    ground.ok(&["ps:scale", &app, "web=2", "worker=1"])?;
    let source = ground.source_of("shop", WEB_AND_WORKER)?;
    ground.ok(&["deploy", &app, &source])?;
    let before = ground.ids(&app)?;
    stop_behind_its_back(ground, &app)?;
    let restored = ground.ok(&["ps:restore"])?;
    restored.shows(&["1 of 1 apps are back", "came back", "3 started"])?;
    ensure(restored.err.contains("--all is assumed"), || restored.told())?;
    ground.runs(&app, &["web.1", "web.2", "worker.1"])?;
    ensure(ground.ids(&app)? == before, || "they were made anew".to_owned())?;
    ground.ok(&["ps:restore", &app])?.shows(&["3 ran already"])
}

fn a_missing_container_has_the_app_redeployed_from_its_image(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    ground.ok(&["ps:scale", &app, "web=2"])?;
    let source = ground.source_of("shop", WEB)?;
    ground.ok(&["deploy", &app, &source])?;
    let before = ground.ids(&app)?;
    // What is there now is not what was deployed, and is not asked for.
    ground.source_of("shop", "web: false\n")?;
    stop_behind_its_back(ground, &app)?;
    remove_behind_its_back(ground, &app, "web.2")?;
    let restored = ground.ok(&["ps:restore", &app, "--wait-retired"])?;
    restored.shows(&["redeployed", "v1, missing: web.2"])?;
    ground.runs(&app, &["web.1", "web.2"])?;
    let after = ground.ids(&app)?;
    ensure(after.values().all(|id| !before.values().any(|old| old == id)), || {
        format!("not all are new: {before:?}, {after:?}")
    })
}

fn a_missing_image_is_built_again_unless_its_source_changed(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let files = |content: &'static str| {
        let dockerfile = format!("FROM {}\nEXPOSE 5000\nCOPY version /version\n", ground.base);
        ground.source(
            "shop",
            &[("Dockerfile", &dockerfile), ("Procfile", WEB), ("version", content)],
        )
    };
    let source = files("one")?;
    ground.ok(&["deploy", &app, &source])?;
    remove_behind_its_back(ground, &app, "web.1")?;
    ground.block_on(ground.engine.remove_image(&format!("psctl/{app}:v1")))?;
    files("two")?;
    let refused = ground.run(&["ps:restore", &app])?;
    refused.is_error_with_hint(1, &["the image of v1", "changed since", "psctl deploy"])?;
    let refused = ground.run(&["ps:restore", "--all"])?;
    refused.code_is(3)?.shows(&["0 of 1 apps are back", "failed"])?;
    ground.has_soon(&app, &[])?;
    files("one")?;
    let restored = ground.ok(&["ps:restore", &app])?;
    restored.shows(&["redeployed", "v2 with a new image"])?;
    ground.runs(&app, &["web.1"])
}

fn what_its_operator_stopped_stays_stopped(ground: &Ground) -> Verdict {
    let stopped = ground.deployed("stopped", WEB)?;
    let off = ground.deployed("off", WEB)?;
    ground.ok(&["ps:stop", &stopped])?;
    ground.ok(&["ps:set", &off, "restore", "false"])?;
    stop_behind_its_back(ground, &off)?;
    ground
        .ok(&["ps:restore", &stopped])?
        .shows(&["its operator stopped it"])?;
    let restored = ground.ok(&["ps:restore", "--all"])?;
    restored.shows(&["0 of 0 apps are back, 2 skipped", "restore is off"])?;
    ground.runs_none(&stopped)?;
    ground.runs_none(&off)
}

fn apps_come_back_by_their_priority(ground: &Ground) -> Verdict {
    let mut started = Vec::new();
    let apps = ["api", "blog", "shop"].map(|word| ground.deployed(word, WEB));
    let [api, blog, shop] = apps.map(Result::ok).map(Option::unwrap_or_default);
    ground.ok(&["ps:set", &shop, "restore-priority", "-5"])?;
    ground.ok(&["ps:set", &api, "restore-priority", "7"])?;
    for app in [&api, &blog, &shop] {
        stop_behind_its_back(ground, app)?;
    }
    let restored = ground.ok(&["ps:restore", "--all"])?;
    restored.shows(&["3 of 3 apps are back"])?;
    for app in [&shop, &blog, &api] {
        let id = ContainerId(ground.id(app, "web.1")?);
        started.push(ground.block_on(ground.engine.inspect_container(&id))?.started_at);
    }
    ensure(started.iter().all(Option::is_some) && started.is_sorted(), || {
        format!("they started at {started:?}")
    })
}

fn a_dry_run_of_a_restore_changes_nothing(ground: &Ground) -> Verdict {
    let shop = ground.deployed("shop", WEB_AND_WORKER)?;
    let blog = ground.deployed("blog", WEB)?;
    stop_behind_its_back(ground, &shop)?;
    remove_behind_its_back(ground, &blog, "web.1")?;
    let before = ground.ids(&shop)?;
    let words = ["--dry-run", "--detailed-exitcode", "ps:restore", "--all"];
    let planned = ground.run(&words)?.code_is(10)?;
    planned.shows(&["1 to start", "v1, missing: web.1", &format!("start {shop}.web.1")])?;
    ensure(ground.ids(&shop)? == before, || "containers changed".to_owned())?;
    ground.runs_none(&shop)?;
    ground.runs_none(&blog)?;
    let restored: Result<_, Failure> = ground.ok(&["ps:restore", "--all", "--parallel", "-1"]);
    restored?.shows(&["2 of 2 apps are back"])?;
    ground.runs(&shop, &["web.1"])?;
    ground.runs(&blog, &["web.1"])
}
