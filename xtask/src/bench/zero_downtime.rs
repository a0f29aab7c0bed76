//! Requests while an app is deployed, restarted, scaled, rolled back and configured, again and again: how many failed.
//!
//! A request fails when it gets no answer after one retry on a connection that was closed before any byte, or a 5xx, or a body
//! without the app's name and a release that was ever deployed.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::bench::clients::{Asked, Clients, Served};
use crate::demo::{ChosenEngine, PublicImage, Stage, build_psctl};
use crate::failure::{Failure, Outcome, WhileDoing};
use crate::program::run_quietly;
use crate::{say, tell};

const APP: &str = "psctl-bench";
const SOURCE: &str = "examples/python";

/// What is done to the app under load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Deploy,
    Restart,
    ScaleUp,
    ScaleDown,
    Rollback,
    Configure,
}

impl Verb {
    const ALL: [Self; 6] = [
        Self::Deploy,
        Self::Restart,
        Self::ScaleUp,
        Self::ScaleDown,
        Self::Rollback,
        Self::Configure,
    ];

    fn words(self, round: usize, source: &str) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Deploy => &["deploy", APP, source],
            Self::Restart => &["restart", APP],
            Self::ScaleUp => &["scale", APP, "web=4"],
            Self::ScaleDown => &["scale", APP, "web=2"],
            Self::Rollback => &["ps:rollback", APP],
            Self::Configure => return vec!["config:set".into(), APP.into(), format!("ROUND={round}")],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}

/// Measures on one engine and prints; fails when a request failed. What was made is removed whatever happens.
pub(crate) fn bench_zero_downtime(engine: ChosenEngine, rounds: usize, through_nginx: bool) -> Outcome<()> {
    let engine = engine.ensure()?;
    let mut stage = Stage::set_up(engine, &build_psctl()?)?;
    let base = PublicImage::ensure(&stage.engine, SOURCE)?;
    let asked = if through_nginx {
        stage.use_own_nginx().map(Asked::Nginx)
    } else {
        Ok(Asked::Replicas)
    };
    let measured = asked.and_then(|asked| measure(&stage, rounds, asked));
    let destroyed = stage.output_of(&["apps:destroy", "--force", APP]);
    let left = stage.remove_leftovers(APP);
    let base = base.remove(&stage.engine);
    let nginx = stage.end_own_nginx();
    measured?;
    destroyed.and(left).and(base).and(nginx)
}

fn measure(stage: &Stage, rounds: usize, asked: Asked) -> Outcome<()> {
    let source = stage.copied(SOURCE)?;
    let words = source.to_string_lossy().into_owned();
    set_release(&source, 0)?;
    stage.output_of(&["deploy", APP, &words])?;
    stage.output_of(&["scale", APP, "web=2", "worker=1"])?;
    let served = Served {
        app: "python",
        releases: (0..=rounds).map(|release| release.to_string()).collect(),
    };
    tell(&format!(
        "{rounds} rounds of {} verbs under load {asked} on {} {}",
        Verb::ALL.len(),
        stage.engine.name,
        stage.engine.version
    ));
    let clients = Clients::start(stage, APP, &served, asked)?;
    let began = Instant::now();
    let worked = play(stage, rounds, &source, &words);
    // What follows the last old container's end counts too.
    std::thread::sleep(Duration::from_secs(3));
    let tally = clients.end()?;
    worked?;
    tell(&format!("{tally}"));
    tell(&format!(
        "{:.0} s, {:.0} requests a second, {} failed",
        began.elapsed().as_secs_f64(),
        tally.rate(),
        tally.failed()
    ));
    if tally.failed() > 0 || tally.answered() == 0 {
        return Err(Failure::new("requests failed"));
    }
    Ok(())
}

fn play(stage: &Stage, rounds: usize, source: &Path, words: &str) -> Outcome<()> {
    for round in 1..=rounds {
        set_release(source, round)?;
        let mut line = format!("round {round}:");
        for verb in Verb::ALL {
            let began = Instant::now();
            let typed = verb.words(round, words);
            let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
            run_quietly(&mut stage.query().command(&typed))?;
            let (name, took) = (typed.first().unwrap_or(&""), began.elapsed().as_secs_f64());
            line = format!("{line} {name} {took:.1} s,");
        }
        say(line.trim_end_matches(','));
    }
    stage.wait_until_retired(APP)
}

/// Another release of the source: its page says which.
fn set_release(source: &Path, number: usize) -> Outcome<()> {
    let file = source.join("release.txt");
    fs::write(&file, format!("{number}\n")).while_doing(|| format!("write {}", file.display()))
}
