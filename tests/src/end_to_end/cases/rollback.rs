//! Rollbacks, the list of releases, and which images are kept.

use super::super::{Case, Ground, ensure};
use super::WEB;
use crate::conformance::{Failure, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        a_rollback_puts_back_image_commands_and_config_without_the_source,
        a_rollback_that_fails_its_checks_changes_nothing,
        the_images_of_the_last_releases_are_kept,
        an_image_in_use_stays_until_it_is_free,
        an_image_that_was_deployed_keeps_its_own_name,
    ]
}

/// Deploys an app whose image and Procfile say a version.
fn deploy(ground: &Ground, app: &str, version: &str) -> Result<String, Failure> {
    let dockerfile = format!("FROM {}\nRUN echo {version} > /version\n", ground.base);
    let procfile = format!("web: sh -c 'cat /version; echo procfile {version}; exec httpd -f -p $PORT'\n");
    let source = ground.source(app, &[("Dockerfile", &dockerfile), ("Procfile", &procfile)])?;
    ground.ok(&["deploy", app, &source, "--wait-retired"])?;
    Ok(source)
}

fn inside(ground: &Ground, app: &str, command: &str) -> Result<String, Failure> {
    Ok(ground.ok(&["enter", app, "web.1", "sh", "-c", command])?.out)
}

/// Number and state of every release, newest first.
fn states(ground: &Ground, app: &str) -> Result<Vec<String>, Failure> {
    let printed = ground.ok(&["releases", app, "--format", "json"])?;
    let document: serde_json::Value = serde_json::from_str(&printed.out)?;
    let releases = document.get("releases").and_then(|releases| releases.as_array());
    let releases = releases.ok_or("there are no releases")?.iter();
    let told = |release: &serde_json::Value| {
        let number = release.get("release").and_then(serde_json::Value::as_u64);
        let state = release.get("state").and_then(serde_json::Value::as_str);
        format!("v{} {}", number.unwrap_or_default(), state.unwrap_or_default())
    };
    Ok(releases.map(told).collect())
}

fn images(ground: &Ground, app: &str) -> Result<Vec<u32>, Failure> {
    let mut found = Vec::new();
    for number in 1..=9 {
        if ground.has_image(&format!("psctl/{app}:v{number}"))? {
            found.push(number);
        }
    }
    Ok(found)
}

fn a_rollback_puts_back_image_commands_and_config_without_the_source(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    ground.ok(&["config:set", &app, "COLOUR=green", "OLD=1"])?;
    let source = deploy(ground, &app, "one")?;
    ground.ok(&["ps:scale", &app, "web=2"])?;
    deploy(ground, &app, "two")?;
    ground.ok(&["config:unset", &app, "OLD"])?;
    ground.ok(&["config:set", &app, "COLOUR=red", "NEW=1"])?;
    std::fs::remove_dir_all(source)?;
    let planned = ground.ok(&["--dry-run", "ps:rollback", &app, "v1"])?;
    let back = ground.ok(&["ps:rollback", &app, "v1", "--wait-retired"])?;
    ensure(planned.out.contains("release v5 puts v1 back"), || planned.told())?;
    ensure(
        !back.err.contains("Building") && back.err.contains("v5 is deployed"),
        || back.told(),
    )?;
    ground.runs(&app, &["web.1", "web.2"])?;
    let seen = inside(ground, &app, "cat /version; echo $COLOUR $OLD $NEW")?;
    ensure(seen == "one\ngreen 1\n", || seen)?;
    ground.eventually("the old command runs", || {
        let logs = ground.ok(&["logs", &app])?;
        Ok(logs.out.contains("procfile one").then_some(()))
    })?;
    let config = ground.ok(&["config:export", &app])?;
    ensure(config.out == "export COLOUR='green'\nexport OLD='1'\n", || {
        config.told()
    })?;
    let listed = ground.ok(&["releases", &app])?;
    listed.shows(&["v5 ", "ps:rollback v1", "config:unset", " deploy "])?;
    ensure(listed.out.lines().all(|line| line.chars().count() <= 80), || {
        listed.told()
    })?;
    ground
        .run(&["ps:rollback", &app, "v9"])?
        .is_error_with_hint(2, &["v9"])?;
    ground.run(&["ps:rollback", &app, "newest"])?.is_error(2, &["newest"])
}

fn a_rollback_that_fails_its_checks_changes_nothing(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let bad = ground.source_of("bad", "web: sh -c 'echo I am dying; sleep 1; exit 3'\n")?;
    ground.ok(&["config:set", &app, "COLOUR=green"])?;
    ground.ok(&["deploy", &app, &bad])?;
    let good = ground.source_of("good", WEB)?;
    ground.ok(&["deploy", &app, &good, "--wait-retired"])?;
    ground.ok(&["config:set", &app, "COLOUR=red", "--wait-retired"])?;
    ground.ok(&["checks:enable", &app])?;
    let (ids, report) = (ground.ids(&app)?, ground.ok(&["ps:report", &app])?.out);
    ground
        .run(&["ps:rollback", &app, "v1"])?
        .is_error_with_hint(8, &["I am dying"])?;
    ensure(ground.ids(&app)? == ids, || {
        format!("{:?} is not {ids:?}", ground.ids(&app))
    })?;
    let after = ground.ok(&["ps:report", &app])?.out;
    ensure(report == after, || format!("the report changed:\n{report}{after}"))?;
    let colour = ground.ok(&["config:get", &app, "COLOUR"])?;
    ensure(colour.out == "red\n", || colour.told())?;
    let states = states(ground, &app)?;
    ensure(states == ["v3 current", "v2 kept", "v1 kept"], || format!("{states:?}"))
}

fn the_images_of_the_last_releases_are_kept(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    ground.ok(&["releases:set", &app, "keep", "2"])?;
    for version in ["one", "two", "three"] {
        deploy(ground, &app, version)?;
    }
    ground.ok(&["config:set", &app, "A=1", "--wait-retired"])?;
    let found = images(ground, &app)?;
    ensure(found == [3], || format!("the images {found:?}, and not that of v3"))?;
    let found = states(ground, &app)?;
    ensure(found == ["v4 current", "v3 kept", "v2 removed", "v1 removed"], || {
        format!("{found:?}")
    })?;
    let gone = ground.run(&["ps:rollback", &app, "v1"])?;
    gone.is_error_with_hint(1, &["v1", "can be put back: v3"])?;
    // What somebody else removes is told just so.
    deploy(ground, &app, "five")?;
    ground.ok(&["releases:set", &app, "keep", "3"])?;
    ground.block_on(ground.engine.remove_image(&format!("psctl/{app}:v3")))?;
    let gone = ground.run(&["ps:rollback", &app])?;
    gone.is_error_with_hint(1, &["v4", "no other release"])?;
    ground.runs(&app, &["web.1"])
}

fn an_image_in_use_stays_until_it_is_free(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    ground.ok(&["releases:set", "--global", "keep", "1"])?;
    deploy(ground, &app, "one")?;
    ground.ok(&["run", "--detach", &app, "sleep", "3600"])?;
    deploy(ground, &app, "two")?;
    let found = images(ground, &app)?;
    ensure(found == [1, 2], || format!("{found:?}"))?;
    ground.ok(&["run:stop", &app])?;
    ground.ok(&["ps:retire", &app])?;
    let found = images(ground, &app)?;
    ensure(found == [2], || format!("{found:?}"))
}

fn an_image_that_was_deployed_keeps_its_own_name(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    ground.ok(&["releases:set", &app, "keep", "1"])?;
    let base = ground.base.clone();
    ground.ok(&["git:from-image", &app, &base, "--wait-retired"])?;
    deploy(ground, &app, "two")?;
    let found = images(ground, &app)?;
    ensure(found == [2], || format!("{found:?}"))?;
    ensure(ground.has_image(&base)?, || format!("{base} was removed"))
}
