//! app.json, CHECKS and `DOKKU_SCALE` beside a Procfile. Invariant: what is wrong with any of them is told at once, before anything
//! is built.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use ps_core::checks::{CheckKind, CheckMoment, CheckWeight, HealthCheck, PathCheck, Scheme};
use ps_core::manifest::Manifest;
use ps_core::names::ProcessType;
use ps_core::source::{PreparedSource, SourceError, SourceErrorKind, SourcePaths, SourceReader};
use ps_source::{Environment, FileSourceReader};
use tempfile::TempDir;

use crate::directory::app;

const DOCKERFILE: (&str, &str) = ("Dockerfile", "FROM scratch\n");

async fn read(directory: &TempDir, app_json: &str) -> Result<PreparedSource, SourceError> {
    let paths = SourcePaths {
        procfile: "Procfile".to_owned(),
        app_json: app_json.to_owned(),
    };
    FileSourceReader::new(Environment::default())
        .read(
            &"shop".parse().unwrap(),
            &ps_core::release::Source::Directory(directory.path().to_owned()),
            &paths,
        )
        .await
}

/// What a source with these files and a Dockerfile says.
pub(crate) async fn read_files(files: &[(&str, &str)]) -> PreparedSource {
    let directory = app(&[&[DOCKERFILE], files].concat());
    read(&directory, "app.json").await.unwrap()
}

async fn refusal(files: &[(&str, &str)]) -> (SourceErrorKind, String) {
    let directory = app(&[&[DOCKERFILE], files].concat());
    let error = read(&directory, "app.json").await.unwrap_err();
    (error.kind, error.message)
}

/// Entries by process type.
pub(crate) fn types<T: Clone>(entries: &[(&str, T)]) -> BTreeMap<ProcessType, T> {
    let entries = entries.iter().cloned();
    entries.map(|(name, value)| (name.parse().unwrap(), value)).collect()
}

/// A startup check with the usual times.
pub(crate) fn check(name: &str, kind: CheckKind) -> HealthCheck {
    HealthCheck {
        name: Some(name.to_owned()),
        moment: CheckMoment::Startup,
        kind,
        initial_delay: Duration::ZERO,
        attempts: 3,
        timeout: Duration::from_secs(5),
        wait: Duration::from_secs(5),
        weight: CheckWeight::Required,
    }
}

#[tokio::test]
async fn a_source_without_them_says_nothing() {
    for files in [
        &[][..],
        &[("app.json", "")],
        &[("app.json", r#"{ "expo": { "name": "x" } }"#)],
    ] {
        let source = read_files(files).await;
        assert_eq!(source.manifest, Manifest::default());
        assert!(
            source.env.is_empty() && source.warnings.is_empty(),
            "{:?}",
            source.warnings
        );
    }
}

#[tokio::test]
async fn errors_of_all_files_are_told_in_one_run() {
    let (kind, message) = refusal(&[
        ("Procfile", "web a\n"),
        ("app.json", "{ \"formation\": { \"web\": { \"quantity\": \"2\" } } }\n"),
        ("CHECKS", "WAIT=long\n"),
        ("DOKKU_SCALE", "web=-1\n"),
    ])
    .await;
    assert_eq!(kind, SourceErrorKind::InvalidFile);
    let places = ["Procfile:1:4:", "app.json:1:39:", "CHECKS:1:6:", "DOKKU_SCALE:1:5:"];
    let found: Vec<_> = places.iter().map(|place| message.find(place)).collect();
    assert!(found.iter().all(Option::is_some) && found.is_sorted(), "{message}");
    let shown = "app.json:1:39: formation.web.quantity: must be a whole number from 0 to 1000, not a string\n  \
                 1 | { \"formation\": { \"web\": { \"quantity\": \"2\" } } }\n    \
                 |                                       ^^^\n    \
                 = write the number without quotes\n";
    assert!(message.contains(shown), "{message}");
}

#[tokio::test]
async fn files_that_are_too_large_are_refused() {
    let large = "# too much\n".repeat(100_000);
    let (kind, message) = refusal(&[("app.json", &large), ("CHECKS", &large), ("DOKKU_SCALE", &large)]).await;
    assert_eq!(kind, SourceErrorKind::InvalidFile);
    assert_eq!(
        message,
        "app.json: the file is larger than 1 MiB\nCHECKS: the file is larger than 1 MiB\nDOKKU_SCALE: the file is larger than 1 MiB"
    );
}

#[tokio::test]
async fn an_error_shows_no_value_of_a_variable() {
    let (_, message) = refusal(&[("app.json", "{ \"env\": { \"A\": \"hunter2\", \"B\": 12345 } }")]).await;
    assert!(message.contains("app.json:1:33: env.B"), "{message}");
    assert!(!message.contains("hunter2") && !message.contains("12345"), "{message}");
}

#[tokio::test]
async fn checks_hold_for_web_where_app_json_has_none() {
    let expected = |path: &str| {
        let kind = CheckKind::Path(PathCheck {
            path: path.to_owned(),
            content: Some("well".to_owned()),
            port: None,
            scheme: Scheme::Http,
            headers: Vec::new(),
        });
        let mut check = check("check-1", kind);
        (check.attempts, check.timeout, check.wait) = (5, Duration::from_secs(30), Duration::from_secs(2));
        types(&[("web", vec![check])])
    };
    let early = ("CHECKS", "WAIT=2\n/early well\n");
    let source = read_files(&[early]).await;
    assert_eq!(source.manifest.checks, expected("/early"));
    assert_eq!(
        source.warnings,
        ["`CHECKS` is the early form of checks; `healthchecks.web` in app.json says the same and more"]
    );
    // Checks of other types leave web to CHECKS.
    let of_worker = r#"{ "healthchecks": { "web": [], "worker": [{ "type": "startup", "uptime": 1 }] } }"#;
    let source = read_files(&[early, ("app.json", of_worker)]).await;
    assert_eq!(source.manifest.checks.len(), 2);
    assert_eq!(
        source.manifest.checks.get(&ProcessType::web()),
        expected("/early").get(&ProcessType::web())
    );
}

#[tokio::test]
async fn checks_of_app_json_go_before_a_checks_file() {
    let newer = r#"{ "healthchecks": { "web": [{ "type": "startup", "uptime": 3 }] } }"#;
    // The file is not even read.
    let source = read_files(&[("CHECKS", "nonsense\n"), ("app.json", newer)]).await;
    let uptime = check("check-1", CheckKind::Uptime(Duration::from_secs(3)));
    assert_eq!(source.manifest.checks, types(&[("web", vec![uptime])]));
    assert_eq!(
        source.warnings,
        ["`CHECKS` is not read, since `app.json` has checks of web"]
    );
}

#[tokio::test]
async fn a_scale_file_is_told_beside_app_json() {
    let scale = ("DOKKU_SCALE", "# early\nweb=1\nworker=2 # two\n");
    let source = read_files(&[scale]).await;
    assert_eq!(source.manifest.scale_file, Some(types(&[("web", 1), ("worker", 2)])));
    assert!(!source.manifest.owns_scale() && source.warnings.is_empty());
    let source = read_files(&[scale, ("app.json", r#"{ "formation": { "web": { "quantity": 3 } } }"#)]).await;
    assert!(source.manifest.owns_scale());
    assert_eq!(source.manifest.scale_file, Some(types(&[("web", 1), ("worker", 2)])));
    assert_eq!(
        source.warnings,
        ["`DOKKU_SCALE` does nothing, since `app.json` has quantities"]
    );
}

#[tokio::test]
async fn app_json_lies_where_it_is_said_to_lie() {
    let directory = app(&[
        DOCKERFILE,
        ("app.json", "not even JSON"),
        ("deploy/shop.json", r#"{ "scripts": { "postdeploy": "bin/seed" } }"#),
    ]);
    let source = read(&directory, "deploy/shop.json").await.unwrap();
    assert_eq!(source.manifest.scripts.first_deploy.as_deref(), Some("bin/seed"));
    assert!(source.warnings.is_empty(), "{:?}", source.warnings);

    fs::write(directory.path().join("deploy/shop.json"), "{\n  \"scripts\" 1\n}").unwrap();
    let error = read(&directory, "deploy/shop.json").await.unwrap_err();
    assert!(error.message.starts_with("deploy/shop.json:2:"), "{error}");

    let source = read(&directory, "deploy/none.json").await.unwrap();
    assert_eq!(source.manifest, Manifest::default());
    assert_eq!(
        source.warnings,
        [
            "there is no `deploy/none.json` in the source, so the app has no app.json; the usual `app.json` is not looked at"
        ]
    );
    let error = read(&directory, "../app.json").await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Refused);
}
