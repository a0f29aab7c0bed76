//! Which of psctl's units are there, which run, and whether they go on without a login.

use std::path::Path;

use ps_core::diagnosis::{Facts, ServiceManager};

use super::held_locks::HeldLocks;
use crate::units::{Found, Suffix, UnitDirectory, UnitFile, UnitRole, UnitScope, is_written_by_init, unit_files};
use crate::wiring::{Session, unit_directory, unit_scope, unit_settings, usual_state_directory};

/// The file that a listener holds locked while it runs, in the state directory.
const LISTENER_LOCK: &str = "listener.lock";

pub(super) async fn look(session: &Session, state_directory: &Path, locks: &HeldLocks, facts: &mut Facts) {
    facts.services.listener_runs = locks.holds(&state_directory.join(LISTENER_LOCK));
    let environment = session.environment();
    let is_user = !environment.is_root();
    let Ok(scope) = unit_scope(is_user, environment) else {
        return;
    };
    let Ok((path, is_chosen)) = unit_directory(scope, environment) else {
        return;
    };
    facts.services.manager = match (is_chosen, session.systemd().is_running()) {
        (true, _) => ServiceManager::Unasked,
        (false, true) => ServiceManager::Running,
        (false, false) => ServiceManager::Absent,
    };
    facts.services.directory.clone_from(&path);
    if is_user {
        let user = session.user_name();
        let lingers = session.systemd().lingers(&user);
        facts.services.lingering = Some((user, lingers));
    }
    if facts.services.manager == ServiceManager::Absent {
        return;
    }
    let usual = usual_state_directory(environment).ok();
    let suffix = Suffix::of(state_directory, usual.as_deref());
    let directory = UnitDirectory::new(path);
    if let Some(units) = wanted(session, scope).await {
        facts.services.wanted = units.len();
        for unit in &units {
            let found = directory.look(&unit.name).unwrap_or_default();
            sort(facts, &unit.name, Some(unit), &found);
        }
    } else {
        // Without an engine nobody knows their text.
        let names = UnitRole::ALL.into_iter().filter(|role| *role != UnitRole::Nginx);
        for name in names.map(|role| role.file_name(&suffix)) {
            let found = directory.look(&name).unwrap_or_default();
            sort(facts, &name, None, &found);
        }
    }
}

/// What init would write.
async fn wanted(session: &Session, scope: UnitScope) -> Option<Vec<UnitFile>> {
    let settings = tokio::time::timeout(super::LIMIT, unit_settings(scope, session)).await;
    unit_files(&settings.ok()?.ok()?).ok()
}

fn sort(facts: &mut Facts, name: &str, unit: Option<&UnitFile>, found: &Found) {
    let is_asked = facts.services.manager == ServiceManager::Running;
    let services = &mut facts.services;
    let Some(text) = &found.text else {
        services.missing.push(name.to_owned());
        return;
    };
    if !is_written_by_init(text) {
        services.foreign.push(name.to_owned());
        return;
    }
    let Some(unit) = unit else { return };
    if *text != unit.text {
        services.outdated.push(name.to_owned());
    }
    let wanted_by = unit.enabling.wanted_by().filter(|_| is_asked);
    if wanted_by.is_some_and(|by| !found.wanted_by.iter().any(|link| link == by)) {
        services.disabled.push(name.to_owned());
    }
}
