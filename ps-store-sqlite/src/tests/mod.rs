//! Tests of the whole crate, through the port. Start at [`changes`].

mod changes;
mod concurrency;
mod endpoints;
mod failures;
mod journal;
mod locks;
mod migrations;
mod missing_apps;
mod model;
mod opening;
mod permissions;
mod roles;
mod settings;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ps_core::addresses::Endpoint;
use ps_core::app::{Retirement, Serving};
use ps_core::config::Config;
use ps_core::names::{AppName, Generation};
use ps_core::release::{Processes, Release, ReleaseImage, ReleaseNumber, Source};
use ps_core::runtime::{ContainerId, ImageDetail, ImageId};
use ps_core::store::{Store, StoreChange, StoreErrorKind};
use tempfile::TempDir;

use crate::SqliteStore;

fn parse<T: std::str::FromStr<Err: std::fmt::Debug>>(word: &str) -> T {
    word.parse().unwrap()
}

fn shop() -> AppName {
    parse("shop")
}

fn new_store() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    (folder, store)
}

async fn store_with_shop() -> (TempDir, SqliteStore) {
    let (folder, store) = new_store();
    store.apply(&[StoreChange::CreateApp(shop())]).await.unwrap();
    (folder, store)
}

fn config(variables: &[(&str, &str)]) -> Config {
    let mut config = Config::default();
    for (name, value) in variables {
        config.set(name, *value).unwrap();
    }
    config
}

/// A time with a nanosecond in it.
fn moment(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::new(1_700_000_000 + seconds, 123_456_789)
}

fn release(number: u32) -> Release {
    Release {
        number: ReleaseNumber(number),
        image: ReleaseImage {
            id: ImageId(format!("sha256:{number:064}")),
            name: format!("psctl/shop:v{number}"),
            detail: ImageDetail {
                id: Some(ImageId("sha256:abc".into())),
                entrypoint: vec!["/entry point".into()],
                command: vec!["sh".into(), "-c".into(), "echo \"ü\"\n".into()],
                exposed_ports: vec![80, 5000],
                working_dir: "/app".into(),
                user: "app".into(),
                labels: BTreeMap::from([("a.b".into(), "c\0d".into())]),
            },
        },
        processes: Processes::Procfile(BTreeMap::from([
            (parse("web"), "node web.js $PORT".into()),
            (parse("worker"), "node 'worker'".into()),
        ])),
        config: config(&[("SECRET", "hunter2"), ("EMPTY", "")]),
        source: Source::Directory("/srv/shop".into()),
        cause: "deploy".into(),
        created_at: moment(u64::from(number)),
    }
}

fn record(number: u32) -> StoreChange {
    StoreChange::RecordRelease {
        app: shop(),
        release: Box::new(release(number)),
    }
}

fn serving(container: &str, generation: u64) -> Serving {
    Serving {
        container: ContainerId(container.into()),
        generation: Generation(generation),
        release: ReleaseNumber(1),
        endpoint: Some(Endpoint::Address("10.210.0.2".parse().unwrap())),
    }
}

fn retirement(container: &str, generation: u64) -> Retirement {
    Retirement {
        replica: parse("web.1"),
        generation: Generation(generation),
        container: ContainerId(container.into()),
        due: moment(generation),
        stop_timeout: Duration::from_millis(30_500),
    }
}

async fn refused(store: &SqliteStore, changes: &[StoreChange]) -> StoreErrorKind {
    store.apply(changes).await.unwrap_err().kind
}
