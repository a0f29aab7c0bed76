//! What `psctl events:listen` costs while many containers run and nothing happens. Invariant: what was made is removed, after Ctrl-C
//! too.

mod figures;
mod guard;
mod listening;
mod trace;

use std::fs;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::bench::listener::figures::{Figures, TICKS_A_SECOND, Use};
use crate::bench::listener::guard::{Guard, run_guarded};
use crate::bench::listener::listening::Listening;
use crate::bench::listener::trace::Trace;
use crate::demo::{ChosenEngine, PublicImage, Stage, build_psctl};
use crate::failure::{Failure, Outcome, WhileDoing};
use crate::{say, tell};

const SOURCE: &str = "examples/hello";
const APPS: usize = 10;

/// Does nothing, and ends as soon as it is asked to.
const WORKER: &str = "#!/bin/sh\ntrap 'exit 0' TERM\nsleep 86400 &\nwait\n";

/// What follows the first comparison, and the start of the trace, is over by then.
const SETTLING: Duration = Duration::from_secs(15);

/// How long nothing happens.
const IDLE: Duration = Duration::from_secs(60);

/// Measures and prints; fails when a figure is too high.
pub(crate) fn bench_listener(containers: usize) -> Outcome<()> {
    run_guarded(|guard| {
        let engine = ChosenEngine::Docker.ensure()?;
        let stage = Stage::set_up_for(engine, &build_psctl()?, containers)?;
        let base = PublicImage::ensure(&stage.engine, SOURCE)?;
        let apps = apps(containers);
        let measured = measure(&stage, guard, &apps, containers);
        let cleaned = remove(&stage, &apps);
        let base = base.remove(&stage.engine);
        measured?;
        cleaned.and(base)
    })
}

/// The apps with the size of each; their names are this run's own.
fn apps(containers: usize) -> Vec<(String, usize)> {
    let run = std::process::id();
    let size = |app: usize| containers / APPS + usize::from(app < containers % APPS);
    (0..APPS).map(|app| (format!("idle-{run}-{app}"), size(app))).collect()
}

fn measure(stage: &Stage, guard: &Guard, apps: &[(String, usize)], containers: usize) -> Outcome<()> {
    let source = stage.copied(SOURCE)?;
    let write = |path: &Path, text: &str| fs::write(path, text).while_doing(|| format!("write {}", path.display()));
    write(&source.join("Procfile"), "worker: bin/worker\n")?;
    write(&source.join("bin/worker"), WORKER)?;
    for (app, size) in apps {
        let began = Instant::now();
        guard.run(&mut stage.query().command(&["apps:create", app]))?;
        guard.run(&mut stage.query().command(&["checks:skip", app]))?;
        guard.run(&mut stage.query().command(&["deploy", app, &source.to_string_lossy()]))?;
        guard.run(&mut stage.query().command(&["scale", app, &format!("worker={size}")]))?;
        let took = began.elapsed().as_secs_f64();
        say(&format!("{app}: {size} containers in {took:.1} s"));
    }
    let listening = Listening::start(&stage.query(), guard, containers)?;
    let trace = Trace::of(listening.pid())?;
    guard.pause(SETTLING)?;
    let (before, mark) = (Use::of(listening.pid())?, trace.mark());
    say(&format!("nothing happens for {} s", IDLE.as_secs()));
    guard.pause(IDLE)?;
    let (after, calls) = (Use::of(listening.pid())?, trace.since(mark)?);
    let status = listening.end()?;
    let figures = Figures {
        memory: after.memory,
        ticks: after.ticks.saturating_sub(before.ticks),
        calls,
    };
    tell(&format!(
        "psctl events:listen, idle for {} s on {} {}: {status}",
        IDLE.as_secs(),
        stage.engine.name,
        stage.engine.version
    ));
    tell(&format!("  containers                 {containers}"));
    tell(&format!("{figures}"));
    tell(&format!("  (a CPU tick is 1/{TICKS_A_SECOND} s)"));
    let misses = figures.misses();
    if misses.is_empty() {
        return Ok(());
    }
    Err(Failure::new(misses.join("; ")))
}

/// Everything, even when one thing cannot be removed.
fn remove(stage: &Stage, apps: &[(String, usize)]) -> Outcome<()> {
    say("removing everything");
    let there = stage.output_of(&["apps:list", "--quiet"])?;
    let mut result = Ok(());
    for (app, _) in apps {
        if there.lines().any(|line| line == app) {
            result = result.and(stage.output_of(&["apps:destroy", "--force", app]).map(|_| ()));
        }
    }
    // Once all containers are gone, so that the network can go.
    for (app, _) in apps {
        result = result.and(stage.remove_leftovers(app));
    }
    result
}

/// Asks a process of ours to end, and reaps it.
fn end_child(child: &mut Child, grace: Duration) {
    let deadline = Instant::now() + grace;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid
        && matches!(child.try_wait(), Ok(None))
    {
        let _ = kill_process(pid, Signal::TERM);
    }
    while matches!(child.try_wait(), Ok(None)) {
        if Instant::now() >= deadline {
            drop(child.kill());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
