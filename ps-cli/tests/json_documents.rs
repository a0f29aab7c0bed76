//! The published JSON of `docs/json`: what commands print over the fake engine equals the golden files, and both keep their
//! schemas. A schema's rules that this file does not know fail it, so that none is passed over.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

mod fake_adapters;

use std::path::PathBuf;

use fake_adapters::FakePlace;
use serde_json::Value;

fn published(file: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../docs/json")
        .join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A deployed app with a replica that stopped by itself, and one that was never deployed.
fn place() -> FakePlace {
    let place = FakePlace::new(&[("web", "serve --port $PORT"), ("worker", "work")]);
    for words in [
        &["apps:create", "blog"][..],
        &["checks:skip", "blog", "worker"],
        &["checks:disable", "blog", "cron"],
        &["checks:set", "--global", "wait-to-retire", "30"],
        &["checks:set", "blog", "default-wait", "5"],
        &["deploy", "shop", "."],
        &["ps:set", "--global", "stop-timeout-seconds", "20"],
        &["ps:set", "shop", "stop-timeout-seconds", "5"],
        &["ps:scale", "shop", "web=2"],
        &["ps:scale", "shop", "worker=1"],
    ] {
        place.run(words);
    }
    place.stop("shop.web.2");
    place
}

/// An app with releases that are kept and one that is not.
fn place_with_releases() -> FakePlace {
    let place = FakePlace::new(&[("web", "serve --port $PORT")]);
    place.add_image("registry.example/shop:1");
    for words in [
        &["git:from-image", "shop", "registry.example/shop:1"][..],
        &["config:set", "shop", "COLOUR=green"],
        &["releases:set", "shop", "keep", "2"],
        &["ps:rollback", "shop", "v1"],
    ] {
        place.run(&[words, &["--wait-retired"]].concat());
    }
    place
}

fn check_published(name: &str, words: &[&str]) {
    check_published_of(&place(), name, words);
}

fn check_published_of(place: &FakePlace, name: &str, words: &[&str]) {
    check_text(name, &place.run(words));
}

fn check_text(name: &str, printed: &str) {
    let printed: Value = serde_json::from_str(printed).unwrap();
    if std::env::var_os("PSCTL_WRITE_GOLDEN").is_some() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/json/{name}.golden.json"));
        std::fs::write(path, format!("{}\n", serde_json::to_string_pretty(&printed).unwrap())).unwrap();
    }
    let schema = published(&format!("{name}.schema.json"));
    let golden = published(&format!("{name}.golden.json"));
    assert_eq!(
        printed, golden,
        "{name}: if this change is meant, set PSCTL_WRITE_GOLDEN=1"
    );
    assert_eq!(faults(&schema, &schema, &golden, name), Vec::<String>::new());
}

#[test]
fn the_report_is_as_published() {
    check_published("psctl.report-1", &["ps:report", "--format", "json"]);
}

#[test]
fn the_formation_is_as_published() {
    check_published("psctl.scale-1", &["ps:scale", "shop", "--format", "json"]);
}

#[test]
fn the_list_of_apps_is_as_published() {
    check_published("psctl.apps-1", &["apps:list", "--format", "json"]);
}

#[test]
fn the_domains_are_as_published() {
    let place = place();
    place.run(&["domains:set", "--global", "example.com"]);
    place.run(&["domains:add", "shop", "www.shop.example", "shop.example"]);
    check_published_of(&place, "psctl.domains-1", &["domains:report", "--format", "json"]);
}

#[test]
fn the_proxy_is_as_published() {
    let place = place();
    place.run(&["ps:scale", "shop", "web=1"]);
    place.run(&["ports:publish", "shop", "8001"]);
    place.run(&["proxy:set", "--global", "client-max-body-size", "2m"]);
    place.run(&["proxy:set", "shop", "none"]);
    check_published_of(&place, "psctl.proxy-1", &["proxy:report", "--format", "json"]);
}

#[test]
fn the_checks_are_as_published() {
    check_published("psctl.checks-1", &["checks:report", "--format", "json"]);
}

#[test]
fn a_procfile_is_as_published() {
    let source = b"web: node web.js # the site\nworker_2: work\nclock: echo 'a # b'\nlegacy: caf\xe9\nrelease\n";
    let words = ["procfile:check", "-", "--format", "json"];
    check_text("psctl.procfile-1", &place().run_with_input(&words, source, 4));
}

#[test]
fn every_other_procfile_keeps_the_published_schema() {
    let schema = published("psctl.procfile-1.schema.json");
    let fits = |printed: &str| {
        let printed = serde_json::from_str(printed).unwrap();
        assert_eq!(faults(&schema, &schema, &printed, "procfile"), Vec::<String>::new());
    };
    let place = place();
    fits(&place.run(&["procfile:list", "shop", "--format", "json"]));
    let large = b"#".repeat(1024 * 1024 + 1);
    for (source, exit_code) in [(&b"web: a\n"[..], 0), (b"# empty\n", 4), (&large, 4)] {
        fits(&place.run_with_input(&["procfile:show", "-", "--format", "json"], source, exit_code));
    }
}

#[test]
fn the_releases_are_as_published() {
    let words = ["releases", "shop", "--format", "json"];
    check_published_of(&place_with_releases(), "psctl.releases-1", &words);
}

#[test]
fn the_report_of_a_restore_is_as_published() {
    let place = place();
    check_published_of(&place, "psctl.restore-1", &["ps:restore", "--all", "--format", "json"]);
}

#[test]
fn every_other_report_of_a_restore_keeps_the_published_schema() {
    let schema = published("psctl.restore-1.schema.json");
    let fits = |place: &FakePlace, words: &[&str]| {
        let printed = serde_json::from_str(&place.run(words)).unwrap();
        assert_eq!(faults(&schema, &schema, &printed, "restore"), Vec::<String>::new());
    };
    let json = ["--format", "json"];
    let place = place();
    place.run(&["ps:stop", "shop"]);
    fits(&place, &[&["ps:restore", "shop"][..], &json].concat());
    fits(&place, &[&["--dry-run", "ps:restore"][..], &json].concat());
    let empty = FakePlace::new(&[("web", "serve --port $PORT")]);
    fits(&empty, &[&["ps:restore"][..], &json].concat());
}

#[test]
fn the_audit_trail_is_as_published() {
    let place = place();
    place.run_with_input(&["ps:restart", "shop", "nosuch"], b"", 2);
    check_published_of(&place, "psctl.events-1", &["events", "--format", "json"]);
}

#[test]
fn a_quarantine_is_reported_with_its_cause() {
    let place = place();
    place.quarantine("shop", "web.1 ended 11 times within 10 minutes");
    let schema = published("psctl.report-1.schema.json");
    let printed = serde_json::from_str(&place.run(&["ps:report", "--format", "json"])).unwrap();
    assert_eq!(faults(&schema, &schema, &printed, "report"), Vec::<String>::new());
    let quarantine = &printed["apps"][1]["quarantine"];
    assert_eq!(quarantine["cause"], "web.1 ended 11 times within 10 minutes");
    assert_eq!(printed["apps"][0]["quarantine"], Value::Null);
    let text = place.run(&["ps:report", "shop"]);
    let line = "\n       Quarantine:                       web.1 ended 11 times within 10 minutes\n       Release:";
    assert!(text.contains(line), "{text}");
    assert_eq!(
        place.run(&["ps:report", "shop", "--quarantine"]),
        "web.1 ended 11 times within 10 minutes\n"
    );
    assert_eq!(place.run(&["ps:report", "blog", "--quarantine"]), "\n");
    assert!(
        !place
            .run(&["ps:report", "shop", "--format", "dokku"])
            .contains("quarantine")
    );
}

#[test]
fn a_config_change_in_quarantine_only_stores() {
    let place = place();
    place.quarantine("shop", "web.1 ended 11 times within 10 minutes");
    place.run(&["config:set", "shop", "COLOUR=green"]);
    assert_eq!(place.run(&["ps:report", "shop", "--release"]), "v1\n");
    assert_eq!(place.run(&["config:get", "shop", "COLOUR"]), "green\n");
    place.run(&["ps:restart", "shop"]);
    assert_eq!(place.run(&["ps:report", "shop", "--quarantine"]), "\n");
    assert_eq!(place.run(&["ps:report", "shop", "--release"]), "v2\n");
}

#[test]
fn what_doctor_finds_is_as_published() {
    let facts = ps_core::diagnosis::Facts {
        now: Some(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_795_360_344)),
        ..ps_core::diagnosis::Facts::default()
    };
    let findings = ps_core::diagnosis::diagnose(&facts);
    let document = ps_cli::rendering::doctor::DoctorView::new(&findings).document();
    check_text("psctl.doctor-1", &document.to_string());
    // What it finds depends on the machine.
    let (_, printed, _) = place().end_of(&["doctor", "--format", "json"], b"");
    let schema = published("psctl.doctor-1.schema.json");
    let printed = serde_json::from_str(&printed).unwrap();
    assert_eq!(faults(&schema, &schema, &printed, "doctor"), Vec::<String>::new());
}

#[test]
fn the_run_containers_are_as_published() {
    let place = place();
    place.run(&["run", "--detach", "--ttl-seconds", "3600", "shop", "rake", "tidy"]);
    check_published_of(&place, "psctl.runs-1", &["run:list", "shop", "--format", "json"]);
}

#[test]
fn the_links_are_as_published() {
    let place = place();
    place.add_container("postgres");
    place.add_container("redis-7");
    place.run(&["links:add", "shop", "postgres:db"]);
    place.run(&["links:add", "shop", "redis-7", "--no-restart"]);
    let table = "=====> shop links
alias    container  state    connected
db       postgres   running  yes
redis-7  redis-7    running  no
";
    assert_eq!(place.run(&["links:list", "shop"]), table);
    check_published_of(&place, "psctl.links-1", &["links:list", "shop", "--format", "json"]);
    place.run_with_input(&["links:add", "shop", "nobody"], b"", 1);
    place.run_with_input(&["links:add", "shop", "postgres:redis-7"], b"", 1);
    place.run_with_input(&["links:remove", "shop", "postgres:other"], b"", 2);
    place.run(&["links:remove", "shop", "postgres", "--wait-retired"]);
    place.run(&["links:remove", "shop", "redis-7:redis-7"]);
}

#[test]
fn what_checks_brought_is_as_published() {
    let words = ["checks:run", "shop", "--format", "json"];
    check_text("psctl.checks-run-1", &place().run_with_input(&words, b"", 8));
}

#[test]
fn checks_that_are_run_are_told_one_a_line() {
    let place = place();
    let expected = "=====> shop checks
       worker.1: uptime 10 s: passed
";
    assert_eq!(place.run(&["checks:run", "shop", "worker"]), expected);
    let printed = place.run_with_input(&["checks:run", "shop", "web.1,web.2", "worker.1"], b"", 8);
    let expected = "=====> shop checks
       web.1: uptime 10 s, or listening on 5000: warning, it does not listen on port 5000; set PORT, or let it listen there
       web.2: uptime 10 s, or listening on 5000: failed, it does not run
       worker.1: uptime 10 s: passed
";
    assert_eq!(printed, expected);
}

#[test]
fn what_breaks_a_schema_is_found() {
    let schema = published("psctl.report-1.schema.json");
    let golden = published("psctl.report-1.golden.json");
    let breaks: [fn(&mut Value); 5] = [
        |report| report["schema"] = "psctl.report/2".into(),
        |report| report["apps"][1]["running"] = true.into(),
        |report| report["apps"][1]["replicas"][0]["port"] = 70_000.into(),
        |report| report["apps"][1]["replicas"][0]["novelty"] = 1.into(),
        |report| {
            report["apps"][0].as_object_mut().unwrap().remove("formation");
        },
    ];
    for (number, change) in breaks.into_iter().enumerate() {
        let mut report = golden.clone();
        change(&mut report);
        assert_eq!(faults(&schema, &schema, &report, "report").len(), 1, "{number}");
    }
}

/// What in `value` breaks `schema`; `root` is where references lead.
fn faults(root: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (rule, wanted) in schema.as_object().unwrap() {
        let keeps = match rule.as_str() {
            "$ref" => {
                let path = wanted.as_str().unwrap().trim_start_matches('#');
                found.extend(faults(root, root.pointer(path).unwrap(), value, place));
                true
            }
            "properties" => {
                for (key, schema) in wanted.as_object().unwrap() {
                    let inner = value
                        .get(key)
                        .map(|value| faults(root, schema, value, &format!("{place}.{key}")));
                    found.extend(inner.into_iter().flatten());
                }
                true
            }
            "additionalProperties" => {
                found.extend(additional(root, schema, wanted, value, place));
                true
            }
            "items" => {
                let items = value.as_array().unwrap().iter().enumerate();
                found.extend(items.flat_map(|(at, item)| faults(root, wanted, item, &format!("{place}[{at}]"))));
                true
            }
            "required" => {
                let mut keys = wanted.as_array().unwrap().iter();
                !value.is_object() || keys.all(|key| value.get(key.as_str().unwrap()).is_some())
            }
            "type" => match wanted {
                Value::Array(types) => types.iter().any(|word| has_type(value, word)),
                one => has_type(value, one),
            },
            "const" => value == wanted,
            "enum" => wanted.as_array().unwrap().contains(value),
            "minimum" => value.is_null() || value.as_f64() >= wanted.as_f64(),
            "maximum" => value.is_null() || value.as_f64() <= wanted.as_f64(),
            "$schema" | "$defs" | "title" | "description" => true,
            unknown => panic!("this test does not know the rule {unknown}"),
        };
        if !keeps {
            found.push(format!("{place} breaks {rule} {wanted}: {value}"));
        }
    }
    found
}

fn additional(root: &Value, schema: &Value, wanted: &Value, value: &Value, place: &str) -> Vec<String> {
    let known = |key: &str| schema.get("properties").is_some_and(|known| known.get(key).is_some());
    let others = value.as_object().into_iter().flatten().filter(|(key, _)| !known(key));
    others
        .flat_map(|(key, value)| match wanted {
            Value::Bool(false) => vec![format!("{place}.{key} is not in the schema")],
            wanted => faults(root, wanted, value, &format!("{place}.{key}")),
        })
        .collect()
}

fn has_type(value: &Value, word: &Value) -> bool {
    match word.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        unknown => panic!("this test does not know the type {unknown}"),
    }
}
