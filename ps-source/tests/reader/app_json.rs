//! The values of a whole app.json. Invariant: each key that means something is given a value of its own.

use std::num::NonZeroU16;
use std::time::Duration;

use ps_core::checks::{CheckKind, CheckMoment, CheckWeight, PathCheck, Scheme};
use ps_core::manifest::{EnvRequest, EnvRequests, EnvValue, FormationEntry, Manifest, Scripts};

use crate::source_files::{check, read_files, types};

fn entry(quantity: Option<u16>, max_parallel: Option<u16>) -> FormationEntry {
    FormationEntry {
        quantity,
        max_parallel: max_parallel.map(|bound| NonZeroU16::new(bound).unwrap()),
    }
}

const EVERYTHING: &str = r#"{
  "name": "shop", // JSON with comments,
  "formation": { "web": { "quantity": 2, "max_parallel": 1 }, "worker": { "max_parallel": 3 }, "release": { "quantity": 0 } },
  "scripts": { "dokku": { "predeploy": "bin/assets", "postdeploy": "bin/tell" }, "postdeploy": "bin/seed" },
  "healthchecks": {
    "web": [
      {
        "type": "startup", "name": "up", "path": "/health?a=b", "content": "well", "port": 8080, "scheme": "https",
        "httpHeaders": [{ "name": "Host", "value": "shop.example" }],
        "initialDelay": 1, "attempts": 2, "timeout": 3, "wait": 4, "warn": true
      },
      { "type": "liveness", "listening": true, "port": 8081 },
      { "type": "readiness", "path": "/ready" },
    ],
    "worker": [{ "type": "startup", "command": ["bin/check", "-q"] }, { "type": "startup", "uptime": 7 }],
    "cron": [{ "type": "readiness", "path": "/" }]
  },
  "env": {
    "LANG": "C.UTF-8",
    "TOKEN": { "generator": "secret", "required": false },
    "REGION": { "description": "where", "sync": true }
  }, // and trailing commas
}"#;

#[tokio::test]
async fn everything_of_an_app_json_is_told_to_the_core() {
    let source = read_files(&[("Procfile", "web: a\nworker: b\n"), ("app.json", EVERYTHING)]).await;
    let mut up = check(
        "up",
        CheckKind::Path(PathCheck {
            path: "/health?a=b".to_owned(),
            content: Some("well".to_owned()),
            port: Some(8080),
            scheme: Scheme::Https,
            headers: vec![("Host".to_owned(), "shop.example".to_owned())],
        }),
    );
    (up.initial_delay, up.attempts) = (Duration::from_secs(1), 2);
    (up.timeout, up.wait, up.weight) = (Duration::from_secs(3), Duration::from_secs(4), CheckWeight::WarnOnly);
    let mut alive = check("check-2", CheckKind::Listening { port: Some(8081) });
    alive.moment = CheckMoment::Liveness;
    let command = CheckKind::Command(vec!["bin/check".to_owned(), "-q".to_owned()]);
    let of_worker = vec![
        check("check-1", command),
        check("check-2", CheckKind::Uptime(Duration::from_secs(7))),
    ];
    let expected = Manifest {
        formation: types(&[
            ("web", entry(Some(2), Some(1))),
            ("worker", entry(None, Some(3))),
            ("release", entry(Some(0), None)),
        ]),
        scale_file: None,
        scripts: Scripts {
            predeploy: Some("bin/assets".to_owned()),
            postdeploy: Some("bin/tell".to_owned()),
            first_deploy: Some("bin/seed".to_owned()),
        },
        checks: types(&[("web", vec![up, alive]), ("worker", of_worker)]),
    };
    assert_eq!(source.manifest, expected);
    // Readiness checks are left out, and each is told with its place.
    assert_eq!(
        source.warnings,
        [
            "app.json:13:17: healthchecks.web[2].type: `readiness` checks are not run; \
             write `startup` if it should decide when a replica is ready",
            "app.json:16:24: healthchecks.cron[0].type: `readiness` checks are not run; \
             write `startup` if it should decide when a replica is ready",
        ]
    );
}

#[tokio::test]
async fn variables_of_an_app_json_are_told_to_the_core() {
    let source = read_files(&[("app.json", EVERYTHING)]).await;
    let request = |value, is_required| EnvRequest {
        value,
        is_required,
        ..EnvRequest::default()
    };
    let region = EnvRequest {
        description: Some("where".to_owned()),
        is_synced: true,
        ..request(EnvValue::FromUser, true)
    };
    let env = [
        ("LANG", request(EnvValue::Given("C.UTF-8".to_owned()), true)),
        ("TOKEN", request(EnvValue::Secret, false)),
        ("REGION", region),
    ];
    assert_eq!(
        source.env,
        EnvRequests::from(env.map(|(name, request)| (name.to_owned(), request)))
    );
}
