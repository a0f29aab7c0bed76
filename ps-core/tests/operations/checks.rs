//! The checks of a source, over the fakes: what passes, what fails and why, and how long it takes in the fake's time.

use std::path::PathBuf;
use std::time::Duration;

use ps_core::app::CheckMode;
use ps_core::checks::{CheckKind, CheckMoment, CheckWeight, HealthCheck, PathCheck, Scheme};
use ps_core::host::Clock;
use ps_core::manifest::{EnvRequests, Manifest};
use ps_core::operations::OperationError;
use ps_core::policies::Property;
use ps_core::release::Source;
use ps_core::runtime::OutputChannel;
use ps_core::store::{Scope, Store, StoreChange};
use ps_core::testing::{Behaviour, FakeAnswer, ProcessStep, Script};

use crate::bench::{Bench, procfile, shop};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A check as app.json has it when nothing else is said.
pub(crate) fn check(kind: CheckKind) -> HealthCheck {
    HealthCheck {
        name: None,
        moment: CheckMoment::Startup,
        kind,
        initial_delay: Duration::ZERO,
        attempts: 3,
        timeout: 5 * SECOND,
        wait: 5 * SECOND,
        weight: CheckWeight::Required,
    }
}

pub(crate) fn path(path: &str) -> HealthCheck {
    check(CheckKind::Path(PathCheck {
        path: path.to_owned(),
        content: None,
        port: None,
        scheme: Scheme::Http,
        headers: Vec::new(),
    }))
}

pub(crate) fn path_with(change: impl FnOnce(&mut PathCheck)) -> HealthCheck {
    let mut check = path("/health");
    if let CheckKind::Path(asked) = &mut check.kind {
        change(asked);
    }
    check
}

pub(crate) fn command(words: &[&str]) -> HealthCheck {
    check(CheckKind::Command(
        words.iter().map(|word| (*word).to_owned()).collect(),
    ))
}

pub(crate) fn listening(port: Option<u16>) -> HealthCheck {
    check(CheckKind::Listening { port })
}

pub(crate) fn warn_only(check: HealthCheck) -> HealthCheck {
    HealthCheck {
        weight: CheckWeight::WarnOnly,
        ..check
    }
}

/// Gives types of the usual source these checks.
pub(crate) fn set_checks<const N: usize>(bench: &Bench, checks: [(&str, Vec<HealthCheck>); N]) {
    let checks = checks.map(|(name, checks)| (name.parse().unwrap(), checks));
    let manifest = Manifest {
        checks: checks.into(),
        ..Manifest::default()
    };
    bench.source.set_manifest("/src", manifest, EnvRequests::new());
}

/// Deploys: the result, and after how many milliseconds.
pub(crate) async fn deploy(bench: &Bench) -> (Result<(), OperationError>, u128) {
    let began = bench.engine.clock().monotonic();
    let source = Source::Directory(PathBuf::from("/src"));
    let result = bench.operations.deploy(&shop(), Some(source)).await.map(drop);
    let took = bench.engine.clock().monotonic().saturating_sub(began);
    (result, took.as_millis())
}

/// An error with all its causes.
pub(crate) fn told(result: Result<(), OperationError>) -> String {
    let error = result.unwrap_err();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// A web that listens from its first moment.
fn listens(bench: &Bench) {
    bench
        .engine
        .on_start("shop.web.*", Behaviour::ListensAfter(Duration::ZERO, 5000));
}

#[tokio::test]
async fn a_replica_is_ready_when_all_its_checks_have_passed() {
    let bench = Bench::new();
    listens(&bench);
    set_checks(&bench, [("web", vec![path("/health"), command(&["rake", "ok"])])]);
    bench.prober.answer("/health", FakeAnswer::After(2 * SECOND, 204));
    bench.engine.on_exec(
        "rake ok",
        Script::new([ProcessStep::Wait(3 * SECOND), ProcessStep::Exit(0)]),
    );
    let (result, after) = deploy(&bench).await;
    assert!(result.is_ok(), "{result:?}");
    assert!((3000..=3100).contains(&after), "{after} ms: they run side by side");
}

#[tokio::test]
async fn a_path_check_is_tried_again_after_its_pause() {
    let bench = Bench::new();
    listens(&bench);
    set_checks(&bench, [("web", vec![path("/health")])]);
    let answers = [FakeAnswer::Refused, FakeAnswer::Status(503), FakeAnswer::Status(200)];
    bench.prober.answers("/health", answers);
    let (result, after) = deploy(&bench).await;
    assert!(result.is_ok(), "{result:?}");
    assert!((10_000..=10_100).contains(&after), "{after} ms");
    let wanted = [1, 2, 3].map(|attempt| format!("web.1 GET /health {attempt}/3 at most 5 s"));
    assert_eq!(bench.events.checking(), wanted);
}

#[tokio::test]
async fn a_check_that_goes_on_failing_fails_its_deploy_and_the_old_release_serves() {
    let bench = Bench::new();
    listens(&bench);
    bench.deploy().await;
    let before = bench.engine.container_named("shop.web.1");
    set_checks(&bench, [("web", vec![path("/health")])]);
    for (answer, reason) in [
        (FakeAnswer::Status(500), "it answered with status 500"),
        (FakeAnswer::Status(302), "it answered with status 302"),
        (
            FakeAnswer::Refused,
            "the request was not answered: no connection to 10.210.",
        ),
        (FakeAnswer::Silence, "no answer within 5 s"),
    ] {
        bench.prober.answer("/health", answer);
        let (result, after) = deploy(&bench).await;
        let is_silent = reason.contains("within");
        let expected = if is_silent { 25_000 } else { 10_000 };
        assert!((expected..=expected + 100).contains(&after), "{after} ms");
        if let Err(OperationError::Step(step)) = &result {
            assert!(step.is_check() && step.still_serves);
        }
        let text = told(result);
        let failed = "shop.web.1 did not become ready: the check GET /health failed after 3 attempts: ";
        assert!(text.starts_with(failed) && text.contains(reason), "{text}");
    }
    assert_eq!(bench.existing().await, ["shop.web.1"]);
    assert_eq!(bench.engine.container_named("shop.web.1"), before);
}

#[tokio::test]
async fn a_failed_check_shows_what_its_process_wrote_last() {
    let bench = Bench::new();
    let lines = (1..=30).map(|line| ProcessStep::Print(OutputChannel::Out, format!("line {line}\n").into()));
    let steps = lines.chain([ProcessStep::Forever]);
    bench.engine.on_start("shop.web.*", Script::new(steps));
    set_checks(&bench, [("web", vec![path("/health")])]);
    let Err(OperationError::Step(step)) = deploy(&bench).await.0 else {
        panic!("nothing answers")
    };
    assert_eq!(step.last_lines().len(), 20);
    assert_eq!(step.last_lines().last().map(String::as_str), Some("line 30"));
}

#[tokio::test]
async fn a_body_must_contain_the_content() {
    let bench = Bench::new();
    listens(&bench);
    let asks = |asked: &mut PathCheck| asked.content = Some("all is well".to_owned());
    set_checks(&bench, [("web", vec![path_with(asks)])]);
    bench
        .prober
        .answer("/health", FakeAnswer::Body(200, "hello, all is well".to_owned()));
    deploy(&bench).await.0.unwrap();
    bench
        .prober
        .answer("/health", FakeAnswer::Body(200, "all is unwell".to_owned()));
    let text = told(deploy(&bench).await.0);
    assert!(text.ends_with("the body lacks `all is well`"), "{text}");
    // What lies behind the first MiB is not looked at.
    let far = format!("{}all is well", "x".repeat(1024 * 1024));
    bench.prober.answer("/health", FakeAnswer::Body(200, far));
    assert!(deploy(&bench).await.0.is_err());
}

#[tokio::test]
async fn a_request_goes_to_the_new_container_with_the_headers_of_the_check() {
    let bench = Bench::new();
    listens(&bench);
    let full = path_with(|asked| {
        asked.path = "/up?full=1".to_owned();
        asked.port = Some(9000);
        asked.scheme = Scheme::Https;
        asked.headers = vec![
            ("HOST".to_owned(), "shop.example".to_owned()),
            ("Authorization".to_owned(), "hunter2".to_owned()),
        ];
    });
    set_checks(&bench, [("web", vec![path("/up"), full])]);
    bench.prober.answer("/up", FakeAnswer::Status(200));
    bench.prober.answer("/up?full=1", FakeAnswer::Status(200));
    deploy(&bench).await.0.unwrap();
    let endpoint = bench.record().await.serving.into_values().next().unwrap().endpoint;
    let Some(ps_core::addresses::Endpoint::Address(address)) = endpoint else {
        panic!("{endpoint:?}")
    };
    let mut probes = bench.prober.probes();
    probes.sort_by_key(|probe| probe.address.port());
    let [plain, full] = probes.as_slice() else {
        panic!("{probes:?}")
    };
    assert_eq!((plain.address.ip(), plain.address.port()), (&address, 5000));
    assert_eq!(plain.host, format!("{address}:5000"));
    assert_eq!(plain.body_limit, 0, "only the status matters");
    assert_eq!((full.address.ip(), full.address.port()), (&address, 9000));
    assert_eq!((full.host.as_str(), full.scheme), ("shop.example", Scheme::Https));
    assert_eq!(full.headers, [("Authorization".to_owned(), "hunter2".to_owned())]);
    let shown = format!("{full:?}");
    assert!(shown.contains("Authorization") && !shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn a_command_check_runs_as_arguments_of_the_entrypoint() {
    let bench = Bench::new();
    let dockerfile = "FROM scratch\nENTRYPOINT [\"/launch\", \"--\"]\n";
    bench
        .source
        .add_dockerfile("/src", procfile(&[("web", "serve")]), dockerfile);
    listens(&bench);
    set_checks(&bench, [("web", vec![command(&["rake", "db"])])]);
    let lines = ["one\n", "no database\n", "\n"];
    let print = lines.map(|line| ProcessStep::Print(OutputChannel::Err, line.into()));
    let fails = Script::new(print.into_iter().chain([ProcessStep::Exit(3)]));
    bench.engine.on_exec("/launch -- rake db", fails);
    let text = told(deploy(&bench).await.0);
    let wanted = "the check command rake failed after 3 attempts: the command ended with 3: no database";
    assert!(text.ends_with(wanted), "{text}");
}

#[tokio::test]
async fn a_command_that_never_ends_fails_with_its_timeout() {
    let bench = Bench::new();
    listens(&bench);
    set_checks(&bench, [("web", vec![command(&["sleep", "inf"])])]);
    bench.engine.on_exec("sleep inf", Script::new([ProcessStep::Forever]));
    let (result, after) = deploy(&bench).await;
    assert!((25_000..=25_100).contains(&after), "{after} ms");
    assert!(told(result).ends_with("no answer within 5 s"));
}

#[tokio::test]
async fn a_listening_check_passes_as_soon_as_somebody_listens() {
    let bench = Bench::new();
    set_checks(&bench, [("web", vec![listening(None)])]);
    bench
        .engine
        .on_start("shop.web.*", Behaviour::ListensAfter(7 * SECOND, 5000));
    let (result, after) = deploy(&bench).await;
    assert!(result.is_ok(), "{result:?}");
    assert!((7000..=7200).contains(&after), "{after} ms");
    set_checks(&bench, [("web", vec![listening(Some(9000))])]);
    let (result, after) = deploy(&bench).await;
    assert!((15_000..=15_200).contains(&after), "{after} ms");
    let text = told(result);
    let wanted = "the check listening on 9000 failed: nothing listened on port 9000 within 15 s";
    assert!(text.ends_with(wanted), "{text}");
}

#[tokio::test]
async fn an_uptime_that_is_asked_for_is_not_passed_early() {
    let bench = Bench::new();
    listens(&bench);
    set_checks(&bench, [("web", vec![check(CheckKind::Uptime(4 * SECOND))])]);
    let (result, after) = deploy(&bench).await;
    assert!(result.is_ok(), "{result:?}");
    assert!((4000..=4200).contains(&after), "{after} ms");
}

#[tokio::test]
async fn the_first_attempt_waits_for_the_initial_delay() {
    let bench = Bench::new();
    listens(&bench);
    let late = HealthCheck {
        initial_delay: 6 * SECOND,
        ..path("/health")
    };
    set_checks(&bench, [("web", vec![late])]);
    bench.prober.answer("/health", FakeAnswer::Status(200));
    let (result, after) = deploy(&bench).await;
    assert!(result.is_ok(), "{result:?}");
    assert!((6000..=6100).contains(&after), "{after} ms");
    assert_eq!(bench.prober.probes().len(), 1);
}

#[tokio::test]
async fn a_death_ends_every_kind_of_wait_at_once() {
    let late = HealthCheck {
        initial_delay: 60 * SECOND,
        ..path("/health")
    };
    for (checks, answer) in [
        (vec![late], FakeAnswer::Status(200)),
        (vec![path("/health")], FakeAnswer::Silence),
        (vec![path("/health")], FakeAnswer::Refused),
        (vec![command(&["sleep", "inf"])], FakeAnswer::Refused),
        (vec![listening(None)], FakeAnswer::Refused),
        (vec![check(CheckKind::Uptime(60 * SECOND))], FakeAnswer::Refused),
        (vec![], FakeAnswer::Refused),
    ] {
        let bench = Bench::new();
        bench.engine.on_start("shop.web.*", Behaviour::ExitsAfter(SECOND, 3));
        bench.engine.on_exec("sleep inf", Script::new([ProcessStep::Forever]));
        bench.prober.answer("/health", answer);
        set_checks(&bench, [("web", checks.clone())]);
        let (result, after) = deploy(&bench).await;
        assert!((1000..=1200).contains(&after), "{after} ms {checks:?}");
        let text = told(result);
        assert!(text.ends_with("its process ended with exit code 3"), "{text}");
    }
}

#[tokio::test]
async fn a_check_that_only_warns_does_not_fail_the_deploy() {
    let bench = Bench::new();
    listens(&bench);
    let checks = vec![warn_only(path("/health")), path("/up")];
    set_checks(&bench, [("web", checks)]);
    bench.prober.answer("/health", FakeAnswer::Status(500));
    bench.prober.answer("/up", FakeAnswer::Status(200));
    deploy(&bench).await.0.unwrap();
    let wanted = "shop.web.1: the check GET /health failed after 3 attempts: it answered with status 500";
    assert_eq!(bench.events.warnings(), [wanted]);
}

#[tokio::test]
async fn a_web_with_checks_of_its_own_that_never_listens_is_told_of() {
    let bench = Bench::new();
    set_checks(&bench, [("web", vec![command(&["true"])])]);
    let (result, after) = deploy(&bench).await;
    assert!(result.is_ok(), "{result:?}");
    assert!((15_000..=15_200).contains(&after), "{after} ms");
    let wanted = "shop.web.1: the check listening on 5000 failed: nothing listened on port 5000 within 15 s";
    assert_eq!(bench.events.warnings(), [wanted]);
}

#[tokio::test]
async fn twenty_replicas_take_the_time_of_one_check_whatever_the_engine_is_allowed() {
    let bench = Bench::new();
    bench.deploy().await;
    let twenty = ps_core::formation::parse_scale(&["worker=20"]).unwrap();
    let began = bench.engine.clock().monotonic();
    let one_call_at_a_time = bench.with_engine_calls(1);
    one_call_at_a_time.scale(&shop(), &twenty, false).await.unwrap();
    let after = bench.engine.clock().monotonic().saturating_sub(began).as_millis();
    assert!((10_000..=10_500).contains(&after), "{after} ms");
    assert_eq!(bench.running().await.len(), 21);
}

#[tokio::test]
async fn cancelling_ends_a_request_that_waits() {
    let bench = Bench::new();
    set_checks(&bench, [("web", vec![path("/health")])]);
    bench.prober.answer("/health", FakeAnswer::Silence);
    let cancel = async {
        bench.engine.clock().sleep(2 * SECOND).await;
        bench.cancellation.cancel();
    };
    let ((result, after), ()) = tokio::join!(deploy(&bench), cancel);
    assert!(matches!(result, Err(OperationError::Interrupted { .. })), "{result:?}");
    assert!((2000..=2100).contains(&after), "{after} ms");
}

#[tokio::test]
async fn the_default_wait_can_be_set() {
    let bench = Bench::new();
    let wait = StoreChange::SetProperty {
        scope: Scope::Global,
        property: Property::DefaultWait,
        value: Some("3".to_owned()),
    };
    bench.store.apply(&[wait]).await.unwrap();
    let (result, after) = deploy(&bench).await;
    assert!(result.is_ok(), "{result:?}");
    assert!((3000..=3100).contains(&after), "{after} ms");
}

#[tokio::test]
async fn types_that_are_skipped_or_disabled_are_not_checked() {
    // A type whose checks are disabled only has to run for a second: its old container is stopped by then.
    for (mode, least) in [(CheckMode::Skipped, 0), (CheckMode::Disabled, 1000)] {
        let bench = Bench::new();
        set_checks(&bench, [("web", vec![path("/health")])]);
        let set = StoreChange::SetCheckMode {
            app: shop(),
            process_type: "web".parse().unwrap(),
            mode,
        };
        let changes = [StoreChange::CreateApp(shop()), set];
        bench.store.apply(&changes).await.unwrap();
        let (result, after) = deploy(&bench).await;
        assert!(result.is_ok(), "{result:?}");
        assert!((least..least + 100).contains(&after), "{after} ms");
        assert!(bench.prober.probes().is_empty());
    }
}

#[tokio::test]
async fn a_dry_run_shows_what_will_be_checked_and_for_how_long() {
    let bench = Bench::new();
    set_checks(
        &bench,
        [("web", vec![path("/health"), command(&["rake", "--token", "x"])])],
    );
    let source = Source::Directory(PathBuf::from("/src"));
    let outcome = bench.dry.deploy(&shop(), Some(source)).await.unwrap();
    let text: String = outcome.plans.iter().map(ToString::to_string).collect();
    assert!(
        text.contains(" is ready: GET /health, command rake, at most 25 s ("),
        "{text}"
    );
    assert!(bench.prober.probes().is_empty());
}

#[tokio::test]
async fn a_container_that_is_started_again_is_checked_where_it_was() {
    let bench = Bench::new();
    listens(&bench);
    set_checks(&bench, [("web", vec![path("/health")])]);
    bench.prober.answer("/health", FakeAnswer::Status(200));
    deploy(&bench).await.0.unwrap();
    bench.operations.stop(&shop()).await.unwrap();
    bench.operations.start(&shop()).await.unwrap();
    let probes = bench.prober.probes();
    let [first, again] = probes.as_slice() else {
        panic!("{probes:?}")
    };
    assert_eq!(first.address, again.address);
}
