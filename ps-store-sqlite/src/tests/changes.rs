//! Each kind of change, and that a transaction is whole or nothing.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use ps_core::app::{AppRecord, CheckMode};
use ps_core::formation::Formation;
use ps_core::names::{AppName, Generation, ProcessType};
use ps_core::policies::Property;
use ps_core::release::{Processes, ReleaseNumber, Source};
use ps_core::runtime::{ContainerId, ImageId};
use ps_core::store::{EndpointKind, Scope, Store, StoreChange, StoreErrorKind};

use super::{config, new_store, parse, record, refused, release, retirement, serving, shop, store_with_shop};

#[tokio::test]
async fn a_new_app_is_what_the_core_says() {
    let (_folder, store) = store_with_shop().await;
    assert_eq!(store.app(&shop()).await.unwrap(), AppRecord::new(shop()));
    assert_eq!(store.apps().await.unwrap(), [AppRecord::new(shop())]);
    assert_eq!(
        refused(&store, &[StoreChange::CreateApp(shop())]).await,
        StoreErrorKind::AppExists(shop())
    );
}

#[tokio::test]
async fn settings_are_kept_by_scope_and_cleared() {
    let (_folder, store) = store_with_shop().await;
    let set = |scope: &Scope, value: Option<&str>| StoreChange::SetProperty {
        scope: scope.clone(),
        property: Property::RestartPolicy,
        value: value.map(str::to_owned),
    };
    let app = Scope::App(shop());
    store
        .apply(&[set(&app, Some("no")), set(&Scope::Global, Some("always"))])
        .await
        .unwrap();
    store.apply(&[set(&app, Some("on-failure"))]).await.unwrap();
    let of_app = store.app(&shop()).await.unwrap().properties;
    assert_eq!(of_app.get(&Property::RestartPolicy).unwrap(), "on-failure");
    let global = store.global().await.unwrap().properties;
    assert_eq!(global.get(&Property::RestartPolicy).unwrap(), "always");
    store
        .apply(&[set(&app, None), set(&Scope::Global, None)])
        .await
        .unwrap();
    assert!(store.app(&shop()).await.unwrap().properties.is_empty());
    assert!(store.global().await.unwrap().properties.is_empty());
}

#[tokio::test]
async fn a_new_environment_replaces_the_old_one() {
    let (_folder, store) = store_with_shop().await;
    for scope in [Scope::Global, Scope::App(shop())] {
        for new in [
            config(&[("A", "1"), ("B", "zwei\n'\"")]),
            config(&[("B", "")]),
            config(&[]),
        ] {
            let change = StoreChange::SetConfig {
                scope: scope.clone(),
                config: new.clone(),
            };
            store.apply(&[change]).await.unwrap();
            let kept = match &scope {
                Scope::Global => store.global().await.unwrap().config,
                Scope::App(app) => store.app(app).await.unwrap().config,
            };
            assert_eq!(kept, new);
        }
    }
}

#[tokio::test]
async fn formation_checks_and_the_operators_mark_are_kept() {
    let (_folder, store) = store_with_shop().await;
    let formation: Formation = [(parse("worker"), 1000), (ProcessType::web(), 0)].into_iter().collect();
    let check = |mode| StoreChange::SetCheckMode {
        app: shop(),
        process_type: parse("worker"),
        mode,
    };
    let changes = [
        StoreChange::SetFormation {
            app: shop(),
            formation: formation.clone(),
        },
        check(CheckMode::Skipped),
        check(CheckMode::Disabled),
        StoreChange::MarkStopped {
            app: shop(),
            stopped: true,
        },
    ];
    store.apply(&changes).await.unwrap();
    let app = store.app(&shop()).await.unwrap();
    assert_eq!(app.formation, formation);
    assert_eq!(app.check_mode(&parse("worker")), CheckMode::Disabled);
    assert!(app.stopped_by_operator);
    store.apply(&[check(CheckMode::Enabled)]).await.unwrap();
    assert!(store.app(&shop()).await.unwrap().checks.is_empty());
}

#[tokio::test]
async fn sources_keep_paths_that_are_not_text() {
    let (_folder, store) = store_with_shop().await;
    for source in [
        Source::Image("registry:5000/shop@sha256:1".into()),
        Source::Directory(OsStr::from_bytes(b"/srv/\xff\xfe shop").into()),
        Source::Archive {
            file: OsStr::from_bytes(b"/srv/\xff.tar").into(),
            digest: Some("0123".to_owned()),
        },
        Source::ImageArchive {
            file: OsStr::from_bytes(b"/srv/\xff.tar").into(),
            image: Some(ImageId("sha256:1".to_owned())),
        },
        Source::Git {
            repository: "https://me:secret@host.example/shop.git".parse().unwrap(),
            reference: None,
        },
        Source::Git {
            repository: "git@host.example:shop.git".parse().unwrap(),
            reference: Some("release/2".parse().unwrap()),
        },
        Source::Directory("/srv/shop".into()),
    ] {
        let change = StoreChange::SetSource {
            app: shop(),
            source: source.clone(),
        };
        store.apply(&[change]).await.unwrap();
        assert_eq!(store.app(&shop()).await.unwrap().source, Some(source));
    }
}

#[tokio::test]
async fn releases_are_kept_whole_and_the_last_recorded_is_current() {
    let (_folder, store) = store_with_shop().await;
    store.apply(&[record(1), record(2)]).await.unwrap();
    let mut plain = release(3);
    plain.processes = Processes::ImageDefault;
    plain.config = config(&[]);
    let change = StoreChange::RecordRelease {
        app: shop(),
        release: Box::new(plain.clone()),
    };
    store.apply(&[change]).await.unwrap();
    let app = store.app(&shop()).await.unwrap();
    assert_eq!((app.release, app.next_release), (Some(plain), ReleaseNumber(4)));
    let earlier = |number| store.release(&app.name, ReleaseNumber(number));
    assert_eq!(earlier(1).await.unwrap(), Some(release(1)));
    assert_eq!(earlier(2).await.unwrap(), Some(release(2)));
    assert_eq!(earlier(9).await.unwrap(), None);
    let nobody = parse("nobody");
    assert_eq!(store.release(&nobody, ReleaseNumber(1)).await.unwrap(), None);
    assert_eq!(refused(&store, &[record(2)]).await, StoreErrorKind::Failed);
    assert_eq!(earlier(2).await.unwrap(), Some(release(2)));
}

#[tokio::test]
async fn numbers_that_were_given_out_never_come_back() {
    let (_folder, store) = store_with_shop().await;
    let generations = |next| StoreChange::UseGenerations {
        app: shop(),
        next: Generation(next),
    };
    let releases = |next| StoreChange::UseReleaseNumbers {
        app: shop(),
        next: ReleaseNumber(next),
    };
    let serve = |generation| StoreChange::Serve {
        app: shop(),
        replica: parse("web.1"),
        serving: serving("a", generation),
    };
    let cases: [(StoreChange, u64, u32); 7] = [
        (generations(7), 7, 1),
        (generations(3), 7, 1),
        (releases(5), 7, 5),
        (releases(2), 7, 5),
        (serve(4), 7, 5),
        (serve(9), 10, 5),
        (record(3), 10, 5),
    ];
    for (change, generation, number) in cases {
        store.apply(std::slice::from_ref(&change)).await.unwrap();
        let app = store.app(&shop()).await.unwrap();
        let next = (app.next_generation.0, app.next_release.0);
        assert_eq!(next, (generation, number), "after {change:?}");
    }
}

#[tokio::test]
async fn containers_serve_and_retire() {
    let (_folder, store) = store_with_shop().await;
    let serve = |replica: &str, container: &str, generation| StoreChange::Serve {
        app: shop(),
        replica: parse(replica),
        serving: serving(container, generation),
    };
    let retire = |container: &str, generation| StoreChange::AddRetirement {
        app: shop(),
        retirement: retirement(container, generation),
    };
    store
        .apply(&[serve("web.10", "a", 1), serve("web.2", "b", 2), serve("web.2", "c", 3)])
        .await
        .unwrap();
    store
        .apply(&[retire("z", 1), retire("b", 2), retire("z", 5)])
        .await
        .unwrap();
    let app = store.app(&shop()).await.unwrap();
    let expected = [(parse("web.2"), serving("c", 3)), (parse("web.10"), serving("a", 1))];
    assert_eq!(app.serving.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(app.retirements, [retirement("z", 5), retirement("b", 2)]);
    let changes = [
        StoreChange::StopServing {
            app: shop(),
            replica: parse("web.2"),
        },
        StoreChange::FinishRetirement {
            app: shop(),
            container: ContainerId("z".into()),
        },
    ];
    store.apply(&changes).await.unwrap();
    store.apply(&changes).await.unwrap();
    let app = store.app(&shop()).await.unwrap();
    assert_eq!(app.serving.len(), 1);
    assert_eq!(app.retirements, [retirement("b", 2)]);
}

#[tokio::test]
async fn a_renamed_app_keeps_everything() {
    let (_folder, store) = store_with_shop().await;
    let all = [
        record(1),
        StoreChange::Serve {
            app: shop(),
            replica: parse("web.1"),
            serving: serving("a", 1),
        },
        StoreChange::AddRetirement {
            app: shop(),
            retirement: retirement("b", 2),
        },
        StoreChange::SetConfig {
            scope: Scope::App(shop()),
            config: config(&[("A", "1")]),
        },
        StoreChange::CreateApp(parse("other")),
    ];
    store.apply(&all).await.unwrap();
    let before = store.app(&shop()).await.unwrap();
    let rename = |to: &str| StoreChange::RenameApp {
        app: shop(),
        to: parse(to),
    };
    assert_eq!(
        refused(&store, &[rename("other")]).await,
        StoreErrorKind::AppExists(parse("other"))
    );
    store.apply(&[rename("boutique")]).await.unwrap();
    let name: AppName = parse("boutique");
    let expected = AppRecord {
        name: name.clone(),
        ..before
    };
    assert_eq!(store.app(&name).await.unwrap(), expected);
    assert_eq!(
        store.app(&shop()).await.unwrap_err().kind,
        StoreErrorKind::NoSuchApp(shop())
    );
    assert_eq!(store.release(&name, ReleaseNumber(1)).await.unwrap(), Some(release(1)));
}

#[tokio::test]
async fn a_destroyed_app_leaves_nothing() {
    let (_folder, store) = store_with_shop().await;
    store.apply(&[record(1)]).await.unwrap();
    let kind = EndpointKind::Address(parse("10.210.0.0/16"));
    let wanted = [(parse("web.1"), Generation(1))];
    store
        .reserve_endpoints(&shop(), kind, &wanted, &|_| true)
        .await
        .unwrap();
    store.apply(&[StoreChange::DestroyApp(shop())]).await.unwrap();
    assert_eq!(store.apps().await.unwrap(), []);
    assert_eq!(store.reserved_endpoints().await.unwrap(), []);
    store.apply(&[StoreChange::CreateApp(shop())]).await.unwrap();
    assert_eq!(store.app(&shop()).await.unwrap(), AppRecord::new(shop()));
    assert_eq!(store.release(&shop(), ReleaseNumber(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_failing_change_takes_the_others_with_it() {
    let (_folder, store) = store_with_shop().await;
    let nobody: AppName = parse("nobody");
    let failing = StoreChange::MarkStopped {
        app: nobody.clone(),
        stopped: true,
    };
    let changes = [
        record(1),
        StoreChange::CreateApp(parse("second")),
        StoreChange::DestroyApp(shop()),
        failing,
    ];
    assert_eq!(refused(&store, &changes).await, StoreErrorKind::NoSuchApp(nobody));
    assert_eq!(store.apps().await.unwrap(), [AppRecord::new(shop())]);
}

#[tokio::test]
async fn apps_are_sorted_by_name() {
    let (_folder, store) = new_store();
    let names = ["shop", "a", "shop-2", "shop.b", "0"];
    let changes: Vec<_> = names.iter().map(|name| StoreChange::CreateApp(parse(name))).collect();
    store.apply(&changes).await.unwrap();
    let apps = store.apps().await.unwrap();
    let sorted: Vec<&str> = apps.iter().map(|app| app.name.as_str()).collect();
    assert_eq!(sorted, ["0", "a", "shop", "shop-2", "shop.b"]);
}

#[tokio::test]
async fn a_number_that_cannot_be_kept_is_refused() {
    let (_folder, store) = store_with_shop().await;
    let change = StoreChange::UseGenerations {
        app: shop(),
        next: Generation(u64::MAX),
    };
    assert_eq!(refused(&store, &[change]).await, StoreErrorKind::Failed);
}
