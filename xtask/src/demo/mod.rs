//! `cargo xtask demo`: a real app on a real engine, each step as the command a user would type, with its real output.
//!
//! Whatever happens, what the demo made is removed afterwards, unless it is asked to keep it. Start at [`Demo::run`].

mod balancer;
mod leftovers;
mod load;
mod page;
mod public_image;
mod replicas;
mod stage;

use std::time::{Duration, Instant};

pub(crate) use crate::demo::balancer::Balancer;
use crate::demo::load::Load;
use crate::demo::page::fetch_page;
pub(crate) use crate::demo::public_image::PublicImage;
pub(crate) use crate::demo::replicas::{Replica, replicas_of};
pub(crate) use crate::demo::stage::{ChosenEngine, Query, Stage, build_psctl};
use crate::failure::{Failure, Outcome};
use crate::tell;

const APP: &str = "hello";
const SOURCE: &str = "examples/hello";

/// A value that only its container may see.
const SECRET: &str = "only-for-hello";

/// How much of `ps:inspect` is shown.
const SHOWN_LINES: usize = 7;

/// What the demo is run with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demo {
    /// Where.
    pub(crate) engine: ChosenEngine,
    /// Whether the app stays.
    pub(crate) keep: bool,
}

impl Demo {
    /// Everything, from the engine to the cleaning up. Fails when a step fails or a request is lost.
    pub(crate) fn run(self) -> Outcome<()> {
        let engine = self.engine.ensure()?;
        let program = build_psctl()?;
        let stage = Stage::set_up(engine, &program)?;
        let base = PublicImage::ensure(&stage.engine, SOURCE)?;
        tell(&format!(
            "engine: {} {}; base image: {base}",
            stage.engine.name, stage.engine.version
        ));
        for line in stage.exports() {
            tell(&format!("$ export {line}"));
        }
        let began = Instant::now();
        let shown = show(&stage);
        if self.keep {
            return shown.map(|lost| tell(&stay(&stage.keep(), &lost)));
        }
        let cleaned = clean_up(&stage, &base);
        let closing = shown?;
        cleaned?;
        tell(&format!(
            "\ndemo passed in {:.0} s: {closing}",
            began.elapsed().as_secs_f32()
        ));
        Ok(())
    }
}

fn stay(exports: &[String], closing: &str) -> String {
    format!(
        "\ndemo passed: {closing}\nthe app stays; to go on, type the exports above; to end it:\n  {} psctl apps:destroy --force {APP}",
        exports.join(" ")
    )
}

/// The steps; answers what became of the requests.
fn show(stage: &Stage) -> Outcome<String> {
    stage.type_in(&["apps:create", APP])?;
    stage.type_in(&["config:set", APP, &format!("API_KEY={SECRET}")])?;
    stage.type_in(&["deploy", APP, SOURCE])?;
    stage.type_in(&["scale", APP, "web=3", "worker=1"])?;
    fetch_each(stage, 3)?;
    let closing = restart_under_load(stage)?;
    stage.type_in(&["logs", APP, "-n", "2"])?;
    stage.type_in(&["ps:report", APP])?;
    show_inspect(stage)?;
    stage.type_in(&["stop", APP])?;
    let running = replicas_of(&stage.report(APP)?)?;
    if !running.is_empty() {
        return Err(Failure::new("something still runs after `psctl stop`"));
    }
    Ok(closing)
}

/// A page from each replica; each must name itself.
fn fetch_each(stage: &Stage, count: usize) -> Outcome<()> {
    let replicas = replicas_of(&stage.report(APP)?)?;
    if replicas.len() != count {
        return Err(Failure::new(format!(
            "ps:report names {} running web replicas, not {count}",
            replicas.len()
        )));
    }
    for replica in replicas {
        tell(&format!("\n$ wget -qO- http://{}/", replica.address));
        let page = fetch_page(replica.address, Instant::now() + Duration::from_secs(5))
            .map_err(|miss| Failure::new(format!("{} gave no page: {miss}", replica.name)))?;
        tell(page.trim_end());
        if !page.contains(&format!("replica: {}\n", replica.name)) {
            return Err(Failure::new(format!("{} does not answer on its address", replica.name)));
        }
    }
    Ok(())
}

/// Restarts while clients ask without a pause; ends when the old containers are gone.
fn restart_under_load(stage: &Stage) -> Outcome<String> {
    let load = Load::start(stage, APP)?;
    let restarted = stage.type_in(&["restart", APP]);
    let retired = restarted.and_then(|()| stage.wait_until_retired(APP));
    // Requests after the last old container has gone count too.
    std::thread::sleep(Duration::from_millis(500));
    let tally = load.end()?;
    retired?;
    tell(&format!("requests during the restart: {tally}"));
    if tally.lost() > 0 || tally.answered() == 0 {
        return Err(Failure::new(format!("the restart lost requests: {tally}")));
    }
    Ok(tally.to_string())
}

/// The environment in one replica's document: its secret must not show, there or anywhere.
fn show_inspect(stage: &Stage) -> Outcome<()> {
    let after = SHOWN_LINES - 1;
    tell(&format!("\n$ psctl ps:inspect {APP} | grep -m1 -A{after} '\"Env\"'"));
    let text = stage.output_of(&["ps:inspect", APP])?;
    let environment = text.lines().skip_while(|line| !line.contains("\"Env\""));
    for line in environment.take(SHOWN_LINES) {
        tell(line);
    }
    if text.contains(SECRET) || !text.contains("API_KEY=XXXXXX") {
        return Err(Failure::new("ps:inspect does not hide a config value"));
    }
    Ok(())
}

/// Removes the app, its network and its images; all of them even when one cannot be removed.
fn clean_up(stage: &Stage, base: &PublicImage) -> Outcome<()> {
    let destroyed = if stage
        .output_of(&["apps:list", "--quiet"])?
        .lines()
        .any(|line| line == APP)
    {
        stage.type_in(&["apps:destroy", "--force", APP])
    } else {
        Ok(())
    };
    let left = stage.remove_leftovers(APP);
    let base = base.remove(&stage.engine);
    destroyed.and(left).and(base)
}
