//! The steps of a dry run are those that are executed, for every verb.

use std::process::Command;

use super::super::{Case, Finished, Ground, ensure};
use super::{WEB, WEB_AND_WORKER};
use crate::conformance::{Failure, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        deploys_do_what_their_dry_run_says,
        changes_do_what_their_dry_run_says,
        stops_and_starts_do_what_their_dry_run_says,
        a_dry_run_makes_no_state,
    ]
}

/// The steps of a plan's text, without numbers, prerequisites and causes.
fn planned(text: &str) -> Vec<String> {
    let step = |line: &str| {
        let (_, rest) = line.strip_prefix('#')?.split_once("] ")?;
        let cause = rest.rfind(" (").unwrap_or(rest.len());
        Some(rest.get(..cause).unwrap_or(rest).to_owned())
    };
    let mut steps: Vec<String> = text.lines().filter_map(step).collect();
    steps.sort();
    steps
}

/// The steps that were done.
fn executed(finished: &Finished) -> Result<Vec<String>, Failure> {
    let mut steps = Vec::new();
    for line in finished.err.lines().filter(|line| line.starts_with('{')) {
        let event: serde_json::Value = serde_json::from_str(line)?;
        if event.get("state").and_then(serde_json::Value::as_str) == Some("done") {
            let step = event.get("step").and_then(serde_json::Value::as_str);
            steps.push(step.ok_or("a step without a text")?.to_owned());
        }
    }
    steps.sort();
    Ok(steps)
}

/// Plans, executes, compares, and plans again.
fn compare(ground: &Ground, words: &[&str], again: i32) -> Verdict {
    let plan = || ground.run(&[&["--dry-run", "--detailed-exitcode"], words].concat());
    let first = plan()?.code_is(10)?;
    let second = plan()?.code_is(10)?;
    ensure(first.out == second.out, || {
        format!("two plans: {}\n{}", first.told(), second.told())
    })?;
    let done = ground
        .run(&[&["--progress", "json", "--wait-retired"], words].concat())?
        .code_is(0)?;
    let (planned, mut executed) = (planned(&first.out), executed(&done)?);
    ensure(!planned.is_empty(), || first.told())?;
    // What retires afterwards is a plan of its own.
    let retirement = |step: &String| {
        step.contains("retiring-") && !step.starts_with("rename ")
            || step.starts_with("record that ") && step.contains(" is gone, that the ")
    };
    executed.retain(|step| !retirement(step) || planned.contains(step));
    ensure(planned == executed, || {
        format!("{words:?}\nplanned {planned:#?}\nexecuted {executed:#?}")
    })?;
    plan()?.code_is(again)?;
    Ok(())
}

fn deploys_do_what_their_dry_run_says(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let source = ground.source_of("shop", &format!("{WEB_AND_WORKER}release: echo released\n"))?;
    compare(ground, &["deploy", &app, &source], 10)?;
    compare(ground, &["deploy", &app], 10)?;
    compare(ground, &["ps:rebuild", &app], 10)?;
    let other = ground.created("other")?;
    compare(ground, &["git:from-image", &other, &ground.base], 10)
}

fn changes_do_what_their_dry_run_says(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB_AND_WORKER)?;
    compare(ground, &["ps:scale", &app, "web=3", "worker=1"], 0)?;
    compare(ground, &["ps:scale", &app, "web=1"], 0)?;
    compare(ground, &["ps:scale", "--skip-deploy", &app, "web=2"], 0)?;
    compare(ground, &["ps:restart", &app], 10)?;
    compare(ground, &["ps:restart", &app, "web"], 10)?;
    compare(ground, &["ps:restart", &app, "web.1"], 10)?;
    compare(ground, &["config:set", &app, "COLOUR=green"], 0)?;
    compare(ground, &["config:unset", &app, "COLOUR"], 0)
}

fn stops_and_starts_do_what_their_dry_run_says(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    compare(ground, &["ps:stop", &app], 0)?;
    compare(ground, &["ps:start", &app], 0)?;
    compare(ground, &["ps:set", &app, "restart-policy", "always"], 0)?;
    compare(ground, &["ps:rebuild", &app], 10)?;
    compare(ground, &["ps:stop", &app], 0)?;
    compare(ground, &["ps:start", &app], 0)?;
    let new = ground.app("new");
    compare(ground, &["apps:rename", &app, &new], 20)?;
    compare(ground, &["apps:destroy", "--force", &new], 20)
}

fn a_dry_run_makes_no_state(ground: &Ground) -> Verdict {
    let app = ground.app("shop");
    let source = ground.source_of("shop", WEB)?;
    let planned = ground.ok(&["--dry-run", "deploy", &app, &source])?;
    planned.shows(&["build image", &format!("create {app}.web.1.upcoming-")])?;
    let created: Command = ground.command(&["--dry-run", "apps:create", &app]);
    ground.run_command(created, "")?.code_is(0)?;
    ensure(!ground.state().exists(), || "a state directory was made".to_owned())
}
