//! The state directory: whose it is, who can read it, what it lies on, and whether its database is whole.

use super::{Facts, FileSystem, Finding, StateFacts, counted, quoted};

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let state = &facts.state;
    let place = state.directory.display();
    if !state.exists && state.failure.is_none() {
        let finding = Finding::fine("state-missing", format!("there is no state yet; it will be in {place}"));
        return vec![finding];
    }
    let findings = [owner(facts), open(facts), file_system(state), damage(facts)];
    let mut findings: Vec<Finding> = findings.into_iter().flatten().collect();
    if let Some(reason) = state.failure.as_ref().filter(|_| findings.is_empty()) {
        let finding = Finding::wrong("state-unusable", "the state cannot be read").detail(reason.clone());
        findings.push(finding.detail("--state-dir names another directory"));
    }
    if findings.is_empty() {
        let apps = facts.registry.as_ref().map_or(0, |registry| registry.apps.len());
        findings.push(Finding::fine("state", format!("{} in {place}", counted(apps, "app"))));
    }
    findings
}

fn path(state: &StateFacts) -> String {
    quoted(&state.directory.display().to_string())
}

fn owner(facts: &Facts) -> Option<Finding> {
    let state = &facts.state;
    let owner = state.other_owner?;
    let title = format!("{} belongs to user {owner}, not to you", state.directory.display());
    let finding = Finding::wrong("state-owner", title)
        .detail("run psctl as that user, name another directory with --state-dir, or take it over:");
    let become_root = &facts.commands.become_root;
    Some(finding.cure(format!("{become_root}chown -R {} {}", state.user, path(state))))
}

fn open(facts: &Facts) -> Option<Finding> {
    let open = &facts.state.open_to_others;
    if open.is_empty() {
        return None;
    }
    let paths: Vec<String> = open.iter().map(|path| path.display().to_string()).collect();
    let words: Vec<String> = paths.iter().map(|path| quoted(path)).collect();
    let finding = Finding::wrong(
        "state-open",
        "others may look into the state, which holds the apps' config",
    );
    Some(finding.details(paths).cure(format!("chmod go= {}", words.join(" "))))
}

fn file_system(state: &StateFacts) -> Option<Finding> {
    let place = state.directory.display();
    match state.file_system {
        FileSystem::Lasting => None,
        FileSystem::Memory => {
            let title = format!("{place} is in memory: a reboot forgets all apps");
            let finding = Finding::wrong("state-volatile", title);
            Some(finding.detail("move it to a disk while no command runs, and name it with --state-dir"))
        }
        FileSystem::Network(kind) => {
            let title = format!("{place} is on {kind}, where locks and the database are not safe");
            let finding = Finding::wrong("state-network", title);
            Some(finding.detail("move it to a local disk while no command runs, and name it with --state-dir"))
        }
    }
}

fn damage(facts: &Facts) -> Option<Finding> {
    let state = &facts.state;
    if state.damage.is_empty() {
        return None;
    }
    let database = quoted(&state.database.display().to_string());
    let mut finding = Finding::wrong("state-damaged", "the database of the state is damaged")
        .details(state.damage.iter().take(3).cloned())
        .detail("stop psctl's units first; this saves what can be read, the damaged file stays beside it; then look at what psctl apps:list and ps:report show");
    if let Some(backup) = &state.backup {
        finding = finding.detail(format!("a copy from before an upgrade: {}", backup.display()));
    }
    Some(finding.cure(save(&database, &state.database.display().to_string())))
}

/// The dump is used, which every `sqlite3` can make; its `.recover` cannot. Only what has the state's token takes its place.
fn save(database: &str, path: &str) -> String {
    let [saved, damaged, wal] = [".saved", ".damaged", "-wal"].map(|end| quoted(&format!("{path}{end}")));
    let dump = format!("sqlite3 {database} .dump | sed 's/^ROLLBACK;.*/COMMIT;/'");
    let version = "SELECT 'PRAGMA user_version = ' || user_version FROM pragma_user_version";
    format!(
        "rm -f {saved} && {{ {dump}; sqlite3 {database} \"{version}\"; }} | sqlite3 {saved} && \
         test 1 = $(sqlite3 {saved} 'SELECT count(*) FROM store') && \
         mv {database} {damaged} && rm -f {wal} && mv {saved} {database}"
    )
}
