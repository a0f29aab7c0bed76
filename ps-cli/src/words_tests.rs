//! The words that Dokku's users write, and what clap should read.

use clap::CommandFactory;

use super::*;
use crate::arguments::Arguments;

fn program() -> clap::Command {
    let mut program = Arguments::command();
    program.build();
    program
}

fn try_arrange(line: &[&str]) -> Result<Arranged, WordsError> {
    let words: Vec<OsString> = line.iter().map(OsString::from).collect();
    arrange(&program(), &words)
}

fn arranged(line: &[&str]) -> Vec<String> {
    let words = try_arrange(line).unwrap().words;
    words.into_iter().map(|word| word.into_string().unwrap()).collect()
}

#[test]
fn flags_may_stand_before_the_command() {
    assert_eq!(
        arranged(&["--quiet", "ps:scale", "shop"]),
        ["ps:scale", "--quiet", "shop"]
    );
    assert_eq!(
        arranged(&["--host", "unix:///x", "--parallel", "-1", "ps:stop", "--all"]),
        ["ps:stop", "--host", "unix:///x", "--parallel", "-1", "--all"]
    );
    assert_eq!(
        arranged(&["--host=unix:///x", "logs", "a"]),
        ["logs", "--host=unix:///x", "a"]
    );
    assert_eq!(arranged(&["-n", "5", "logs", "a"]), ["logs", "-n", "5", "a"]);
}

#[test]
fn the_prefix_of_ps_may_be_left_out() {
    for (short, long) in [
        ("scale", "ps:scale"),
        ("set", "ps:set"),
        ("deploy:all", "ps:restartall"),
    ] {
        let arranged = try_arrange(&[short, "a"]).unwrap();
        assert_eq!(arranged.command.as_deref(), Some(long));
        assert_eq!(arranged.typed.as_deref(), Some(short));
    }
}

#[test]
fn without_a_command_nothing_changes() {
    for line in [&[][..], &["--help"], &["--host", "x"], &["-V"], &["--", "ps:scale"]] {
        let arranged = try_arrange(line).unwrap();
        assert_eq!((arranged.command, arranged.words.len()), (None, line.len()), "{line:?}");
    }
}

#[test]
fn other_flags_of_a_report_are_info_flags() {
    assert_eq!(
        arranged(&["ps:report", "shop", "--deployed"]),
        ["ps:report", "shop", "--info-flag=--deployed"]
    );
    assert_eq!(
        arranged(&["report", "--status-web.1", "shop"]),
        ["ps:report", "--info-flag=--status-web.1", "shop"]
    );
    assert_eq!(
        arranged(&["ps:report", "--ps-restart-policy", "--format", "json", "--quiet"]),
        [
            "ps:report",
            "--info-flag=--ps-restart-policy",
            "--format",
            "json",
            "--quiet"
        ]
    );
    assert_eq!(
        arranged(&["ps:report", "--format=json"]),
        ["ps:report", "--format=json"]
    );
    assert_eq!(arranged(&["ps:report", "--help"]), ["ps:report", "--help"]);
    assert_eq!(arranged(&["ps:report", "--global"]), ["ps:report", "--global"]);
    assert_eq!(
        arranged(&["--running", "ps:report"]),
        ["ps:report", "--info-flag=--running"]
    );
}

#[test]
fn two_info_flags_are_refused() {
    let error = try_arrange(&["ps:report", "--deployed", "shop", "--running"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`--running` is a second info flag, after `--deployed`: use one"
    );
}

#[test]
fn the_value_of_a_property_is_taken_as_it_is() {
    let cases: [(&[&str], &[&str]); 7] = [
        (
            &["ps:set", "shop", "start-cmd", "--harmony server.js"],
            &["ps:set", "--", "shop", "start-cmd", "--harmony server.js"],
        ),
        (
            &["set", "shop", "start-cmd", "--host=::"],
            &["ps:set", "--", "shop", "start-cmd", "--host=::"],
        ),
        (
            &["ps:set", "--quiet", "shop", "restart-policy", "no", "--dry-run"],
            &["ps:set", "--quiet", "--dry-run", "--", "shop", "restart-policy", "no"],
        ),
        (
            &["ps:set", "shop", "start-cmd", "--dry-run"],
            &["ps:set", "--dry-run", "--", "shop", "start-cmd"],
        ),
        (
            &["ps:set", "shop", "start-cmd", "--", "-v"],
            &["ps:set", "--", "shop", "start-cmd", "-v"],
        ),
        (
            &["ps:set", "--global", "restart-policy", "-x"],
            &["ps:set", "--global", "--", "restart-policy", "-x"],
        ),
        (
            &["ps:set", "restart-policy", "always", "--global", "--host", "unix:///x"],
            &[
                "ps:set",
                "--global",
                "--host",
                "unix:///x",
                "--",
                "restart-policy",
                "always",
            ],
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(arranged(line), expected);
    }
}

#[test]
fn the_command_of_a_container_is_taken_as_it_is() {
    let cases: [(&[&str], &[&str]); 6] = [
        (
            &["run", "shop", "ls", "-v", "--quiet"],
            &["run", "shop", "--", "ls", "-v", "--quiet"],
        ),
        (
            &["run", "--detach", "shop", "ls"],
            &["run", "--detach", "shop", "--", "ls"],
        ),
        (
            &["run", "shop", "--detach", "ls", "-l"],
            &["run", "shop", "--detach", "--", "ls", "-l"],
        ),
        (&["run", "shop", "--", "-x"], &["run", "shop", "--", "-x"]),
        (
            &["enter", "shop", "web.1", "sh", "-c", "x"],
            &["enter", "shop", "--", "web.1", "sh", "-c", "x"],
        ),
        (
            &["--host", "unix:///x", "enter", "shop"],
            &["enter", "--host", "unix:///x", "shop"],
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(arranged(line), expected);
    }
}

#[test]
fn a_mistyped_command_suggests_the_nearest() {
    let cases = [
        ("ps:scal", Some("ps:scale")),
        ("scael", Some("ps:scale")),
        ("app:create", Some("apps:create")),
        ("ps:reprot", Some("ps:report")),
        ("delpoy", Some("deploy")),
        ("nonsense", None),
        ("x", None),
    ];
    for (word, expected) in cases {
        let WordsError::UnknownCommand { nearest, .. } = try_arrange(&["--quiet", word, "shop"]).unwrap_err() else {
            panic!("{word}");
        };
        assert_eq!(nearest.as_deref(), expected, "{word}");
    }
}

#[test]
fn values_on_the_command_line_of_config_are_known() {
    let arranged = try_arrange(&["config:set", "shop", "A=one=1", "--no-restart", "B=two"]).unwrap();
    assert_eq!(config_values(&arranged), ["one=1", "two"]);
    assert!(config_values(&try_arrange(&["ps:scale", "shop", "web=2"]).unwrap()).is_empty());
}

#[test]
fn words_that_are_no_text_pass() {
    use std::os::unix::ffi::OsStringExt;
    let odd = OsString::from_vec(vec![b'/', 0xff]);
    let arranged = arrange(&program(), &["deploy".into(), "shop".into(), odd.clone()]).unwrap();
    assert_eq!(arranged.words.last(), Some(&odd));
}
