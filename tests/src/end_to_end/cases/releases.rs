//! Deploys: from directories and images, redeploys, rebuilds, config.

use super::super::{Case, Ground, ensure};
use super::{WEB, WEB_AND_WORKER};
use crate::conformance::{Failure, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        a_directory_is_deployed_and_reported,
        a_redeploy_replaces_what_runs,
        a_rebuild_ships_the_changed_source,
        an_image_brings_its_own_procfile,
        a_changed_config_is_rolled_out_unless_told_otherwise,
        checks_pass_early_once_the_port_is_listened_on,
        a_web_that_dies_fails_the_deploy_and_the_old_one_serves,
        a_failing_release_process_fails_the_deploy,
    ]
}

fn report(ground: &Ground, app: &str) -> Result<serde_json::Value, Failure> {
    let document = ground.ok(&["ps:report", app, "--format", "json"])?;
    Ok(serde_json::from_str(&document.out)?)
}

fn a_directory_is_deployed_and_reported(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let source = ground.source_of("shop", &format!("{WEB_AND_WORKER}release: echo it is released\n"))?;
    let deployed = ground.ok(&["deploy", &app, &source])?;
    ensure(deployed.err.contains("it is released"), || deployed.told())?;
    ground.runs(&app, &["web.1"])?;
    let id = ground.id(&app, "web.1")?;
    let short = id.get(..11).unwrap_or_default();
    let text = ground.ok(&["ps:report", &app])?;
    text.shows(&[
        &format!("=====> {app} ps information\n"),
        "       Deployed:                         true\n",
        "       Processes:                        1\n",
        "       Ps restart policy:                on-failure:10\n",
        "       Release:                          v1\n",
        "       Running:                          true\n",
        &format!("       Status web 1:                     running (CID: {short})\n"),
    ])?;
    let flag = ground.ok(&["ps:report", &app, "--status-web.1"])?;
    ensure(flag.out == format!("running (CID: {short})\n"), || flag.told())?;
    let flag = ground.ok(&["ps:report", "--deployed"])?;
    ensure(flag.out == format!("{app}: true\n"), || flag.told())?;
    ground
        .run(&["ps:report", &app, "--deployed", "--running"])?
        .is_error(2, &[])?;
    let document = report(ground, &app)?;
    ensure(
        document.get("schema").and_then(|schema| schema.as_str()) == Some("psctl.report/1"),
        || document.to_string(),
    )?;
    let container = document.pointer("/apps/0/replicas/0/container");
    ensure(container.and_then(|container| container.as_str()) == Some(&id), || {
        document.to_string()
    })?;
    let dokku: serde_json::Value = serde_json::from_str(&ground.ok(&["ps:report", &app, "--format", "dokku"])?.out)?;
    ensure(dokku.get("deployed").is_some(), || dokku.to_string())
}

fn a_redeploy_replaces_what_runs(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB_AND_WORKER)?;
    ground.ok(&["ps:scale", &app, "worker=1"])?;
    let before = ground.ids(&app)?;
    ground.ok(&["deploy", &app])?;
    ground.has_soon(&app, &["web.1", "worker.1"])?;
    let after = ground.ids(&app)?;
    ensure(
        before.values().all(|id| !after.values().any(|other| other == id)),
        || format!("not replaced: {before:?} {after:?}"),
    )?;
    // A type that is gone goes.
    let source = ground.source_of("shop", WEB)?;
    ground.ok(&["deploy", &app, &source])?;
    ground.has_soon(&app, &["web.1"])?;
    let document = report(ground, &app)?;
    ensure(document.pointer("/apps/0/release") == Some(&3.into()), || {
        document.to_string()
    })
}

fn a_rebuild_ships_the_changed_source(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let dockerfile = format!("FROM {}\nEXPOSE 5000\nCOPY page.html /page.html\n", ground.base);
    ground.source("shop", &[("Dockerfile", &dockerfile), ("page.html", "the second")])?;
    ground.ok(&["ps:rebuild", &app])?;
    ground.has_soon(&app, &["web.1"])?;
    let page = ground.ok(&["enter", &app, "web.1", "cat", "/page.html"])?;
    ensure(page.out == "the second", || page.told())
}

fn an_image_brings_its_own_procfile(ground: &Ground) -> Verdict {
    let other = ground.app("made");
    let dockerfile = format!("FROM {}\nWORKDIR /srv/app\nCOPY Procfile .\nEXPOSE 5000\n", ground.base);
    let files = [
        ("Dockerfile", dockerfile.as_str()),
        ("Procfile", "web: httpd -f -p $PORT -h /srv\nworker: sleep 60\n"),
    ];
    let source = ground.source("made", &files)?;
    ground.ok(&["apps:create", &other])?;
    ground.ok(&["checks:skip", &other])?;
    ground.ok(&["deploy", &other, &source])?;
    let app = ground.created("shop")?;
    let image = format!("psctl/{other}:v1");
    ground.ok(&["git:from-image", &app, &image])?;
    ground.runs(&app, &["web.1"])?;
    ground.ok(&["ps", &app])?.shows(&["httpd -f -p 5000 -h /srv"])?;
    ground.ok(&["ps:scale", &app, "worker=1"])?;
    ground.runs(&app, &["web.1", "worker.1"])?;
    ground.ok(&["ps:rebuild", &app])?;
    ground.has_soon(&app, &["web.1", "worker.1"])?;
    // The image that it came from is not psctl's to remove on behalf of this app.
    ground.ok(&["apps:destroy", &app, "--force"])?;
    ensure(ground.has_image(&image)?, || "the source image was removed".to_owned())
}

fn a_changed_config_is_rolled_out_unless_told_otherwise(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let first = ground.id(&app, "web.1")?;
    ground.ok(&["config:set", "--no-restart", &app, "COLOUR=green"])?;
    ensure(ground.id(&app, "web.1")? == first, || "it was replaced".to_owned())?;
    let inside = |command| ground.run(&["enter", &app, "web.1", "sh", "-c", command]);
    inside("test -z \"$COLOUR\"")?.code_is(0)?;
    ground.ok(&["config:set", &app, "SIZE=two words"])?;
    ground.has_soon(&app, &["web.1"])?;
    let second = ground.id(&app, "web.1")?;
    ensure(first != second, || "it was not replaced".to_owned())?;
    let shown = inside("echo \"$COLOUR\"; echo \"$SIZE\"")?;
    ensure(shown.out == "green\ntwo words\n", || shown.told())?;
    ground.ok(&["config:set", &app, "SIZE=two words"])?;
    ensure(ground.id(&app, "web.1")? == second, || {
        "an equal value replaced it".to_owned()
    })?;
    ground.ok(&["config:unset", &app, "SIZE"])?;
    ground.has_soon(&app, &["web.1"])?;
    inside("test -z \"$SIZE\"")?.code_is(0)?;
    let document = report(ground, &app)?;
    ensure(document.pointer("/apps/0/release") == Some(&3.into()), || {
        document.to_string()
    })
}

fn checks_pass_early_once_the_port_is_listened_on(ground: &Ground) -> Verdict {
    let app = ground.app("shop");
    let source = ground.source_of("shop", WEB)?;
    let begun = std::time::Instant::now();
    let deployed = ground.ok(&["deploy", &app, &source])?;
    ground.runs(&app, &["web.1"])?;
    ensure(deployed.err.contains("ready"), || deployed.told())?;
    ensure(begun.elapsed().as_secs() < 60, || "it took a minute".to_owned())
}

fn a_web_that_dies_fails_the_deploy_and_the_old_one_serves(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    ground.ok(&["checks:enable", &app])?;
    let before = ground.ids(&app)?;
    let report = ground.ok(&["ps:report", &app])?.out;
    let source = ground.source_of("shop", "web: sh -c 'echo I am dying; exit 3'\n")?;
    let failed = ground.run(&["deploy", &app, &source])?;
    failed.is_error_with_hint(8, &["I am dying"])?;
    ensure(ground.ids(&app)? == before, || {
        format!("{:?} is not {before:?}", ground.ids(&app))
    })?;
    ensure(!ground.has_image(&format!("psctl/{app}:v2"))?, || {
        "the image is left".to_owned()
    })?;
    let after = ground.ok(&["ps:report", &app])?.out;
    ensure(report == after, || format!("the report changed:\n{report}{after}"))
}

fn a_failing_release_process_fails_the_deploy(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let before = ground.ids(&app)?;
    let source = ground.source_of("shop", &format!("{WEB}release: sh -c 'echo no migration; exit 4'\n"))?;
    let failed = ground.run(&["deploy", &app, &source])?;
    failed.is_error(1, &["no migration"])?;
    ensure(ground.ids(&app)? == before, || {
        format!("{:?} is not {before:?}", ground.ids(&app))
    })
}
