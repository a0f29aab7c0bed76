//! What belongs to somebody else stands in the way: it is refused before anything is made, and never touched.

use std::path::PathBuf;

use ps_core::labels;
use ps_core::operations::OperationError;
use ps_core::release::Source;
use ps_core::runtime::{ContainerRuntime, ContainerSpec, ImageDetail, ImageRuntime};
use ps_core::store::Store;

use crate::bench::{Bench, shop};

async fn first_deploy(bench: &Bench) -> OperationError {
    let source = Source::Directory(PathBuf::from("/src"));
    bench.operations.deploy(&shop(), Some(source)).await.unwrap_err()
}

#[tokio::test]
async fn a_name_of_somebody_else_is_refused_before_anything_is_made() {
    let bench = Bench::new();
    bench.engine.add_image("theirs", ImageDetail::default());
    let spec = ContainerSpec::new("shop.web.1", "theirs");
    bench.engine.create_container(&spec).await.unwrap();
    bench.engine.forget_calls();
    let error = first_deploy(&bench).await;
    assert!(
        matches!(&error, OperationError::NameTaken { name } if name == "shop.web.1"),
        "{error:?}"
    );
    assert_eq!(bench.existing().await, ["shop.web.1"]);
    assert!(bench.engine.calls_of("create_container").is_empty());
    assert!(bench.store.apps().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_image_of_another_state_directory_is_not_taken() {
    let bench = Bench::new();
    let mut detail = ImageDetail::default();
    detail
        .labels
        .insert(labels::OWNER.to_owned(), "fedcba9876543210".to_owned());
    let theirs = bench.engine.add_image("psctl/shop:v1", detail);
    let error = first_deploy(&bench).await;
    assert!(matches!(&error, OperationError::ImageTaken { .. }), "{error:?}");
    assert_eq!(
        bench.engine.inspect_image("psctl/shop:v1").await.unwrap().id,
        Some(theirs)
    );
    assert!(bench.engine.calls_of("build_image").is_empty());
    assert!(bench.store.apps().await.unwrap().is_empty());
}

#[tokio::test]
async fn destroying_leaves_the_image_of_another_state_directory() {
    let bench = Bench::new();
    bench.deploy().await;
    let mut detail = ImageDetail::default();
    detail
        .labels
        .insert(labels::OWNER.to_owned(), "fedcba9876543210".to_owned());
    bench.engine.add_image("psctl/shop:v2", detail);
    bench.operations.destroy_app(&shop()).await.unwrap();
    assert!(bench.engine.inspect_image("psctl/shop:v2").await.is_ok());
    assert!(bench.engine.inspect_image("psctl/shop:v1").await.is_err());
}
