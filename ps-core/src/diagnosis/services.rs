//! Who brings apps back after a reboot, and who watches them.

use super::{Facts, Finding, ServiceFacts, ServiceManager, counted};

const SEE: &str = "docs/systemd.md";

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let services = &facts.services;
    let mut findings = units(facts, services);
    findings.extend(listener(facts, services));
    findings.extend(lingering(services));
    findings
}

fn units(facts: &Facts, services: &ServiceFacts) -> Vec<Finding> {
    let init = || facts.commands.init.clone();
    let place = services.directory.display();
    if services.manager == ServiceManager::Absent {
        let finding = Finding::advice(
            "units-unasked",
            "no systemd runs here: nothing starts apps after a reboot",
        )
        .detail("let whatever starts this machine run this, and the listener:");
        return vec![
            finding
                .cure(format!("{} ps:restore --all", facts.commands.psctl))
                .see(SEE),
        ];
    }
    let mut findings = Vec::new();
    let mut add = |finding: Finding, names: &[String]| {
        if !names.is_empty() {
            findings.push(finding.detail(names.join(", ")).cure(init()).see(SEE));
        }
    };
    let title = format!("psctl's units are not in {place}: after a reboot no app comes back");
    add(Finding::wrong("units-missing", title), &services.missing);
    let title = "units of psctl are there, but nothing starts them";
    add(Finding::wrong("units-disabled", title), &services.disabled);
    let title = "this psctl would write some of its units in another way";
    add(Finding::advice("units-outdated", title), &services.outdated);
    if let Some(name) = services.foreign.first() {
        let path = services.directory.join(name).display().to_string();
        let path = super::quoted(&path);
        let finding = Finding::wrong("units-foreign", format!("{name} was not written by psctl init"))
            .detail("psctl init refuses to overwrite it; run that again once it is out of the way");
        let become_root = &facts.commands.become_root;
        findings.push(finding.cure(format!("{become_root}mv {path} {path}.moved")).see(SEE));
    }
    if findings.is_empty() && services.wanted > 0 {
        let title = format!("{} in {place}", counted(services.wanted, "unit"));
        findings.push(Finding::fine("units", title));
    }
    findings
}

fn listener(facts: &Facts, services: &ServiceFacts) -> Option<Finding> {
    if services.listener_runs {
        return Some(Finding::fine("listener", "the listener runs"));
    }
    // Without its unit that is the finding.
    if !services.missing.is_empty() || !services.disabled.is_empty() || !services.foreign.is_empty() {
        return None;
    }
    let title = "no listener runs: nobody notices crashes and changed addresses";
    Some(match services.manager {
        ServiceManager::Running if services.wanted > 0 => {
            Finding::wrong("listener-down", title).cure(facts.commands.start_listener.clone())
        }
        _ => Finding::advice("listener-down", title).cure(format!("{} events:listen", facts.commands.psctl)),
    })
}

fn lingering(services: &ServiceFacts) -> Option<Finding> {
    let (user, lingers) = services.lingering.as_ref()?;
    if services.manager != ServiceManager::Running {
        return None;
    }
    if *lingers {
        return Some(Finding::fine(
            "lingering",
            format!("the services of {user} run without a login"),
        ));
    }
    let title = format!("the services of {user} end with the last login, and none starts at boot");
    let finding = Finding::wrong("lingering", title);
    Some(
        finding
            .cure(format!("loginctl enable-linger {}", super::quoted(user)))
            .see(SEE),
    )
}
