//! The listener on the fakes: what it does about what happens.

use std::sync::Mutex;
use std::time::Duration;

use ps_core::app::{AppRecord, CheckMode};
use ps_core::audit::AuditOutcome;
use ps_core::crashes::CrashKind;
use ps_core::host::Clock;
use ps_core::names::AppName;
use ps_core::operations::{ListenFigures, ListenNews, ListenSink};
use ps_core::policies::Property;
use ps_core::proxy::ProxyPresence;
use ps_core::release::Source;
use ps_core::runtime::{ContainerRuntime, ContainerState};
use ps_core::store::{LockKind, Scope, Store, StoreChange, StoreErrorKind};
use ps_core::testing::{Behaviour, Script};

use crate::bench::{Bench, procfile, shop};

/// Keeps what a listener told.
#[derive(Debug, Default)]
pub(crate) struct Ears {
    lines: Mutex<Vec<String>>,
    figures: Mutex<ListenFigures>,
    compared: Mutex<usize>,
}

impl ListenSink for Ears {
    fn tell(&self, news: ListenNews) {
        match news {
            ListenNews::Compared(_) => *self.compared.lock().unwrap() += 1,
            ListenNews::Line { app, outcome, text } => {
                let app = app.map(|app| format!("{app}: ")).unwrap_or_default();
                self.lines.lock().unwrap().push(format!("{outcome} {app}{text}"));
            }
            ListenNews::Figures(figures) => *self.figures.lock().unwrap() = figures,
        }
    }
}

impl Ears {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub(crate) fn figures(&self) -> ListenFigures {
        *self.figures.lock().unwrap()
    }

    pub(crate) fn comparisons(&self) -> usize {
        *self.compared.lock().unwrap()
    }
}

/// Runs a listener for as long as a script takes.
pub(crate) async fn while_listening(bench: &Bench, script: impl AsyncFnOnce(&Ears)) -> Ears {
    let ears = Ears::default();
    let (operations, cancellation) = bench.listener();
    let scripted = async {
        bench.pause(1).await;
        script(&ears).await;
        cancellation.cancel();
    };
    let (listened, ()) = futures_util::join!(operations.listen(&ears), scripted);
    listened.unwrap();
    ears
}

impl Bench {
    pub(crate) async fn pause(&self, seconds: u64) {
        self.engine.clock().sleep(Duration::from_secs(seconds)).await;
    }

    pub(crate) async fn set(&self, property: Property, value: &str) {
        let change = StoreChange::SetProperty {
            scope: Scope::App(shop()),
            property,
            value: Some(value.to_owned()),
        };
        self.store.apply(&[change]).await.unwrap();
    }

    /// One `web`, not checked, with a restart policy.
    pub(crate) async fn unchecked(policy: &str) -> Self {
        let bench = Self::new();
        let skipped = StoreChange::SetCheckMode {
            app: shop(),
            process_type: "web".parse().unwrap(),
            mode: CheckMode::Skipped,
        };
        bench
            .store
            .apply(&[StoreChange::CreateApp(shop()), skipped])
            .await
            .unwrap();
        bench.set(Property::RestartPolicy, policy).await;
        bench.deploy().await;
        bench
    }

    /// Ends a container's process by itself so often, each time it runs again.
    pub(crate) async fn crash(&self, name: &str, times: usize) {
        for _ in 0..times {
            self.until_running(name).await;
            assert!(self.engine.crash(name, 1));
            self.pause(1).await;
        }
    }

    pub(crate) async fn until_running(&self, name: &str) {
        for _ in 0..600 {
            if self.running().await.iter().any(|running| running == name) {
                return;
            }
            self.pause(1).await;
        }
        panic!("{name} never ran");
    }

    pub(crate) async fn crashes(&self) -> usize {
        let crashes = self.store.crashes(&shop()).await.unwrap();
        crashes.iter().filter(|crash| crash.kind == CrashKind::Ended).count()
    }

    pub(crate) async fn quarantine(&self) -> Option<String> {
        self.record().await.quarantine.map(|quarantine| quarantine.cause)
    }
}

fn generation(record: &AppRecord, replica: &str) -> u64 {
    record.serving.get(&replica.parse().unwrap()).unwrap().generation.0
}

#[tokio::test]
async fn a_web_container_at_another_address_is_served_again_within_a_second() {
    let bench = Bench::new();
    bench.proxy.set_presence(ProxyPresence::Ready);
    bench.deploy().await;
    let ears = while_listening(&bench, async |_| {
        assert!(bench.engine.reconnect("shop.web.1", "10.210.9.9".parse().unwrap()));
        bench.pause(1).await;
        let site = bench.proxy.site(&shop()).unwrap();
        assert_eq!(site.upstreams[0].address.ip().to_string(), "10.210.9.9");
        // Told once, and remembered.
        bench.pause(3600).await;
    })
    .await;
    assert_eq!(ears.lines(), ["done shop: sent requests to the new address of web.1"]);
    assert_eq!(ears.figures().reroutes, 1);
    let trail = bench.store.read_audit(Some(&shop()), 0, 10).await.unwrap();
    let told = trail
        .iter()
        .map(|one| &one.entry)
        .filter(|entry| entry.verb == "events:listen");
    assert_eq!(
        told.map(|entry| entry.outcome).collect::<Vec<_>>(),
        [AuditOutcome::Done]
    );
}

#[tokio::test]
async fn a_web_container_that_moved_before_anybody_listened_is_served_again() {
    let bench = Bench::new();
    bench.proxy.set_presence(ProxyPresence::Ready);
    bench.deploy().await;
    assert!(bench.engine.reconnect("shop.web.1", "10.210.9.9".parse().unwrap()));
    let ears = while_listening(&bench, async |_| bench.pause(1).await).await;
    assert_eq!(ears.figures().reroutes, 1);
    assert_eq!(
        bench.proxy.site(&shop()).unwrap().upstreams[0].address.ip().to_string(),
        "10.210.9.9"
    );
}

#[tokio::test]
async fn a_web_container_restarted_by_hand_keeps_its_address_and_the_proxy_is_not_told() {
    let bench = Bench::new();
    bench.proxy.set_presence(ProxyPresence::Ready);
    bench.deploy().await;
    let told = bench.proxy.changes().len();
    let ears = while_listening(&bench, async |_| {
        let id = bench.engine.container_named("shop.web.1").unwrap();
        bench.engine.stop_container(&id, Duration::ZERO).await.unwrap();
        bench.engine.start_container(&id).await.unwrap();
        bench.pause(60).await;
    })
    .await;
    assert_eq!(bench.proxy.changes().len(), told);
    assert_eq!(ears.lines(), Vec::<String>::new());
    assert_eq!(bench.crashes().await, 0);
}

#[tokio::test]
async fn a_proxy_that_fails_is_told_again() {
    let bench = Bench::new();
    bench.proxy.set_presence(ProxyPresence::Ready);
    bench.deploy().await;
    let ears = while_listening(&bench, async |_| {
        for _ in 0..2 {
            bench.proxy.fail_next(ps_core::proxy::ProxyErrorKind::Failed);
        }
        assert!(bench.engine.reconnect("shop.web.1", "10.210.9.9".parse().unwrap()));
        bench.pause(10).await;
    })
    .await;
    assert_eq!((ears.figures().reroutes, ears.figures().failures), (1, 2));
}

#[tokio::test]
async fn an_idle_listener_asks_the_engine_for_nothing() {
    let bench = Bench::new();
    bench.deploy().await;
    while_listening(&bench, async |_| {
        bench.engine.forget_calls();
        bench.pause(5 * 3600).await;
        assert_eq!(bench.engine.calls(), []);
    })
    .await;
}

#[tokio::test]
async fn a_dead_worker_is_noticed_once() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.scale(&["worker=1"]).await;
    let ears = while_listening(&bench, async |_| {
        assert!(bench.engine.crash("shop.worker.1", 0));
        bench.pause(600).await;
        assert!(bench.engine.vanish("shop.worker.1"));
        bench.pause(600).await;
    })
    .await;
    assert_eq!(
        ears.lines(),
        ["noticed shop: worker.1: it ended with code 0 and is not restarted"]
    );
    assert_eq!((ears.figures().wanted, ears.figures().running), (2, 1));
}

#[tokio::test]
async fn restarts_used_up_lead_to_one_redeploy() {
    let bench = Bench::unchecked("on-failure:2").await;
    let before = generation(&bench.record().await, "web.1");
    let ears = while_listening(&bench, async |_| {
        bench.crash("shop.web.1", 3).await;
        bench.pause(60).await;
    })
    .await;
    assert_eq!(ears.lines()[0], "done shop: redeployed: web.1 used up its restarts");
    assert_eq!((ears.figures().redeploys, ears.figures().crashes), (1, 4));
    assert!(generation(&bench.record().await, "web.1") > before);
    assert_eq!(bench.running().await, ["shop.web.1"]);
    assert_eq!(bench.quarantine().await, None);
}

#[tokio::test]
async fn restarts_used_up_a_second_time_lead_to_quarantine() {
    let bench = Bench::unchecked("on-failure:2").await;
    let ears = while_listening(&bench, async |_| {
        bench.crash("shop.web.1", 3).await;
        bench.pause(60).await;
        bench.crash("shop.web.1", 3).await;
        bench.pause(60).await;
    })
    .await;
    let cause = "web.1 used up its restarts again after the app was redeployed";
    assert_eq!(bench.quarantine().await.as_deref(), Some(cause));
    assert_eq!(bench.running().await, Vec::<String>::new());
    assert_eq!((ears.figures().redeploys, ears.figures().quarantined), (1, 1));
    assert!(ears.lines().contains(&format!("done shop: quarantined: {cause}")));
}

#[tokio::test]
async fn a_redeploy_that_fails_leads_to_quarantine() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.set(Property::RestartPolicy, "on-failure:2").await;
    bench.operations.restart(&shop(), None).await.unwrap();
    let ears = while_listening(&bench, async |_| {
        let ends = Behaviour::ExitsAfter(Duration::ZERO, 1);
        bench.engine.on_next_starts(1000, "shop.web.1*", ends);
        assert!(bench.engine.crash("shop.web.1", 1));
        bench.pause(120).await;
    })
    .await;
    let cause = "web.1 used up its restarts, and redeploying the app failed";
    assert_eq!(bench.quarantine().await.as_deref(), Some(cause));
    assert_eq!(bench.running().await, Vec::<String>::new());
    assert_eq!(ears.figures().redeploys, 0);
}

#[tokio::test]
async fn an_app_that_always_crashes_is_quarantined_and_left_alone_after_it() {
    for policy in ["always", "unless-stopped", "on-failure", "on-failure:100"] {
        let bench = Bench::unchecked(policy).await;
        bench.proxy.set_presence(ProxyPresence::Ready);
        bench.deploy().await;
        let ears = while_listening(&bench, async |_| {
            let ends = Behaviour::ExitsAfter(Duration::from_millis(300), 1);
            bench.engine.on_next_starts(1000, "shop.web.1*", ends);
            bench.crash("shop.web.1", 1).await;
            bench.pause(700).await;
            let cause = "web.1 ended 11 times within 10 minutes";
            assert_eq!(bench.quarantine().await.as_deref(), Some(cause), "{policy}");
            bench.engine.forget_calls();
            bench.pause(3600).await;
            assert_eq!(bench.engine.calls(), [], "{policy}");
        })
        .await;
        assert_eq!(bench.running().await, Vec::<String>::new());
        assert_eq!(bench.proxy.site(&shop()).unwrap().upstreams, [], "it answers 502");
        assert_eq!(ears.figures().quarantined, 1);
        // Its operator wants it back.
        bench.engine.on_start_runs("shop.web.1*");
        bench.operations.start(&shop()).await.unwrap();
        assert_eq!((bench.quarantine().await, bench.crashes().await), (None, 0), "{policy}");
        assert_eq!(bench.running().await, ["shop.web.1"]);
    }
}

#[tokio::test]
async fn with_policy_no_nothing_is_counted() {
    let bench = Bench::unchecked("no").await;
    let ears = while_listening(&bench, async |_| {
        for _ in 0..20 {
            assert!(bench.engine.crash("shop.web.1", 1));
            bench.pause(1).await;
            let id = bench.engine.container_named("shop.web.1").unwrap();
            bench.engine.start_container(&id).await.unwrap();
        }
        bench.pause(10).await;
    })
    .await;
    assert_eq!((bench.crashes().await, bench.quarantine().await), (0, None));
    assert_eq!(
        ears.lines()[0],
        "noticed shop: web.1: it ended with code 1 and is not restarted"
    );
}

#[tokio::test]
async fn ten_exits_in_ten_minutes_are_borne_and_old_ones_count_no_more() {
    let bench = Bench::unchecked("always").await;
    while_listening(&bench, async |_| {
        for _ in 0..4 {
            for _ in 0..9 {
                bench.crash("shop.web.1", 1).await;
                bench.pause(11).await;
            }
            bench.pause(600).await;
        }
    })
    .await;
    assert_eq!((bench.crashes().await, bench.quarantine().await), (36, None));
}

#[tokio::test]
async fn the_budget_goes_on_counting_when_the_listener_is_restarted() {
    let bench = Bench::unchecked("always").await;
    while_listening(&bench, async |_| {
        bench.crash("shop.web.1", 6).await;
        bench.until_running("shop.web.1").await;
        bench.pause(1).await;
    })
    .await;
    assert_eq!(bench.crashes().await, 6);
    while_listening(&bench, async |_| {
        assert_eq!(bench.crashes().await, 6, "nothing counts twice");
        bench.crash("shop.web.1", 4).await;
        assert_eq!(bench.quarantine().await, None);
        bench.crash("shop.web.1", 1).await;
        bench.pause(70).await;
    })
    .await;
    assert_eq!(
        bench.quarantine().await.as_deref(),
        Some("web.1 ended 11 times within 10 minutes")
    );
}

#[tokio::test]
async fn exits_between_two_listeners_count_where_the_engine_still_tells_of_them() {
    let bench = Bench::unchecked("always").await;
    while_listening(&bench, async |_| bench.crash("shop.web.1", 3).await).await;
    bench.crash("shop.web.1", 5).await;
    bench.until_running("shop.web.1").await;
    while_listening(&bench, async |_| {
        bench.crash("shop.web.1", 2).await;
        bench.until_running("shop.web.1").await;
        bench.pause(1).await;
    })
    .await;
    assert_eq!((bench.crashes().await, bench.quarantine().await), (10, None));
}

#[tokio::test]
async fn what_psctl_itself_stops_is_no_crash() {
    let bench = Bench::unchecked("always").await;
    let ears = while_listening(&bench, async |_| {
        for _ in 0..12 {
            bench.operations.restart(&shop(), None).await.unwrap();
            bench.operations.retire(&shop()).await.unwrap();
        }
        bench.operations.stop(&shop()).await.unwrap();
        bench.pause(60).await;
        bench.operations.start(&shop()).await.unwrap();
        bench.scale(&["web=0"]).await;
        bench.operations.retire(&shop()).await.unwrap();
        bench.pause(60).await;
    })
    .await;
    assert_eq!((bench.crashes().await, bench.quarantine().await), (0, None));
    let retired = "done shop: removed the containers that had to retire";
    assert!(ears.lines().iter().all(|line| line == retired), "{:?}", ears.lines());
}

#[tokio::test]
async fn an_app_whose_lock_is_held_is_left_alone_until_it_is_free() {
    let bench = Bench::unchecked("on-failure:1").await;
    while_listening(&bench, async |ears| {
        let lock = bench
            .store
            .lock_app(&shop(), LockKind::Change, "ps:scale", Duration::ZERO)
            .await
            .unwrap();
        bench.crash("shop.web.1", 2).await;
        bench.pause(10).await;
        assert_eq!(bench.running().await, Vec::<String>::new());
        assert_eq!(ears.figures().redeploys, 0);
        drop(lock);
        bench.pause(60).await;
        assert_eq!(ears.figures().redeploys, 1);
    })
    .await;
    assert_eq!(bench.running().await, ["shop.web.1"]);
}

#[tokio::test]
async fn a_slow_redeploy_of_one_app_does_not_delay_another() {
    let bench = Bench::new();
    bench.proxy.set_presence(ProxyPresence::Ready);
    bench.deploy().await;
    bench.set(Property::RestartPolicy, "on-failure:1").await;
    bench.operations.restart(&shop(), None).await.unwrap();
    let blog: AppName = "blog".parse().unwrap();
    bench.source.add_directory("/blog", procfile(&[("web", "serve")]));
    let source = Source::Directory("/blog".into());
    bench.operations.deploy(&blog, Some(source)).await.unwrap();
    while_listening(&bench, async |ears| {
        // The new container of the shop takes a while to be ready.
        bench.set(Property::DefaultWait, "40").await;
        bench.crash("shop.web.1", 2).await;
        bench.pause(10).await;
        assert_eq!(ears.figures().redeploys, 0);
        assert!(bench.engine.reconnect("blog.web.1", "10.210.9.9".parse().unwrap()));
        bench.pause(1).await;
        assert_eq!(ears.figures().reroutes, 1);
        bench.pause(60).await;
        assert_eq!(ears.figures().redeploys, 1);
    })
    .await;
}

#[tokio::test]
async fn a_second_listener_is_refused_and_names_the_first() {
    let bench = Bench::new();
    while_listening(&bench, async |_| {
        let (second, _) = bench.listener();
        let error = second.listen(&Ears::default()).await.unwrap_err();
        let ps_core::operations::OperationError::Store(error) = error else {
            panic!("{error:?}");
        };
        assert!(matches!(error.kind, StoreErrorKind::ListenerRuns { holder: Some(_) }));
        assert!(error.to_string().contains("events:listen"), "{error}");
    })
    .await;
    // The first has ended.
    while_listening(&bench, async |_| {}).await;
}

#[tokio::test]
async fn a_quarantined_app_that_somebody_starts_behind_psctl_is_stopped_again() {
    let bench = Bench::unchecked("always").await;
    while_listening(&bench, async |_| {
        let ends = Script::from(Behaviour::ExitsAfter(Duration::from_millis(300), 1));
        bench.engine.on_next_starts(11, "shop.web.1", ends);
        bench.crash("shop.web.1", 1).await;
        bench.pause(700).await;
        assert!(bench.quarantine().await.is_some());
        let id = bench.engine.container_named("shop.web.1").unwrap();
        bench.engine.start_container(&id).await.unwrap();
        bench.pause(5).await;
        let state = bench.engine.inspect_container(&id).await.unwrap().state;
        assert_eq!(state, ContainerState::Exited);
    })
    .await;
}
