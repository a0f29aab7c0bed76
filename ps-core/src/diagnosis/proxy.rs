//! What sends requests to apps.

use super::{Facts, Finding, counted};
use crate::names::AppName;
use crate::proxy::{ProxyPresence, ProxyState};

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let Some(proxy) = &facts.proxy else {
        return Vec::new();
    };
    let apps = facts.registry.iter().flat_map(|registry| &registry.apps);
    let served = apps.filter(|app| app.routed.is_some()).count();
    if proxy.presence == ProxyPresence::Absent {
        return vec![absent(facts, served)];
    }
    let mut findings: Vec<Finding> = [
        down(facts, proxy, served),
        not_included(facts, proxy, served),
        sites(facts),
    ]
    .into_iter()
    .flatten()
    .collect();
    if findings.is_empty() {
        let version = proxy.version.as_deref().unwrap_or("of an unknown version");
        let title = format!("{} {version} on port {}", proxy.kind, proxy.http_port);
        findings.push(Finding::fine("proxy", title).detail(format!("{} served", counted(served, "app"))));
    }
    findings
}

fn absent(facts: &Facts, served: usize) -> Finding {
    let cure = format!("{}apt-get install nginx", facts.commands.become_root);
    let title = "there is no nginx: apps are reached on their containers' addresses only";
    let finding = if served > 0 {
        Finding::wrong(
            "proxy-missing",
            format!("there is no nginx, and {} need it", counted(served, "app")),
        )
    } else {
        Finding::advice("proxy-missing", title)
    };
    finding.cure(cure)
}

/// One of psctl's own begins with the first app.
fn down(facts: &Facts, proxy: &ProxyState, served: usize) -> Option<Finding> {
    if proxy.runs || proxy.is_own && served == 0 {
        return None;
    }
    let kind = proxy.kind;
    let finding = if served > 0 {
        Finding::wrong(
            "proxy-down",
            format!("{kind} does not run, and it serves {}", counted(served, "app")),
        )
    } else {
        Finding::advice("proxy-down", format!("{kind} does not run"))
    };
    let own = proxy.is_own.then(|| build_all(facts));
    Some(finding.cure(own.or_else(|| facts.commands.start_proxy.clone())))
}

fn not_included(facts: &Facts, proxy: &ProxyState, served: usize) -> Option<Finding> {
    if proxy.includes_directory != Some(false) || served == 0 {
        return None;
    }
    let title = format!("{} does not take psctl's files in", proxy.configuration.display());
    let finding = Finding::wrong("proxy-not-included", title)
        .detail(format!("{} answered by something else, or not at all", are(served)));
    Some(finding.cure(build_all(facts)))
}

fn sites(facts: &Facts) -> Option<Finding> {
    if facts.missing_sites.is_empty() {
        return None;
    }
    let names: Vec<&str> = facts.missing_sites.iter().map(AppName::as_str).collect();
    let title = format!("the proxy has no file of {}", counted(names.len(), "app"));
    let finding = Finding::wrong("proxy-sites", title).detail(names.join(", "));
    Some(finding.cure(build_all(facts)))
}

fn are(count: usize) -> String {
    let verb = if count == 1 { "is" } else { "are" };
    format!("{} {verb}", counted(count, "app"))
}

fn build_all(facts: &Facts) -> String {
    format!("{} proxy:build-config --all", facts.commands.psctl)
}
