//! Tests of the whole crate, through the port. Start at [`changes`].

mod audit;
mod changes;
mod concurrency;
mod endpoints;
mod failures;
mod history;
mod journal;
mod locks;
mod migrations;
mod missing_apps;
mod model;
mod opening;
mod permissions;
mod roles;
mod settings;
mod traffic;
mod traffic_model;

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ps_core::addresses::Endpoint;
use ps_core::app::{Retirement, Serving};
use ps_core::checks::{CheckKind, CheckMoment, CheckWeight, HealthCheck, PathCheck, Scheme};
use ps_core::config::Config;
use ps_core::manifest::{FormationEntry, Manifest, Scripts};
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

/// A manifest with a value other than the default in every field.
fn manifest() -> Manifest {
    let check = |moment, weight, kind| HealthCheck {
        name: Some("is it up".into()),
        moment,
        kind,
        initial_delay: Duration::from_millis(1500),
        attempts: 4,
        timeout: Duration::from_secs(6),
        wait: Duration::from_secs(7),
        weight,
    };
    let path = CheckKind::Path(PathCheck {
        path: "/up?x=1".into(),
        content: Some("ok".into()),
        port: Some(81),
        scheme: Scheme::Https,
        headers: vec![("Host".into(), "shop.example".into())],
    });
    let web = vec![
        check(CheckMoment::Startup, CheckWeight::Required, path),
        check(
            CheckMoment::Liveness,
            CheckWeight::WarnOnly,
            CheckKind::Command(vec!["true".into()]),
        ),
        check(
            CheckMoment::Startup,
            CheckWeight::Required,
            CheckKind::Listening { port: Some(82) },
        ),
        check(
            CheckMoment::Startup,
            CheckWeight::WarnOnly,
            CheckKind::Uptime(Duration::from_secs(8)),
        ),
    ];
    Manifest {
        formation: BTreeMap::from([(
            parse("web"),
            FormationEntry {
                quantity: Some(3),
                max_parallel: NonZeroU16::new(2),
            },
        )]),
        scale_file: Some(BTreeMap::from([(parse("worker"), 1)])),
        scripts: Scripts {
            predeploy: Some("make".into()),
            postdeploy: Some("tell".into()),
            first_deploy: Some("seed".into()),
        },
        checks: BTreeMap::from([(parse("web"), web)]),
    }
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
        manifest: manifest(),
        config: config(&[("SECRET", "hunter2"), ("EMPTY", "")]),
        source: Source::Directory("/srv/shop".into()),
        revision: Some("deadbeef".into()),
        cause: "deploy".into(),
        by: Some("ann".into()),
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
