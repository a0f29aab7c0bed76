//! A restore beside an engine that has just started.

use ps_core::runtime::RuntimeErrorKind;
use ps_core::testing::{Fault, FaultEffect};

use crate::restore::{restore, served_shop, told};

#[tokio::test]
async fn what_the_engine_could_not_start_just_after_it_came_is_tried_again() {
    for (times, not_back) in [(3, 0), (4, 1)] {
        let bench = served_shop().await;
        bench.engine.reboot();
        for time in 1..=times {
            let fails = Fault::new(FaultEffect::Fail(RuntimeErrorKind::Unexpected));
            let fails = fails.on_method("start_container").on_subject("shop.web.1");
            bench.engine.inject(fails.nth(time));
        }
        let report = restore(&bench).await;
        assert_eq!(report.not_back().count(), not_back, "{:?}", told(&report));
    }
}
