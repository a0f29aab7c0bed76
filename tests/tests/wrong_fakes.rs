//! Proves the suite itself: fakes that break a rule fail at least one case, and fakes that can do less pass what is left.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use ps_core::runtime::{ContainerRuntime, RuntimeCapabilities};
use ps_core::testing::{Defect, FakeClock, FakeEngine};
use ps_tests::conformance::{EngineUnderTest, cases, run_case};
use ps_tests::engines::{FAKE_IMAGE, FakeUnderTest};

/// The names of the cases that fail.
async fn failing(make: impl Fn() -> FakeUnderTest) -> Vec<&'static str> {
    let mut names = Vec::new();
    for case in cases() {
        let engine = Arc::new(make());
        let capabilities = engine.connect().await.unwrap().capabilities();
        let is_due = case.applies_to(&capabilities);
        if is_due && run_case(&case, engine, FAKE_IMAGE, "psctl-test-wrong").await.is_err() {
            names.push(case.name);
        }
    }
    names
}

async fn fails_with(defect: Defect, obligation: &str) {
    let failing = failing(|| FakeUnderTest::new(Some(defect))).await;
    assert!(failing.contains(&obligation), "{defect:?} fails {failing:?}");
    assert!(failing.len() < 25, "{defect:?} fails {failing:?}");
}

#[tokio::test]
async fn a_fake_that_starts_twice_fails() {
    fails_with(Defect::StartsTwice, "starting_twice_reports_already_running").await;
}

#[tokio::test]
async fn a_fake_that_ignores_label_filters_fails() {
    fails_with(Defect::IgnoresLabelFilters, "a_label_with_another_value_is_not_listed").await;
}

#[tokio::test]
async fn a_fake_that_uses_names_twice_fails() {
    fails_with(Defect::ReusesNames, "creating_under_a_name_in_use_says_so").await;
}

#[tokio::test]
async fn a_fake_that_restarts_the_stopped_fails() {
    fails_with(Defect::RestartsTheStopped, "a_stop_is_final_whatever_the_policy").await;
}

#[tokio::test]
async fn a_fake_that_can_do_little_passes_what_is_left() {
    let all = FakeEngine::new(&FakeClock::automatic()).capabilities();
    let capabilities = RuntimeCapabilities {
        updates_restart_policy: false,
        host_reaches_containers: false,
        host_sees_processes: false,
        replays_past_events: false,
        ..all
    };
    let failing = failing(|| FakeUnderTest::with_capabilities(capabilities)).await;
    assert_eq!(failing, Vec::<&str>::new());
}

#[test]
fn every_obligation_has_a_name_of_its_own() {
    let mut names: Vec<&str> = cases().iter().map(|case| case.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
