//! A table of cases: what is found, and the finding and the command that come of it.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use super::*;
use crate::app::{AppRecord, Retirement};
use crate::crashes::Quarantine;
use crate::names::{Generation, Replica};
use crate::policies::{Property, RestartPolicy};
use crate::proxy::{ProxyPresence, ProxyState};
use crate::runtime::{ContainerId, ContainerSummary, EngineDetail};

use super::healthy::*;

fn app(facts: &mut Facts) -> &mut AppRecord {
    facts.registry.as_mut().unwrap().apps.first_mut().unwrap()
}

fn rows(facts: &mut Facts) -> &mut Vec<ContainerSummary> {
    facts.containers.as_mut().unwrap()
}

fn routed(facts: &mut Facts) -> &mut ProxyState {
    app(facts).routed = Some(BTreeSet::new());
    facts.proxy.as_mut().unwrap()
}

type Cause = fn(&mut Facts);
use Severity::{Advice, Wrong};

/// What makes a finding, the finding, and what mends it.
const CASES: [(Cause, Severity, &str, Option<&str>); 47] = [
    (|f| f.engine.found = None, Wrong, "engine-missing", Some("start engine")),
    (
        |f| (f.engine.found, f.engine.is_denied) = (None, true),
        Wrong,
        "engine-permission",
        Some("allow engine"),
    ),
    (
        |f| (f.engine.found, f.engine.starts_by_itself) = (None, true),
        Advice,
        "engine-asleep",
        Some("start engine"),
    ),
    (
        |f| found(f).identity.version = "19.3.1".to_owned(),
        Advice,
        "engine-version",
        None,
    ),
    (
        |f| detail(f).containers_outlive_it = false,
        Advice,
        "live-restore",
        Some("keep containers"),
    ),
    (
        |f| detail(f).now = Some(now() + Duration::from_secs(9)),
        Wrong,
        "engine-clock",
        Some("sudo timedatectl set-ntp true"),
    ),
    (
        |f| detail(f).now = Some(now() - Duration::from_secs(9)),
        Wrong,
        "engine-clock",
        Some("sudo timedatectl set-ntp true"),
    ),
    (
        |f| {
            f.now = Some(SystemTime::UNIX_EPOCH);
            detail(f).now = f.now;
        },
        Wrong,
        "clock",
        Some("sudo timedatectl set-ntp true"),
    ),
    (
        |f| disk(f).free_bytes = 200 << 20,
        Wrong,
        "disk",
        Some("engine image prune --force"),
    ),
    (
        |f| disk(f).free_bytes = 1 << 30,
        Advice,
        "disk",
        Some("engine image prune --force"),
    ),
    (
        |f| disk(f).free_files = 9,
        Wrong,
        "disk",
        Some("engine image prune --force"),
    ),
    (
        |f| disk(f).free_files = 49,
        Advice,
        "disk",
        Some("engine image prune --force"),
    ),
    (
        |f| f.foreign_routes = vec![("10.210.4.0/24".parse().unwrap(), "tun0".to_owned())],
        Wrong,
        "routes",
        Some("sudo ip route del 10.210.4.0/24 dev tun0"),
    ),
    (
        |f| f.state.failure = Some("no".to_owned()),
        Wrong,
        "state-unusable",
        None,
    ),
    (
        |f| (f.state.other_owner, f.state.user) = (Some(7), 1000),
        Wrong,
        "state-owner",
        Some("sudo chown -R 1000 /var/lib/psctl"),
    ),
    (
        |f| f.state.open_to_others = vec!["/var/lib/psctl".into(), "/a b".into()],
        Wrong,
        "state-open",
        Some("chmod go= /var/lib/psctl '/a b'"),
    ),
    (
        |f| f.state.file_system = FileSystem::Memory,
        Wrong,
        "state-volatile",
        None,
    ),
    (
        |f| f.state.file_system = FileSystem::Network("NFS"),
        Wrong,
        "state-network",
        None,
    ),
    (
        |f| f.state.damage = vec!["page 3".to_owned()],
        Wrong,
        "state-damaged",
        Some(
            "rm -f /var/lib/psctl/psctl.db.saved && { sqlite3 /var/lib/psctl/psctl.db .dump | \
             sed 's/^ROLLBACK;.*/COMMIT;/'; sqlite3 /var/lib/psctl/psctl.db \"SELECT 'PRAGMA user_version = ' || \
             user_version FROM pragma_user_version\"; } | sqlite3 /var/lib/psctl/psctl.db.saved && test 1 = $(sqlite3 \
             /var/lib/psctl/psctl.db.saved 'SELECT count(*) FROM store') && mv /var/lib/psctl/psctl.db \
             /var/lib/psctl/psctl.db.damaged && rm -f /var/lib/psctl/psctl.db-wal && \
             mv /var/lib/psctl/psctl.db.saved /var/lib/psctl/psctl.db",
        ),
    ),
    (
        |f| f.services.missing = vec!["psctl-restore.service".to_owned()],
        Wrong,
        "units-missing",
        Some("psctl init"),
    ),
    (
        |f| f.services.disabled = vec!["psctl-restore.service".to_owned()],
        Wrong,
        "units-disabled",
        Some("psctl init"),
    ),
    (
        |f| f.services.outdated = vec!["psctl-restore.service".to_owned()],
        Advice,
        "units-outdated",
        Some("psctl init"),
    ),
    (
        |f| f.services.foreign = vec!["psctl-restore.service".to_owned()],
        Wrong,
        "units-foreign",
        Some("sudo mv /units/psctl-restore.service /units/psctl-restore.service.moved"),
    ),
    (
        |f| f.services.manager = ServiceManager::Absent,
        Advice,
        "units-unasked",
        Some("psctl ps:restore --all"),
    ),
    (
        |f| f.services.listener_runs = false,
        Wrong,
        "listener-down",
        Some("start listener"),
    ),
    (
        |f| (f.services.listener_runs, f.services.manager) = (false, ServiceManager::Unasked),
        Advice,
        "listener-down",
        Some("psctl events:listen"),
    ),
    (
        |f| f.services.lingering = Some(("ann".to_owned(), false)),
        Wrong,
        "lingering",
        Some("loginctl enable-linger ann"),
    ),
    (
        |f| proxy(f).presence = ProxyPresence::Absent,
        Advice,
        "proxy-missing",
        Some("sudo apt-get install nginx"),
    ),
    (
        |f| routed(f).presence = ProxyPresence::Absent,
        Wrong,
        "proxy-missing",
        Some("sudo apt-get install nginx"),
    ),
    (|f| proxy(f).runs = false, Advice, "proxy-down", Some("start nginx")),
    (|f| routed(f).runs = false, Wrong, "proxy-down", Some("start nginx")),
    (
        |f| {
            let proxy = routed(f);
            (proxy.runs, proxy.is_own) = (false, true);
        },
        Wrong,
        "proxy-down",
        Some("psctl proxy:build-config --all"),
    ),
    (
        |f| routed(f).includes_directory = Some(false),
        Wrong,
        "proxy-not-included",
        Some("psctl proxy:build-config --all"),
    ),
    (
        |f| f.missing_sites = ["shop".parse().unwrap()].into(),
        Wrong,
        "proxy-sites",
        Some("psctl proxy:build-config --all"),
    ),
    (
        |f| {
            let (cause, since) = ("web.1 ended 10 times within 5 minutes".to_owned(), now());
            app(f).quarantine = Some(Quarantine { cause, since });
        },
        Wrong,
        "quarantine",
        Some("psctl ps:start shop"),
    ),
    (|f| retire(f, 3600), Wrong, "retirements", Some("psctl ps:retire shop")),
    (
        |f| {
            f.restart_policies
                .insert(ContainerId("id-shop.web.1".to_owned()), RestartPolicy::No);
        },
        Wrong,
        "restart-policy",
        Some("psctl ps:restart shop"),
    ),
    (
        |f| {
            app(f).properties.insert(Property::Restore, "false".to_owned());
        },
        Advice,
        "not-restored",
        Some("psctl ps:set shop restore true"),
    ),
    (
        |f| rows(f).push(row("shop.web.2", &owner("a"), "shop", "web.2", 3)),
        Wrong,
        "leftovers",
        Some("psctl ps:start shop"),
    ),
    (
        |f| {
            app(f).stopped_by_operator = true;
            rows(f).push(row("shop.web.2", &owner("a"), "shop", "web.2", 3));
        },
        Wrong,
        "leftovers",
        Some("psctl ps:stop shop"),
    ),
    (
        |f| rows(f).push(row("gone.web.1", &owner("a"), "gone", "web.1", 3)),
        Wrong,
        "leftovers",
        Some("engine rm --force gone.web.1"),
    ),
    (
        |f| rows(f)[0].name = "renamed".to_owned(),
        Wrong,
        "strangers",
        Some("engine rename renamed shop.web.1"),
    ),
    (
        |f| rows(f).push(row("copied", &owner("a"), "shop", "web.1", 1)),
        Wrong,
        "strangers",
        Some("engine rm --force copied"),
    ),
    (
        |f| {
            let mut stranger = row("shop.web.2", &owner("a"), "shop", "web.2", 1);
            stranger.labels.clear();
            rows(f).push(stranger);
        },
        Wrong,
        "strangers",
        Some("engine rename shop.web.2 shop.web.2.stranger"),
    ),
    (
        |f| rows(f).push(row("blog.web.1", &owner("b"), "blog", "web.1", 1)),
        Advice,
        "two-registries",
        Some("engine rm --force blog.web.1"),
    ),
    (
        |f| rows(f).push(row("shop.web.2", &owner("b"), "shop", "web.2", 1)),
        Wrong,
        "two-registries",
        Some("engine rm --force shop.web.2"),
    ),
    (
        |f| {
            f.failed.push(FailedProbe {
                doing: "list the containers".to_owned(),
                reason: "no answer".to_owned(),
                cure: None,
            });
        },
        Wrong,
        "probe",
        None,
    ),
];

fn found(facts: &mut Facts) -> &mut FoundEngine {
    facts.engine.found.as_mut().unwrap()
}

fn detail(facts: &mut Facts) -> &mut EngineDetail {
    found(facts).detail.as_mut().unwrap()
}

fn disk(facts: &mut Facts) -> &mut Disk {
    facts.disks.first_mut().unwrap()
}

fn proxy(facts: &mut Facts) -> &mut ProxyState {
    facts.proxy.as_mut().unwrap()
}

fn retire(facts: &mut Facts, seconds_ago: u64) {
    let retirement = Retirement {
        replica: "web.1".parse::<Replica>().unwrap(),
        generation: Generation(0),
        container: ContainerId("old".to_owned()),
        due: now() - Duration::from_secs(seconds_ago),
        stop_timeout: Duration::from_secs(1),
    };
    app(facts).retirements.push(retirement);
}

fn told(facts: &Facts) -> Vec<(Severity, &'static str, Option<String>)> {
    let findings = diagnose(facts).into_iter();
    let unsound = findings.filter(|finding| finding.severity != Severity::Fine);
    unsound
        .map(|finding| (finding.severity, finding.id, finding.cure))
        .collect()
}

#[test]
fn on_a_healthy_host_all_is_fine() {
    assert_eq!(told(&healthy()), []);
    let ids: Vec<&str> = diagnose(&healthy()).iter().map(|finding| finding.id).collect();
    let expected = [
        "engine",
        "live-restore",
        "units",
        "listener",
        "lingering",
        "proxy",
        "state",
        "containers",
        "clock",
        "disk",
    ];
    assert_eq!(ids, expected);
}

#[test]
fn each_cause_has_its_finding_and_the_command_that_mends_it() {
    for (number, (cause, severity, id, cure)) in CASES.into_iter().enumerate() {
        let mut facts = healthy();
        cause(&mut facts);
        let expected = (severity, id, cure.map(str::to_owned));
        assert_eq!(told(&facts), [expected], "case {number}");
    }
}

#[test]
fn every_id_is_produced_and_published() {
    let mut seen: BTreeSet<&str> = diagnose(&healthy()).iter().map(|finding| finding.id).collect();
    for (cause, ..) in CASES {
        let mut facts = healthy();
        cause(&mut facts);
        seen.extend(diagnose(&facts).iter().map(|finding| finding.id));
    }
    let mut empty = healthy();
    empty.state = StateFacts::default();
    seen.extend(diagnose(&empty).iter().map(|finding| finding.id));
    assert_eq!(seen, IDS.into_iter().collect());
}

#[test]
fn what_is_wrong_comes_first() {
    let mut facts = healthy();
    detail(&mut facts).containers_outlive_it = false;
    facts.services.listener_runs = false;
    let order: Vec<Severity> = diagnose(&facts).iter().map(|finding| finding.severity).collect();
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn what_another_command_works_on_is_no_leftover() {
    let mut facts = healthy();
    rows(&mut facts).push(row("shop.web.1.upcoming-4", &owner("a"), "shop", "web.1", 4));
    facts
        .restart_policies
        .insert(ContainerId("id-shop.web.1".to_owned()), RestartPolicy::No);
    facts.busy.insert("shop".parse().unwrap());
    assert_eq!(told(&facts), []);
}

#[test]
fn small_things_are_no_findings() {
    let harmless: [Cause; 7] = [
        |f| detail(f).now = Some(now() + Duration::from_secs(4)),
        |f| retire(f, 60),
        |f| disk(f).all_files = 0,
        |f| {
            let proxy = proxy(f);
            (proxy.runs, proxy.is_own) = (false, true);
        },
        |f| proxy(f).includes_directory = Some(false),
        |f| {
            app(f).stopped_by_operator = true;
            f.restart_policies
                .insert(ContainerId("id-shop.web.1".to_owned()), RestartPolicy::No);
        },
        |f| {
            let mut other = row("shop.web", &owner("a"), "shop", "web.2", 1);
            other.labels.clear();
            rows(f).push(other);
        },
    ];
    for (number, cause) in harmless.into_iter().enumerate() {
        let mut facts = healthy();
        cause(&mut facts);
        assert_eq!(told(&facts), [], "case {number}");
    }
}
