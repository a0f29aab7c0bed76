//! An app in quarantine stays out of service until its operator starts, restarts or deploys it.

use std::time::SystemTime;

use ps_core::app::GlobalRecord;
use ps_core::config::Config;
use ps_core::crashes::{Crash, CrashKind, Quarantine};
use ps_core::host::Clock;
use ps_core::names::Generation;
use ps_core::operations::ConfigEdit;
use ps_core::plan::Cause;
use ps_core::planning::{Rollout, Selection, Situation, plan_rollout};
use ps_core::policies::{Property, RestartPolicy};
use ps_core::report::Running;
use ps_core::runtime::ContainerRuntime;
use ps_core::store::{Store, StoreChange};

use crate::bench::{Bench, shop};

/// An app with two web replicas that the listener has taken out of service.
async fn quarantined() -> Bench {
    let bench = Bench::new();
    bench.deploy().await;
    bench.scale(&["web=2"]).await;
    for name in ["shop.web.1", "shop.web.2"] {
        let id = bench.engine.container_named(name).unwrap();
        bench
            .engine
            .update_restart_policy(&id, RestartPolicy::No)
            .await
            .unwrap();
        bench
            .engine
            .stop_container(&id, std::time::Duration::from_secs(1))
            .await
            .unwrap();
    }
    let now = bench.engine.clock().now();
    let quarantine = Quarantine {
        cause: "web.1 ended 11 times within 10 minutes".to_owned(),
        since: now,
    };
    let crash = Crash {
        replica: "web.1".parse().unwrap(),
        generation: Generation(1),
        kind: CrashKind::Ended,
        at: now,
    };
    let changes = [
        StoreChange::SetQuarantine {
            app: shop(),
            quarantine: Some(quarantine),
        },
        StoreChange::RecordCrash { app: shop(), crash },
    ];
    bench.store.apply(&changes).await.unwrap();
    bench
}

async fn is_forgiven(bench: &Bench) -> bool {
    let is_over = bench.record().await.quarantine.is_none();
    assert_eq!(is_over, bench.store.crashes(&shop()).await.unwrap().is_empty());
    is_over
}

#[tokio::test]
async fn start_restart_deploy_and_rollback_end_a_quarantine() {
    for verb in ["start", "restart", "deploy", "rollback"] {
        let bench = quarantined().await;
        match verb {
            "start" => drop(bench.operations.start(&shop()).await.unwrap()),
            "restart" => drop(bench.operations.restart(&shop(), None).await.unwrap()),
            "deploy" => drop(bench.deploy().await),
            _ => {
                bench.deploy().await;
                let quarantine = Quarantine {
                    cause: "again".to_owned(),
                    since: bench.engine.clock().now(),
                };
                let again = StoreChange::SetQuarantine {
                    app: shop(),
                    quarantine: Some(quarantine),
                };
                bench.store.apply(&[again]).await.unwrap();
                bench.operations.rollback(&shop(), None).await.unwrap();
            }
        }
        assert!(is_forgiven(&bench).await, "{verb}");
        bench.operations.retire(&shop()).await.unwrap();
        assert_eq!(bench.running().await, ["shop.web.1", "shop.web.2"], "{verb}");
    }
}

#[tokio::test]
async fn what_nobody_asked_for_forgives_nothing() {
    let bench = quarantined().await;
    let record = bench.record().await;
    let release = record.release.clone().unwrap();
    for (cause, forgives) in [
        (Cause::Crashed, false),
        (Cause::Restored, false),
        (Cause::Restarted, true),
    ] {
        let capabilities = bench.engine.capabilities();
        let owner = bench.store.owner().await.unwrap();
        let global = GlobalRecord::default();
        let situation = Situation::new(owner, record.clone(), global, capabilities, SystemTime::UNIX_EPOCH).unwrap();
        let rollout = Rollout {
            release: &release,
            formation: &record.formation,
            selection: Selection::All,
            cause: cause.clone(),
            intent: Vec::new(),
            with_switch: Vec::new(),
        };
        let text = plan_rollout(&situation, rollout).unwrap().to_string();
        assert_eq!(text.contains("the quarantine is over"), forgives, "{cause}: {text}");
    }
}

#[tokio::test]
async fn a_scale_only_stores() {
    let bench = quarantined().await;
    bench.scale(&["web=3", "worker=1"]).await;
    assert_eq!(bench.running().await, Vec::<String>::new());
    assert_eq!(bench.record().await.formation.to_string(), "web=3 worker=1");
    assert!(!is_forgiven(&bench).await);
}

#[tokio::test]
async fn a_config_change_and_a_policy_only_store() {
    let bench = quarantined().await;
    let before = bench.record().await.release.unwrap().number;
    let mut set = Config::default();
    set.set("COLOUR", "green").unwrap();
    let edit = ConfigEdit { set, unset: Vec::new() };
    bench.engine.forget_calls();
    bench.operations.configure(&shop(), &edit, true).await.unwrap();
    bench
        .operations
        .set_property(&shop(), Property::RestartPolicy, Some("always".to_owned()))
        .await
        .unwrap();
    let record = bench.record().await;
    assert_eq!(record.release.unwrap().number, before);
    assert_eq!(record.config.get("COLOUR"), Some("green"));
    for call in ["start_container", "create_container", "update_restart_policy"] {
        assert!(bench.engine.calls_of(call).is_empty(), "{call}");
    }
    assert!(!is_forgiven(&bench).await);
}

#[tokio::test]
async fn a_rename_starts_nothing() {
    let bench = quarantined().await;
    let to = "boutique".parse().unwrap();
    bench.operations.rename_app(&shop(), &to).await.unwrap();
    assert_eq!(bench.running().await, Vec::<String>::new());
    assert!(bench.store.app(&to).await.unwrap().quarantine.is_some());
    bench.operations.start(&to).await.unwrap();
    assert_eq!(bench.running().await, ["boutique.web.1", "boutique.web.2"]);
}

#[tokio::test]
async fn a_report_says_why_nothing_runs() {
    let bench = quarantined().await;
    let report = bench.operations.report(&[shop()]).await.unwrap().remove(0);
    let quarantine = report.quarantine.unwrap();
    assert_eq!(quarantine.cause, "web.1 ended 11 times within 10 minutes");
    assert_eq!(report.running, Running::None);
    for (replica, one) in &report.replicas {
        assert!(!one.is_wanted, "{replica}");
        assert_eq!(one.difference.as_deref(), Some("it is in quarantine"), "{replica}");
    }
    bench.operations.start(&shop()).await.unwrap();
    let report = bench.operations.report(&[shop()]).await.unwrap().remove(0);
    assert_eq!((report.quarantine, report.running), (None, Running::All));
}
