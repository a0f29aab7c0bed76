//! An image says itself what its app is. Invariant: nothing of it runs before its files are found valid.

use ps_core::manifest::{EnvRequests, FormationEntry, Manifest};
use ps_core::operations::{OperationError, VerbOutcome};
use ps_core::policies::Property;
use ps_core::release::Source;
use ps_core::runtime::{ImageDetail, ImageRuntime};
use ps_core::source::SourceErrorKind;
use ps_core::source_files::SourceFile;
use ps_core::store::{Store, StoreChange};

use crate::bench::{Bench, procfile, shop};

const IMAGE: &str = "registry.example/shop:1";

/// An engine that has an image with these files.
fn bench_with(files: &[(&str, &str)]) -> Bench {
    let bench = Bench::new();
    let detail = ImageDetail {
        working_dir: "/app".to_owned(),
        command: vec!["serve".to_owned()],
        ..ImageDetail::default()
    };
    bench.engine.add_image(IMAGE, detail);
    for (path, content) in files {
        bench.engine.add_image_file(IMAGE, path, (*content).to_owned());
    }
    bench
}

async fn deploy(bench: &Bench) -> Result<VerbOutcome, OperationError> {
    let source = Source::Image(IMAGE.to_owned());
    bench.operations.deploy(&shop(), Some(source)).await
}

/// A manifest with this quantity for web.
fn webs(quantity: u16) -> Manifest {
    let entry = FormationEntry {
        quantity: Some(quantity),
        max_parallel: None,
    };
    Manifest {
        formation: [("web".parse().unwrap(), entry)].into(),
        ..Manifest::default()
    }
}

#[tokio::test]
async fn an_image_brings_its_own_files() {
    let bench = bench_with(&[
        ("/app/Procfile", "web: serve --all\n"),
        ("/app/app.json", "two webs"),
        ("/app/CHECKS", "/"),
        ("/app/DOKKU_SCALE", "web=1"),
        ("/Procfile", "elsewhere: no\n"),
    ]);
    bench.source.add_app_json("two webs", webs(2), EnvRequests::new());
    deploy(&bench).await.unwrap();
    let release = bench.record().await.release.unwrap();
    assert_eq!(release.manifest, webs(2));
    assert_eq!(release.processes, procfile(&[("web", "serve --all")]));
    assert_eq!(bench.source.image_reads(), [SourceFile::ALL]);
    // They were read from one container, which is gone.
    assert_eq!(bench.engine.calls_of("read_container_file").len(), 4);
    assert_eq!(bench.existing().await, bench.running().await);
}

#[tokio::test]
async fn an_image_without_files_says_nothing() {
    let bench = bench_with(&[]);
    deploy(&bench).await.unwrap();
    let release = bench.record().await.release.unwrap();
    assert_eq!(release.manifest, Manifest::default());
    assert_eq!(release.processes, ps_core::release::Processes::ImageDefault);
    assert_eq!(bench.source.image_reads(), [Vec::new()]);
}

#[tokio::test]
async fn files_of_an_image_are_looked_for_where_they_are_said_to_lie() {
    let bench = bench_with(&[
        ("/app/app.json", "not this one"),
        ("/app/deploy/shop.json", "two webs"),
        ("/app/deploy/Procfile", "web: serve --all\n"),
    ]);
    bench.source.add_app_json("two webs", webs(2), EnvRequests::new());
    bench.store.apply(&[StoreChange::CreateApp(shop())]).await.unwrap();
    let paths = [
        (Property::AppjsonPath, "deploy/shop.json"),
        (Property::ProcfilePath, "deploy/Procfile"),
    ];
    for (property, path) in paths {
        let value = Some(path.to_owned());
        bench.operations.set_property(&shop(), property, value).await.unwrap();
    }
    deploy(&bench).await.unwrap();
    let release = bench.record().await.release.unwrap();
    assert_eq!(release.manifest, webs(2));
    assert_eq!(release.processes, procfile(&[("web", "serve --all")]));
}

#[tokio::test]
async fn an_invalid_file_of_an_image_leaves_nothing_behind() {
    let bench = bench_with(&[("/app/app.json", "nobody knows this")]);
    let error = deploy(&bench).await.unwrap_err();
    let OperationError::Source(invalid) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(invalid.kind, SourceErrorKind::InvalidFile);
    assert_eq!(bench.existing().await, Vec::<String>::new());
    assert!(bench.engine.calls_of("start_container").is_empty());
    bench.store.app(&shop()).await.unwrap_err();
    bench.engine.inspect_image("psctl/shop:v1").await.unwrap_err();
    bench.engine.inspect_image(IMAGE).await.unwrap();
}

#[tokio::test]
async fn an_invalid_file_of_a_later_image_leaves_the_release_before_alone() {
    let bench = bench_with(&[("/app/app.json", "two webs")]);
    bench.deploy().await;
    let before = bench.engine.container_named("shop.web.1");
    deploy(&bench).await.unwrap_err();
    assert_eq!(bench.existing().await, ["shop.web.1"]);
    assert_eq!(bench.engine.container_named("shop.web.1"), before);
    assert_eq!(bench.record().await.release.unwrap().number.to_string(), "v1");
}
