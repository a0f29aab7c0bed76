//! Plans of units as their text.

use std::path::Path;

use super::*;
use crate::units::UnitRole;

const OURS: &str = "# Written by psctl init.\n";

fn unit(name: &str, text: &str, enabling: Enabling) -> UnitFile {
    UnitFile {
        name: name.to_owned(),
        role: UnitRole::Listener,
        text: format!("{OURS}{text}"),
        enabling,
    }
}

fn units() -> [UnitFile; 3] {
    [
        unit("a.service", "a", Enabling::WantedBy("x.service")),
        unit("b.service", "b", Enabling::Now("y.target")),
        unit("c.service", "c", Enabling::Never),
    ]
}

fn found(text: &str, wanted_by: &[&str]) -> Found {
    Found {
        text: Some(text.to_owned()),
        wanted_by: wanted_by.iter().map(|unit| (*unit).to_owned()).collect(),
    }
}

/// As after an installation.
fn installed(name: &str) -> Found {
    let all = units();
    let unit = all.iter().find(|unit| unit.name == name).unwrap();
    found(&unit.text, unit.enabling.wanted_by().as_slice())
}

fn told(steps: &[UnitStep]) -> Vec<String> {
    steps.iter().map(|step| step.tell(Path::new("/u"))).collect()
}

fn install(look: impl Fn(&str) -> Found) -> Vec<String> {
    told(&plan_install(UnitScope::System, &units(), look).unwrap())
}

fn removal(look: impl Fn(&str) -> Found) -> Vec<String> {
    let names = units().map(|unit| unit.name);
    told(&plan_removal(UnitScope::User, &names, look).unwrap())
}

#[test]
fn units_that_are_missing_are_written_enabled_and_started() {
    let expected = [
        "write /u/a.service",
        "write /u/b.service",
        "write /u/c.service",
        "run systemctl daemon-reload",
        "run systemctl enable a.service b.service",
        "run systemctl --no-block restart b.service",
    ];
    assert_eq!(install(|_| Found::default()), expected);
}

#[test]
fn what_is_installed_makes_no_step() {
    assert_eq!(install(installed), [""; 0]);
    assert_eq!(removal(|_| Found::default()), [""; 0]);
}

#[test]
fn a_unit_that_differs_is_written_and_begins_again() {
    let look = |name: &str| match name {
        "b.service" => found("# Written by psctl init of another version\n", &["y.target"]),
        name => installed(name),
    };
    let expected = [
        "write /u/b.service",
        "run systemctl daemon-reload",
        "run systemctl --no-block restart b.service",
    ];
    assert_eq!(install(look), expected);
}

#[test]
fn a_unit_that_another_one_wanted_is_wanted_by_the_right_one_alone() {
    let look = |name: &str| match name {
        "a.service" => found(OURS, &["z.target"]),
        name => installed(name),
    };
    let expected = [
        "remove /u/z.target.wants/a.service",
        "write /u/a.service",
        "run systemctl daemon-reload",
        "run systemctl enable a.service",
    ];
    assert_eq!(install(look), expected);
}

#[test]
fn what_the_service_manager_was_not_told_yet_is_told_the_next_time() {
    let look = |name: &str| Found {
        wanted_by: Vec::new(),
        ..installed(name)
    };
    let expected = [
        "run systemctl enable a.service b.service",
        "run systemctl --no-block restart b.service",
    ];
    assert_eq!(install(look), expected);
}

#[test]
fn files_and_links_of_ours_are_removed_together() {
    let look = |name: &str| match name {
        // Somebody removed the file alone.
        "b.service" => Found {
            text: None,
            ..installed(name)
        },
        name => installed(name),
    };
    let expected = [
        "run systemctl --user stop a.service c.service",
        "remove /u/x.service.wants/a.service",
        "remove /u/y.target.wants/b.service",
        "remove /u/a.service",
        "remove /u/c.service",
        "run systemctl --user daemon-reload",
    ];
    assert_eq!(removal(look), expected);
}

#[test]
fn a_file_of_somebody_else_is_neither_overwritten_nor_removed() {
    for text in ["", "[Unit]\n", "#Written by psctl init\n", " # Written by psctl init\n"] {
        let look = |name: &str| match name {
            "b.service" => found(text, &[]),
            name => installed(name),
        };
        let expected = Stranger {
            names: vec!["b.service".to_owned()],
        };
        assert_eq!(plan_install(UnitScope::System, &units(), look), Err(expected.clone()));
        let names = units().map(|unit| unit.name);
        assert_eq!(plan_removal(UnitScope::System, &names, look), Err(expected.clone()));
        assert_eq!(expected.to_string(), "b.service was not written by psctl init");
    }
}
