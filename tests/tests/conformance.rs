//! Runs every obligation against every engine. An engine that is absent shows as ignored, with the reason in the name; with
//! `PS_REQUIRE_ENGINES` set its absence fails. At the end it says how many cases passed on each engine, and fails when that is less than
//! is known to pass.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test program of its own"
)]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use ps_core::runtime::RuntimeCapabilities;
use ps_tests::conformance::{Area, Case, EngineUnderTest, cases, run_case};
use ps_tests::engines::{FAKE_IMAGE, FakeUnderTest, Kind, RealEngine};

/// The real engines: name, backend, variable with the socket, whether it is one of the usual three, cases known to pass.
const ENGINES: [(&str, Kind, &str, bool, usize); 5] = [
    ("docker", Kind::Docker, "PSCTL_TEST_DOCKER", true, 146),
    ("podman", Kind::Podman, "PSCTL_TEST_PODMAN", true, 145),
    ("podman-rootless", Kind::Podman, "PSCTL_TEST_PODMAN_ROOTLESS", true, 142),
    ("docker-newer", Kind::Docker, "PSCTL_TEST_DOCKER_NEWER", false, 146),
    ("podman-newer", Kind::Podman, "PSCTL_TEST_PODMAN_NEWER", false, 146),
];

/// How many cases pass on the fake.
const FAKE_PASSES: usize = 146;

/// The longest that a case may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Engine -> number of cases that passed.
type Tally = Arc<Mutex<BTreeMap<&'static str, usize>>>;

type Make = Arc<dyn Fn() -> Arc<dyn EngineUnderTest> + Send + Sync>;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Cases about images take turns on an engine.
type Turn = Arc<Mutex<()>>;

fn trial(
    engine: &'static str,
    (number, case): (usize, Case),
    image: &str,
    make: &Make,
    tally: &Tally,
    turn: &Turn,
) -> Trial {
    let (make, tally, image) = (Arc::clone(make), Arc::clone(tally), image.to_owned());
    let turn = Arc::clone(turn);
    let prefix = format!("psctl-test-{engine}-{}-{number}", std::process::id());
    Trial::test(format!("{engine}::{}", case.name), move || {
        // Podman 4.3 fails a build that looks at cached layers while another call removes them.
        let _turn = (case.area == Area::Images).then(|| turn.lock().unwrap_or_else(PoisonError::into_inner));
        let run = async { tokio::time::timeout(LIMIT, run_case(&case, make(), &image, &prefix)).await };
        let verdict = runtime()
            .block_on(run)
            .map_err(|_| Failed::from("the case took too long"))?;
        verdict.map_err(|failure| Failed::from(chain(failure.as_ref())))?;
        *tally.lock().unwrap().entry(engine).or_default() += 1;
        Ok(())
    })
}

/// A trial for each obligation; those that the engine does not have show as ignored.
fn trials(
    engine: &'static str,
    image: &str,
    capabilities: RuntimeCapabilities,
    make: &Make,
    tally: &Tally,
) -> Vec<Trial> {
    let turn = Turn::default();
    let one = |(number, case): (usize, Case)| {
        if case.applies_to(&capabilities) {
            return trial(engine, (number, case), image, make, tally, &turn);
        }
        let title = format!("{engine}::{} (this engine lacks the capability)", case.name);
        Trial::test(title, || Err(Failed::from("the engine lacks the capability"))).with_ignored_flag(true)
    };
    cases().into_iter().enumerate().map(one).collect()
}

fn chain(failure: &dyn std::error::Error) -> String {
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// An engine that is there, and the base image it was given.
struct Prepared {
    engine: RealEngine,
    image: String,
}

fn prepare(name: &str, kind: Kind, variable: &str) -> Result<Prepared, String> {
    let engine = RealEngine::from_variable(kind, variable)?;
    let image = format!("psctl-test-{name}-{}:base", std::process::id());
    let imported = runtime().block_on(engine.import_base(&image));
    imported.map_err(|failure| format!("it cannot be used: {}", chain(failure.as_ref())))?;
    Ok(Prepared { engine, image })
}

/// The trials of an engine, and what has to be given back afterwards.
fn real_trials(
    (name, kind, variable, _, _): (&'static str, Kind, &str, bool, usize),
    tally: &Tally,
) -> (Vec<Trial>, Option<Prepared>) {
    let is_required = std::env::var_os("PS_REQUIRE_ENGINES").is_some();
    let prepared = match prepare(name, kind, variable) {
        Ok(prepared) => prepared,
        Err(reason) => {
            let title = format!("{name}::absent ({reason})");
            let absent = Trial::test(title, move || Err(Failed::from(reason))).with_ignored_flag(!is_required);
            return (vec![absent], None);
        }
    };
    let capabilities = runtime().block_on(prepared.engine.connect()).unwrap().capabilities();
    let template = prepared.engine.again();
    let make: Make = Arc::new(move || Arc::new(template.again()));
    let trials = trials(name, &prepared.image, capabilities, &make, tally);
    (trials, Some(prepared))
}

fn fake_trials(tally: &Tally) -> Vec<Trial> {
    let make: Make = Arc::new(|| Arc::new(FakeUnderTest::new(None)));
    let capabilities = runtime()
        .block_on(FakeUnderTest::new(None).connect())
        .unwrap()
        .capabilities();
    trials("fake", FAKE_IMAGE, capabilities, &make, tally)
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
    // Cases mostly wait for an engine: more of them at once than there are CPUs.
    arguments.test_threads.get_or_insert(6);
    let tally = Tally::default();
    let mut trials = fake_trials(&tally);
    let mut known = vec![("fake", FAKE_PASSES)];
    let mut all_prepared = Vec::new();
    for engine in ENGINES {
        let is_there = engine.3 || std::env::var_os(engine.2).is_some();
        if !is_there || arguments.list || !is_wanted(&arguments, engine.0) {
            continue;
        }
        let (more, prepared) = real_trials(engine, &tally);
        trials.extend(more);
        known.extend(prepared.is_some().then_some((engine.0, engine.4)));
        all_prepared.extend(prepared);
    }
    let is_whole = arguments.filter.is_none() && arguments.skip.is_empty() && !arguments.list && !arguments.ignored;
    let conclusion = libtest_mimic::run(&arguments, trials);
    for prepared in all_prepared {
        if let Err(failure) = runtime().block_on(prepared.engine.remove_base(&prepared.image)) {
            eprintln!("the base image {} is left: {failure}", prepared.image);
        }
    }
    let mut is_enough = true;
    for (engine, least) in known {
        let passed = tally.lock().unwrap().get(engine).copied().unwrap_or(0);
        println!("{engine}: {passed} cases passed");
        if is_whole && passed < least {
            println!("{engine}: {least} cases are known to pass");
            is_enough = false;
        }
    }
    if is_enough {
        conclusion.exit_code()
    } else {
        ExitCode::FAILURE
    }
}
