//! Images out of archives. Invariant: what was loaded is what every later build of the app deploys, or it says that it is gone.

use std::path::PathBuf;

use ps_core::operations::OperationError;
use ps_core::release::{Processes, Source};
use ps_core::runtime::{ImageDetail, ImageId, ImageRuntime};
use ps_core::store::Store;
use ps_core::testing::Behaviour;

use crate::bench::{Bench, shop};

const FILE: &str = "/home/shop.tar";

fn bench_with(images: &[(&[&str], &str)]) -> Bench {
    let bench = Bench::new();
    bench.source.add_image_archive(FILE, images);
    bench
}

fn given() -> Source {
    Source::ImageArchive {
        file: PathBuf::from(FILE),
        image: None,
    }
}

async fn id(bench: &Bench, image: &str) -> Option<ImageId> {
    bench.engine.inspect_image(image).await.ok()?.id
}

#[tokio::test]
async fn the_image_of_an_archive_is_deployed_with_its_own_files() {
    let bench = bench_with(&[(&["registry.example/shop:1", "shop:stable"], "serve")]);
    bench.operations.deploy(&shop(), Some(given())).await.unwrap();
    let record = bench.record().await;
    let release = record.release.unwrap();
    let loaded = id(&bench, "shop:stable").await;
    assert_eq!(release.processes, Processes::ImageDefault);
    assert_eq!(release.image.detail.command, ["serve"]);
    assert_eq!(release.image.name, "psctl/shop:v1");
    assert_eq!(Some(&release.image.id), loaded.as_ref());
    assert_eq!(id(&bench, "psctl/shop:v1").await, loaded);
    let source = Source::ImageArchive {
        file: FILE.into(),
        image: loaded,
    };
    assert_eq!((&release.source, record.source.as_ref()), (&source, Some(&source)));
    assert_eq!(bench.running().await, ["shop.web.1"]);
}

#[tokio::test]
async fn a_rebuild_deploys_the_loaded_image_though_its_name_is_anothers_by_then() {
    let bench = bench_with(&[(&["shop:1"], "serve")]);
    bench.operations.deploy(&shop(), Some(given())).await.unwrap();
    let loaded = id(&bench, "shop:1").await;
    bench.engine.add_image("shop:1", ImageDetail::default());
    assert_ne!(id(&bench, "shop:1").await, loaded);
    bench.operations.deploy(&shop(), None).await.unwrap();
    assert_eq!(Some(bench.record().await.release.unwrap().image.id), loaded);
    assert_eq!(id(&bench, "psctl/shop:v2").await, loaded);
    assert_eq!(bench.engine.calls_of("load_image").len(), 1);
    assert!(bench.engine.calls_of("pull_image").is_empty());
}

#[tokio::test]
async fn a_rebuild_says_that_the_loaded_image_is_gone_and_changes_nothing() {
    let bench = bench_with(&[(&["shop:1"], "serve")]);
    bench.operations.deploy(&shop(), Some(given())).await.unwrap();
    let mut gone = bench.record().await.source.unwrap();
    if let Source::ImageArchive { image, .. } = &mut gone {
        *image = Some(ImageId("sha256:0".to_owned()));
    }
    let before = bench.engine.container_named("shop.web.1");
    let error = bench.operations.deploy(&shop(), Some(gone)).await.unwrap_err();
    assert!(matches!(error, OperationError::LoadedImageGone { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the image of the archive /home/shop.tar is gone from the engine"
    );
    assert_eq!(bench.engine.container_named("shop.web.1"), before);
    assert_eq!(bench.record().await.release.unwrap().number.to_string(), "v1");
    assert!(bench.engine.calls_of("pull_image").is_empty());
}

#[tokio::test]
async fn an_image_without_a_name_goes_when_its_deploy_fails() {
    let bench = bench_with(&[(&[], "serve")]);
    bench
        .engine
        .on_start("shop.web.*", Behaviour::ExitsAfter(std::time::Duration::ZERO, 1));
    bench.operations.deploy(&shop(), Some(given())).await.unwrap_err();
    assert_eq!(bench.existing().await, Vec::<String>::new());
    assert_eq!(id(&bench, "psctl/shop:v1").await, None);
    bench.store.app(&shop()).await.unwrap_err();
    bench.engine.on_start("shop.web.*", Behaviour::Runs);
    bench.operations.deploy(&shop(), Some(given())).await.unwrap();
    assert!(id(&bench, "psctl/shop:v1").await.is_some());
}

#[tokio::test]
async fn an_archive_of_several_images_is_refused_by_their_names() {
    let bench = bench_with(&[(&["a:1", "a:2"], "one"), (&["b:1"], "two")]);
    let error = bench.operations.deploy(&shop(), Some(given())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the image archive /home/shop.tar holds 2 images: a:1, b:1"
    );
    bench.store.app(&shop()).await.unwrap_err();
    assert!(id(&bench, "b:1").await.is_some(), "the hint says that it is there");
}

#[tokio::test]
async fn what_is_no_archive_of_images_changes_nothing() {
    let bench = bench_with(&[]);
    bench.deploy().await;
    let (record, before) = (bench.record().await, bench.engine.container_named("shop.web.1"));
    let error = bench.operations.deploy(&shop(), Some(given())).await.unwrap_err();
    assert!(matches!(error, OperationError::NoImageArchive { .. }), "{error:?}");
    let missing = Source::ImageArchive {
        file: "/home/none.tar".into(),
        image: None,
    };
    let error = bench.operations.deploy(&shop(), Some(missing)).await.unwrap_err();
    assert_eq!(error.to_string(), "could not load image archive /home/none.tar");
    assert_eq!(bench.record().await, record);
    assert_eq!(bench.engine.container_named("shop.web.1"), before);
}
