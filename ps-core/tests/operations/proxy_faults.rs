//! Every call of the proxy fails, loses its answer, or is the last thing before psctl dies; the next command finds its way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ps_core::app::{AppRecord, BEING_WRITTEN};
use ps_core::names::AppName;
use ps_core::operations::OperationError;
use ps_core::proxy::{Proxy, ProxyError, ProxyErrorKind, ProxyPresence, ProxyState, SiteChange};
use ps_core::store::Store;
use ps_core::testing::FakeProxy;

use crate::bench::{Bench, shop};
use crate::faults::{VERBS, Verb, converges, prepare, run, still_serves, until_dead};

/// psctl dies in one of its calls.
#[derive(Debug)]
struct Deadly {
    proxy: FakeProxy,
    /// The call, from 0.
    nth: usize,
    /// Whether the change is made before.
    after: bool,
    seen: AtomicUsize,
    is_dead: AtomicBool,
}

#[async_trait::async_trait]
impl Proxy for Deadly {
    async fn state(&self) -> Result<ProxyState, ProxyError> {
        self.proxy.state().await
    }

    async fn change_sites(&self, changes: &[SiteChange]) -> Result<(), ProxyError> {
        let dies = self.seen.fetch_add(1, Ordering::Relaxed) == self.nth;
        if !dies || self.after {
            self.proxy.change_sites(changes).await?;
        }
        if dies {
            self.is_dead.store(true, Ordering::Relaxed);
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    async fn leave(&self) -> Result<(), ProxyError> {
        self.proxy.leave().await
    }

    async fn site_file(&self, app: &AppName) -> Result<Option<(std::path::PathBuf, String)>, ProxyError> {
        self.proxy.site_file(app).await
    }
}

/// The proxy knows the app alone, and its requests go to what serves as `web`.
pub(crate) fn requests_go_to_what_serves(bench: &Bench, record: &AppRecord, case: &str) {
    let sites = bench.proxy.sites();
    if bench.proxy.presence() != ProxyPresence::Ready {
        assert!(sites.is_empty(), "{case}");
        return;
    }
    let apps: Vec<&AppName> = sites.keys().collect();
    assert_eq!(apps, [&record.name], "{case}");
    let named = sites.values().flat_map(|site| &site.upstreams);
    let named: Vec<_> = named.map(|upstream| (&upstream.replica, &upstream.container)).collect();
    let serving = record
        .serving
        .iter()
        .map(|(replica, serving)| (replica, &serving.container));
    let serving: Vec<_> = serving.filter(|(replica, _)| replica.process_type().is_web()).collect();
    assert_eq!(named, serving, "{case}");
    let routed = record
        .serving
        .iter()
        .filter(|(replica, _)| replica.process_type().is_web());
    let routed = routed.map(|(_, serving)| serving.generation).collect();
    assert_eq!(record.routed, Some(routed), "{case}");
}

async fn ready(verb: Verb) -> Bench {
    prepare(verb, ProxyPresence::Ready).await
}

/// How many changes a verb asks the proxy for when nothing goes wrong.
async fn count(verb: Verb) -> usize {
    let bench = ready(verb).await;
    let before = bench.proxy.changes().len();
    run(&bench.again(), verb).await.unwrap();
    bench.proxy.changes().len() - before
}

/// No container is gone that requests go to.
async fn nobody_is_sent_away(bench: &Bench, case: &str) {
    let existing = bench.existing().await.len();
    let mut found = 0;
    for upstream in bench.proxy.sites().values().flat_map(|site| &site.upstreams) {
        let detail = ps_core::runtime::ContainerRuntime::inspect_container(&bench.engine, &upstream.container).await;
        let detail = detail.unwrap_or_else(|error| panic!("{case}: {error}"));
        assert!(detail.id == upstream.container, "{case}");
        found += 1;
    }
    assert!(found <= existing);
    // An address that requests go to is nobody else's.
    let Ok(record) = bench.store.app(&shop()).await else {
        return;
    };
    let given = bench.store.reserved_endpoints().await.unwrap();
    let routed = record.routed.iter().flatten();
    for generation in routed.filter(|generation| **generation != BEING_WRITTEN) {
        let is_kept = given.iter().any(|given| given.generation == *generation);
        assert!(is_kept, "{case}: generation {generation}");
    }
}

#[tokio::test]
async fn any_change_of_the_proxy_may_fail_or_lose_its_answer() {
    let kinds = [
        Some(ProxyErrorKind::Refused),
        Some(ProxyErrorKind::OutcomeUnknown),
        Some(ProxyErrorKind::Down),
        None,
    ];
    for verb in VERBS {
        for nth in 0..Box::pin(count(verb)).await {
            for kind in kinds {
                let case = format!("{verb:?}, {kind:?} at change {nth}");
                let bench = Box::pin(ready(verb)).await;
                bench.proxy.succeed_next(nth);
                match kind {
                    Some(kind) => bench.proxy.fail_next(kind),
                    None => bench.proxy.lose_next_answer(),
                }
                let failed = Box::pin(run(&bench.again(), verb)).await;
                assert!(failed.is_err(), "{case}");
                nobody_is_sent_away(&bench, &case).await;
                still_serves(&bench, verb, &case).await;
                Box::pin(converges(&bench, verb, &case)).await;
            }
        }
    }
}

#[tokio::test]
async fn psctl_may_die_before_or_after_any_change_of_the_proxy() {
    for verb in VERBS {
        for nth in 0..Box::pin(count(verb)).await {
            for after in [false, true] {
                let case = format!("{verb:?}, dead at change {nth}, after it: {after}");
                let bench = Box::pin(ready(verb)).await;
                let deadly = Arc::new(Deadly {
                    proxy: bench.proxy.clone(),
                    nth,
                    after,
                    seen: AtomicUsize::new(0),
                    is_dead: AtomicBool::new(false),
                });
                let operations = bench.with_proxy(deadly.clone());
                let is_dead = || deadly.is_dead.load(Ordering::Relaxed);
                let ended = until_dead(Box::pin(run(&operations, verb)), is_dead).await;
                assert!(ended.is_none(), "{case}");
                drop(operations);
                nobody_is_sent_away(&bench, &case).await;
                still_serves(&bench, verb, &case).await;
                Box::pin(converges(&bench, verb, &case)).await;
            }
        }
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_leaves_nothing_of_a_deploy() {
    for verb in [Verb::FirstDeploy, Verb::Deploy, Verb::ScaleUp, Verb::Configure] {
        let bench = ready(verb).await;
        let (containers, before) = (bench.existing().await, bench.record().await);
        bench.proxy.fail_next(ProxyErrorKind::Refused);
        bench.proxy.fail_next(ProxyErrorKind::Refused);
        let error = run(&bench.operations, verb).await.unwrap_err();
        let OperationError::Step(step) = error else {
            panic!("{error}")
        };
        assert!(step.is_mended, "{verb:?}");
        assert_eq!(step.to_string(), "could not send requests for shop to its containers");
        assert_eq!(bench.existing().await, containers, "{verb:?}");
        let record = bench.record().await;
        assert_eq!(
            (record.serving, record.routed),
            (before.serving, before.routed),
            "{verb:?}"
        );
        let given = bench.store.reserved_endpoints().await.unwrap().len();
        assert_eq!(given, bench.running().await.len() - 2, "{verb:?}");
    }
}
