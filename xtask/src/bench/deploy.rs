//! A deploy of a web app with the default checks: where the time goes, step by step, and what the bare engine calls take beside it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tar::Builder;

use crate::bench::floor;
use crate::bench::recording::{Recording, Request};
use crate::bench::samples::Samples;
use crate::demo::{ChosenEngine, PublicImage, Stage, build_psctl};
use crate::failure::{Failure, Outcome, WhileDoing};
use crate::http::http_post;
use crate::program::run_quietly;
use crate::{say, tell};

const APP: &str = "psctl-bench";
const SOURCE: &str = "examples/hello";
const ROUNDS: usize = 3;
const SIZES: [usize; 2] = [1, 10];
const LIMIT: Duration = Duration::from_secs(60);

/// Steps that are told together, by the word their text begins with.
const PHASES: [(&str, &str); 7] = [
    ("build", "build the image"),
    ("reserve", "reserve addresses"),
    ("create", "create"),
    ("start", "start"),
    ("wait", "check"),
    ("record", "record in the database"),
    ("rename", "rename"),
];

/// Measures and prints; what was made is removed whatever happens.
pub(crate) fn bench_deploy() -> Outcome<()> {
    let engine = ChosenEngine::Docker.ensure()?;
    let stage = Stage::set_up(engine, &build_psctl()?)?;
    let base = PublicImage::ensure(&stage.engine, SOURCE)?;
    let measured = SIZES.into_iter().try_for_each(|size| measure(&stage, size));
    let destroyed = stage.output_of(&["apps:destroy", "--force", APP]);
    let left = stage.remove_leftovers(APP);
    let base = base.remove(&stage.engine);
    measured?;
    destroyed.and(left).and(base)
}

fn measure(stage: &Stage, size: usize) -> Outcome<()> {
    let source = stage.copied(SOURCE)?;
    let procfile = source.join("Procfile");
    std::fs::write(&procfile, "web: bin/web\n").while_doing(|| format!("write {}", procfile.display()))?;
    stage.output_of(&["deploy", APP, &source.to_string_lossy()])?;
    stage.output_of(&["scale", APP, &format!("web={size}")])?;
    stage.wait_until_retired(APP)?;
    let creates = recorded_creates(stage)?;
    let threads = std::thread::available_parallelism().map_or(2, |cpus| cpus.get() * 2);
    let (mut whole, mut build, mut containers) = (Samples::default(), Samples::default(), Samples::default());
    let mut phases: Vec<Samples> = PHASES.iter().map(|_| Samples::default()).collect();
    for round in 1..=ROUNDS {
        let timeline = deploy(stage)?;
        stage.wait_until_retired(APP)?;
        whole.add(timeline.took);
        for ((word, _), samples) in PHASES.iter().zip(&mut phases) {
            samples.add(timeline.time_of(word));
        }
        let bare = bare_build(stage, &source)?;
        let (made, ids) = floor::create_and_start(&stage.engine.socket, &creates, threads)?;
        floor::remove(&stage.engine.socket, &ids)?;
        say(&format!(
            "round {round}: psctl {:.2?}, floor {:.2?}",
            timeline.took,
            bare + made
        ));
        build.add(bare);
        containers.add(made);
    }
    let floor = build.median() + containers.median();
    tell(&format!(
        "psctl deploy of the same source again, web={size}, default checks, on {} {}",
        stage.engine.name, stage.engine.version
    ));
    tell(&format!("  psctl deploy              {whole}"));
    for ((_, name), samples) in PHASES.iter().zip(&phases) {
        tell(&format!("    {name:24}{samples}"));
    }
    tell(&format!("  floor: build              {build}"));
    tell(&format!("  floor: create and start   {containers}"));
    let beyond = whole.median().saturating_sub(floor);
    tell(&format!("  beyond the floor          {:.2} s", beyond.as_secs_f64()));
    Ok(())
}

/// When the steps of a deploy began and ended.
struct Timeline {
    took: Duration,
    steps: Vec<(String, Duration, Duration)>,
}

impl Timeline {
    /// The time in which at least one step whose text begins with `word` was under way.
    fn time_of(&self, word: &str) -> Duration {
        let steps = self
            .steps
            .iter()
            .filter(|(text, ..)| text.split(' ').next() == Some(word));
        let mut spans: Vec<(Duration, Duration)> = steps.map(|(_, from, to)| (*from, *to)).collect();
        spans.sort_unstable();
        let (mut covered, mut reached) = (Duration::ZERO, Duration::ZERO);
        for (from, to) in spans {
            covered += to.saturating_sub(from.max(reached));
            reached = reached.max(to);
        }
        covered
    }
}

/// One deploy, its steps timed as their lines arrive.
fn deploy(stage: &Stage) -> Outcome<Timeline> {
    let mut command = stage.query().command(&["--progress", "json", "deploy", APP]);
    let began = Instant::now();
    let spawned = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.while_doing(|| "run psctl deploy".to_owned())?;
    let lines = child
        .stderr
        .take()
        .ok_or_else(|| Failure::new("psctl has no standard error"))?;
    let mut steps = Vec::new();
    for line in BufReader::new(lines).lines() {
        let line = line.while_doing(|| "read psctl's progress".to_owned())?;
        let now = began.elapsed();
        let Ok(event) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        let seconds = event.get("seconds").and_then(Value::as_f64);
        if let (Some(text), Some(seconds)) = (event.get("step").and_then(Value::as_str), seconds) {
            let from = now.saturating_sub(Duration::from_secs_f64(seconds));
            steps.push((text.to_owned(), from, now));
        }
    }
    let status = child.wait().while_doing(|| "wait for psctl deploy".to_owned())?;
    if !status.success() {
        return Err(Failure::new(format!("psctl deploy ended with {status}")));
    }
    Ok(Timeline {
        took: began.elapsed(),
        steps,
    })
}

/// The creates of one deploy, as they went over the wire.
fn recorded_creates(stage: &Stage) -> Outcome<Vec<Request>> {
    let recording = Recording::before(&stage.engine.socket)?;
    let query = stage.query().through(&recording.socket());
    run_quietly(&mut query.command(&["restart", APP]))?;
    let requests = recording.requests().into_iter();
    let creates = requests.filter(|request| request.kind() == "POST /containers/create");
    let creates = creates.collect();
    stage.wait_until_retired(APP)?;
    Ok(creates)
}

/// The same build, asked for with nothing around it; the engine's cache answers it as it answers psctl's.
fn bare_build(stage: &Stage, source: &Path) -> Outcome<Duration> {
    let mut tar = Builder::new(Vec::new());
    let packed = tar.append_dir_all("", source).and_then(|()| tar.into_inner());
    let packed = packed.while_doing(|| format!("pack {}", source.display()))?;
    let began = Instant::now();
    let path = format!("/build?t=psctl/{APP}:floor");
    let answer = http_post(&stage.engine.address(), &path, "application/x-tar", &packed, LIMIT)?;
    if answer.status != 200 || answer.text().contains("\"error\"") {
        return Err(Failure::new(format!("the bare build was answered {}", answer.text())));
    }
    Ok(began.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_side_by_side_count_once() {
        let at = Duration::from_millis;
        let steps = [
            ("start a", 0, 100),
            ("start b", 50, 150),
            ("start c", 200, 300),
            ("create d", 0, 900),
        ];
        let steps = steps.map(|(text, from, to)| (text.to_owned(), at(from), at(to)));
        let timeline = Timeline {
            took: at(900),
            steps: steps.to_vec(),
        };
        assert_eq!(timeline.time_of("start"), at(250));
        assert_eq!(timeline.time_of("rename"), at(0));
    }
}
