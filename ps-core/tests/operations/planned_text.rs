//! What a verb does is what its dry run says: the executed trace equals the plans' lines, in order.

use std::path::PathBuf;

use ps_core::app::CheckMode;
use ps_core::formation::parse_scale;
use ps_core::manifest::{EnvRequest, EnvRequests, EnvValue, FormationEntry, Manifest, Scripts};
use ps_core::operations::{ConfigEdit, OperationError, Operations, VerbOutcome};
use ps_core::policies::Property;
use ps_core::release::Source;
use ps_core::runtime::ImageDetail;
use ps_core::store::{Store, StoreChange};

use crate::bench::{Bench, procfile, shop};

/// The lines of all plans, without what they leave alone.
fn lines(outcome: &VerbOutcome) -> Vec<String> {
    let texts = outcome.plans.iter().flat_map(|plan| {
        let steps = plan.ids().filter_map(|id| plan.step_text(id));
        steps.collect::<Vec<_>>()
    });
    texts.collect()
}

/// Runs a verb dry, then in earnest.
macro_rules! same_text {
    ($bench:expr, $operations:ident => $verb:expr) => {{
        let run = async |$operations: &Operations| -> Result<VerbOutcome, OperationError> { $verb.await };
        let containers = $bench.existing().await;
        let dry = run(&$bench.dry).await.unwrap();
        assert!(dry.trace.is_empty());
        assert_eq!($bench.existing().await, containers, "a dry run changed something");
        let done = run(&$bench.operations).await.unwrap();
        assert_eq!(lines(&dry), done.trace);
        assert_eq!(lines(&done), done.trace);
        assert!(!done.trace.is_empty(), "the verb had nothing to do");
    }};
}

async fn skip_checks(bench: &Bench) {
    for name in ["web", "worker"] {
        let change = StoreChange::SetCheckMode {
            app: shop(),
            process_type: name.parse().unwrap(),
            mode: CheckMode::Skipped,
        };
        bench.store.apply(&[change]).await.unwrap();
    }
}

fn directory() -> Source {
    Source::Directory(PathBuf::from("/src"))
}

#[tokio::test]
async fn the_first_and_later_deploys_do_what_they_say() {
    let bench = Bench::new();
    same_text!(bench, operations => operations.deploy(&shop(), Some(directory())));
    skip_checks(&bench).await;
    same_text!(bench, operations => operations.deploy(&shop(), None));
    let lines = procfile(&[("web", "serve"), ("release", "migrate")]);
    bench.source.add_directory("/src", lines);
    let ends = ps_core::testing::Behaviour::ExitsAfter(std::time::Duration::ZERO, 0);
    bench.engine.on_start("shop.release.*", ends);
    same_text!(bench, operations => operations.deploy(&shop(), None));
}

#[tokio::test]
async fn a_first_deploy_with_a_release_process_does_what_it_says() {
    let bench = Bench::new();
    let lines = procfile(&[("worker", "work"), ("release", "migrate")]);
    bench.source.add_directory("/src", lines);
    let ends = ps_core::testing::Behaviour::ExitsAfter(std::time::Duration::ZERO, 0);
    bench.engine.on_start("shop.release.*", ends);
    same_text!(bench, operations => operations.deploy(&shop(), Some(directory())));
}

#[tokio::test]
async fn a_deploy_with_all_its_commands_does_what_it_says() {
    let bench = Bench::new();
    let lines = procfile(&[("web", "serve"), ("worker", "work"), ("release", "migrate")]);
    bench.source.add_directory("/src", lines);
    let mut manifest = Manifest::default();
    let two = FormationEntry {
        quantity: Some(2),
        max_parallel: std::num::NonZeroU16::new(1),
    };
    manifest
        .formation
        .extend(["web", "worker"].map(|name| (name.parse().unwrap(), two)));
    let command = || Some("rake work".to_owned());
    manifest.scripts = Scripts {
        predeploy: command(),
        postdeploy: command(),
        first_deploy: command(),
    };
    let secret = EnvRequest {
        value: EnvValue::Secret,
        ..EnvRequest::default()
    };
    let env = EnvRequests::from([("KEY".to_owned(), secret)]);
    bench.source.set_manifest("/src", manifest, env);
    let ends = ps_core::testing::Behaviour::ExitsAfter(std::time::Duration::ZERO, 0);
    for kind in ["predeploy", "release", "first-deploy", "postdeploy"] {
        bench.engine.on_start(&format!("shop.{kind}.*"), ends.clone());
    }
    same_text!(bench, operations => operations.deploy(&shop(), Some(directory())));
    let disabled = StoreChange::SetCheckMode {
        app: shop(),
        process_type: "worker".parse().unwrap(),
        mode: CheckMode::Disabled,
    };
    bench.store.apply(&[disabled]).await.unwrap();
    same_text!(bench, operations => operations.deploy(&shop(), None));
    same_text!(bench, operations => operations.restart(&shop(), None));
}

#[tokio::test]
async fn an_image_is_deployed_as_said() {
    let bench = Bench::new();
    let detail = ImageDetail {
        command: vec!["serve".to_owned()],
        ..ImageDetail::default()
    };
    bench.engine.add_image("registry.example/shop:1", detail);
    let source = || Some(Source::Image("registry.example/shop:1".to_owned()));
    same_text!(bench, operations => operations.deploy(&shop(), source()));
    skip_checks(&bench).await;
    same_text!(bench, operations => operations.deploy(&shop(), None));
}

#[tokio::test]
async fn the_image_of_an_archive_is_deployed_as_said() {
    let bench = Bench::new();
    let file = PathBuf::from("/home/shop.tar");
    bench.source.add_image_archive(&file, &[(&["shop:1"], "serve")]);
    let source = || {
        Some(Source::ImageArchive {
            file: file.clone(),
            image: None,
        })
    };
    same_text!(bench, operations => operations.deploy(&shop(), source()));
    skip_checks(&bench).await;
    same_text!(bench, operations => operations.deploy(&shop(), None));
}

#[tokio::test]
async fn a_skipped_deploy_records_its_release_and_touches_no_container() {
    let bench = Bench::new();
    bench.deploy().await;
    skip_checks(&bench).await;
    let before = bench.engine.container_named("shop.web.1");
    let property = |value: &str| Some(value.to_owned());
    same_text!(bench, operations => operations.set_property(&shop(), Property::SkipDeploy, property("true")));
    same_text!(bench, operations => operations.deploy(&shop(), None));
    assert_eq!(bench.engine.container_named("shop.web.1"), before);
    assert_eq!(bench.record().await.release.unwrap().number.to_string(), "v2");
    same_text!(bench, operations => operations.restart(&shop(), None));
    let serving = bench.record().await.serving;
    assert!(serving.values().all(|serving| serving.release.to_string() == "v2"));
}

#[tokio::test]
async fn the_process_verbs_do_what_they_say() {
    let bench = Bench::new();
    bench.deploy().await;
    skip_checks(&bench).await;
    let words = |words: &[&str]| parse_scale(words).unwrap();
    same_text!(bench, operations => operations.scale(&shop(), &words(&["web=3", "worker=2"]), false));
    same_text!(bench, operations => operations.scale(&shop(), &words(&["web=2", "worker=3"]), false));
    same_text!(bench, operations => operations.retire(&shop()));
    same_text!(bench, operations => operations.scale(&shop(), &words(&["worker=1"]), true));
    same_text!(bench, operations => operations.restart(&shop(), None));
    same_text!(bench, operations => operations.restart(&shop(), Some("worker")));
    same_text!(bench, operations => operations.restart(&shop(), Some("web.2")));
    same_text!(bench, operations => operations.retire(&shop()));
    let policy = || Some("always".to_owned());
    same_text!(bench, operations => operations.set_property(&shop(), Property::RestartPolicy, policy()));
    same_text!(bench, operations => operations.stop(&shop()));
    bench.engine.vanish("shop.web.2");
    same_text!(bench, operations => operations.start(&shop()));
}

#[tokio::test]
async fn config_rename_and_destroy_do_what_they_say() {
    let bench = Bench::new();
    bench.deploy().await;
    skip_checks(&bench).await;
    let edit = |name: &str| {
        let mut edit = ConfigEdit::default();
        edit.set.set(name, "value").unwrap();
        edit
    };
    same_text!(bench, operations => operations.configure(&shop(), &edit("STORED"), false));
    // One type alone: the new environment is a new release all the same.
    same_text!(bench, operations => operations.restart(&shop(), Some("web")));
    assert_eq!(bench.record().await.release.unwrap().number.to_string(), "v2");
    same_text!(bench, operations => operations.configure(&shop(), &edit("ROLLED_OUT"), true));
    same_text!(bench, operations => operations.rollback(&shop(), None));
    assert_eq!(bench.record().await.release.unwrap().cause, "ps:rollback v2");
    let store = "store".parse().unwrap();
    same_text!(bench, operations => operations.rename_app(&shop(), &store));
    assert_eq!(bench.running().await, ["store.web.1"]);
    same_text!(bench, operations => operations.destroy_app(&store));
    assert_eq!(bench.existing().await, Vec::<String>::new());
}
