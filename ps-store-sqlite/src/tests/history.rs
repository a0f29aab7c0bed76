//! The lines of an app's history, and what expires of a release.

use std::collections::BTreeSet;

use ps_core::release::ReleaseNumber;
use ps_core::release_history::PastRelease;
use ps_core::store::{Store, StoreChange, StoreErrorKind};
use rusqlite::Connection;

use super::{parse, record, refused, release, serving, shop, store_with_shop};
use crate::schema::{STEPS, upgrade};

fn expire(number: u32) -> StoreChange {
    StoreChange::ExpireRelease {
        app: shop(),
        release: ReleaseNumber(number),
    }
}

fn expect_image(number: u32) -> StoreChange {
    StoreChange::ExpectImage {
        app: shop(),
        number: ReleaseNumber(number),
    }
}

#[tokio::test]
async fn a_history_is_in_the_order_of_the_numbers_and_knows_what_served() {
    let (_folder, store) = store_with_shop().await;
    let serve = StoreChange::Serve {
        app: shop(),
        replica: parse("web.1"),
        serving: serving("c1", 1),
    };
    store.apply(&[record(10), record(1), record(2), serve]).await.unwrap();
    let history = store.release_history(&shop()).await.unwrap();
    let expected = [1, 2, 10].map(|number| PastRelease {
        has_served: number == 1,
        ..PastRelease::of(&release(number))
    });
    assert_eq!(history.releases, expected);
    assert_eq!(history.releases[0].by.as_deref(), Some("ann"));
}

#[tokio::test]
async fn an_expired_release_keeps_its_line_and_loses_its_config() {
    let (folder, store) = store_with_shop().await;
    store
        .apply(&[record(1), record(2), expire(1), expire(2), expire(9)])
        .await
        .unwrap();
    let history = store.release_history(&shop()).await.unwrap();
    let kept: Vec<bool> = history.releases.iter().map(|release| release.is_kept).collect();
    assert_eq!(
        kept,
        [false, true],
        "the current release expired, or the earlier one did not"
    );
    assert_eq!(store.release(&shop(), ReleaseNumber(1)).await.unwrap(), None);
    assert_eq!(store.app(&shop()).await.unwrap().release, Some(release(2)));
    let database = Connection::open(folder.path().join("psctl.db")).unwrap();
    let left: Vec<u32> = database
        .prepare("SELECT DISTINCT number FROM release_config")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(left, [2]);
}

#[tokio::test]
async fn images_are_expected_once_and_forgotten() {
    let (_folder, store) = store_with_shop().await;
    let forget = StoreChange::ForgetImage {
        app: shop(),
        number: ReleaseNumber(2),
    };
    let changes = [
        expect_image(1),
        expect_image(1),
        expect_image(2),
        expect_image(3),
        forget,
    ];
    store.apply(&changes).await.unwrap();
    let images = |history: ps_core::release_history::ReleaseHistory| history.images;
    let expected = BTreeSet::from([ReleaseNumber(1), ReleaseNumber(3)]);
    assert_eq!(images(store.release_history(&shop()).await.unwrap()), expected);
    let to: ps_core::names::AppName = parse("store");
    let rename = StoreChange::RenameApp {
        app: shop(),
        to: to.clone(),
    };
    store.apply(&[record(1), rename]).await.unwrap();
    let moved = store.release_history(&to).await.unwrap();
    assert_eq!((moved.images, moved.releases.len()), (expected, 1));
}

#[tokio::test]
async fn an_app_that_is_not_there_has_no_history() {
    let (_folder, store) = store_with_shop().await;
    let nobody = parse("nobody");
    let error = store.release_history(&nobody).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NoSuchApp(nobody.clone()));
    let change = StoreChange::ExpectImage {
        app: nobody.clone(),
        number: ReleaseNumber(1),
    };
    assert_eq!(refused(&store, &[change]).await, StoreErrorKind::NoSuchApp(nobody));
}

#[test]
fn a_database_from_before_the_history_expects_an_image_of_every_number() {
    let mut connection = Connection::open_in_memory().unwrap();
    upgrade(&mut connection, &STEPS[..2], None).unwrap();
    let fill = "INSERT INTO apps (id, name, next_generation, next_release) VALUES (1, 'new', 1, 1), (2, 'old', 1, 3);
                INSERT INTO releases VALUES (2, 1, 'sha256:1', 'i', '{}', NULL, 'image', X'69', 'deploy', 0, '{}')";
    connection.execute_batch(fill).unwrap();
    upgrade(&mut connection, STEPS, None).unwrap();
    let rows: Vec<(u32, u32)> = connection
        .prepare("SELECT app_id, number FROM images ORDER BY 1, 2")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(rows, [(1, 1), (2, 1), (2, 2), (2, 3)]);
    let past: (Option<String>, bool, bool) = connection
        .query_row("SELECT made_by, served, kept FROM releases", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(past, (None, true, true));
}
