//! Archives and repositories: what is recorded can be built again, and what nobody needs any more is not kept.

use std::path::PathBuf;

use ps_core::names::AppName;
use ps_core::operations::{ConfigEdit, OperationError};
use ps_core::release::Source;
use ps_core::source::SourceErrorKind;
use ps_core::store::Store;
use ps_core::testing::{Fault, FaultEffect};

use crate::bench::{Bench, procfile, shop};

fn archive() -> Source {
    Source::Archive {
        file: PathBuf::from("/home/shop.tar"),
        digest: None,
    }
}

fn git(reference: Option<&str>) -> Source {
    Source::Git {
        repository: "https://me:secret@host.example/shop.git".parse().unwrap(),
        reference: reference.map(|word| word.parse().unwrap()),
    }
}

/// What the fake source calls that repository.
const REPOSITORY: &str = "https://***@host.example/shop.git";

fn with_archive() -> Bench {
    let bench = Bench::new();
    bench
        .source
        .add_directory("/home/shop.tar", procfile(&[("web", "one")]));
    bench
}

#[tokio::test]
async fn an_archive_is_rebuilt_from_the_copy_that_was_kept() {
    let bench = with_archive();
    bench.operations.deploy(&shop(), Some(archive())).await.unwrap();
    let record = bench.record().await;
    let release = record.release.unwrap();
    assert!(matches!(&record.source, Some(Source::Archive { digest: Some(_), .. })));
    assert_eq!(record.source.as_ref(), Some(&release.source));
    bench.source.remove("/home/shop.tar");
    bench.operations.deploy(&shop(), None).await.unwrap();
    assert_eq!(bench.record().await.release.unwrap().number.to_string(), "v2");
    assert_eq!(bench.source.kept(&shop()).len(), 1);
}

#[tokio::test]
async fn only_the_newest_archive_of_an_app_is_kept() {
    let bench = with_archive();
    bench.operations.deploy(&shop(), Some(archive())).await.unwrap();
    bench.source.set_revision("/home/shop.tar", "two");
    bench.operations.deploy(&shop(), Some(archive())).await.unwrap();
    assert_eq!(bench.source.kept(&shop()), ["/home/shop.tar@two"]);
    bench.deploy().await;
    assert_eq!(bench.source.kept(&shop()), Vec::<String>::new());
}

#[tokio::test]
async fn an_archive_that_is_refused_or_fails_to_build_changes_nothing() {
    let bench = with_archive();
    bench.operations.deploy(&shop(), Some(archive())).await.unwrap();
    let (record, kept) = (bench.record().await, bench.source.kept(&shop()));
    bench.source.fail_directory("/home/bad.tar", SourceErrorKind::Refused);
    let bad = Source::Archive {
        file: PathBuf::from("/home/bad.tar"),
        digest: None,
    };
    let error = bench.operations.deploy(&shop(), Some(bad.clone())).await.unwrap_err();
    assert!(matches!(error, OperationError::Source(_)), "{error:?}");
    assert_eq!(
        (bench.record().await, bench.source.kept(&shop())),
        (record, kept.clone())
    );

    bench.source.add_directory("/home/bad.tar", procfile(&[("web", "bad")]));
    let fault = FaultEffect::Fail(ps_core::runtime::RuntimeErrorKind::BuildFailed);
    bench.engine.inject(Fault::new(fault).on_method("build_image"));
    bench.operations.deploy(&shop(), Some(bad.clone())).await.unwrap_err();
    assert_eq!(bench.source.kept(&shop()), kept);

    let new: AppName = "new".parse().unwrap();
    bench.source.fail_directory("/home/bad.tar", SourceErrorKind::Refused);
    bench.operations.deploy(&new, Some(bad)).await.unwrap_err();
    assert!(bench.store.app(&new).await.is_err());
    assert_eq!(bench.source.kept(&new), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_kept_goes_with_the_app_and_moves_with_its_name() {
    let bench = with_archive();
    bench.operations.deploy(&shop(), Some(archive())).await.unwrap();
    let kept = bench.source.kept(&shop());
    let store: AppName = "store".parse().unwrap();
    bench.operations.rename_app(&shop(), &store).await.unwrap();
    assert_eq!(bench.source.kept(&store), kept);
    assert_eq!(bench.source.kept(&shop()), Vec::<String>::new());
    bench.source.remove("/home/shop.tar");
    bench.operations.deploy(&store, None).await.unwrap();
    bench.operations.destroy_app(&store).await.unwrap();
    assert_eq!(bench.source.kept(&store), Vec::<String>::new());
}

#[tokio::test]
async fn a_dry_run_keeps_nothing() {
    let bench = with_archive();
    let outcome = bench.dry.deploy(&shop(), Some(archive())).await.unwrap();
    assert!(
        outcome.plans[0].to_string().contains("archive /home/shop.tar"),
        "{}",
        outcome.plans[0]
    );
    assert_eq!(bench.source.kept(&shop()), Vec::<String>::new());
}

#[tokio::test]
async fn a_release_names_the_commit_and_a_rebuild_takes_the_newest() {
    let bench = Bench::new();
    bench.source.add_directory(REPOSITORY, procfile(&[("web", "one")]));
    bench.source.set_revision(REPOSITORY, "c0ffee");
    bench.operations.deploy(&shop(), Some(git(Some("main")))).await.unwrap();
    let release = bench.record().await.release.unwrap();
    assert_eq!(
        (release.source, release.revision.as_deref()),
        (git(Some("main")), Some("c0ffee"))
    );
    bench.source.set_revision(REPOSITORY, "decade");
    bench.operations.deploy(&shop(), None).await.unwrap();
    let release = bench.record().await.release.unwrap();
    assert_eq!(release.revision.as_deref(), Some("decade"));
    // A release that is made of the same image is made of the same commit.
    bench.source.set_revision(REPOSITORY, "facade");
    let mut edit = ConfigEdit::default();
    edit.set.set("COLOUR", "green").unwrap();
    bench.operations.configure(&shop(), &edit, true).await.unwrap();
    let release = bench.record().await.release.unwrap();
    assert_eq!(release.number.to_string(), "v3");
    assert_eq!(release.revision.as_deref(), Some("decade"));
}

#[tokio::test]
async fn a_source_that_has_not_changed_is_not_built_again_when_asked_so() {
    let bench = Bench::new();
    bench.source.add_directory(REPOSITORY, procfile(&[("web", "one")]));
    bench.source.set_revision(REPOSITORY, "c0ffee");
    let deploy = async |reference| {
        let app = shop();
        let outcome = bench
            .operations
            .deploy_when_changed(&app, git(reference))
            .await
            .unwrap();
        (outcome.release.unwrap().to_string(), outcome.notice.is_some())
    };
    assert_eq!(deploy(None).await, ("v1".to_owned(), false));
    assert_eq!(deploy(None).await, ("v1".to_owned(), true));
    bench.source.set_revision(REPOSITORY, "decade");
    assert_eq!(deploy(None).await, ("v2".to_owned(), false));
    assert_eq!(deploy(Some("main")).await, ("v3".to_owned(), false));
    assert_eq!(bench.engine.calls_of("build_image").len(), 3);
}

#[tokio::test]
async fn no_plan_shows_the_password_of_a_repository() {
    let bench = Bench::new();
    bench.source.add_directory(REPOSITORY, procfile(&[("web", "one")]));
    let outcome = bench.operations.deploy(&shop(), Some(git(None))).await.unwrap();
    let text: String = outcome.plans.iter().map(ToString::to_string).collect();
    assert!(text.contains(REPOSITORY) && !text.contains("secret"), "{text}");
    assert!(!format!("{:?}", bench.record().await).contains("secret"));
}

#[tokio::test]
async fn reading_a_source_can_be_cancelled() {
    let bench = Bench::new();
    bench.source.add_directory(REPOSITORY, procfile(&[("web", "one")]));
    bench.source.never_answer(REPOSITORY);
    let app = shop();
    let deploy = bench.operations.deploy(&app, Some(git(None)));
    let cancel = async {
        tokio::task::yield_now().await;
        bench.cancellation.cancel();
    };
    let (outcome, ()) = tokio::join!(deploy, cancel);
    assert!(
        matches!(outcome, Err(OperationError::Interrupted { .. })),
        "{outcome:?}"
    );
    assert!(bench.store.app(&shop()).await.is_err());
}
