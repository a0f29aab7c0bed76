//! The listener's redeploy of an app whose restarts are used up, when it fails: whose fault it is decides what follows.

use std::time::Duration;

use ps_core::runtime::RuntimeErrorKind;
use ps_core::testing::{Behaviour, Fault, FaultEffect};

use crate::bench::Bench;
use crate::listener::while_listening;

/// What became of an app whose restarts were used up, when the redeploy failed so a few times: redeploys, failures, the quarantine.
async fn redeploy_hindered_by(kind: RuntimeErrorKind, on: &str) -> (u64, u64, Option<String>) {
    let bench = Bench::unchecked("on-failure:1").await;
    let ears = while_listening(&bench, async |_| {
        for nth in 1..=3 {
            let fails = Fault::new(FaultEffect::Fail(kind)).on_method(on);
            bench.engine.inject(fails.on_subject("shop.web.1.upcoming-*").nth(nth));
        }
        // The one that serves ends again and again; what is to take its place would run.
        let ends = Behaviour::ExitsAfter(Duration::ZERO, 1);
        bench.engine.on_next_starts(1000, "shop.web.1", ends);
        assert!(bench.engine.crash("shop.web.1", 1));
        bench.pause(120).await;
    })
    .await;
    let figures = ears.figures();
    (figures.redeploys, figures.failures, bench.quarantine().await)
}

#[tokio::test]
async fn a_redeploy_that_engine_or_host_stand_in_the_way_of_is_made_again_after_a_pause() {
    for kind in [
        RuntimeErrorKind::Unexpected,
        RuntimeErrorKind::Conflict,
        RuntimeErrorKind::AddressInUse,
        RuntimeErrorKind::NameInUse,
        RuntimeErrorKind::NotFound,
        RuntimeErrorKind::PermissionDenied,
    ] {
        let (redeploys, failures, quarantine) = redeploy_hindered_by(kind, "create_container").await;
        assert_eq!((redeploys, failures, quarantine), (1, 3, None), "{kind:?}");
    }
    let started = redeploy_hindered_by(RuntimeErrorKind::AddressInUse, "start_container").await;
    assert_eq!(started, (1, 3, None));
}

#[tokio::test]
async fn a_redeploy_that_fails_for_what_the_app_is_leads_to_quarantine() {
    for kind in [
        RuntimeErrorKind::ImageMissing,
        RuntimeErrorKind::Invalid,
        RuntimeErrorKind::Unsupported,
    ] {
        let (redeploys, _, quarantine) = redeploy_hindered_by(kind, "create_container").await;
        let cause = "web.1 used up its restarts, and redeploying the app failed";
        assert_eq!((redeploys, quarantine.as_deref()), (0, Some(cause)), "{kind:?}");
    }
}
