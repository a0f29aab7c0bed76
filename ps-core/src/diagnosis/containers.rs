//! Containers against the state: settings that are not in force, what nobody knows any more, and what only looks like ours.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Commands, Facts, Finding, Registry, counted, quoted};
use crate::app::AppRecord;
use crate::labels;
use crate::names::{AppName, NameStage, OwnerToken, Replica, container_name};
use crate::observation::{Observation, ObservedApp, Role, observe};
use crate::policies::RestartPolicy;
use crate::runtime::ContainerSummary;

/// How long after its time an old container may stay: the timer comes every five minutes.
const RETIREMENT_TOLERANCE: Duration = Duration::from_secs(15 * 60);

/// How many digits of a token tell it from others.
const TOKEN_DIGITS: usize = 12;

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let Some(registry) = &facts.registry else {
        return Vec::new();
    };
    let mut findings: Vec<Finding> = registry.apps.iter().flat_map(|app| of_record(facts, app)).collect();
    if let Some(rows) = &facts.containers {
        findings.extend(of_rows(facts, registry, rows));
    }
    findings
}

fn psctl(facts: &Facts, verb: &str, app: &AppName) -> String {
    format!("{} {verb} {app}", facts.commands.psctl)
}

/// What the record alone tells.
fn of_record(facts: &Facts, app: &AppRecord) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(quarantine) = &app.quarantine {
        let finding = Finding::wrong("quarantine", format!("{} is out of service", app.name));
        let finding = finding.detail(quarantine.cause.clone());
        findings.push(finding.cure(psctl(facts, "ps:start", &app.name)));
    }
    let is_overdue = |due| facts.now.is_some_and(|now| now > due + RETIREMENT_TOLERANCE);
    let overdue = app.retirements.iter().filter(|old| is_overdue(old.due)).count();
    if overdue > 0 {
        let title = format!("{} of {} should be gone", counted(overdue, "old container"), app.name);
        findings.push(Finding::wrong("retirements", title).cure(psctl(facts, "ps:retire", &app.name)));
    }
    findings
}

fn of_rows(facts: &Facts, registry: &Registry, rows: &[ContainerSummary]) -> Vec<Finding> {
    let owner = registry.owner.as_str();
    let label = |row: &ContainerSummary, name: &str| row.labels.get(name).cloned();
    let is_ours = |row: &&ContainerSummary| label(row, labels::OWNER).as_deref() == Some(owner);
    let ours: Vec<ContainerSummary> = rows.iter().filter(is_ours).cloned().collect();
    let observation = observe(&registry.owner, &ours);
    let nothing = ObservedApp::default();
    let mut findings = Vec::new();
    for app in &registry.apps {
        let observed = observation.apps.get(&app.name).unwrap_or(&nothing);
        findings.extend(restart_policy(facts, registry, app, observed));
        findings.extend(not_restored(facts, registry, app));
        findings.extend(leftovers(facts, app, observed));
    }
    findings.extend(unknown_apps(&facts.commands, registry, &observation));
    for row in ours.iter().filter(|row| observation.strangers.contains(&row.name)) {
        findings.push(misnamed(&facts.commands, registry, row, rows));
    }
    findings.extend(
        rows.iter()
            .filter(|row| label(row, labels::OWNER).is_none())
            .filter_map(|row| in_the_way(&facts.commands, registry, row)),
    );
    findings.extend(other_registries(&facts.commands, registry, rows));
    if findings.is_empty() && !registry.apps.is_empty() {
        let title = format!("{} as the state says", counted(ours.len(), "container"));
        findings.push(Finding::fine("containers", title));
    }
    findings
}

/// What stops or is out of service has another policy for a reason, and so has what is being worked on.
fn restart_policy(facts: &Facts, registry: &Registry, app: &AppRecord, observed: &ObservedApp) -> Option<Finding> {
    let set = app.policies(&registry.global).ok()?.restart;
    if app.stopped_by_operator || app.quarantine.is_some() || facts.busy.contains(&app.name) {
        return None;
    }
    let differing: Vec<String> = observed
        .with_role(app, Role::Serving)
        .filter_map(|container| {
            let policy = facts
                .restart_policies
                .get(&container.id)
                .filter(|policy| **policy != set)?;
            Some(format!("{}: {policy}", container.replica))
        })
        .collect();
    if differing.is_empty() {
        return None;
    }
    let title = format!("containers of {} do not have the restart policy {set}", app.name);
    let finding = Finding::wrong("restart-policy", title).detail(differing.join(", "));
    Some(finding.cure(psctl(facts, "ps:restart", &app.name)))
}

/// Only `always` brings a container back in every case.
fn not_restored(facts: &Facts, registry: &Registry, app: &AppRecord) -> Option<Finding> {
    let policies = app.policies(&registry.global).ok()?;
    let is_wanted = !app.stopped_by_operator && app.quarantine.is_none() && !app.serving.is_empty();
    if policies.restore || policies.restart == RestartPolicy::Always || !is_wanted {
        return None;
    }
    let title = format!("{} will not come back after a reboot", app.name);
    let finding = Finding::advice("not-restored", title).detail(format!(
        "its restore is false, and {} does not survive every reboot",
        policies.restart
    ));
    Some(finding.cure(format!("{} restore true", psctl(facts, "ps:set", &app.name))))
}

fn leftovers(facts: &Facts, app: &AppRecord, observed: &ObservedApp) -> Option<Finding> {
    let names: Vec<&str> = observed
        .with_role(app, Role::Leftover)
        .map(|container| container.name.as_str())
        .collect();
    if names.is_empty() || facts.busy.contains(&app.name) {
        return None;
    }
    let title = format!(
        "an interrupted command left {} of {}",
        counted(names.len(), "container"),
        app.name
    );
    let verb = if app.stopped_by_operator { "ps:stop" } else { "ps:start" };
    let finding = Finding::wrong("leftovers", title).detail(names.join(", "));
    Some(finding.cure(psctl(facts, verb, &app.name)))
}

fn unknown_apps(commands: &Commands, registry: &Registry, observation: &Observation) -> Vec<Finding> {
    let is_known = |name: &AppName| registry.apps.iter().any(|app| app.name == *name);
    let unknown = observation.apps.iter().filter(|(name, _)| !is_known(name));
    let finding = |(name, observed): (&AppName, &ObservedApp)| {
        let replicas = observed.containers.iter().map(|container| container.name.as_str());
        let names: Vec<&str> = replicas
            .chain(observed.one_offs.iter().map(|run| run.name.as_str()))
            .collect();
        let title = format!("containers of an app that does not exist any more: {name}");
        let finding = Finding::wrong("leftovers", title).detail(names.join(", "));
        finding.cure(remove(commands, names.iter().copied()))
    };
    unknown.map(finding).collect()
}

fn remove<'a>(commands: &Commands, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: Vec<String> = names.map(quoted).collect();
    let client = commands.client.as_ref()?;
    Some(format!("{client} rm --force {}", names.join(" ")))
}

fn rename(commands: &Commands, from: &str, to: &str) -> Option<String> {
    let client = commands.client.as_ref()?;
    Some(format!("{client} rename {} {}", quoted(from), quoted(to)))
}

/// Our token, and a name or labels that do not fit: psctl never touches it.
fn misnamed(commands: &Commands, registry: &Registry, row: &ContainerSummary, rows: &[ContainerSummary]) -> Finding {
    let title = format!("{} has psctl's labels and not its name", row.name);
    let finding = Finding::wrong("strangers", title);
    let serving = registry.apps.iter().find_map(|app| {
        let mut serving = app.serving.iter();
        let (replica, _) = serving.find(|(_, serving)| serving.container == row.id)?;
        Some(container_name(&app.name, replica, NameStage::Serving))
    });
    let is_free = |name: &String| rows.iter().all(|other| other.name != *name);
    match serving.filter(is_free) {
        Some(name) => finding
            .detail(format!("it serves as {name}, and was renamed behind psctl's back"))
            .cure(rename(commands, &row.name, &name)),
        None => finding
            .detail("it serves as nothing. Look at what it is; this removes it:")
            .cure(remove(commands, std::iter::once(row.name.as_str()))),
    }
}

/// Somebody else's container under a name that an app of ours needs.
fn in_the_way(commands: &Commands, registry: &Registry, row: &ContainerSummary) -> Option<Finding> {
    let is_of = |app: &&AppRecord| {
        let rest = row.name.strip_prefix(app.name.as_str());
        rest.and_then(|rest| rest.strip_prefix('.'))
            .is_some_and(|rest| rest.parse::<Replica>().is_ok())
    };
    let app = registry.apps.iter().find(is_of)?;
    let title = format!(
        "{} is not psctl's, but has the name of a container of {}",
        row.name, app.name
    );
    let finding = Finding::wrong("strangers", title).detail("psctl never touches it, and cannot use that name");
    Some(finding.cure(rename(commands, &row.name, &format!("{}.stranger", row.name))))
}

/// Other state directories on this engine, each by its token.
fn other_registries(commands: &Commands, registry: &Registry, rows: &[ContainerSummary]) -> Vec<Finding> {
    let mut others: BTreeMap<&str, Vec<&ContainerSummary>> = BTreeMap::new();
    for row in rows {
        let owner = row.labels.get(labels::OWNER).map(String::as_str);
        if let Some(owner) = owner.filter(|owner| *owner != registry.owner.as_str() && OwnerToken::new(*owner).is_ok())
        {
            others.entry(owner).or_default().push(row);
        }
    }
    let one = |(owner, rows): (&str, Vec<&ContainerSummary>)| {
        let token = owner.get(..TOKEN_DIGITS).unwrap_or(owner);
        let app_of = |row: &&ContainerSummary| row.labels.get(labels::APP).cloned();
        let apps: BTreeSet<String> = rows.iter().filter_map(app_of).collect();
        let shared: Vec<&str> = registry
            .apps
            .iter()
            .map(|app| app.name.as_str())
            .filter(|name| apps.contains(*name))
            .collect();
        let count = counted(rows.len(), "container");
        let title = format!("another state directory ({token}…) has {count} on this engine");
        let finding = if shared.is_empty() {
            Finding::advice("two-registries", title)
        } else {
            Finding::wrong("two-registries", title).detail(format!("apps in both: {}", shared.join(", ")))
        };
        let apps: Vec<String> = apps.into_iter().collect();
        finding
            .detail(format!("its apps: {}", apps.join(", ")))
            .detail("root and every user have a state of their own: --state-dir chooses one")
            .detail("only when that state directory is gone, this removes what it left:")
            .cure(remove(commands, rows.iter().map(|row| row.name.as_str())))
    };
    others.into_iter().map(one).collect()
}
