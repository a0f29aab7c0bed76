//! Checks: what passes, what fails a command with the exit code 8, and that a failure changes nothing.

use std::time::Instant;

use ps_core::checks::{CheckKind, HealthCheck};

use super::super::{Case, Ground, ensure};
use super::embedded::{check, command, deploy, path};
use super::{WEB, WEB_AND_WORKER};
use crate::conformance::{Failure, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        a_replica_that_dies_fails_its_deploy_long_before_its_uptime,
        types_that_are_skipped_are_not_checked,
        a_web_that_never_listens_passes_with_a_warning,
        checks_of_every_kind_pass,
        a_failed_check_leaves_what_serves_and_tells_why,
        running_checks_changes_nothing,
        a_check_of_a_port_that_is_not_reached_is_refused,
    ]
}

/// Two types that answer over HTTP; only `web` has a `PORT`.
const SERVERS: [(&str, &str); 2] = [
    ("web", "httpd -f -p $PORT -h /www"),
    ("worker", "httpd -f -p 9000 -h /www"),
];

/// The base image, with a page that says that all is well.
fn dockerfile(ground: &Ground) -> String {
    let page = "RUN mkdir /www && echo hello, all is well > /www/health";
    format!("FROM {}\n{page}\nEXPOSE 5000\n", ground.base)
}

fn a_replica_that_dies_fails_its_deploy_long_before_its_uptime(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    ground.ok(&["checks:enable", &app])?;
    ground.ok(&["checks:set", &app, "default-wait", "60"])?;
    let before = ground.ids(&app)?;
    let source = ground.source_of("shop", "web: sh -c 'echo I am dying; sleep 1; exit 3'\n")?;
    let mut command = ground.start(&["deploy", &app, &source, "--progress", "json"])?;
    let is_checked = "\"event\":\"checking\"";
    ground.eventually("the replica is checked", || {
        let is_seen = command.err()?.contains(is_checked) || !command.is_running()?;
        Ok(is_seen.then_some(()))
    })?;
    let started = Instant::now();
    let noticed = ground.eventually("the death is noticed", || {
        let is_seen = command.err()?.contains("\"state\":\"failed\"");
        Ok(is_seen.then(|| started.elapsed()))
    })?;
    let failed = command.wait(|| {})?;
    let after = started.elapsed();
    failed.is_error_with_hint(8, &["exit code 3", "I am dying"])?;
    ground.measured(format!(
        "a replica that dies after 1 s: seen {:.2} s after its start, and all tidied up after {:.2} s",
        noticed.as_secs_f64(),
        after.as_secs_f64()
    ));
    ensure(after.as_secs() < 30, || "it waited for the uptime".to_owned())?;
    unchanged(ground, &app, &before)
}

type Ids = std::collections::BTreeMap<String, String>;

fn unchanged(ground: &Ground, app: &str, before: &Ids) -> Verdict {
    let after = ground.ids(app)?;
    ensure(after == *before, || format!("{after:?} is not {before:?}"))
}

fn types_that_are_skipped_are_not_checked(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB_AND_WORKER)?;
    ground.ok(&["ps:scale", &app, "worker=1"])?;
    ground.ok(&["checks:enable", &app, "worker"])?;
    let source = ground.source_of("shop", "web: httpd -f -p $PORT\nworker: sh -c 'sleep 2; exit 3'\n")?;
    ground.run(&["deploy", &app, &source])?.code_is(8)?;
    ground.ok(&["checks:disable", &app, "worker"])?;
    let report = ground.ok(&["checks:report", &app])?;
    report.shows(&[
        "Checks disabled list:           worker\n",
        "Checks skipped list:            web\n",
    ])?;
    ground.ok(&["deploy", &app, &source])?;
    Ok(())
}

fn a_web_that_never_listens_passes_with_a_warning(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    ground.ok(&["checks:enable", &app])?;
    ground.ok(&["checks:set", &app, "default-wait", "2"])?;
    let source = ground.source_of("shop", "web: sleep 3600\n")?;
    let deployed = ground.ok(&["deploy", &app, &source])?;
    ensure(deployed.err.contains("does not listen on port 5000"), || {
        deployed.told()
    })?;
    ground.runs(&app, &["web.1"])
}

/// An app with these checks, deployed and scaled to one worker without making them; after that they are made.
fn checked(ground: &Ground, checks: &[(&str, Vec<HealthCheck>)]) -> Result<String, Failure> {
    let app = ground.created("shop")?;
    deploy(ground, &app, &dockerfile(ground), &SERVERS, checks)?;
    ground.ok(&["ps:scale", &app, "worker=1"])?;
    ground.ok(&["checks:enable", &app])?;
    Ok(app)
}

fn checks_of_every_kind_pass(ground: &Ground) -> Verdict {
    let web = vec![
        path("/health", None, Some("all is well")),
        command(&["sh", "-c", "test -f /www/health"]),
        check(CheckKind::Listening { port: None }),
        check(CheckKind::Uptime(std::time::Duration::from_secs(1))),
    ];
    // Where only ports are reached, this one gets a port of its own.
    let app = checked(
        ground,
        &[("web", web), ("worker", vec![path("/health", Some(9000), None)])],
    )?;
    let before = ground.ids(&app)?;
    let restarted = ground.ok(&["ps:restart", &app, "-v"])?;
    for word in [
        "checking GET /health, attempt 1 of 4",
        "checking command sh",
        "listening",
    ] {
        ensure(restarted.err.contains(word), || restarted.told())?;
    }
    ground.has_soon(&app, &["web.1", "worker.1"])?;
    let after = ground.ids(&app)?;
    ensure(before.iter().all(|(name, id)| after.get(name) != Some(id)), || {
        "not everything was replaced".to_owned()
    })?;
    let ran = ground.ok(&["checks:run", &app])?;
    let lines = [
        "web.1: GET /health: passed",
        "web.1: command sh: passed",
        "worker.1: GET /health: passed",
    ];
    ran.shows(&lines)?;
    ran.shows(&["web.1: listening on 5000: passed", "web.1: uptime 1 s: passed"])
}

fn a_failed_check_leaves_what_serves_and_tells_why(ground: &Ground) -> Verdict {
    let app = ground.app("shop");
    ground.created("shop")?;
    let cases: [(HealthCheck, &[&str]); 4] = [
        (
            path("/missing", None, None),
            &["GET /missing", "4 attempts", "status 404"],
        ),
        (path("/health", None, Some("all is lost")), &["lacks `all is lost`"]),
        (
            command(&["sh", "-c", "echo no database; exit 3"]),
            &["command sh", "ended with 3", "no database"],
        ),
        (
            check(CheckKind::Listening { port: Some(9999) }),
            &["nothing listened on port 9999 within 8 s"],
        ),
    ];
    for (failing, words) in cases {
        ground.ok(&["checks:skip", &app, "web"])?;
        let checks = [("web", vec![failing])];
        deploy(ground, &app, &dockerfile(ground), &SERVERS, &checks)?;
        ground.ok(&["ps:retire", &app])?;
        ground.ok(&["checks:enable", &app])?;
        let before = ground.ids(&app)?;
        let failed = ground.run(&["ps:restart", &app])?;
        failed.is_error_with_hint(8, &["shop.web.1 did not become ready"])?;
        failed.is_error(8, words)?;
        unchanged(ground, &app, &before)?;
        ground.runs(&app, &["web.1"])?;
    }
    Ok(())
}

fn running_checks_changes_nothing(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB_AND_WORKER)?;
    ground.ok(&["checks:set", &app, "default-wait", "1"])?;
    ground.ok(&["ps:scale", &app, "web=2", "worker=1"])?;
    let before = ground.ids(&app)?;
    let all = ground.ok(&["checks:run", &app])?;
    let listens = "uptime 1 s, or listening on 5000: passed";
    all.shows(&[&format!("web.1: {listens}"), &format!("web.2: {listens}")])?;
    all.shows(&["worker.1: uptime 1 s: passed"])?;
    let one = ground.ok(&["checks:run", &app, "worker,web.2"])?;
    ensure(!one.out.contains("web.1"), || one.told())?;
    ground.run(&["checks:run", &app, "web.3"])?.is_error(2, &["web.3"])?;
    unchanged(ground, &app, &before)?;
    ground.ok(&["ps:stop", &app])?;
    let failed = ground.run(&["checks:run", &app, "web", "--format", "json"])?;
    failed.clone().code_is(8)?;
    failed.shows(&["\"outcome\": \"failed\"", "it does not run"])?;
    unchanged(ground, &app, &before)
}

fn a_check_of_a_port_that_is_not_reached_is_refused(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let checks = [("web", vec![path("/health", Some(9999), None)])];
    let deployed = deploy(ground, &app, &dockerfile(ground), &SERVERS, &checks);
    if ground.engine.capabilities().host_reaches_containers {
        return deployed;
    }
    let refused = deployed.err().ok_or("it was not refused")?.to_string();
    ensure(refused.contains("asks port 9999, and only port 5000"), || {
        refused.clone()
    })?;
    ensure(ground.containers(&app)?.is_empty(), || "something was made".to_owned())
}
