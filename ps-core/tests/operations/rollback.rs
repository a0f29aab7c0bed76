//! Rollbacks put back what an earlier release was, or change nothing; and the images of releases that are not kept go.

use std::time::Duration;

use ps_core::manifest::{EnvRequests, FormationEntry, Manifest};
use ps_core::operations::ReleaseState::{Current, Kept, Removed};
use ps_core::operations::{ConfigEdit, OperationError, ReleaseState, VerbOutcome};
use ps_core::policies::Property;
use ps_core::release::{Processes, ReleaseNumber, Source};
use ps_core::runtime::{ContainerRuntime, ImageRuntime, RuntimeErrorKind};
use ps_core::source::SourceErrorKind;
use ps_core::store::{Scope, Store, StoreChange};
use ps_core::testing::{Behaviour, Fault, FaultEffect};

use crate::bench::{Bench, procfile, shop};

fn version(number: &str) -> Processes {
    procfile(&[
        ("web", &format!("serve --port $PORT --version {number}")),
        ("worker", "work"),
    ])
}

/// A shop whose nth release serves version n.
async fn with_releases(count: u32) -> Bench {
    let bench = Bench::new();
    for number in 1..=count {
        deploy(&bench, number).await;
    }
    bench
}

async fn deploy(bench: &Bench, number: u32) {
    change_source(bench, number);
    bench.deploy().await;
    bench.operations.retire(&shop()).await.unwrap();
}

/// Another Dockerfile is another image.
fn change_source(bench: &Bench, number: u32) {
    let dockerfile = format!("FROM scratch\nENV VERSION={number}\n");
    bench
        .source
        .add_dockerfile("/src", version(&number.to_string()), &dockerfile);
}

async fn set_config(bench: &Bench, variables: &[(&str, &str)]) {
    let mut edit = ConfigEdit::default();
    for (name, value) in variables {
        edit.set.set(name, *value).unwrap();
    }
    bench.operations.configure(&shop(), &edit, true).await.unwrap();
    bench.operations.retire(&shop()).await.unwrap();
}

async fn roll_back(bench: &Bench, to: Option<u32>) -> Result<VerbOutcome, OperationError> {
    let outcome = bench.operations.rollback(&shop(), to.map(ReleaseNumber)).await;
    bench.operations.retire(&shop()).await.unwrap();
    outcome
}

async fn states(bench: &Bench) -> Vec<(u32, ReleaseState)> {
    let list = bench.operations.releases(&shop()).await.unwrap();
    let state = |listed: &ps_core::operations::ListedRelease| (listed.release.number.0, listed.state);
    list.releases.iter().map(state).collect()
}

async fn images(bench: &Bench) -> Vec<u32> {
    let mut found = Vec::new();
    for number in 1..=20 {
        if bench
            .engine
            .inspect_image(&format!("psctl/shop:v{number}"))
            .await
            .is_ok()
        {
            found.push(number);
        }
    }
    found
}

#[tokio::test]
async fn a_rollback_is_a_new_release_made_without_source_or_build() {
    let bench = with_releases(2).await;
    bench.source.fail_directory("/src", SourceErrorKind::Unreadable);
    let builds = bench.engine.calls_of("build_image").len();
    let outcome = roll_back(&bench, None).await.unwrap();
    assert_eq!(outcome.release, Some(ReleaseNumber(3)));
    assert_eq!(bench.engine.calls_of("build_image").len(), builds);
    let record = bench.record().await;
    let release = record.release.unwrap();
    assert_eq!(
        (release.cause.as_str(), &release.processes),
        ("ps:rollback v1", &version("1"))
    );
    let first = bench.store.release(&shop(), ReleaseNumber(1)).await.unwrap().unwrap();
    assert_eq!(release.image, first.image);
    assert_eq!(bench.running().await, ["shop.web.1"]);
    let web = bench.engine.container_named("shop.web.1").unwrap();
    assert_eq!(
        bench.engine.inspect_container(&web).await.unwrap().image,
        first.image.id
    );
}

#[tokio::test]
async fn a_rollback_runs_no_release_process() {
    let bench = Bench::new();
    bench
        .source
        .add_directory("/src", procfile(&[("web", "serve"), ("release", "migrate")]));
    bench
        .engine
        .on_start("shop.release.*", Behaviour::ExitsAfter(Duration::from_secs(1), 0));
    bench.deploy().await;
    bench.deploy().await;
    bench
        .engine
        .on_start("shop.release.*", Behaviour::ExitsAfter(Duration::from_secs(1), 9));
    assert_eq!(roll_back(&bench, None).await.unwrap().release, Some(ReleaseNumber(3)));
}

#[tokio::test]
async fn a_rollback_that_fails_its_checks_changes_nothing() {
    let bench = with_releases(1).await;
    set_config(&bench, &[("COLOUR", "green")]).await;
    deploy(&bench, 3).await;
    set_config(&bench, &[("COLOUR", "red")]).await;
    let before = bench.record().await;
    bench.engine.on_start(
        "shop.web.1.upcoming-*",
        Behaviour::ExitsAfter(Duration::from_secs(1), 3),
    );
    let error = roll_back(&bench, Some(2)).await.unwrap_err();
    let OperationError::Step(step) = &error else {
        panic!("{error:?}")
    };
    assert!(step.is_check() && step.still_serves);
    let after = bench.record().await;
    assert_eq!(
        (&after.config, &after.release, &after.serving),
        (&before.config, &before.release, &before.serving)
    );
    assert_eq!((&after.formation, &after.source), (&before.formation, &before.source));
    assert_eq!(bench.existing().await, ["shop.web.1"]);
}

#[tokio::test]
async fn the_config_of_then_is_put_back_and_the_next_deploy_keeps_it() {
    let bench = with_releases(1).await;
    set_config(&bench, &[("COLOUR", "green"), ("OLD", "1")]).await;
    set_config(&bench, &[("COLOUR", "red"), ("NEW", "1")]).await;
    roll_back(&bench, Some(2)).await.unwrap();
    let record = bench.record().await;
    let names = |config: &ps_core::config::Config| {
        config
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&record.config), ["COLOUR=green", "OLD=1"]);
    assert_eq!(record.release.as_ref().unwrap().config, record.config);
    deploy(&bench, 5).await;
    assert_eq!(
        names(&bench.record().await.release.unwrap().config),
        ["COLOUR=green", "OLD=1"]
    );
}

#[tokio::test]
async fn without_a_version_it_goes_back_to_the_last_release_that_served() {
    let bench = with_releases(2).await;
    let skip = StoreChange::SetProperty {
        scope: Scope::App(shop()),
        property: Property::SkipDeploy,
        value: Some("true".to_owned()),
    };
    bench.store.apply(&[skip]).await.unwrap();
    deploy(&bench, 3).await;
    deploy(&bench, 4).await;
    assert_eq!(bench.record().await.release.unwrap().number, ReleaseNumber(4));
    roll_back(&bench, None).await.unwrap();
    assert_eq!(bench.record().await.release.unwrap().cause, "ps:rollback v2");
}

#[tokio::test]
async fn a_rollback_starts_a_stopped_app_and_keeps_its_formation() {
    let bench = with_releases(2).await;
    bench.scale(&["web=2", "worker=1"]).await;
    bench.operations.stop(&shop()).await.unwrap();
    roll_back(&bench, None).await.unwrap();
    assert_eq!(bench.running().await, ["shop.web.1", "shop.web.2", "shop.worker.1"]);
    assert!(!bench.record().await.stopped_by_operator);
}

#[tokio::test]
async fn the_quantities_of_the_releases_app_json_hold_again() {
    let bench = Bench::new();
    change_source(&bench, 1);
    let entry = |quantity| FormationEntry {
        quantity: Some(quantity),
        max_parallel: None,
    };
    let manifest = Manifest {
        formation: [("web".parse().unwrap(), entry(3))].into(),
        ..Manifest::default()
    };
    bench.source.set_manifest("/src", manifest, EnvRequests::new());
    bench.deploy().await;
    deploy(&bench, 2).await;
    let two = StoreChange::SetFormation {
        app: shop(),
        formation: [("web".parse().unwrap(), 1), ("worker".parse().unwrap(), 2)]
            .into_iter()
            .collect(),
    };
    bench.store.apply(&[two]).await.unwrap();
    roll_back(&bench, None).await.unwrap();
    assert_eq!(bench.running().await, ["shop.web.1", "shop.web.2", "shop.web.3"]);
    let record = bench.record().await;
    assert_eq!(record.formation.to_string(), "web=3 worker=0");
    assert!(record.release.unwrap().manifest.owns_scale());
}

#[tokio::test]
async fn a_variable_that_is_global_since_comes_with_the_next_release() {
    let bench = with_releases(2).await;
    let mut edit = ConfigEdit::default();
    edit.set.set("REGION", "north").unwrap();
    bench.operations.configure_all(&edit).await.unwrap();
    roll_back(&bench, None).await.unwrap();
    let record = bench.record().await;
    assert!(record.config.is_empty() && record.release.unwrap().config.is_empty());
    bench.operations.restart(&shop(), None).await.unwrap();
    let config = bench.record().await.release.unwrap().config;
    assert_eq!(config.get("REGION"), Some("north"));
}

#[tokio::test]
async fn what_cannot_be_put_back_is_told_with_what_can() {
    let bench = with_releases(3).await;
    let unknown = roll_back(&bench, Some(9)).await.unwrap_err();
    assert_eq!(unknown.to_string(), "shop has no release v9: it has v1, v2, v3");
    bench.engine.remove_image("psctl/shop:v1").await.unwrap();
    let gone = roll_back(&bench, Some(1)).await.unwrap_err();
    let OperationError::ReleaseRemoved { number, possible, .. } = gone else {
        panic!("{gone:?}")
    };
    assert_eq!((number, possible), (ReleaseNumber(1), vec![ReleaseNumber(2)]));
    let same = roll_back(&bench, Some(3)).await.unwrap();
    assert!(same.notice.is_some() && !same.is_change());
    let fresh = with_releases(1).await;
    let nothing = roll_back(&fresh, None).await.unwrap_err();
    assert!(
        matches!(nothing, OperationError::NothingToRollBackTo { .. }),
        "{nothing:?}"
    );
}

#[tokio::test]
async fn the_images_of_the_last_releases_are_kept_and_older_ones_go() {
    let bench = with_releases(7).await;
    assert_eq!(images(&bench).await, [3, 4, 5, 6, 7]);
    let expected = [
        (7, Current),
        (6, Kept),
        (5, Kept),
        (4, Kept),
        (3, Kept),
        (2, Removed),
        (1, Removed),
    ];
    assert_eq!(states(&bench).await, expected);
    assert_eq!(bench.store.release(&shop(), ReleaseNumber(2)).await.unwrap(), None);
}

#[tokio::test]
async fn an_image_that_a_kept_release_shares_stays() {
    let bench = with_releases(1).await;
    for value in ["1", "2", "3", "4", "5", "6"] {
        set_config(&bench, &[("A", value)]).await;
    }
    assert_eq!(images(&bench).await, [1]);
    roll_back(&bench, Some(3)).await.unwrap();
    deploy(&bench, 9).await;
    assert_eq!(images(&bench).await, [1, 9]);
    for number in 10..=14 {
        deploy(&bench, number).await;
    }
    assert_eq!(images(&bench).await, [10, 11, 12, 13, 14]);
}

#[tokio::test]
async fn an_image_that_a_container_uses_goes_once_that_is_gone() {
    let bench = Bench::new();
    let keep = StoreChange::SetProperty {
        scope: Scope::Global,
        property: Property::Keep,
        value: Some("1".to_owned()),
    };
    bench.store.apply(&[keep]).await.unwrap();
    deploy(&bench, 1).await;
    change_source(&bench, 2);
    bench.deploy().await;
    assert_eq!(images(&bench).await, [1, 2]);
    bench.operations.retire(&shop()).await.unwrap();
    assert_eq!(images(&bench).await, [2]);
}

#[tokio::test]
async fn an_image_that_cannot_be_removed_is_tried_again_and_fails_nothing() {
    let bench = with_releases(5).await;
    let stuck = Fault::new(FaultEffect::Fail(RuntimeErrorKind::Unexpected))
        .on_method("remove_image")
        .nth(1);
    bench.engine.inject(stuck);
    deploy(&bench, 6).await;
    deploy(&bench, 7).await;
    assert_eq!(images(&bench).await, [3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn an_image_of_somebody_else_is_never_removed() {
    let bench = with_releases(5).await;
    // Somebody gives the name of our first image to an image of theirs.
    bench.engine.remove_image("psctl/shop:v1").await.unwrap();
    bench
        .engine
        .add_image("psctl/shop:v1", ps_core::runtime::ImageDetail::default());
    deploy(&bench, 6).await;
    deploy(&bench, 7).await;
    assert_eq!(images(&bench).await, [1, 3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn an_image_left_by_a_killed_deploy_goes_with_the_next() {
    let bench = with_releases(1).await;
    change_source(&bench, 2);
    // The app is there, the image is expected, the numbers are used: the fourth is the switch.
    bench.store.hang_nth_apply(4);
    let again = bench.again();
    let app = shop();
    let mut killed = Box::pin(again.deploy(&app, Some(Source::Directory("/src".into()))));
    while !bench.store.hangs() {
        assert!(futures_util::poll!(&mut killed).is_pending());
        tokio::task::yield_now().await;
    }
    drop(killed);
    assert_eq!(images(&bench).await, [1, 2]);
    deploy(&bench, 3).await;
    assert_eq!(images(&bench).await, [1, 3]);
}
