//! The table of cases in `cases.txt`: what is known of an app with one replica, and what follows.

use std::time::{Duration, SystemTime};

use super::{Act, Decision, EndTold, Scene, Sight, Watched, decide};
use crate::addresses::Endpoint;
use crate::app::{AppRecord, BEING_WRITTEN, Serving};
use crate::crashes::{Crash, CrashKind, Quarantine};
use crate::names::{Generation, Replica};
use crate::planning::tests::release;
use crate::release::{Release, ReleaseNumber};
use crate::runtime::{ContainerId, ContainerState};

/// Of the container that serves.
const GENERATION: u64 = 7;

/// Of the one that serves as another replica.
const OTHER_GENERATION: u64 = 8;

fn ago(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - seconds)
}

fn replica() -> Replica {
    "web.1".parse().unwrap()
}

fn other_replica() -> Replica {
    "worker.1".parse().unwrap()
}

fn container() -> ContainerId {
    ContainerId("c7".to_owned())
}

#[expect(clippy::struct_excessive_bools, reason = "independent words of a line")]
struct Case {
    title: String,
    record: AppRecord,
    crashes: Vec<Crash>,
    sight: Sight,
    restores: bool,
    after_gap: bool,
    is_first: bool,
    is_sick: bool,
    wanted: String,
}

fn parse(line: &str) -> Case {
    let (given, wanted) = line.split_once("=>").unwrap();
    let parts: Vec<&str> = given.split('|').map(str::trim).collect();
    let [title, app, look, before, crashes] = parts[..] else {
        panic!("five parts: {line}");
    };
    let has = |word: &str| app.split_whitespace().any(|found| found == word);
    let crashes = crashes.split_whitespace().filter(|word| *word != "-");
    Case {
        title: title.to_owned(),
        record: record(&has),
        crashes: crashes.flat_map(parse_crashes).collect(),
        sight: Sight {
            before: parse_before(before),
            ..parse_look(look)
        },
        restores: !has("norestore"),
        after_gap: has("gap"),
        is_first: has("first"),
        is_sick: has("sick"),
        wanted: wanted.trim().to_owned(),
    }
}

fn record(has: &dyn Fn(&str) -> bool) -> AppRecord {
    let mut record = AppRecord::new("shop".parse().unwrap());
    record.release = (!has("undeployed")).then(|| Release {
        created_at: match (has("new"), has("ahead")) {
            (true, _) => ago(60),
            (_, true) => ago(0) + Duration::from_secs(60),
            _ => ago(500_000),
        },
        ..release(1)
    });
    record.stopped_by_operator = has("stopped");
    record.quarantine = has("quarantined").then(|| Quarantine {
        cause: "earlier".to_owned(),
        since: ago(100),
    });
    let serving = Serving {
        container: container(),
        generation: Generation(GENERATION),
        release: ReleaseNumber(1),
        endpoint: Some(if has("port") {
            Endpoint::LoopbackPort(4000)
        } else {
            Endpoint::Address("10.0.0.1".parse().unwrap())
        }),
    };
    let other = Serving {
        container: ContainerId("c8".to_owned()),
        generation: Generation(OTHER_GENERATION),
        endpoint: None,
        ..serving.clone()
    };
    record.serving.insert(replica(), serving);
    record.serving.insert(other_replica(), other);
    record.routed = match (has("unrouted"), has("leftout"), has("doubt")) {
        (true, _, _) => None,
        (_, true, _) => Some([].into()),
        (_, _, true) => Some([Generation(GENERATION), BEING_WRITTEN].into()),
        _ => Some([Generation(GENERATION)].into()),
    };
    record
}

/// `on-failure:2 exited:1 r2 @10.0.0.1 deaths:5,1 past:300`.
fn parse_look(text: &str) -> Sight {
    let mut words = text.split_whitespace();
    let policy = words.next().unwrap().parse().unwrap();
    let state = words.next().unwrap();
    let (state, code) = match state.split_once(':') {
        Some((state, code)) => (state, Some(code.parse().unwrap())),
        None => (state, None),
    };
    let mut sight = Sight {
        replica: replica(),
        generation: Generation(GENERATION),
        container: container(),
        state: (state != "gone").then(|| ContainerState::from(state)),
        exit_code: code,
        restart_count: 0,
        policy,
        address: None,
        before: None,
        deaths: Vec::new(),
        past: Vec::new(),
    };
    let moments = |text: &str| text.split(',').map(|seconds| ago(seconds.parse().unwrap())).collect();
    for word in words {
        if let Some(restarts) = word.strip_prefix('r') {
            sight.restart_count = restarts.parse().unwrap();
        } else if let Some(address) = word.strip_prefix('@') {
            sight.address = Some(address.parse().unwrap());
        } else if let Some(list) = word.strip_prefix("deaths:") {
            sight.deaths = moments(list);
        } else if let Some(list) = word.strip_prefix("past:") {
            sight.past = moments(list);
        } else {
            panic!("{word}");
        }
    }
    sight
}

/// `-`, or `2 ran @10.0.0.1 waiting`.
fn parse_before(text: &str) -> Option<Watched> {
    let mut words = text.split_whitespace();
    let exits = words.next().filter(|word| *word != "-")?.parse().unwrap();
    let words: Vec<&str> = words.collect();
    let address = words.iter().find_map(|word| word.strip_prefix('@'));
    Some(Watched {
        exits,
        looked_at: ago(100),
        routed_to: address.map(|address| address.parse().unwrap()),
        ran: words.contains(&"ran"),
        end: match (words.contains(&"waiting"), words.contains(&"said")) {
            (true, _) => EndTold::Waiting,
            (_, true) => EndTold::Said,
            _ => EndTold::Nothing,
        },
        uncounted: Vec::new(),
    })
}

/// `ended*9@60`: nine, the newest 60 s ago; `exhausted:3@60`: of generation 3; `other:ended*9@60`: of another replica.
fn parse_crashes(word: &str) -> Vec<Crash> {
    let (who, word) = match word.strip_prefix("other:") {
        Some(rest) => (other_replica(), rest),
        None => (replica(), word),
    };
    let (what, seconds) = word.split_once('@').unwrap();
    let (what, times) = what.split_once('*').unwrap_or((what, "1"));
    let (kind, generation) = match what.split_once(':') {
        Some((kind, generation)) => (kind, generation.parse().unwrap()),
        None => (what, GENERATION),
    };
    let kind = match kind {
        "ended" => CrashKind::Ended,
        "exhausted" => CrashKind::Exhausted,
        "unhealthy" => CrashKind::Unhealthy,
        other => panic!("{other}"),
    };
    let (first, times): (u64, u64) = (seconds.parse().unwrap(), times.parse().unwrap());
    let crash = |number| Crash {
        replica: who.clone(),
        generation: Generation(generation),
        kind,
        at: ago(first + number),
    };
    (0..times).map(crash).collect()
}

fn decided(case: &Case, crashes: &[Crash], sight: &Sight) -> Decision {
    let sick = [container()];
    decide(&Scene {
        record: &case.record,
        restores: case.restores,
        crashes,
        sights: std::slice::from_ref(sight),
        unhealthy: if case.is_sick { &sick } else { &[] },
        listens_since: (!case.is_first).then(|| ago(500)),
        after_gap: case.after_gap,
        now: ago(0),
    })
}

/// `ended*2 exhausted; redeploy; says: …; looks again`.
fn shown(decision: &Decision) -> String {
    let count = |kind| decision.crashes.iter().filter(|crash| crash.kind == kind).count();
    let mut parts = Vec::new();
    match count(CrashKind::Ended) {
        0 => {}
        1 => parts.push("ended".to_owned()),
        more => parts.push(format!("ended*{more}")),
    }
    if count(CrashKind::Exhausted) > 0 {
        parts.push("exhausted".to_owned());
    }
    match &decision.act {
        Act::Nothing => {}
        Act::Reroute(_) => parts.push("reroute".to_owned()),
        Act::RouteAgain(_) => parts.push("route again".to_owned()),
        Act::Redeploy(_) => parts.push("redeploy".to_owned()),
        Act::Replace(_) => parts.push("replace".to_owned()),
        Act::Restore => parts.push("restore".to_owned()),
        Act::KeepOut => parts.push("keep out".to_owned()),
        Act::Quarantine(cause) => parts.push(format!("quarantine: {cause}")),
    }
    parts.extend(decision.notices.iter().map(|(_, text)| format!("says {text}")));
    if decision.look_again {
        parts.push("looks again".to_owned());
    }
    if parts.is_empty() {
        parts.push("nothing".to_owned());
    }
    parts.join("; ")
}

fn cases() -> Vec<Case> {
    let lines = include_str!("cases.txt").lines();
    let lines = lines.filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.map(parse).collect()
}

#[test]
fn every_case_of_the_table_is_decided_as_it_says() {
    let wrong: Vec<String> = cases()
        .iter()
        .map(|case| (case, shown(&decided(case, &case.crashes, &case.sight))))
        .filter(|(case, shown)| *shown != case.wanted)
        .map(|(case, shown)| format!("{}\n  is      {shown}\n  not     {}", case.title, case.wanted))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases().len() >= 60, "{}", cases().len());
}

#[test]
fn looking_again_before_anything_was_done_decides_the_same_and_counts_nothing_twice() {
    for case in cases() {
        let first = decided(&case, &case.crashes, &case.sight);
        let crashes: Vec<Crash> = case.crashes.iter().chain(&first.crashes).cloned().collect();
        let sight = Sight {
            before: first.watched.get(&container()).cloned(),
            deaths: Vec::new(),
            past: Vec::new(),
            ..case.sight.clone()
        };
        let second = decided(&case, &crashes, &sight);
        assert_eq!(second.act, first.act, "{}", case.title);
        assert_eq!(second.crashes, [], "{}", case.title);
    }
}

#[test]
fn an_exit_that_an_event_told_has_the_moment_of_the_event() {
    for case in cases().iter().filter(|case| case.sight.deaths.len() == 1) {
        let decision = decided(case, &case.crashes, &case.sight);
        let ended = decision.crashes.iter().rfind(|crash| crash.kind == CrashKind::Ended);
        if let Some(ended) = ended {
            assert_eq!(ended.at, case.sight.deaths[0], "{}", case.title);
        }
    }
}
