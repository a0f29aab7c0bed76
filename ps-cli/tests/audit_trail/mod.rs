//! `events`: what commands leave in the audit trail of the real store, and how it is shown and followed.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up fails"
)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::in_process::Place;

/// The trail, one line an entry: `shop ps:scale done scaled web=3`.
fn shown(place: &Place, words: &[&str]) -> Vec<String> {
    let lines = place.run(words);
    assert_eq!((lines.code, lines.err.as_str()), (0, ""), "{words:?}");
    assert!(
        lines.out.lines().all(|line| line.chars().count() <= 80),
        "{}",
        lines.out
    );
    let run = place.run(&[words, &["--format", "json"]].concat());
    let document: Value = serde_json::from_str(&run.out).unwrap();
    let events = document["events"].as_array().unwrap().iter();
    events
        .map(|event| {
            assert!(lines.out.contains(event["by"].as_str().unwrap()));
            let keys = ["app", "verb", "outcome", "text"];
            keys.map(|key| event[key].as_str().unwrap_or("-")).join(" ")
        })
        .collect()
}

#[test]
fn commands_that_only_store_leave_an_entry_each() {
    let place = Place::new().with_app("shop");
    for words in [
        &["ps:set", "shop", "init", "false"][..],
        &["ps:set", "shop", "init"],
        &["ps:set", "--global", "stop-timeout-seconds", "20"],
        &["checks:skip", "shop", "web"],
        &["checks:enable", "shop", "web"],
        &["checks:enable", "shop", "web"],
        &["ps:scale", "shop", "web=2"],
        &["config:set", "shop", "A=first-secret", "B=second-secret"],
        &["config:set", "shop", "A=first-secret"],
        &["config:unset", "shop", "A"],
        &["config:set", "--global", "C=third-secret"],
        &["releases:set", "shop", "keep", "3"],
    ] {
        assert_eq!(place.run(words).code, 0, "{words:?}");
    }
    let expected = [
        "shop apps:create done created",
        "shop ps:set done set init to false",
        "shop ps:set done cleared init",
        "- ps:set done set stop-timeout-seconds to 20",
        "shop checks:skip done skipped checks of web",
        "shop checks:enable done enabled checks of web",
        "shop checks:enable done nothing to do",
        "shop ps:scale done scaled web=2, without changing containers",
        "shop config:set done set 2 config variables (A, B)",
        "shop config:set done nothing to do",
        "shop config:unset done removed 1 config variable (A)",
        "- config:set done set 1 config variable (C)",
        "shop releases:set done set keep to 3",
    ];
    let lines = shown(&place, &["events"]);
    assert_eq!(lines.join("\n"), expected.join("\n"));
    assert_eq!(shown(&place, &["events", "-n", "1"]), expected[12..]);
    let of_shop = shown(&place, &["events", "shop"]);
    assert!(of_shop.iter().all(|line| !line.starts_with('-')), "{of_shop:#?}");
    let json = place.run(&["events", "--format", "json"]).out;
    assert!(!json.contains("secret"), "{json}");
}

#[test]
fn dry_runs_mistyped_names_and_reading_leave_none() {
    let place = Place::new();
    let empty = place.run(&["events"]);
    assert_eq!((empty.code, empty.out.as_str()), (0, ""));
    assert!(empty.err.contains("nothing has happened yet"), "{}", empty.err);
    assert_eq!(place.run(&["events", "shop"]).code, 20);
    assert_eq!(place.run(&["apps:create", "shop", "--dry-run"]).code, 0);
    assert!(place.is_untouched());
    let place = place.with_app("shop");
    place.run(&["ps:set", "shop", "init", "false", "--dry-run"]);
    place.run(&["ps:set", "shpo", "init", "false"]);
    place.run(&["ps:set", "shop", "nosuch", "1"]);
    place.run(&["apps:list"]);
    assert_eq!(shown(&place, &["events"]).len(), 1);
    assert_eq!(place.run(&["events", "shpo"]).code, 20);
}

#[test]
fn a_locked_app_is_told_as_a_failure() {
    let place = Place::new().with_app("shop");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = ps_store_sqlite::SqliteStore::open(&place.state()).unwrap();
    let (app, kind) = ("shop".parse().unwrap(), ps_core::store::LockKind::Change);
    let lock = ps_core::store::Store::lock_app(&store, &app, kind, "deploy", std::time::Duration::ZERO);
    let _held = runtime.block_on(lock).unwrap();
    let run = place.run(&["checks:skip", "shop", "web", "--lock-timeout", "0"]);
    assert_eq!(run.code, 5, "{}", run.err);
    let text = shown(&place, &["events", "-n", "1"]).join(" ");
    assert!(text.starts_with("shop checks:skip failed"), "{text}");
}

#[test]
fn a_reader_that_follows_sees_what_happens_and_ends_at_ctrl_c() {
    let place = Place::new().with_app("shop");
    for format in ["stdout", "json"] {
        let mut process = Command::new(env!("CARGO_BIN_EXE_psctl"))
            .args(["events", "-f", "-n", "1", "--format", format, "--state-dir"])
            .arg(place.state())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map(Ended)
            .unwrap();
        let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
        lines.next().unwrap().unwrap();
        let value = if format == "json" { "true" } else { "false" };
        assert_eq!(place.run(&["ps:set", "shop", "init", value]).code, 0);
        let line = lines.next().unwrap().unwrap();
        assert!(line.contains(&format!("set init to {value}")), "{line}");
        if format == "json" {
            let event: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(event["verb"], "ps:set");
        }
        let id = Pid::from_child(&process.0);
        kill_process(id, Signal::INT).unwrap();
        assert_eq!(process.0.wait().unwrap().code(), Some(130), "{format}");
        assert!(lines.next().is_none());
    }
}

/// A process that ends with its test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
