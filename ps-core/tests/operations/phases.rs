//! The commands of a deploy: their order, what they see, and what becomes of the deploy when one of them fails.

use std::path::PathBuf;
use std::time::Duration;

use ps_core::manifest::{EnvRequests, Manifest, Scripts};
use ps_core::names::OneOffKind;
use ps_core::operations::{ConfigEdit, FailedStep, OperationError};
use ps_core::release::Source;
use ps_core::runtime::{ContainerRuntime, ImageRuntime};
use ps_core::testing::{Behaviour, ProcessStep, Script};

use crate::bench::{Bench, procfile, shop};

const ENDS: Behaviour = Behaviour::ExitsAfter(Duration::from_secs(1), 0);
const FAILS: Behaviour = Behaviour::ExitsAfter(Duration::from_secs(1), 4);

/// An app whose source has every command; they all succeed.
fn bench() -> Bench {
    let bench = Bench::new();
    bench
        .source
        .add_directory("/src", procfile(&[("web", "serve"), ("release", "migrate")]));
    let scripts = Scripts {
        predeploy: Some("rake assets".to_owned()),
        postdeploy: Some("rake announce".to_owned()),
        first_deploy: Some("rake seed".to_owned()),
    };
    let manifest = Manifest {
        scripts,
        ..Manifest::default()
    };
    bench.source.set_manifest("/src", manifest, EnvRequests::new());
    for kind in ["predeploy", "release", "first-deploy", "postdeploy"] {
        bench.engine.on_start(&format!("shop.{kind}.*"), ENDS);
    }
    bench
}

/// The containers that were started since the calls were forgotten, without their numbers.
fn started(bench: &Bench) -> Vec<String> {
    let calls = bench.engine.calls_of("start_container");
    let name = |subject: &str| subject.split(".upcoming").next().unwrap_or_default().to_owned();
    calls
        .iter()
        .map(|call| {
            name(&call.subject)
                .trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')
                .to_owned()
        })
        .collect()
}

async fn deploy(bench: &Bench) -> Result<(), FailedStep> {
    let source = Source::Directory(PathBuf::from("/src"));
    match bench.operations.deploy(&shop(), Some(source)).await {
        Ok(_) => Ok(()),
        Err(OperationError::Step(step)) => Err(*step),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_commands_run_in_their_order_and_the_first_deploys_own_once() {
    let bench = bench();
    deploy(&bench).await.unwrap();
    let first = [
        "shop.predeploy",
        "shop.release",
        "shop.first-deploy",
        "shop.web",
        "shop.postdeploy",
    ];
    assert_eq!(started(&bench), first);
    assert_eq!(bench.existing().await, ["shop.web.1"]);
    bench.engine.forget_calls();
    deploy(&bench).await.unwrap();
    let later = ["shop.predeploy", "shop.release", "shop.web", "shop.postdeploy"];
    assert_eq!(started(&bench), later);
}

#[tokio::test]
async fn a_failure_before_the_containers_leaves_the_old_release_and_nothing_of_the_new_one() {
    for kind in [OneOffKind::Predeploy, OneOffKind::Release] {
        let bench = bench();
        deploy(&bench).await.unwrap();
        bench.operations.retire(&shop()).await.unwrap();
        let before = bench.record().await;
        bench.engine.on_start(&format!("shop.{kind}.*"), FAILS);
        bench.engine.forget_calls();
        let step = deploy(&bench).await.unwrap_err();
        assert_eq!(
            (step.phase, step.still_serves, step.is_check()),
            (Some(kind), true, false)
        );
        assert!(!started(&bench).contains(&"shop.web".to_owned()), "{kind}");
        assert_eq!(bench.existing().await, ["shop.web.1"], "{kind}");
        let after = bench.record().await;
        assert_eq!(
            (after.release, after.serving),
            (before.release, before.serving),
            "{kind}"
        );
        bench.engine.inspect_image("psctl/shop:v2").await.unwrap_err();
    }
}

#[tokio::test]
async fn a_first_deploy_command_that_failed_runs_again() {
    let bench = bench();
    bench.engine.on_next_starts(1, "shop.first-deploy.*", FAILS);
    let step = deploy(&bench).await.unwrap_err();
    assert_eq!(step.phase, Some(OneOffKind::FirstDeploy));
    assert!(
        bench.operations.report(&[]).await.unwrap().is_empty(),
        "it left no trace"
    );
    assert!(bench.existing().await.is_empty());
    deploy(&bench).await.unwrap();
    let seeds = started(&bench).into_iter().filter(|name| name == "shop.first-deploy");
    assert_eq!(seeds.count(), 2);
}

#[tokio::test]
async fn a_failed_postdeploy_command_leaves_the_new_release_serving() {
    let bench = bench();
    deploy(&bench).await.unwrap();
    bench.engine.on_start("shop.postdeploy.*", FAILS);
    let step = deploy(&bench).await.unwrap_err();
    assert_eq!((step.phase, step.still_serves), (Some(OneOffKind::Postdeploy), false));
    let record = bench.record().await;
    assert_eq!(record.release.unwrap().number.to_string(), "v2");
    assert_eq!(record.retirements.len(), 1);
    assert!(bench.operations.has_retirements(&shop()).await.unwrap());
    bench.engine.inspect_image("psctl/shop:v2").await.unwrap();
    bench.operations.retire(&shop()).await.unwrap();
    assert_eq!(bench.existing().await, ["shop.web.1"]);
}

#[tokio::test]
async fn an_interrupted_postdeploy_command_leaves_the_new_release_serving() {
    let bench = bench();
    deploy(&bench).await.unwrap();
    bench.engine.on_start_runs("shop.postdeploy.*");
    let app = shop();
    let again = bench.operations.deploy(&app, None);
    let cancel = async {
        while !bench
            .running()
            .await
            .iter()
            .any(|name| name.starts_with("shop.postdeploy"))
        {
            ps_core::host::Clock::sleep(bench.engine.clock(), Duration::from_secs(1)).await;
        }
        bench.cancellation.cancel();
    };
    let (result, ()) = tokio::join!(again, cancel);
    let error = result.unwrap_err();
    assert!(
        matches!(error, OperationError::PostdeployInterrupted { .. }),
        "{error:?}"
    );
    assert_eq!(error.broken_off(), Some(&app));
    assert_eq!(bench.record().await.release.unwrap().number.to_string(), "v2");
    assert!(
        bench
            .existing()
            .await
            .iter()
            .all(|name| !name.starts_with("shop.postdeploy"))
    );
}

#[tokio::test]
async fn predeploy_gets_its_environment_through_its_input_alone() {
    let bench = bench();
    deploy(&bench).await.unwrap();
    let mut edit = ConfigEdit::default();
    edit.set.set("SECRET", "a secret value").unwrap();
    bench.operations.configure(&shop(), &edit, false).await.unwrap();
    // The engine's process repeats what it is sent.
    let repeats = Script::new([ProcessStep::CopyInput]);
    bench.engine.on_start("shop.predeploy.*", repeats.clone());
    bench.engine.on_start(
        "shop.release.*",
        Script::new([ProcessStep::PrintVariable("SECRET".to_owned())]),
    );
    deploy(&bench).await.unwrap();
    let said = |from: &str| bench.output_of(from).join("\n");
    assert!(
        said("predeploy").contains("export SECRET='a secret value'; "),
        "{}",
        said("predeploy")
    );
    assert!(
        said("predeploy").ends_with("-e -c 'rake assets' </dev/null"),
        "{}",
        said("predeploy")
    );
    assert_eq!(said("release"), "a secret value");
    let record = bench.engine.image_record("psctl/shop:v2").unwrap();
    assert!(!record.contains("a secret value"), "{record}");
}

#[tokio::test]
async fn what_predeploy_leaves_is_the_image_of_the_release() {
    let bench = bench();
    deploy(&bench).await.unwrap();
    let release = bench.record().await.release.unwrap();
    let kept = bench.engine.inspect_image("psctl/shop:v1").await.unwrap();
    assert_eq!(Some(&release.image.id), kept.id.as_ref());
    assert_eq!(bench.engine.calls_of("commit_container").len(), 1);
    let web = bench.engine.container_named("shop.web.1").unwrap();
    let web = bench.engine.inspect_container(&web).await.unwrap();
    assert_eq!(Some(web.image), kept.id);
    // The labels of the container that was committed do not make the replicas anything else.
    assert!(kept.labels.contains_key(ps_core::labels::ONE_OFF));
    bench.scale(&["web=2"]).await;
    assert_eq!(bench.running().await, ["shop.web.1", "shop.web.2"]);
}

#[tokio::test]
async fn an_image_without_a_shell_fails_the_predeploy_command_at_its_start() {
    let bench = bench();
    bench.engine.on_start("shop.predeploy.*", Behaviour::NotExecutable);
    let step = deploy(&bench).await.unwrap_err();
    assert_eq!(step.to_string(), "could not start the predeploy command of shop");
    assert_eq!(step.phase, Some(OneOffKind::Predeploy));
    assert!(bench.existing().await.is_empty());
}
