//! `doctor` over fakes and over a real state directory: each test causes a finding, runs the command that it prints, and looks again.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up fails"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod fake_adapters;
#[expect(dead_code, reason = "other tests use the rest")]
mod in_process;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use fake_adapters::FakePlace;
use in_process::Place;
use ps_core::crashes::Quarantine;
use ps_core::host::Clock;
use ps_core::labels::replica_labels;
use ps_core::names::Generation;
use ps_core::policies::RestartPolicy;
use ps_core::proxy::ProxyPresence;
use ps_core::release::ReleaseNumber;
use ps_core::runtime::{ContainerRuntime, ContainerSpec, EngineDetail};
use ps_core::store::{Store, StoreChange};
use ps_core::testing::FakeProxy;
use serde_json::Value;

fn block_on<T>(call: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(call)
}

fn findings(printed: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(printed).unwrap();
    document["findings"].as_array().unwrap().clone()
}

/// The severity and the cure of the finding with this id.
fn finding(findings: &[Value], id: &str) -> Option<(String, Option<String>)> {
    let finding = findings.iter().find(|finding| finding["id"] == id)?;
    let cure = finding["cure"].as_str().map(str::to_owned);
    Some((finding["severity"].as_str().unwrap().to_owned(), cure))
}

fn look(place: &FakePlace) -> Vec<Value> {
    findings(&place.end_of(&["doctor", "--format", "json"], b"").1)
}

/// Checks that a finding is there, runs what it prints, and checks that it is gone.
fn is_mended_by(place: &FakePlace, id: &str, cure: &str) {
    let (severity, printed) = finding(&look(place), id).unwrap_or_else(|| (format!("no {id}"), None));
    assert_eq!((severity.as_str(), printed.as_deref()), ("wrong", Some(cure)), "{id}");
    let (code, ..) = place.end_of(&["doctor", "--quiet"], b"");
    assert_eq!(code, 1, "{id}");
    let words: Vec<&str> = cure.split(' ').skip(1).collect();
    place.run(&words);
    assert_eq!(finding(&look(place), id), None, "{id} after {cure}");
}

fn deployed() -> FakePlace {
    let place = FakePlace::new(&[("web", "serve --port $PORT")]);
    place.run(&["deploy", "shop", "."]);
    assert_eq!(finding(&look(&place), "containers").unwrap().0, "fine");
    place
}

#[test]
fn a_changed_restart_policy_is_mended_by_a_restart() {
    let place = deployed();
    let id = place.engine.container_named("shop.web.1").unwrap();
    block_on(place.engine.update_restart_policy(&id, RestartPolicy::No)).unwrap();
    is_mended_by(&place, "restart-policy", "psctl ps:restart shop");
}

#[test]
fn a_quarantined_app_is_mended_by_a_start() {
    let place = deployed();
    let quarantine = Quarantine {
        cause: "web.1 ended 10 times within 5 minutes".to_owned(),
        since: place.clock.now(),
    };
    let change = StoreChange::SetQuarantine {
        app: "shop".parse().unwrap(),
        quarantine: Some(quarantine),
    };
    block_on(place.store.apply(&[change])).unwrap();
    is_mended_by(&place, "quarantine", "psctl ps:start shop");
}

#[test]
fn a_leftover_is_mended_by_a_start() {
    let place = deployed();
    let owner = block_on(place.store.owner()).unwrap();
    let (app, replica) = ("shop".parse().unwrap(), "web.2".parse().unwrap());
    let spec = ContainerSpec {
        labels: replica_labels(&owner, &app, &replica, ReleaseNumber(1), Generation(1)),
        ..ContainerSpec::new("shop.web.2.upcoming-1", "psctl/shop:v1")
    };
    block_on(place.engine.create_container(&spec)).unwrap();
    is_mended_by(&place, "leftovers", "psctl ps:start shop");
    assert_eq!(place.engine.container_named("shop.web.2.upcoming-1"), None);
}

#[test]
fn an_app_that_restore_passes_over_is_advice() {
    let place = deployed();
    place.run(&["ps:set", "shop", "restore", "false"]);
    let (severity, cure) = finding(&look(&place), "not-restored").unwrap();
    assert_eq!(
        (severity.as_str(), cure.as_deref()),
        ("advice", Some("psctl ps:set shop restore true"))
    );
    place.run(&["ps:set", "shop", "restore", "true"]);
    assert_eq!(finding(&look(&place), "not-restored"), None);
}

#[test]
fn what_an_engine_tells_of_itself_is_judged() {
    let place = deployed();
    let later = place.clock.now() + Duration::from_secs(60);
    place.engine.set_detail(EngineDetail {
        containers_outlive_it: false,
        now: Some(later),
        ..EngineDetail::default()
    });
    let found = look(&place);
    assert_eq!(finding(&found, "live-restore").unwrap().0, "advice");
    assert_eq!(finding(&found, "engine-clock").unwrap().0, "wrong");
}

#[test]
fn without_nginx_there_is_advice_and_not_more() {
    let (mut place, proxy) = (deployed(), FakeProxy::new());
    place.proxy = Arc::new(proxy.clone());
    for (presence, id) in [
        (ProxyPresence::Absent, "proxy-missing"),
        (ProxyPresence::Down, "proxy-down"),
    ] {
        proxy.set_presence(presence);
        assert!(finding(&look(&place), id).is_some(), "{id}");
    }
}

#[test]
fn an_app_that_nginx_came_too_late_for_is_mended_by_its_file() {
    let (mut place, proxy) = (deployed(), FakeProxy::new());
    place.proxy = Arc::new(proxy);
    is_mended_by(&place, "proxy-sites", "psctl proxy:build-config --all");
    assert_eq!(finding(&look(&place), "proxy").unwrap().0, "fine");
    place.run(&["proxy:set", "shop", "none"]);
    assert_eq!(finding(&look(&place), "proxy-sites"), None);
}

const NOWHERE: [&str; 2] = ["--host", "unix:///nonexistent/engine.sock"];

fn look_at(place: &Place) -> Vec<Value> {
    findings(&place.run(&[&["doctor", "--format", "json"], &NOWHERE[..]].concat()).out)
}

fn shell(command: &str) {
    let ran = Command::new("sh").args(["-c", command]).output().unwrap();
    assert!(ran.status.success(), "{command}: {ran:?}");
}

#[test]
fn without_an_engine_and_without_a_state_it_says_so_and_makes_nothing() {
    let place = Place::new();
    let run = place.run(&[&["doctor"], &NOWHERE[..]].concat());
    assert_eq!((run.code, run.err.as_str()), (1, ""));
    let expected = "=====> psctl doctor\n !     engine-missing: no container engine answers\n";
    assert!(run.out.starts_with(expected), "{}", run.out);
    let found = look_at(&place);
    assert!(finding(&found, "engine-missing").unwrap().1.is_some());
    assert_eq!(finding(&found, "state-missing").unwrap().0, "fine");
    assert!(place.is_untouched());
}

#[test]
fn a_state_directory_that_others_can_enter_is_mended_by_chmod() {
    let place = Place::new().with_app("shop");
    assert_eq!(finding(&look_at(&place), "state").unwrap().0, "fine");
    std::fs::set_permissions(place.state(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let (severity, cure) = finding(&look_at(&place), "state-open").unwrap();
    let cure = cure.unwrap();
    assert_eq!(
        (severity.as_str(), cure.clone()),
        ("wrong", format!("chmod go= {}", place.state().display()))
    );
    let mode = || std::fs::metadata(place.state()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o755);
    shell(&cure);
    assert_eq!((mode(), finding(&look_at(&place), "state-open")), (0o700, None));
}

#[test]
fn a_damaged_database_is_saved_by_the_command_that_is_printed() {
    let place = Place::new().with_app("shop");
    let database = place.state().join("psctl.db");
    let mut bytes = std::fs::read(&database).unwrap();
    // Entries of a page of the schema's own: the check of the whole finds it.
    let half = bytes.len() / 2 / 4096 * 4096;
    bytes[half..half + 8].fill(0xff);
    std::fs::write(&database, bytes).unwrap();
    let (severity, cure) = finding(&look_at(&place), "state-damaged").unwrap();
    assert_eq!(severity, "wrong");
    let has_sqlite = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder: PathBuf| folder.join("sqlite3").is_file());
    if has_sqlite {
        shell(&cure.unwrap());
        assert_eq!(finding(&look_at(&place), "state-damaged"), None);
        let apps = place.run(&["apps:list", "--quiet"]);
        assert_eq!((apps.code, apps.out.as_str()), (0, "shop\n"), "{}", apps.err);
        place.run(&["apps:create", "blog"]);
        assert_eq!(place.run(&["apps:list", "--quiet"]).out, "blog\nshop\n");
    }
}

#[test]
fn every_id_stands_in_the_documentation() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/doctor.md");
    let page = std::fs::read_to_string(path).unwrap();
    for id in ps_core::diagnosis::IDS {
        assert!(page.contains(&format!("| `{id}` |")), "{id}");
    }
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, ps_core::diagnosis::IDS.len());
}
