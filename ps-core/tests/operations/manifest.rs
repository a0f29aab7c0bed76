//! What app.json and `DOKKU_SCALE` say of formation and environment: in force with the release that says it, and not before.

use std::path::PathBuf;
use std::time::Duration;

use ps_core::formation::parse_scale;
use ps_core::manifest::{EnvRequest, EnvRequests, EnvValue, FormationEntry, Manifest};
use ps_core::operations::{OperationError, VerbOutcome};
use ps_core::release::Source;
use ps_core::testing::Behaviour;

use crate::bench::{Bench, procfile, shop};

fn formation(words: &[(&str, u16)]) -> Manifest {
    let mut manifest = Manifest::default();
    for (name, quantity) in words {
        let entry = FormationEntry {
            quantity: Some(*quantity),
            max_parallel: None,
        };
        manifest.formation.insert(name.parse().unwrap(), entry);
    }
    manifest
}

fn scale_file(words: &[(&str, u16)]) -> Manifest {
    let named = words.iter().map(|(name, quantity)| (name.parse().unwrap(), *quantity));
    Manifest {
        scale_file: Some(named.collect()),
        ..Manifest::default()
    }
}

fn env(entries: &[(&str, EnvValue)]) -> EnvRequests {
    let request = |value: &EnvValue| EnvRequest {
        value: value.clone(),
        ..EnvRequest::default()
    };
    entries
        .iter()
        .map(|(name, value)| ((*name).to_owned(), request(value)))
        .collect()
}

fn given(value: &str) -> EnvValue {
    EnvValue::Given(value.to_owned())
}

async fn deploy(bench: &Bench, manifest: Manifest, env: EnvRequests) -> Result<VerbOutcome, OperationError> {
    bench.source.set_manifest("/src", manifest, env);
    let source = Source::Directory(PathBuf::from("/src"));
    bench.operations.deploy(&shop(), Some(source)).await
}

async fn formation_of(bench: &Bench) -> String {
    bench.record().await.formation.to_string()
}

async fn can_scale(bench: &Bench) -> bool {
    let report = bench.operations.report(&[shop()]).await.unwrap();
    report.first().unwrap().can_scale
}

#[tokio::test]
async fn app_json_owns_the_scale_until_it_no_longer_says_so() {
    let bench = Bench::new();
    deploy(&bench, formation(&[("worker", 2)]), EnvRequests::new())
        .await
        .unwrap();
    assert_eq!(bench.running().await, ["shop.worker.1", "shop.worker.2"]);
    assert_eq!(formation_of(&bench).await, "web=0 worker=2");
    assert!(!can_scale(&bench).await);

    for skip_deploy in [false, true] {
        let web = parse_scale(&["web=1"]).unwrap();
        let refused = bench.operations.scale(&shop(), &web, skip_deploy).await;
        assert!(matches!(refused, Err(OperationError::ScaleOwned { .. })), "{refused:?}");
    }
    bench.operations.restart(&shop(), None).await.unwrap();
    assert!(!can_scale(&bench).await, "a restart keeps what the release says");

    deploy(&bench, Manifest::default(), EnvRequests::new()).await.unwrap();
    assert_eq!(formation_of(&bench).await, "web=0 worker=2");
    assert!(can_scale(&bench).await);
    bench.scale(&["web=1"]).await;
    assert_eq!(formation_of(&bench).await, "web=1 worker=2");
}

#[tokio::test]
async fn a_scale_file_wins_over_local_settings_on_each_deploy() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.scale(&["web=2", "worker=3"]).await;
    deploy(&bench, scale_file(&[("worker", 1)]), EnvRequests::new())
        .await
        .unwrap();
    assert_eq!(formation_of(&bench).await, "web=2 worker=1");
    assert!(can_scale(&bench).await);
    let said = || {
        bench
            .warnings()
            .iter()
            .filter(|text| text.contains("DOKKU_SCALE"))
            .count()
    };

    bench.scale(&["web=1"]).await;
    assert_eq!(said(), 0);
    bench.scale(&["worker=4"]).await;
    assert_eq!(said(), 1);
    deploy(&bench, scale_file(&[("worker", 1)]), EnvRequests::new())
        .await
        .unwrap();
    assert_eq!(formation_of(&bench).await, "web=1 worker=1");
}

#[tokio::test]
async fn a_quantity_without_a_command_is_refused_before_anything_is_changed() {
    let bench = Bench::new();
    let refused = deploy(&bench, formation(&[("clock", 1)]), EnvRequests::new()).await;
    assert!(matches!(refused, Err(OperationError::Formation(_))), "{refused:?}");
    assert!(
        bench.operations.report(&[]).await.unwrap().is_empty(),
        "no app was made"
    );
    assert!(bench.engine.calls_of("build_image").is_empty());
}

#[tokio::test]
async fn a_failed_deploy_changes_neither_formation_nor_environment() {
    let bench = Bench::new();
    bench.deploy().await;
    let before = bench.record().await;
    bench
        .engine
        .on_start("shop.worker.*", Behaviour::ExitsAfter(Duration::from_secs(1), 3));
    let mut sync = env(&[("NAME", given("a value"))]);
    sync.get_mut("NAME").unwrap().is_synced = true;
    deploy(&bench, formation(&[("web", 2), ("worker", 1)]), sync)
        .await
        .unwrap_err();
    let after = bench.record().await;
    assert_eq!((after.formation, after.config), (before.formation, before.config));
    assert_eq!(after.release, before.release);
}

#[tokio::test]
async fn the_first_deploy_sets_variables_and_hides_them() {
    let bench = Bench::new();
    let requests = env(&[("NAME", given("a value")), ("KEY", EnvValue::Secret)]);
    deploy(&bench, Manifest::default(), requests).await.unwrap();
    let record = bench.record().await;
    let secret = record.config.get("KEY").unwrap().to_owned();
    assert_eq!((secret.len(), record.config.get("NAME")), (64, Some("a value")));
    assert_eq!(record.release.unwrap().config, record.config);
    let hidden = bench.hidden();
    assert!(hidden.contains(&secret) && hidden.contains(&"a value".to_owned()));

    // Later deploys set what is to be synced, and nothing else.
    let mut requests = env(&[("NAME", given("another")), ("LATE", given("never"))]);
    requests.get_mut("NAME").unwrap().is_synced = true;
    deploy(&bench, Manifest::default(), requests).await.unwrap();
    let record = bench.record().await;
    assert_eq!(record.config.get("KEY"), Some(secret.as_str()));
    assert_eq!(record.config.get("NAME"), Some("another"));
    assert_eq!(record.config.get("LATE"), None);
}

#[tokio::test]
async fn a_required_variable_without_a_value_refuses_the_deploy_before_building() {
    let bench = Bench::new();
    let mut requests = env(&[("MAIL_HOST", EnvValue::FromUser)]);
    requests.get_mut("MAIL_HOST").unwrap().is_required = true;
    let refused = deploy(&bench, Manifest::default(), requests).await;
    assert!(matches!(refused, Err(OperationError::Env { .. })), "{refused:?}");
    assert!(bench.engine.calls_of("build_image").is_empty());
    assert!(
        bench.operations.report(&[]).await.unwrap().is_empty(),
        "no app was made"
    );
}

#[tokio::test]
async fn a_failed_first_deploy_generates_its_secret_anew() {
    let bench = Bench::new();
    bench.source.add_directory("/src", procfile(&[("web", "serve")]));
    bench
        .engine
        .on_next_starts(1, "shop.web.*", Behaviour::ExitsAfter(Duration::ZERO, 1));
    let requests = env(&[("KEY", EnvValue::Secret)]);
    deploy(&bench, Manifest::default(), requests.clone()).await.unwrap_err();
    assert!(
        bench.operations.report(&[]).await.unwrap().is_empty(),
        "it left no trace"
    );
    deploy(&bench, Manifest::default(), requests).await.unwrap();
    let record = bench.record().await;
    assert_eq!(record.config, record.release.unwrap().config);
}
