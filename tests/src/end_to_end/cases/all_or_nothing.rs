//! Deploys that break off: what served before goes on serving, in the very same containers, and nothing of the new release is left.

use std::collections::BTreeMap;
use std::net::TcpListener;

use ps_core::runtime::{ContainerId, ContainerSpec, NetworkAttachment};
use rustix::process::Signal;

use super::super::{Case, Finished, Ground, Running, ensure};
use super::{WEB, WEB_AND_WORKER};
use crate::conformance::{Failure, Verdict};

/// How often a moment between two calls of psctl is tried to be met.
const TRIES: usize = 10;

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        a_worker_that_fails_its_check_leaves_web_alone,
        an_image_that_is_deleted_before_the_start_fails_the_deploy,
        a_taken_port_fails_the_deploy_or_is_passed_over,
        a_container_that_is_removed_while_it_is_checked_fails_the_deploy,
        a_failed_first_deploy_leaves_no_trace,
        twenty_replicas_come_up_together,
        a_process_that_ignores_sigterm_is_replaced,
        a_type_that_is_gone_from_the_procfile_goes,
    ]
}

/// Fails unless an app has the very containers it had, and no image of a second release.
fn is_untouched(ground: &Ground, app: &str, before: &BTreeMap<String, String>) -> Verdict {
    let after = ground.ids(app)?;
    ensure(after == *before, || format!("{after:?} is not {before:?}"))?;
    let release = ground.ok(&["ps:report", app, "--release"])?;
    ensure(release.out == "v1\n", || release.told())?;
    let image = format!("psctl/{app}:v2");
    ensure(!ground.has_image(&image)?, || format!("{image} is left"))
}

fn a_worker_that_fails_its_check_leaves_web_alone(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    ground.ok(&["ps:scale", &app, "worker=1"])?;
    let source = ground.source_of("shop", WEB_AND_WORKER)?;
    ground.ok(&["deploy", &app, &source])?;
    ground.ok(&["checks:enable", &app, "worker"])?;
    let before = ground.ids(&app)?;
    let procfile = format!("{WEB}worker: sh -c 'echo nothing to work on; exit 5'\n");
    let source = ground.source_of("shop", &procfile)?;
    let failed = ground.run(&["deploy", &app, &source])?;
    failed.is_error_with_hint(8, &["worker.1", "nothing to work on"])?;
    is_untouched(ground, &app, &before)?;
    ground.runs(&app, &["web.1", "worker.1"])
}

/// Stops a deploy for a moment once it has said that it brings containers up.
fn held_before_its_containers(ground: &Ground, words: &[&str]) -> Result<Running, Failure> {
    let mut deploy = ground.start(words)?;
    ground.promptly("the deploy brings containers up", || {
        let is_there = deploy.err()?.contains("Deploying ");
        Ok((is_there || !deploy.is_running()?).then_some(()))
    })?;
    deploy.signal(Signal::STOP)?;
    Ok(deploy)
}

fn an_image_that_is_deleted_before_the_start_fails_the_deploy(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    for attempt in 1..=TRIES {
        let before = ground.ids(&app)?;
        // Another image each time: the one that runs cannot be deleted.
        let dockerfile = format!("FROM {}\nEXPOSE 5000\nENV ATTEMPT={attempt}\n", ground.base);
        let source = ground.source("shop", &[("Dockerfile", &dockerfile)])?;
        let number = ground.ok(&["ps:report", &app, "--release"])?.out;
        let number: usize = number.trim().trim_start_matches('v').parse()?;
        let mut deploy = held_before_its_containers(ground, &["deploy", &app, &source])?;
        let is_early = !ground.ids(&app)?.keys().any(|name| name.contains("upcoming"));
        let deleted = if is_early {
            // Whatever number this deploy has; the app's own release keeps its image.
            let tags = (number + 1..=number + TRIES).map(|number| format!("psctl/{app}:v{number}"));
            let mut tags = tags.filter(|tag| ground.has_image(tag).unwrap_or(false));
            tags.next().map(|tag| ground.block_on(ground.engine.remove_image(&tag)))
        } else {
            None
        };
        deploy.signal(Signal::CONT)?;
        let finished = deploy.wait(|| {})?;
        if !matches!(deleted, Some(Ok(_))) || finished.code == Some(0) {
            ground.has_soon(&app, &["web.1"])?;
            continue;
        }
        finished.is_error_with_hint(1, &["web.1"])?;
        let after = ground.ids(&app)?;
        return ensure(after == before, || format!("{after:?} is not {before:?}"));
    }
    Err("the moment between build and start was never met".into())
}

fn a_taken_port_fails_the_deploy_or_is_passed_over(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let before = ground.ids(&app)?;
    if !ground.engine.capabilities().host_reaches_containers {
        // Psctl looks before it takes one.
        let port: u16 = endpoint(ground, &app, "port")?.parse()?;
        let _taken = TcpListener::bind(("127.0.0.1", port + 1))?;
        ground.ok(&["deploy", &app])?;
        ground.has_soon(&app, &["web.1"])?;
        let next: u16 = endpoint(ground, &app, "port")?.parse()?;
        return ensure(next != port + 1, || format!("it took port {next}"));
    }
    let address: std::net::Ipv4Addr = endpoint(ground, &app, "address")?.parse()?;
    let mut spec = ContainerSpec::new(format!("{app}.stranger"), ground.base.clone());
    spec.command = Some(["sleep", "600"].map(str::to_owned).to_vec());
    spec.network = Some(NetworkAttachment {
        network: ground.network().ok_or("no network")?,
        address: Some((u32::from(address) + 1).into()),
    });
    let stranger = ground.block_on(ground.engine.create_container(&spec))?;
    ground.block_on(ground.engine.start_container(&stranger))?;
    let failed = ground.run(&["deploy", &app]);
    ground.block_on(ground.engine.remove_container(&stranger))?;
    failed?.is_error(1, &["web.1"])?;
    is_untouched(ground, &app, &before)?;
    ground.ok(&["deploy", &app])?;
    ground.has_soon(&app, &["web.1"])
}

/// Where the first replica is reached: its address, or the loopback port.
fn endpoint(ground: &Ground, app: &str, of: &str) -> Result<String, Failure> {
    let document = ground.ok(&["ps:report", app, "--format", "json"])?;
    let document: serde_json::Value = serde_json::from_str(&document.out)?;
    let found = document.pointer(&format!("/apps/0/replicas/0/{of}"));
    let found = found.filter(|value| !value.is_null());
    let found = found.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    found.ok_or_else(|| format!("no {of} in {document}").into())
}

fn a_container_that_is_removed_while_it_is_checked_fails_the_deploy(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", "web: sleep 600\n")?;
    ground.ok(&["checks:enable", &app])?;
    let before = ground.ids(&app)?;
    let mut deploy = ground.start(&["deploy", &app])?;
    let upcoming = ground.eventually("the new container is checked", || {
        ensure(deploy.is_running()?, || "the deploy is over".to_owned())?;
        let is_checked = deploy.err()?.contains("web.1 checking");
        let found = ground
            .ids(&app)?
            .into_iter()
            .find(|(name, _)| name.contains("upcoming"));
        Ok(found.filter(|_| is_checked).map(|(_, id)| ContainerId(id)))
    })?;
    ground.block_on(ground.engine.remove_container(&upcoming))?;
    let failed: Finished = deploy.wait(|| {})?;
    failed.is_error_with_hint(8, &["web.1"])?;
    is_untouched(ground, &app, &before)
}

fn a_failed_first_deploy_leaves_no_trace(ground: &Ground) -> Verdict {
    let app = ground.app("shop");
    let source = ground.source_of("shop", "web: sh -c 'echo not today; exit 3'\n")?;
    ground.run(&["deploy", &app, &source])?.is_error(8, &["not today"])?;
    ground.run(&["apps:exists", &app])?.code_is(20)?;
    ensure(ground.ids(&app)?.is_empty(), || {
        format!("{:?} are left", ground.ids(&app))
    })?;
    ensure(!ground.has_image(&format!("psctl/{app}:v1"))?, || {
        "its image is left".to_owned()
    })?;
    let source = ground.source_of("shop", WEB)?;
    ground.ok(&["deploy", &app, &source])?;
    ground.runs(&app, &["web.1"])
}

fn twenty_replicas_come_up_together(ground: &Ground) -> Verdict {
    let app = ground.app("shop");
    ground.ok(&["apps:create", &app])?;
    ground.ok(&["ps:scale", &app, "web=20"])?;
    let source = ground.source_of("shop", WEB)?;
    let deployed = ground.ok(&["deploy", &app, &source])?;
    let names: Vec<String> = ground.ids(&app)?.into_keys().collect();
    ensure(names.len() == 20, || format!("{names:?}: {}", deployed.told()))?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    ground.runs(&app, &names)?;
    // Checked, and side by side: all of them were begun before the first was ready.
    let lines: Vec<&str> = deployed.err.lines().collect();
    let first_ready = lines.iter().position(|line| line.contains(" ready"));
    let begun = lines.iter().take(first_ready.unwrap_or(0));
    let begun = begun.filter(|line| line.contains(" checking")).count();
    ensure(begun > 1, || format!("one after the other: {}", deployed.told()))
}

fn a_process_that_ignores_sigterm_is_replaced(ground: &Ground) -> Verdict {
    // Its own handler is what the shell has, so the command is one that needs a shell.
    let deaf = "web: sh -c 'trap \"\" TERM; while true; do sleep 1; done'\n";
    let app = ground.deployed("shop", deaf)?;
    let first = ground.id(&app, "web.1")?;
    ground.ok(&["ps:restart", &app, "--wait-retired"])?;
    ground.runs(&app, &["web.1"])?;
    ensure(ground.id(&app, "web.1")? != first, || "it was not replaced".to_owned())
}

fn a_type_that_is_gone_from_the_procfile_goes(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    ground.ok(&["ps:scale", &app, "worker=2"])?;
    let source = ground.source_of("shop", WEB_AND_WORKER)?;
    ground.ok(&["deploy", &app, &source])?;
    ground.runs(&app, &["web.1", "worker.1", "worker.2"])?;
    let source = ground.source_of("shop", WEB)?;
    ground.ok(&["deploy", &app, &source, "--wait-retired"])?;
    ground.runs(&app, &["web.1"])
}
