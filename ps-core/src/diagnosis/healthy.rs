//! A host on which nothing is wrong, for tests.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::*;
use crate::app::{AppRecord, GlobalRecord, Serving};
use crate::labels::replica_labels;
use crate::names::{Generation, OwnerToken};
use crate::policies::RestartPolicy;
use crate::proxy::{ProxyPresence, ProxyState};
use crate::release::ReleaseNumber;
use crate::runtime::{ContainerId, ContainerState, ContainerSummary, EngineDetail, EngineIdentity};

pub(super) const NOW: Duration = Duration::from_secs(1_795_360_344);

pub(super) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + NOW
}

pub(super) fn owner(digit: &str) -> OwnerToken {
    OwnerToken::new(digit.repeat(32)).unwrap()
}

pub(super) fn row(name: &str, owner: &OwnerToken, app: &str, replica: &str, generation: u64) -> ContainerSummary {
    ContainerSummary {
        id: ContainerId(format!("id-{name}")),
        name: name.to_owned(),
        image: "image".to_owned(),
        state: ContainerState::Running,
        labels: replica_labels(
            owner,
            &app.parse().unwrap(),
            &replica.parse().unwrap(),
            ReleaseNumber(1),
            Generation(generation),
        ),
    }
}

/// A deployed app with one container.
pub(super) fn shop() -> AppRecord {
    let mut app = AppRecord::new("shop".parse().unwrap());
    let serving = Serving {
        container: ContainerId("id-shop.web.1".to_owned()),
        generation: Generation(1),
        release: ReleaseNumber(1),
        endpoint: None,
    };
    app.serving.insert("web.1".parse().unwrap(), serving);
    app.next_generation = Generation(5);
    app
}

/// A host on which nothing is wrong.
#[expect(clippy::too_many_lines, reason = "one line for each fact")]
pub(super) fn healthy() -> Facts {
    let disk = Disk {
        what: "the state directory",
        path: "/var/lib".into(),
        free_bytes: 10 << 30,
        free_files: 900,
        all_files: 1000,
        cure: Some("engine image prune --force".to_owned()),
    };
    let ours = owner("a");
    Facts {
        now: Some(now()),
        commands: Commands {
            psctl: "psctl".to_owned(),
            init: Some("psctl init".to_owned()),
            client: Some("engine".to_owned()),
            start_engine: Some("start engine".to_owned()),
            allow_engine: Some("allow engine".to_owned()),
            keep_containers: Some("keep containers".to_owned()),
            start_proxy: Some("start nginx".to_owned()),
            start_listener: Some("start listener".to_owned()),
            become_root: "sudo ".to_owned(),
        },
        engine: EngineFacts {
            found: Some(FoundEngine {
                identity: EngineIdentity {
                    kind: "engine".to_owned(),
                    id: "E".to_owned(),
                    rootless: false,
                    version: "26.1.5".to_owned(),
                },
                address: "unix:///e".to_owned(),
                reason: "usual place".to_owned(),
                detail: Some(EngineDetail {
                    containers_outlive_it: true,
                    now: Some(now()),
                    ..EngineDetail::default()
                }),
                oldest_tested: Some("20.10".to_owned()),
            }),
            ..EngineFacts::default()
        },
        state: StateFacts {
            directory: "/var/lib/psctl".into(),
            database: "/var/lib/psctl/psctl.db".into(),
            exists: true,
            ..StateFacts::default()
        },
        registry: Some(Registry {
            owner: ours.clone(),
            apps: vec![shop()],
            global: GlobalRecord::default(),
            subnet: Some("10.210.0.0/16".parse().unwrap()),
        }),
        containers: Some(vec![row("shop.web.1", &ours, "shop", "web.1", 1)]),
        restart_policies: [(ContainerId("id-shop.web.1".to_owned()), RestartPolicy::on_failure(10))].into(),
        busy: BTreeSet::new(),
        services: ServiceFacts {
            manager: ServiceManager::Running,
            directory: "/units".into(),
            wanted: 4,
            listener_runs: true,
            lingering: Some(("ann".to_owned(), true)),
            ..ServiceFacts::default()
        },
        proxy: Some(ProxyState {
            presence: ProxyPresence::Ready,
            kind: "nginx",
            program: None,
            version: Some("1.22".to_owned()),
            configuration: "/etc/nginx/nginx.conf".into(),
            directory: PathBuf::new(),
            includes_directory: Some(true),
            http_port: 80,
            is_own: false,
            runs: true,
        }),
        missing_sites: BTreeSet::new(),
        disks: vec![disk],
        foreign_routes: Vec::new(),
        failed: Vec::new(),
    }
}
