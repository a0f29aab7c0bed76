//! How long it takes until a replica counts as ready, or as dead, in the fake's time.

use std::path::PathBuf;
use std::time::Duration;

use ps_core::host::Clock;
use ps_core::operations::OperationError;
use ps_core::release::Source;
use ps_core::runtime::RuntimeErrorKind;
use ps_core::testing::{Behaviour, Fault, FaultEffect};

use crate::bench::{Bench, shop};

/// Deploys a web that behaves so: whether it became ready, and after how many milliseconds.
async fn deploy(bench: &Bench, web: Behaviour) -> (Result<(), OperationError>, u128) {
    bench.engine.on_start("shop.web.*", web);
    let began = bench.engine.clock().monotonic();
    let source = Source::Directory(PathBuf::from("/src"));
    let result = bench.operations.deploy(&shop(), Some(source)).await.map(drop);
    (
        result,
        bench.engine.clock().monotonic().saturating_sub(began).as_millis(),
    )
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_death_is_noticed_at_once() {
    let (result, after) = deploy(&Bench::new(), Behaviour::ExitsAfter(SECOND, 3)).await;
    assert!(result.is_err());
    assert!((1000..=1200).contains(&after), "{after} ms");
}

#[tokio::test]
async fn a_death_is_noticed_without_events() {
    let bench = Bench::new();
    let lost = FaultEffect::Fail(RuntimeErrorKind::Unreachable);
    bench.engine.inject(Fault::new(lost).on_method("follow_events"));
    let (result, after) = deploy(&bench, Behaviour::ExitsAfter(SECOND / 2, 3)).await;
    assert!(result.is_err());
    assert!((500..=1700).contains(&after), "{after} ms");
}

#[tokio::test]
async fn a_web_that_listens_is_ready_after_a_second() {
    let (result, after) = deploy(&Bench::new(), Behaviour::ListensAfter(SECOND, 5000)).await;
    assert!(result.is_ok(), "{result:?}");
    assert!((2000..=2200).contains(&after), "{after} ms");
}

#[tokio::test]
async fn a_web_that_never_listens_is_ready_after_its_uptime() {
    let (result, after) = deploy(&Bench::new(), Behaviour::Runs).await;
    assert!(result.is_ok(), "{result:?}");
    assert!((10_000..=10_200).contains(&after), "{after} ms");
}

#[tokio::test]
async fn a_cancelled_wait_ends_at_once() {
    let bench = Bench::new();
    let cancel = async {
        bench.engine.clock().sleep(3 * SECOND).await;
        bench.cancellation.cancel();
    };
    let ((result, after), ()) = tokio::join!(deploy(&bench, Behaviour::Runs), cancel);
    assert!(matches!(result, Err(OperationError::Interrupted { .. })), "{result:?}");
    assert!((3000..=3100).contains(&after), "{after} ms");
}
