//! `psctl ps:restore` of apps whose containers are intact, against the floor: the same start calls with nothing around them, at the
//! same concurrency. Both come after a power cut, and take turns.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::bench::reboot::engine_calls::{containers, start_all};
use crate::bench::reboot::ensure_programs;
use crate::bench::reboot::machine::{Cut, EngineKind, Machine};
use crate::bench::reboot::psctl::{EngineStarts, Psctl};
use crate::bench::reboot::side::{Side, start};
use crate::bench::samples::Samples;
use crate::demo::build_psctl;
use crate::failure::{Failure, Outcome};
use crate::program::run_quietly;
use crate::{say, tell};

const APPS: usize = 20;

/// Apps at a time: the default, and what the engine gains from.
const PARALLEL: [usize; 2] = [1, 4];

/// The most that psctl may take, in floors.
const MOST: f64 = 1.3;

/// Measures and prints; fails when psctl takes too long.
pub(crate) fn bench_restore(program: Option<PathBuf>, rounds: usize) -> Outcome<()> {
    ensure_programs()?;
    let program = program.map_or_else(build_psctl, Ok)?;
    let kind = EngineKind::Docker;
    let psctl = Psctl::of(program, &kind, EngineStarts::Nothing, APPS, 0);
    let mut machine = Machine::new(kind)?;
    start(&mut machine, &psctl)?;
    psctl.set_up(&machine)?;
    tell(&format!(
        "ps:restore of {APPS} apps with intact containers after a power cut, on Docker"
    ));
    let mut is_good = true;
    for parallel in PARALLEL {
        is_good &= measure(&mut machine, &psctl, parallel, rounds)?;
    }
    if is_good {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "ps:restore takes more than {MOST} times the bare calls"
        )))
    }
}

fn measure(machine: &mut Machine, psctl: &Psctl, parallel: usize, rounds: usize) -> Outcome<bool> {
    let (mut ours, mut bare) = (Samples::default(), Samples::default());
    for round in 1..=rounds {
        let floor = bare_starts(machine, psctl, parallel)?;
        let own = restore(machine, psctl, parallel)?;
        say(&format!(
            "{parallel} at a time, round {round}: psctl {own:.2?}, floor {floor:.2?}"
        ));
        bare.add(floor);
        ours.add(own);
    }
    let ratio = ours.median().as_secs_f64() / bare.median().as_secs_f64().max(0.001);
    tell(&format!("  {parallel} at a time"));
    tell(&format!("    psctl                 {ours}"));
    tell(&format!("    floor                 {bare}"));
    tell(&format!("    ratio of the medians  {ratio:.2}"));
    Ok(ratio <= MOST)
}

/// What does not run after a power cut.
fn cut(machine: &mut Machine, psctl: &Psctl) -> Outcome<Vec<String>> {
    machine.cut(Cut::Power)?;
    start(machine, psctl)?;
    let rows = containers(&machine.engine()?)?;
    let down: Vec<String> = rows
        .into_iter()
        .filter(|row| !row.is_running)
        .map(|row| row.id)
        .collect();
    if down.len() != APPS {
        return Err(Failure::new(format!("{} containers are down, not {APPS}", down.len())));
    }
    Ok(down)
}

fn bare_starts(machine: &mut Machine, psctl: &Psctl, parallel: usize) -> Outcome<Duration> {
    let down = cut(machine, psctl)?;
    let engine = machine.engine()?;
    let began = Instant::now();
    start_all(&engine, &down, parallel)?;
    Ok(began.elapsed())
}

fn restore(machine: &mut Machine, psctl: &Psctl, parallel: usize) -> Outcome<Duration> {
    cut(machine, psctl)?;
    let mut command = psctl.command(machine, &["ps:restore", "--parallel", &parallel.to_string()])?;
    let began = Instant::now();
    run_quietly(&mut command)?;
    let took = began.elapsed();
    let rows = containers(&machine.engine()?)?;
    let running = rows.iter().filter(|row| row.is_running).count();
    if running != APPS || rows.len() != APPS {
        return Err(Failure::new(format!(
            "{running} of {} containers run after the restore",
            rows.len()
        )));
    }
    Ok(took)
}
