//! Every call of a verb fails, is lost, or is the last one before psctl dies; the next command finds its way.

use std::future::{Future, poll_fn};
use std::path::PathBuf;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ps_core::app::{AppRecord, CheckMode};
use ps_core::formation::parse_scale;
use ps_core::labels::replica_labels;
use ps_core::manifest::{EnvRequest, EnvRequests, EnvValue, FormationEntry, Manifest, Scripts};
use ps_core::names::{AppName, Generation, OwnerToken};
use ps_core::operations::{ConfigEdit, OperationError, Operations, RestoreOutcome, RestoreSelection, VerbOutcome};
use ps_core::policies::Property;
use ps_core::proxy::ProxyPresence;
use ps_core::release::{ReleaseNumber, Source};
use ps_core::runtime::{ContainerRuntime, ContainerSpec, ImageDetail, RuntimeErrorKind};
use ps_core::store::{Scope, Store, StoreChange, StoreErrorKind};
use ps_core::testing::{Behaviour, Fault, FaultEffect};

use crate::bench::{Bench, procfile, shop};
use crate::proxy_faults::requests_go_to_what_serves;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    FirstDeploy,
    Deploy,
    /// A later one, of an image in an archive.
    Load,
    /// The first deploy of a source with every command, and variables.
    FullFirstDeploy,
    /// A later one, with a worker that makes way.
    FullDeploy,
    ScaleUp,
    ScaleDown,
    ScaleBoth,
    Restart,
    RestartType,
    Start,
    Stop,
    Configure,
    Rollback,
    Retire,
    Rename,
    Destroy,
}

pub(crate) const VERBS: [Verb; 17] = [
    Verb::FirstDeploy,
    Verb::Deploy,
    Verb::Load,
    Verb::FullFirstDeploy,
    Verb::FullDeploy,
    Verb::ScaleUp,
    Verb::ScaleDown,
    Verb::ScaleBoth,
    Verb::Restart,
    Verb::RestartType,
    Verb::Start,
    Verb::Stop,
    Verb::Configure,
    Verb::Rollback,
    Verb::Retire,
    Verb::Rename,
    Verb::Destroy,
];

const STRANGERS: [&str; 2] = ["shop.web.1.old", "shop.web.9"];

fn renamed() -> AppName {
    "store".parse().unwrap()
}

fn directory() -> Source {
    Source::Directory(PathBuf::from("/src"))
}

fn image_archive() -> Source {
    Source::ImageArchive {
        file: PathBuf::from("/shop.tar"),
        image: None,
    }
}

/// An app in a state in which the verb has something to do, beside two strangers.
pub(crate) async fn prepare(verb: Verb, proxy: ProxyPresence) -> Bench {
    let bench = Bench::new();
    bench.proxy.set_presence(proxy);
    let at_once = StoreChange::SetProperty {
        scope: Scope::Global,
        property: Property::WaitToRetire,
        value: Some("0".to_owned()),
    };
    bench.store.apply(&[at_once]).await.unwrap();
    bench.source.add_image_archive("/shop.tar", &[(&["shop:1"], "serve")]);
    add_strangers(&bench).await;
    bench.store.apply(&[StoreChange::CreateApp(shop())]).await.unwrap();
    for name in ["web", "worker"] {
        let change = StoreChange::SetCheckMode {
            app: shop(),
            process_type: name.parse().unwrap(),
            mode: CheckMode::Skipped,
        };
        bench.store.apply(&[change]).await.unwrap();
    }
    if matches!(verb, Verb::FullFirstDeploy | Verb::FullDeploy) {
        say_everything(&bench);
    }
    if matches!(verb, Verb::FirstDeploy | Verb::FullFirstDeploy) {
        return bench;
    }
    bench.deploy().await;
    match verb {
        Verb::FullDeploy => {}
        // The image has no worker.
        Verb::Load => drop(bench.scale(&["web=2"]).await),
        _ => drop(bench.scale(&["web=2", "worker=1"]).await),
    }
    match verb {
        Verb::FullDeploy => make_way(&bench).await,
        Verb::Start => {
            bench.operations.stop(&shop()).await.unwrap();
            bench.engine.vanish("shop.web.2");
        }
        Verb::Rollback => {
            bench.deploy().await;
            bench.operations.retire(&shop()).await.unwrap();
        }
        Verb::Retire => {
            bench.operations.restart(&shop(), None).await.unwrap();
        }
        _ => {}
    }
    bench
}

/// The source has every command, quantities and a variable.
fn say_everything(bench: &Bench) {
    let lines = [("web", "serve"), ("worker", "work"), ("release", "migrate")];
    bench.source.add_directory("/src", procfile(&lines));
    let mut manifest = Manifest::default();
    for (name, quantity) in [("web", 3), ("worker", 1)] {
        let entry = FormationEntry {
            quantity: Some(quantity),
            max_parallel: std::num::NonZeroU16::new(1),
        };
        manifest.formation.insert(name.parse().unwrap(), entry);
    }
    manifest.scripts = Scripts {
        predeploy: Some("rake assets".to_owned()),
        postdeploy: Some("rake announce".to_owned()),
        first_deploy: Some("rake seed".to_owned()),
    };
    let synced = EnvRequest {
        value: EnvValue::Secret,
        is_synced: true,
        ..EnvRequest::default()
    };
    let env = EnvRequests::from([("KEY".to_owned(), synced)]);
    bench.source.set_manifest("/src", manifest, env);
    for kind in ["predeploy", "release", "first-deploy", "postdeploy"] {
        bench
            .engine
            .on_start(&format!("shop.{kind}.*"), Behaviour::ExitsAfter(Duration::ZERO, 0));
    }
}

async fn make_way(bench: &Bench) {
    let change = StoreChange::SetCheckMode {
        app: shop(),
        process_type: "worker".parse().unwrap(),
        mode: CheckMode::Disabled,
    };
    bench.store.apply(&[change]).await.unwrap();
    bench.operations.retire(&shop()).await.unwrap();
}

/// One with our labels and another token, one with our token and another name.
async fn add_strangers(bench: &Bench) {
    bench.engine.add_image("stranger", ImageDetail::default());
    let other = OwnerToken::new("fedcba9876543210").unwrap();
    let ours = bench.store.owner().await.unwrap();
    for (name, owner, replica) in [(STRANGERS[1], other, "web.9"), (STRANGERS[0], ours, "web.1")] {
        let mut spec = ContainerSpec::new(name, "stranger");
        let replica = replica.parse().unwrap();
        spec.labels = replica_labels(&owner, &shop(), &replica, ReleaseNumber(1), Generation(0));
        let id = bench.engine.create_container(&spec).await.unwrap();
        bench.engine.start_container(&id).await.unwrap();
    }
}

pub(crate) async fn run(operations: &Operations, verb: Verb) -> Result<VerbOutcome, OperationError> {
    let scale = |words: &[&str]| parse_scale(words).unwrap();
    let app = shop();
    match verb {
        Verb::FirstDeploy | Verb::FullFirstDeploy => operations.deploy(&app, Some(directory())).await,
        Verb::Load => operations.deploy(&app, Some(image_archive())).await,
        Verb::Deploy | Verb::FullDeploy => operations.deploy(&app, None).await,
        Verb::ScaleUp => operations.scale(&app, &scale(&["web=4"]), false).await,
        Verb::ScaleDown => operations.scale(&app, &scale(&["web=1", "worker=0"]), false).await,
        Verb::ScaleBoth => operations.scale(&app, &scale(&["web=1", "worker=2"]), false).await,
        Verb::Restart => operations.restart(&app, None).await,
        Verb::RestartType => operations.restart(&app, Some("web")).await,
        Verb::Start => operations.start(&app).await,
        Verb::Stop => operations.stop(&app).await,
        Verb::Configure => {
            let mut edit = ConfigEdit::default();
            edit.set.set("NAME", "value").unwrap();
            operations.configure(&app, &edit, true).await
        }
        Verb::Rollback => operations.rollback(&app, None).await,
        Verb::Retire => operations.retire(&app).await,
        Verb::Rename => operations.rename_app(&app, &renamed()).await,
        Verb::Destroy => operations.destroy_app(&app).await,
    }
}

/// What serves is there and runs, whatever went wrong with a verb that takes nothing away; all but what makes way.
pub(crate) async fn still_serves(bench: &Bench, verb: Verb, case: &str) {
    let takes_away = [
        Verb::FirstDeploy,
        Verb::FullFirstDeploy,
        Verb::Start,
        Verb::Stop,
        Verb::Rename,
        Verb::Destroy,
    ];
    if takes_away.contains(&verb) {
        return;
    }
    let record = bench.record().await;
    for (replica, serving) in &record.serving {
        if record.check_mode(replica.process_type()) == CheckMode::Disabled {
            continue;
        }
        let detail = bench.engine.inspect_container(&serving.container).await.unwrap();
        assert!(detail.state.is_running(), "{case}: {replica} does not run");
    }
}

/// After a power cut at that moment it comes back.
async fn is_restored(operations: &Operations, app: &AppName, case: &str) {
    let report = operations.restore(&RestoreSelection::All, 1).await.unwrap();
    for restored in report.apps.iter().filter(|restored| restored.app == *app) {
        let is_left = matches!(restored.outcome, RestoreOutcome::Skipped(_)) || !restored.outcome.is_back();
        assert!(!is_left, "{case}: {:?}", restored.outcome);
    }
}

/// The next commands, without faults, lead to what is wanted, and to nothing else.
pub(crate) async fn converges(bench: &Bench, verb: Verb, case: &str) {
    bench.engine.clear_faults();
    let next = bench.again();
    let mut app = shop();
    let is_there = bench.store.app(&app).await.is_ok();
    match verb {
        Verb::Destroy => {
            if is_there {
                next.destroy_app(&app).await.unwrap_or_else(|e| panic!("{case}: {e}"));
            }
            assert_eq!(bench.existing().await, STRANGERS, "{case}");
            assert!(bench.store.reserved_endpoints().await.unwrap().is_empty(), "{case}");
            assert!(bench.proxy.sites().is_empty(), "{case}");
            return;
        }
        Verb::Rename => {
            app = renamed();
            if is_there {
                next.rename_app(&shop(), &app)
                    .await
                    .unwrap_or_else(|e| panic!("{case}: {e}"));
            } else {
                is_restored(&next, &app, case).await;
            }
        }
        Verb::FirstDeploy | Verb::FullFirstDeploy => {
            next.deploy(&app, Some(directory()))
                .await
                .unwrap_or_else(|e| panic!("{case}: {e}"));
        }
        _ => {}
    }
    next.start(&app).await.unwrap_or_else(|e| panic!("{case}: {e}"));
    next.retire(&app).await.unwrap_or_else(|e| panic!("{case}: {e}"));
    let record: AppRecord = bench.store.app(&app).await.unwrap();
    let mut wanted: Vec<String> = record.formation.replicas().map(|r| format!("{app}.{r}")).collect();
    wanted.extend(STRANGERS.map(str::to_owned));
    wanted.sort();
    assert_eq!(bench.running().await, wanted, "{case}");
    assert_eq!(bench.existing().await, wanted, "{case}");
    assert!(record.retirements.is_empty(), "{case}");
    if matches!(verb, Verb::FullFirstDeploy | Verb::FullDeploy) {
        let release = record.release.as_ref().unwrap();
        assert_eq!(
            release.config, record.config,
            "{case}: the variables belong to the release"
        );
    }
    let mut endpoints: Vec<_> = bench.store.reserved_endpoints().await.unwrap();
    endpoints.sort_by_key(|given| given.generation);
    let mut serving: Vec<_> = record.serving.values().map(|serving| serving.generation).collect();
    serving.sort();
    let given: Vec<_> = endpoints.iter().map(|given| given.generation).collect();
    assert_eq!(given, serving, "{case}");
    assert!(!next.start(&app).await.unwrap().is_change(), "{case}");
    requests_go_to_what_serves(bench, &record, case);
}

/// Every verb, without a proxy and with one.
fn verbs_and_proxies() -> impl Iterator<Item = (Verb, ProxyPresence)> {
    let proxies = [ProxyPresence::Absent, ProxyPresence::Ready];
    VERBS
        .into_iter()
        .flat_map(move |verb| proxies.map(|proxy| (verb, proxy)))
}

/// How many engine calls and store transactions a verb makes when nothing goes wrong.
async fn count(verb: Verb, proxy: ProxyPresence) -> (usize, usize) {
    let bench = prepare(verb, proxy).await;
    bench.engine.forget_calls();
    let before = bench.store.applied().len();
    run(&bench.again(), verb).await.unwrap();
    (bench.engine.calls().len(), bench.store.applied().len() - before)
}

/// Polls the work until it ends or psctl dies.
pub(crate) async fn until_dead<T>(work: impl Future<Output = T>, is_dead: impl Fn() -> bool) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(move |context| {
        if let Poll::Ready(result) = work.as_mut().poll(context) {
            return Poll::Ready(Some(result));
        }
        if is_dead() {
            return Poll::Ready(None);
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

async fn every_call(effect: FaultEffect) {
    for (verb, proxy) in verbs_and_proxies() {
        for nth in 1..=Box::pin(count(verb, proxy)).await.0 {
            let case = format!("{verb:?}, proxy {proxy:?}, {effect:?} at call {nth}");
            let bench = Box::pin(prepare(verb, proxy)).await;
            let operations = bench.again();
            bench.engine.inject(Fault::new(effect).nth(u32::try_from(nth).unwrap()));
            let _ = Box::pin(run(&operations, verb)).await;
            bench.engine.clear_faults();
            if effect != FaultEffect::Vanish {
                still_serves(&bench, verb, &case).await;
            }
            Box::pin(converges(&bench, verb, &case)).await;
        }
    }
}

#[tokio::test]
async fn any_call_may_fail() {
    every_call(FaultEffect::Fail(RuntimeErrorKind::Unexpected)).await;
}

#[tokio::test]
async fn any_call_may_find_nobody() {
    every_call(FaultEffect::Fail(RuntimeErrorKind::Unreachable)).await;
}

#[tokio::test]
async fn any_call_may_find_nothing() {
    every_call(FaultEffect::Fail(RuntimeErrorKind::Conflict)).await;
}

#[tokio::test]
async fn any_answer_may_be_lost() {
    every_call(FaultEffect::LoseAnswer).await;
}

#[tokio::test]
async fn any_call_may_get_no_answer() {
    every_call(FaultEffect::Fail(RuntimeErrorKind::OutcomeUnknown)).await;
}

#[tokio::test]
async fn any_container_may_vanish_before_a_call() {
    every_call(FaultEffect::Vanish).await;
}

#[tokio::test]
async fn psctl_may_die_before_any_call() {
    for (verb, proxy) in verbs_and_proxies() {
        for nth in 1..=count(verb, proxy).await.0 {
            let case = format!("{verb:?}, proxy {proxy:?}, dead before call {nth}");
            let bench = prepare(verb, proxy).await;
            let operations = bench.again();
            bench.engine.forget_calls();
            until_dead(Box::pin(run(&operations, verb)), || bench.engine.calls().len() >= nth).await;
            drop(operations);
            still_serves(&bench, verb, &case).await;
            converges(&bench, verb, &case).await;
        }
    }
}

#[tokio::test]
async fn psctl_may_die_after_any_call() {
    for (verb, proxy) in verbs_and_proxies() {
        for nth in 1..=count(verb, proxy).await.0 {
            let case = format!("{verb:?}, proxy {proxy:?}, dead after call {nth}");
            let bench = prepare(verb, proxy).await;
            let operations = bench.again();
            bench.engine.forget_calls();
            let has_ended = || {
                let calls = bench.engine.calls();
                calls.get(nth - 1).is_some_and(|call| call.outcome.is_some())
            };
            until_dead(Box::pin(run(&operations, verb)), has_ended).await;
            drop(operations);
            still_serves(&bench, verb, &case).await;
            converges(&bench, verb, &case).await;
        }
    }
}

#[tokio::test]
async fn any_transaction_may_fail_or_be_the_last() {
    for (verb, proxy) in verbs_and_proxies() {
        for nth in 1..=count(verb, proxy).await.1 {
            for dies in [false, true] {
                let case = format!("{verb:?}, proxy {proxy:?}, transaction {nth}, dies: {dies}");
                let bench = prepare(verb, proxy).await;
                let operations = bench.again();
                if dies {
                    bench.store.hang_nth_apply(nth);
                    until_dead(Box::pin(run(&operations, verb)), || bench.store.hangs()).await;
                } else {
                    bench.store.fail_nth_apply(nth);
                    run(&operations, verb).await.unwrap_err();
                }
                drop(operations);
                still_serves(&bench, verb, &case).await;
                converges(&bench, verb, &case).await;
            }
        }
    }
}

#[tokio::test]
async fn a_second_command_learns_who_is_at_work() {
    let bench = prepare(Verb::Restart, ProxyPresence::Absent).await;
    bench
        .engine
        .inject(Fault::new(FaultEffect::Hang).on_method("create_container"));
    let second = bench.again();
    let (_, refused) = tokio::join!(run(&bench.operations, Verb::Restart), run(&second, Verb::Stop));
    let OperationError::Store(error) = refused.unwrap_err() else {
        panic!("no lock")
    };
    let StoreErrorKind::Locked { app, holder } = error.kind else {
        panic!("{error}")
    };
    assert_eq!((app, holder.unwrap().verb.as_str()), (shop(), "ps:restart"));
}

#[tokio::test]
async fn destroying_waits_for_a_retirement_at_work() {
    let bench = prepare(Verb::Retire, ProxyPresence::Absent).await;
    bench
        .engine
        .inject(Fault::new(FaultEffect::Hang).on_method("stop_container").nth(1));
    let second = bench.again();
    let (_, refused) = tokio::join!(run(&bench.operations, Verb::Retire), run(&second, Verb::Destroy));
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("ps:retire"), "{error}");
}

#[tokio::test]
async fn as_many_apps_are_worked_on_as_was_asked_for() {
    for (parallel, apps) in [(1, 4), (2, 4), (3, 4), (8, 4)] {
        let bench = Bench::new();
        for number in 0..apps {
            let app: AppName = format!("app{number}").parse().unwrap();
            bench.store.apply(&[StoreChange::CreateApp(app.clone())]).await.unwrap();
            let change = StoreChange::SetCheckMode {
                app: app.clone(),
                process_type: "web".parse().unwrap(),
                mode: CheckMode::Skipped,
            };
            bench.store.apply(&[change]).await.unwrap();
            bench.operations.deploy(&app, Some(directory())).await.unwrap();
        }
        bench.engine.set_latency(std::time::Duration::from_secs(1));
        bench.engine.forget_calls();
        let restart = async |operations: &Operations, app: AppName| operations.restart(&app, None).await;
        let results = bench.operations.for_all(parallel, restart).await.unwrap();
        assert!(results.iter().all(|one| one.result.is_ok()));
        assert_eq!(bench.engine.peak_apps(), parallel.min(apps));
    }
}
