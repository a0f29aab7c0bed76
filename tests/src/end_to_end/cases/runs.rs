//! `run`: its list, its deadline, and what it passes on.

use rustix::process::Signal;

use super::super::{Case, Ground, InTerminal, ensure};
use super::WEB;
use crate::conformance::Verdict;

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        runs_are_listed_and_stopped,
        a_run_goes_after_its_deadline,
        signals_reach_the_command_and_its_code_comes_back,
        a_second_signal_kills_the_command,
        a_terminal_passes_its_size_and_its_keys,
    ]
}

fn runs_are_listed_and_stopped(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", &format!("{WEB}greet: echo hello\n"))?;
    let empty = ground.ok(&["run:list", &app])?;
    ensure(empty.out.is_empty() && empty.err.contains("no run containers"), || {
        empty.told()
    })?;
    let start = |command: &str| -> Result<String, crate::conformance::Failure> {
        let started = ground.ok(&["run", "--detach", &app, "sleep", command])?;
        Ok(started.out.trim().to_owned())
    };
    let (first, second, third) = (start("3601")?, start("3602")?, start("3603")?);
    let listed = ground.ok(&["run:list", &app])?;
    listed.shows(&[&first, &second, &third, "running", "sleep 3602", "24 h"])?;
    ensure(listed.out.lines().all(|line| line.chars().count() <= 80), || {
        listed.told()
    })?;
    ground.ok(&["run:stop", &app, &second])?;
    let printed = ground.ok(&["run:list", &app, "--format", "json"])?;
    let document: serde_json::Value = serde_json::from_str(&printed.out)?;
    let name = |at: usize| {
        document
            .pointer(&format!("/runs/{at}/name"))
            .and_then(|name| name.as_str())
    };
    ensure(name(0) == Some(&first) && name(1) == Some(&third), || printed.told())?;
    ground
        .run(&["run:stop", &app, "web.1"])?
        .is_error_with_hint(2, &["web.1", &first])?;
    ground.ok(&["run:stop", &app])?;
    ground.runs(&app, &["web.1"])
}

fn a_run_goes_after_its_deadline(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    ground.ok(&["run:detached", "--ttl-seconds", "1", &app, "sleep", "3600"])?;
    let long = ground.ok(&["run:detached", &app, "sleep", "3600"])?;
    let long = long.out.trim().to_owned();
    ground.eventually("the first one is gone", || {
        ground.ok(&["ps:retire", &app])?;
        Ok((ground.containers(&app)?.len() == 2).then_some(()))
    })?;
    let rows = ground.containers(&app)?;
    ensure(
        rows.iter().any(|row| row.name == long && row.state.is_running()),
        || format!("{rows:?}"),
    )
}

fn signals_reach_the_command_and_its_code_comes_back(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    for (signal, name) in [(Signal::INT, "INT"), (Signal::TERM, "TERM")] {
        let script = format!("trap 'echo caught {name}; exit 9' {name}; echo ready >&2; while :; do sleep 0.1; done");
        let mut running = ground.start(&["run", &app, "sh", "-c", &script])?;
        ground.eventually("the command runs", || {
            Ok(running.err()?.contains("ready").then_some(()))
        })?;
        running.signal(signal)?;
        let ended = running.wait(|| {})?.code_is(9)?;
        ensure(ended.out == format!("caught {name}\n"), || ended.told())?;
    }
    ground.runs(&app, &["web.1"])
}

fn a_second_signal_kills_the_command(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let script = "trap 'echo not me >&2' INT; echo ready >&2; while :; do sleep 0.1; done";
    let mut running = ground.start(&["run", &app, "sh", "-c", script])?;
    for word in ["ready", "not me"] {
        ground.eventually(word, || Ok(running.err()?.contains(word).then_some(())))?;
        running.signal(Signal::INT)?;
    }
    running.wait(|| {})?.code_is(137)?;
    ground.runs(&app, &["web.1"])
}

fn a_terminal_passes_its_size_and_its_keys(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let script = "while :; do stty size; sleep 0.1; done";
    let asks = "read line; echo \"line: $line\"; exit 5";
    let run = |script: &str| ground.command(&["run", &app, "sh", "-c", script]);
    let enter = |script: &str| ground.command(&["enter", &app, "web.1", "sh", "-c", script]);
    for (command, asking) in [(run(script), run(asks)), (enter(script), enter(asks))] {
        let mut terminal = InTerminal::start(command, 33, 101)?;
        terminal.shows("33 101")?;
        terminal.resize(44, 77)?;
        terminal.shows("44 77")?;
        terminal.types("\u{3}")?;
        let code = terminal.code()?;
        ensure(code == Some(130), || {
            format!("Ctrl-C: {code:?}, {:?}", terminal.written())
        })?;
        let mut terminal = InTerminal::start(asking, 24, 80)?;
        terminal.types("typed\r")?;
        terminal.shows("line: typed")?;
        let code = terminal.code()?;
        ensure(code == Some(5), || format!("{code:?}, {:?}", terminal.written()))?;
    }
    ground.runs(&app, &["web.1"])
}
