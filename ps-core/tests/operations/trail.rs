//! What use cases leave in the audit trail.

use std::path::PathBuf;
use std::time::Duration;

use ps_core::audit::AuditOutcome;
use ps_core::checks::{CheckMoment, HealthCheck};
use ps_core::config::Config;
use ps_core::formation::parse_scale;
use ps_core::operations::{ConfigEdit, OperationOptions, RunRequest};
use ps_core::policies::Property;
use ps_core::release::{ReleaseNumber, Source};
use ps_core::runtime::{RuntimeErrorKind, TerminalMode};
use ps_core::store::{LockKind, Store, StoreChange};
use ps_core::testing::{Behaviour, FakeAnswer, Fault, FaultEffect};

use crate::bench::{Bench, shop};
use crate::checks::{path, set_checks};
use crate::listener::while_listening;

/// The trail, one line an entry: `ps:scale done scaled web=2`.
async fn trail(bench: &Bench) -> Vec<String> {
    let entries = bench.store.read_audit(None, 0, 99).await.unwrap();
    let line = |entry: ps_core::audit::NumberedAuditEntry| {
        let entry = entry.entry;
        format!("{} {} {}", entry.verb, entry.outcome, entry.text)
    };
    entries.into_iter().map(line).collect()
}

fn edit(name: &str, value: &str) -> ConfigEdit {
    let mut set = Config::default();
    set.set(name, value).unwrap();
    ConfigEdit { set, unset: Vec::new() }
}

#[tokio::test]
async fn every_changing_use_case_leaves_one_entry() {
    let bench = Bench::new();
    let operations = &bench.operations;
    bench.deploy().await;
    bench.scale(&["web=2", "worker+=1"]).await;
    bench.scale(&["web=2"]).await;
    operations.restart(&shop(), None).await.unwrap();
    operations.restart(&shop(), Some("web.2")).await.unwrap();
    operations.retire(&shop()).await.unwrap();
    operations.retire(&shop()).await.unwrap();
    operations
        .configure(&shop(), &edit("COLOUR", "green"), true)
        .await
        .unwrap();
    operations
        .set_property(&shop(), Property::RestartPolicy, Some("always".to_owned()))
        .await
        .unwrap();
    operations.rollback(&shop(), Some(ReleaseNumber(1))).await.unwrap();
    operations.stop(&shop()).await.unwrap();
    operations.stop(&shop()).await.unwrap();
    operations.start(&shop()).await.unwrap();
    let to = "boutique".parse().unwrap();
    operations.rename_app(&shop(), &to).await.unwrap();
    operations.destroy_app(&to).await.unwrap();
    let expected = [
        "deploy done deployed v1",
        "ps:scale done scaled web=2 worker=1",
        "ps:scale done nothing to do",
        "ps:restart done restarted",
        "ps:restart done restarted web.2",
        "ps:retire done removed 4 containers",
        "config:set done set 1 config variable (COLOUR)",
        "ps:set done set restart-policy to always",
        "ps:rollback done put v1 back as v3",
        "ps:stop done stopped",
        "ps:stop done nothing to do",
        "ps:start done started",
        "apps:rename done renamed shop to boutique",
        "apps:destroy done destroyed",
    ];
    assert_eq!(trail(&bench).await, expected);
}

#[tokio::test]
async fn entries_say_of_which_app_when_and_by_whom() {
    let bench = Bench::new();
    let options = OperationOptions {
        by: Some("alice".to_owned()),
        ..OperationOptions::default()
    };
    let operations = bench.with_options(options);
    let source = Source::Directory(PathBuf::from("/src"));
    operations.deploy(&shop(), Some(source)).await.unwrap();
    operations.configure_all(&edit("REGION", "north")).await.unwrap();
    let entries = bench.store.read_audit(None, 0, 9).await.unwrap();
    let [deploy, all] = [&entries[0].entry, &entries[1].entry];
    assert_eq!(
        (deploy.app.as_ref(), deploy.by.as_deref()),
        (Some(&shop()), Some("alice"))
    );
    assert_eq!((all.app.as_ref(), all.by.as_deref()), (None, Some("alice")));
    assert!(deploy.at <= all.at);
    assert_eq!(deploy.outcome, AuditOutcome::Done);
}

#[tokio::test]
async fn a_one_off_is_told_by_its_program_alone() {
    let bench = Bench::new();
    bench.deploy().await;
    for command in [&["rake", "--token=t0psecret"][..], &["rake --token=t0psecret"]] {
        let request = RunRequest {
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            terminal: TerminalMode::Detached,
            time_to_live: Duration::from_secs(60),
        };
        bench.operations.run_detached(&shop(), &request).await.unwrap();
    }
    bench.operations.stop_runs(&shop(), None).await.unwrap();
    let expected = [
        "run done started rake",
        "run done started rake",
        "run:stop done removed 2 containers",
    ];
    assert_eq!(trail(&bench).await[1..], expected);
}

#[tokio::test]
async fn a_failure_is_told_with_its_causes() {
    let bench = Bench::new();
    bench.deploy().await;
    let fault = Fault::new(FaultEffect::Fail(RuntimeErrorKind::Unexpected)).on_method("start_container");
    bench.engine.inject(fault.nth(1));
    let changes = parse_scale(&["web=2"]).unwrap();
    bench.operations.scale(&shop(), &changes, false).await.unwrap_err();
    let line = trail(&bench).await.pop().unwrap();
    assert!(
        line.starts_with("ps:scale failed could not start shop.web.2: "),
        "{line}"
    );
}

#[tokio::test]
async fn no_config_value_gets_into_the_trail() {
    let bench = Bench::new();
    bench.deploy().await;
    bench
        .operations
        .configure(&shop(), &edit("TOKEN", "t0psecret"), true)
        .await
        .unwrap();
    // An error repeats what it was given, and here that is a value.
    for word in ["t0psecret", "web.t0psecret"] {
        bench.operations.restart(&shop(), Some(word)).await.unwrap_err();
    }
    let mut unset = edit("OTHER", "an0ther-secret");
    unset.unset = vec!["TOKEN".to_owned()];
    bench.operations.configure(&shop(), &unset, false).await.unwrap();
    bench
        .operations
        .restart(&shop(), Some("an0ther-secret"))
        .await
        .unwrap_err();
    let text = trail(&bench).await.join("\n");
    assert!(text.contains("failed"), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[tokio::test]
async fn no_config_value_gets_into_what_the_listener_writes_and_tells() {
    let bench = Bench::new();
    let liveness = HealthCheck {
        moment: CheckMoment::Liveness,
        ..path("/alive")
    };
    set_checks(&bench, [("web", vec![path("/ready?key=t0psecret"), liveness])]);
    for asked in ["/ready?key=t0psecret", "/alive"] {
        bench.prober.answer(asked, FakeAnswer::Status(200));
    }
    let listens = Behaviour::ListensAfter(Duration::ZERO, 5000);
    bench.engine.on_start("shop.web.1*", listens);
    bench.deploy().await;
    bench
        .operations
        .configure(&shop(), &edit("TOKEN", "t0psecret"), true)
        .await
        .unwrap();
    let ears = while_listening(&bench, async |_| {
        // The error of the replacement repeats the path of its check.
        for asked in ["/ready?key=t0psecret", "/alive"] {
            bench.prober.answer(asked, FakeAnswer::Status(503));
        }
        bench.pause(60).await;
    })
    .await;
    let text = trail(&bench).await.join("\n");
    assert!(text.contains("events:listen failed could not replace web.1"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    let told = ears.lines().join("\n");
    assert!(told.contains("/ready?key=XXXXXX"), "{told}");
    assert!(!told.contains("secret"), "{told}");
}

#[tokio::test]
async fn an_interrupted_command_says_so_and_no_more() {
    let bench = Bench::new();
    bench.deploy().await;
    bench.cancellation.cancel();
    let ended = bench.operations.restart(&shop(), None).await;
    ended.unwrap_err();
    assert_eq!(trail(&bench).await[1..], ["ps:restart failed interrupted"]);
}

#[tokio::test]
async fn a_dry_run_and_a_mistyped_name_leave_no_entry() {
    let bench = Bench::new();
    bench.deploy().await;
    let before = trail(&bench).await;
    bench.dry.restart(&shop(), None).await.unwrap();
    bench.dry.stop(&shop()).await.unwrap();
    bench.dry.configure(&shop(), &edit("A", "1"), true).await.unwrap();
    bench.dry.configure_all(&edit("A", "1")).await.unwrap();
    bench
        .dry
        .scale(&shop(), &parse_scale(&["nosuch=3"]).unwrap(), false)
        .await
        .unwrap_err();
    bench
        .operations
        .restart(&"shpo".parse().unwrap(), None)
        .await
        .unwrap_err();
    assert_eq!(trail(&bench).await, before);
}

#[tokio::test]
async fn a_command_that_finds_the_app_locked_is_told_too() {
    let bench = Bench::new();
    bench.deploy().await;
    let _held = bench
        .store
        .lock_app(&shop(), LockKind::Change, "deploy", Duration::ZERO)
        .await
        .unwrap();
    bench.operations.stop(&shop()).await.unwrap_err();
    let line = trail(&bench).await.pop().unwrap();
    assert!(line.starts_with("ps:stop failed shop is locked by deploy"), "{line}");
}

#[tokio::test]
async fn a_trail_that_cannot_be_written_fails_nothing() {
    let bench = Bench::new();
    bench.store.fail_audits();
    bench.deploy().await;
    assert_eq!(bench.running().await, ["shop.web.1"]);
    assert_eq!(trail(&bench).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_app_that_was_never_deployed_is_told_as_nothing_done() {
    let bench = Bench::new();
    bench.store.apply(&[StoreChange::CreateApp(shop())]).await.unwrap();
    bench.operations.start(&shop()).await.unwrap();
    assert_eq!(
        trail(&bench).await,
        ["ps:start done nothing: the app was never deployed"]
    );
}
