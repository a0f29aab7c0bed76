//! `psctl scale web=11` from 1, against the floor: the same creates and starts without psctl. Both take turns, so that a noisy
//! machine is as noisy for both.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::bench::floor;
use crate::bench::recording::{Recording, Request};
use crate::bench::samples::Samples;
use crate::demo::{ChosenEngine, PublicImage, Stage, build_psctl};
use crate::failure::{Failure, Outcome};
use crate::program::run_quietly;
use crate::{say, tell};

const APP: &str = "psctl-bench";
const SOURCE: &str = "examples/hello";
const ROUNDS: usize = 5;
const ROUNDS_WITH_CHECKS: usize = 3;

/// Measures and prints; what was made is removed whatever happens.
pub(crate) fn bench_scale() -> Outcome<()> {
    let engine = ChosenEngine::Docker.ensure()?;
    let stage = Stage::set_up(engine, &build_psctl()?)?;
    let base = PublicImage::ensure(&stage.engine, SOURCE)?;
    let measured = measure(&stage);
    let destroyed = stage.output_of(&["apps:destroy", "--force", APP]);
    let left = stage.remove_leftovers(APP);
    let base = base.remove(&stage.engine);
    measured?;
    destroyed.and(left).and(base)
}

fn measure(stage: &Stage) -> Outcome<()> {
    stage.output_of(&["deploy", APP, SOURCE])?;
    stage.output_of(&["checks:skip", APP])?;
    let requests = record(stage)?;
    let creates: Vec<Request> = requests
        .iter()
        .filter(|request| request.kind() == "POST /containers/create")
        .cloned()
        .collect();
    if creates.len() != 10 {
        return Err(Failure::new(format!("psctl made {} containers, not 10", creates.len())));
    }
    let threads = std::thread::available_parallelism().map_or(2, |cpus| cpus.get() * 2);
    let (mut ours, mut bare) = (Samples::default(), Samples::default());
    for round in 1..=ROUNDS {
        let own = scale_up(stage)?;
        scale_down(stage)?;
        let (floor, ids) = floor::create_and_start(&stage.engine.socket, &creates, threads)?;
        floor::remove(&stage.engine.socket, &ids)?;
        say(&format!("round {round}: psctl {own:.2?}, floor {floor:.2?}"));
        ours.add(own);
        bare.add(floor);
    }
    stage.output_of(&["checks:enable", APP])?;
    let mut checked = Samples::default();
    for _ in 0..ROUNDS_WITH_CHECKS {
        checked.add(scale_up(stage)?);
        scale_down(stage)?;
    }
    tell(&format!(
        "psctl scale web=1 -> web=11 on {} {}",
        stage.engine.name, stage.engine.version
    ));
    tell(&format!("  psctl, checks skipped   {ours}"));
    tell(&format!("  floor                   {bare}"));
    tell(&format!(
        "  ratio of the medians    {:.2}",
        ours.median().as_secs_f64() / bare.median().as_secs_f64().max(0.001)
    ));
    tell(&format!("  psctl, default checks   {checked}"));
    tell(&format!(
        "calls of the floor: 10 creates and 10 starts, {threads} at a time"
    ));
    tell(&format!("calls of psctl, {threads} at a time: {}", counted(&requests)));
    Ok(())
}

/// One scale through the recording proxy.
fn record(stage: &Stage) -> Outcome<Vec<Request>> {
    let recording = Recording::before(&stage.engine.socket)?;
    let query = stage.query().through(&recording.socket());
    run_quietly(&mut query.command(&["scale", APP, "web=11"]))?;
    let requests = recording.requests();
    scale_down(stage)?;
    Ok(requests)
}

fn scale_up(stage: &Stage) -> Outcome<Duration> {
    let mut command = stage.query().command(&["scale", APP, "web=11"]);
    let began = Instant::now();
    run_quietly(&mut command)?;
    Ok(began.elapsed())
}

/// Back to one, until the others are gone with their names and addresses.
fn scale_down(stage: &Stage) -> Outcome<()> {
    stage.output_of(&["scale", APP, "web=1"])?;
    stage.wait_until_retired(APP)
}

fn counted(requests: &[Request]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for request in requests {
        *counts.entry(request.kind()).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    counts.join(", ")
}
