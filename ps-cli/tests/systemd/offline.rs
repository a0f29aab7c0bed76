//! What systemd says of the files, without running them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Failed;
use ps_cli::units::{UnitDirectory, UnitFile, UnitScope, UnitSettings, unit_files};
use tempfile::TempDir;

/// What stands for the engine's own units: on this machine there may be none.
const STUBS: [(&str, &str); 3] = [
    ("docker.service", "[Service]\nExecStart=/bin/true\n"),
    ("podman.service", "[Service]\nExecStart=/bin/true\n"),
    ("podman.socket", "[Socket]\nListenStream=%t/podman-of-a-test.sock\n"),
];

fn write(directory: &Path, units: &[UnitFile]) {
    fs::create_dir_all(directory).unwrap();
    for unit in units {
        fs::write(directory.join(&unit.name), &unit.text).unwrap();
    }
    for (name, text) in STUBS {
        fs::write(directory.join(name), text).unwrap();
    }
}

/// The same with a program and an nginx that are there, below `place`.
fn runnable(settings: &UnitSettings, place: &Path) -> UnitSettings {
    let below = |path: &Path| {
        let file = place.join(path.strip_prefix("/").unwrap());
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file
    };
    UnitSettings {
        program: below(&settings.program),
        nginx: settings.nginx.as_deref().map(below),
        ..settings.clone()
    }
}

/// Everything that `systemd-analyze verify` says, and how it ended when that was not well.
fn complaints(scope: UnitScope, directory: &Path, units: &[UnitFile]) -> String {
    let (word, usual) = match scope {
        UnitScope::System => ("--system", "system"),
        UnitScope::User => ("--user", "user"),
    };
    let mut command = Command::new("systemd-analyze");
    command.args([word, "verify", "--man=no"]);
    command.args(units.iter().map(|unit| directory.join(&unit.name)));
    // Nothing that somebody has set up on this machine.
    let path = format!("{}:/usr/lib/systemd/{usual}:/lib/systemd/{usual}", directory.display());
    command.env("SYSTEMD_UNIT_PATH", path).env("XDG_RUNTIME_DIR", directory);
    let output = command.output().unwrap();
    let mut said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if !output.status.success() {
        said.push_str(&output.status.to_string());
    }
    said
}

pub(crate) fn verify(settings: &UnitSettings) -> Result<(), Failed> {
    let place = TempDir::new()?;
    let units = unit_files(&runnable(settings, place.path()))?;
    let directory = place.path().join("units");
    write(&directory, &units);
    let said = complaints(settings.scope, &directory, &units);
    if said.is_empty() { Ok(()) } else { Err(said.into()) }
}

/// Else the tests above say nothing.
pub(crate) fn verification_is_strict() -> Result<(), Failed> {
    for (_, settings) in super::unit_cases::cases() {
        let place = TempDir::new()?;
        let good = unit_files(&runnable(&settings, place.path()))?;
        for (right, wrong) in [
            ("KillMode=process", "KillMud=process"),
            ("Type=oneshot", "Type=onceshot"),
            ("ExecStart=", "ExecStart=/nonexistent"),
            ("[Unit]\n", "[Unit]\nRequires=nobody-has-this.service\n"),
        ] {
            let restore = good.first().expect("there are units");
            let bad = UnitFile {
                text: restore.text.replace(right, wrong),
                ..restore.clone()
            };
            let directory = place.path().join("units");
            write(&directory, std::slice::from_ref(&bad));
            let said = complaints(settings.scope, &directory, &[bad]);
            if said.is_empty() {
                return Err(format!("nothing is said of {wrong}").into());
            }
        }
    }
    Ok(())
}

pub(crate) fn units_are_linked() -> Result<(), Failed> {
    for (case, settings) in super::unit_cases::cases() {
        if settings.scope == UnitScope::User {
            continue;
        }
        let root = TempDir::new()?;
        let directory = root.path().join("etc/systemd/system");
        let units = unit_files(&settings)?;
        write(&directory, &units);
        let mut command = Command::new("systemctl");
        command.arg(format!("--root={}", root.path().display())).arg("enable");
        let to_enable = units.iter().filter(|unit| unit.enabling.wanted_by().is_some());
        let output = command.args(to_enable.map(|unit| &unit.name)).output()?;
        if !output.status.success() {
            return Err(format!("{case}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        for unit in units {
            let found = UnitDirectory::new(directory.clone()).look(&unit.name)?.wanted_by;
            let expected: Vec<&str> = unit.enabling.wanted_by().into_iter().collect();
            if found != expected {
                return Err(format!("{case}: {} is wanted by {found:?}, not by {expected:?}", unit.name).into());
            }
        }
    }
    Ok(())
}
