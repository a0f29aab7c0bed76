//! `doctor` on real engines: each case causes a finding behind psctl's back, runs the command that it prints in a shell, and looks
//! again. Other state directories of the engine are left alone.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::Command;

use ps_core::labels::{OWNER, replica_labels};
use ps_core::names::{Generation, OwnerToken};
use ps_core::policies::RestartPolicy;
use ps_core::release::ReleaseNumber;
use ps_core::runtime::{ContainerId, ContainerSpec};
use serde_json::Value;

use super::super::{Case, Ground, ensure};
use super::WEB;
use crate::conformance::{Failure, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        doctor_changes_nothing_and_passes_what_is_well,
        a_changed_restart_policy_is_mended_by_what_doctor_prints,
        a_leftover_is_mended_by_what_doctor_prints,
        a_container_in_the_way_is_mended_by_what_doctor_prints,
        a_renamed_container_is_mended_by_what_doctor_prints,
        another_state_directory_is_found_and_what_it_left_can_be_removed,
        missing_units_are_mended_by_what_doctor_prints,
        an_nginx_that_is_down_is_mended_by_what_doctor_prints,
        an_nginx_that_leaves_apps_out_is_mended_by_what_doctor_prints,
    ]
}

/// Units of this case only.
fn command(ground: &Ground, words: &[&str]) -> Command {
    let mut command = ground.command(words);
    command.env("PSCTL_UNIT_DIR", ground.folder().join("units"));
    command
}

/// The findings with this id that a text is in.
fn findings(ground: &Ground, id: &str, about: &str) -> Result<Vec<Value>, Failure> {
    let run = ground.run_command(command(ground, &["doctor", "--format", "json"]), "")?;
    let document: Value = serde_json::from_str(&run.out)?;
    let all = document
        .get("findings")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let wrong = all
        .iter()
        .any(|finding| finding.get("severity").is_some_and(|found| found == "wrong"));
    run.code_is(i32::from(wrong))?;
    let is_it =
        |finding: &Value| finding.get("id").is_some_and(|found| found == id) && finding.to_string().contains(about);
    Ok(all.into_iter().filter(is_it).collect())
}

/// Finds it, runs its cure in a shell with the `psctl` under test, and finds it no more.
fn is_mended(ground: &Ground, id: &str, about: &str) -> Verdict {
    let found = findings(ground, id, about)?;
    let [finding] = found.as_slice() else {
        return Err(format!("not one {id} about {about}: {found:?}").into());
    };
    let cure = finding.get("cure").and_then(Value::as_str).ok_or("there is no cure")?;
    let nginx = ground.nginx();
    let mut path = OsString::new();
    for folder in [ground.program().path().parent(), nginx.parent()].into_iter().flatten() {
        path.push(folder);
        path.push(":");
    }
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell
        .args(["-c", cure])
        .env("PATH", path)
        .env("PSCTL_STATE_DIR", ground.state())
        .env("PSCTL_NGINX", nginx);
    shell.env("PSCTL_SUBNET", ground.subnet());
    shell.env("PSCTL_UNIT_DIR", ground.folder().join("units"));
    let ran = shell.output()?;
    ensure(ran.status.success(), || {
        format!("`{cure}`: {}", String::from_utf8_lossy(&ran.stderr))
    })?;
    let after = findings(ground, id, about)?;
    ensure(after.is_empty(), || format!("after `{cure}`: {after:?}"))
}

fn token(ground: &Ground) -> Result<OwnerToken, Failure> {
    let owner: String = ground
        .database()?
        .query_row("SELECT owner FROM store", [], |row| row.get(0))?;
    Ok(OwnerToken::new(owner)?)
}

fn create(ground: &Ground, name: &str, labels: BTreeMap<String, String>) -> Verdict {
    let spec = ContainerSpec {
        labels,
        command: Some(["sleep", "3600"].map(str::to_owned).into()),
        ..ContainerSpec::new(name, &*ground.base)
    };
    ground.block_on(ground.engine().create_container(&spec))?;
    Ok(())
}

fn doctor_changes_nothing_and_passes_what_is_well(ground: &Ground) -> Verdict {
    findings(ground, "engine", "")?;
    ensure(!ground.state().exists(), || "doctor made a state directory".to_owned())?;
    let app = ground.deployed("shop", WEB)?;
    let before = ground.ids(&app)?;
    let shown = ground.run_command(command(ground, &["doctor"]), "")?;
    for id in [
        "quarantine:",
        "restart-policy:",
        "leftovers:",
        "strangers:",
        "state-",
        "probe:",
        "retirements:",
    ] {
        // Titles stand behind a mark of seven columns.
        let mut titles = shown.out.lines().filter_map(|line| line.get(7..));
        ensure(!titles.any(|title| title.starts_with(id)), || shown.told())?;
    }
    shown.shows(&["=====> psctl doctor\n", "engine: ", "1 app in "])?;
    let too_long = |line: &&str| line.chars().count() > 80 && !line.contains("cure: ") && line.contains("  ");
    let long = shown.out.lines().find(|line| too_long(line) && !line.contains('/'));
    ensure(long.is_none(), || format!("a long line: {long:?}"))?;
    ensure(ground.ids(&app)? == before, || "containers changed".to_owned())
}

fn a_changed_restart_policy_is_mended_by_what_doctor_prints(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    if ground.engine().capabilities().updates_restart_policy {
        let id = ContainerId(ground.id(&app, "web.1")?);
        ground.block_on(ground.engine().update_restart_policy(&id, RestartPolicy::No))?;
    } else {
        ground.ok(&["ps:set", &app, "restart-policy", "on-failure:3"])?;
    }
    is_mended(ground, "restart-policy", &app)
}

fn a_leftover_is_mended_by_what_doctor_prints(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let labels = replica_labels(
        &token(ground)?,
        &app.parse()?,
        &"web.2".parse()?,
        ReleaseNumber(1),
        Generation(1),
    );
    create(ground, &format!("{app}.web.2.upcoming-1"), labels)?;
    is_mended(ground, "leftovers", &app)?;
    ground.runs(&app, &["web.1"])
}

fn a_container_in_the_way_is_mended_by_what_doctor_prints(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let name = format!("{app}.web.2");
    create(ground, &name, BTreeMap::new())?;
    is_mended(ground, "strangers", &name)?;
    ground.ok(&["ps:scale", &app, "web=2"])?;
    Ok(())
}

fn a_renamed_container_is_mended_by_what_doctor_prints(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let id = ContainerId(ground.id(&app, "web.1")?);
    let name = format!("{app}.elsewhere");
    ground.block_on(ground.engine().rename_container(&id, &name))?;
    is_mended(ground, "strangers", &name)?;
    ensure(ground.id(&app, "web.1")? == id.0, || "it was replaced".to_owned())
}

fn another_state_directory_is_found_and_what_it_left_can_be_removed(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let (other, name) = (ground.app("other"), format!("{}.web.1", ground.app("other")));
    // The token of a state directory that is gone.
    let digits: String = format!("{:016x}", std::process::id()).repeat(2);
    let owner = OwnerToken::new(digits)?;
    let labels = replica_labels(
        &owner,
        &other.parse()?,
        &"web.1".parse()?,
        ReleaseNumber(1),
        Generation(1),
    );
    ensure(labels.contains_key(OWNER), || "no owner".to_owned())?;
    create(ground, &name, labels)?;
    is_mended(ground, "two-registries", &name)?;
    ground.runs(&app, &["web.1"])?;
    ensure(ground.containers(&other)?.is_empty(), || "it is still there".to_owned())
}

/// A rootless engine's units belong to its user; these tests run as another.
fn missing_units_are_mended_by_what_doctor_prints(ground: &Ground) -> Verdict {
    if ground.engine().identity().rootless {
        let found = findings(ground, "units-missing", "")?;
        return ensure(found.iter().all(|finding| finding["cure"].is_null()), || {
            format!("{found:?}")
        });
    }
    is_mended(ground, "units-missing", "psctl-restore")
}

fn an_nginx_that_is_down_is_mended_by_what_doctor_prints(ground: &Ground) -> Verdict {
    let nginx = ground.use_system_nginx()?;
    nginx.start()?;
    ground.deployed("shop", WEB)?;
    nginx.end(ground)?;
    is_mended(ground, "proxy-down", "nginx")
}

fn an_nginx_that_leaves_apps_out_is_mended_by_what_doctor_prints(ground: &Ground) -> Verdict {
    let nginx = ground.use_system_nginx()?;
    nginx.start()?;
    let app = ground.deployed("shop", WEB)?;
    for file in std::fs::read_dir(nginx.include_directory())? {
        std::fs::remove_file(file?.path())?;
    }
    is_mended(ground, "proxy-not-included", "nginx.conf")?;
    let file = ground.ok(&["proxy:report", &app, "--proxy-file"])?.out;
    std::fs::remove_file(file.trim())?;
    is_mended(ground, "proxy-sites", &app)
}
