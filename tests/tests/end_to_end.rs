//! Runs every end-to-end scenario of the real `psctl` on every engine. An engine that is absent shows as ignored, with the reason in
//! the name; with `PS_REQUIRE_ENGINES` set its absence fails. The `psctl` beside this test's own build is the one that is tested.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a test program of its own")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use libtest_mimic::{Arguments, Failed, Trial};
use ps_tests::conformance::Failure;
use ps_tests::end_to_end::{Program, Site, cases, run_case};
use ps_tests::engines::{Kind, RealEngine};

/// The engines: name, backend, variable with the socket, whether it is one of the usual three.
const ENGINES: [(&str, Kind, &str, bool); 5] = [
    ("docker", Kind::Docker, "PSCTL_TEST_DOCKER", true),
    ("podman", Kind::Podman, "PSCTL_TEST_PODMAN", true),
    ("podman-rootless", Kind::Podman, "PSCTL_TEST_PODMAN_ROOTLESS", true),
    ("docker-newer", Kind::Docker, "PSCTL_TEST_DOCKER_NEWER", false),
    ("podman-newer", Kind::Podman, "PSCTL_TEST_PODMAN_NEWER", false),
];

/// So many of the slowest scenarios of an engine are named at the end.
const SLOWEST: usize = 5;

/// How many scenarios run at a time; they wait for the engine more than they work.
const AT_A_TIME: usize = 3;

fn block_on<T>(call: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(call)
}

/// An engine with its base image, and how many of its scenarios have passed.
struct Prepared {
    name: &'static str,
    site: Arc<Site>,
    passed: Arc<AtomicUsize>,
}

fn prepare(name: &'static str, kind: Kind, variable: &str, position: u8) -> Result<Prepared, Failure> {
    let program = Program::beside_the_test()?;
    let engine = RealEngine::from_variable(kind, variable)?;
    let base = format!("psctl-e2e-{name}-{}:base", std::process::id());
    block_on(engine.import_base(&base))?;
    let network = (std::process::id() % 18).try_into().unwrap_or(0u8);
    let site = Site {
        address: engine.address(),
        engine,
        base,
        program,
        // 10.100 to 10.189, away from where psctl looks by itself.
        network: 100 + network * 5 + position,
        figures: Arc::default(),
        took: Mutex::default(),
    };
    Ok(Prepared {
        name,
        site: Arc::new(site),
        passed: Arc::default(),
    })
}

fn trials(prepared: &Prepared) -> Vec<Trial> {
    // One at a time on an engine: Podman 4.3 fails builds that meet another call's image removal.
    let turn = Arc::new(Mutex::new(()));
    let numbered = cases().into_iter().zip(0u8..);
    let one = numbered.map(|(case, number)| {
        let (site, passed) = (Arc::clone(&prepared.site), Arc::clone(&prepared.passed));
        let name = prepared.name;
        let turn = Arc::clone(&turn);
        Trial::test(format!("{}::{}", prepared.name, case.name), move || {
            let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            let began = Instant::now();
            let outcome = run_case(&case, &site, number);
            site.took
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((began.elapsed(), case.name));
            outcome.map_err(|failure| {
                // Told at once: a run that is cut off shows no summary.
                eprintln!("{name}::{}: {failure}", case.name);
                Failed::from(failure.to_string())
            })?;
            passed.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
    });
    one.collect()
}

fn absent(name: &str, reason: String) -> Trial {
    let is_required = std::env::var_os("PS_REQUIRE_ENGINES").is_some();
    let title = format!("{name}::absent ({reason})");
    Trial::test(title, move || Err(Failed::from(reason))).with_ignored_flag(!is_required)
}

fn is_wanted(arguments: &Arguments, name: &str) -> bool {
    let Some(filter) = &arguments.filter else {
        return true;
    };
    let prefix = format!("{name}::");
    filter.starts_with(&prefix) || !filter.contains("::") || prefix.contains(filter.as_str())
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_A_TIME));
    let (mut all, mut all_prepared) = (Vec::new(), Vec::new());
    for ((name, kind, variable, is_usual), position) in ENGINES.into_iter().zip(0u8..) {
        let is_there = is_usual || std::env::var_os(variable).is_some();
        if !is_there || arguments.list || !is_wanted(&arguments, name) {
            continue;
        }
        match prepare(name, kind, variable, position) {
            Ok(prepared) => {
                all.push(trials(&prepared));
                all_prepared.push(prepared);
            }
            Err(failure) => all.push(vec![absent(name, failure.to_string())]),
        }
    }
    // The engines take turns, so that none of them is alone with all scenarios at once.
    let longest = all.iter().map(Vec::len).max().unwrap_or(0);
    let mut queues: Vec<_> = all.into_iter().map(Vec::into_iter).collect();
    let turns = (0..longest).flat_map(|_| queues.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>());
    let trials = turns.collect();
    let begun = Instant::now();
    let conclusion = libtest_mimic::run(&arguments, trials);
    for prepared in all_prepared {
        if let Err(failure) = block_on(prepared.site.engine.remove_base(&prepared.site.base)) {
            eprintln!("the base image {} is left: {failure}", prepared.site.base);
        }
        println!(
            "{}: {} scenarios passed",
            prepared.name,
            prepared.passed.load(Ordering::Relaxed)
        );
        let figures = prepared.site.figures.lock().unwrap_or_else(PoisonError::into_inner);
        for figure in figures.iter() {
            println!("{}: {figure}", prepared.name);
        }
        let mut took = std::mem::take(&mut *prepared.site.took.lock().unwrap_or_else(PoisonError::into_inner));
        took.sort();
        for (time, case) in took.iter().rev().take(SLOWEST) {
            println!("{}: {:.0} s for {case}", prepared.name, time.as_secs_f64());
        }
    }
    println!("in {:.0} s", begun.elapsed().as_secs_f64());
    conclusion.exit_code()
}
