//! `run`, `enter`, `logs`, `ps` and `ps:inspect`.

use super::super::{Case, Ground, ensure};
use super::{WEB, WEB_AND_WORKER};
use crate::conformance::Verdict;

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        run_passes_input_output_and_the_exit_code,
        a_detached_run_goes_on_by_itself,
        enter_passes_input_output_and_the_exit_code,
        logs_are_prefixed_and_limited,
        inspect_is_one_array,
        version_and_help_touch_nothing,
    ]
}

fn run_passes_input_output_and_the_exit_code(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", &format!("{WEB}greet: echo hello from the Procfile\n"))?;
    let failed = ground.run(&["run", &app, "sh", "-c", "echo out; echo err >&2; exit 7"])?;
    let failed = failed.code_is(7)?;
    ensure(failed.out == "out\n" && failed.err.contains("err\n"), || failed.told())?;
    let piped = ground
        .run_with_input(&["run", &app, "cat"], "line one\nline two\n")?
        .code_is(0)?;
    ensure(piped.out == "line one\nline two\n", || piped.told())?;
    let named = ground.ok(&["run", &app, "greet"])?;
    ensure(named.out == "hello from the Procfile\n", || named.told())?;
    let flags = ground.ok(&["run", &app, "echo", "--detach", "-v", "--host"])?;
    ensure(flags.out == "--detach -v --host\n", || flags.told())?;
    let missing = ground.run(&["run", &app, "/no/such/program"])?;
    ensure(
        missing.code != Some(0) && missing.err.contains("/no/such/program"),
        || missing.told(),
    )?;
    ground.has_soon(&app, &["web.1"])
}

fn a_detached_run_goes_on_by_itself(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let started = ground.ok(&["run", "--detach", &app, "sleep", "3600"])?;
    let name = started.out.trim().to_owned();
    ensure(name.starts_with(&format!("{app}.")), || started.told())?;
    let rows = ground.containers(&app)?;
    let one_off = rows.iter().find(|row| row.name == name);
    ensure(one_off.is_some_and(|row| row.state.is_running()), || {
        format!("it does not run: {rows:?}")
    })?;
    // A restart and a scale leave it alone.
    ground.ok(&["ps:restart", &app])?;
    ground.eventually("the old web is gone", || {
        Ok((ground.containers(&app)?.len() == 2).then_some(()))
    })?;
    let rows = ground.containers(&app)?;
    ensure(
        rows.iter().any(|row| row.name == name && row.state.is_running()),
        || format!("{rows:?}"),
    )
}

fn enter_passes_input_output_and_the_exit_code(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB_AND_WORKER)?;
    ground.ok(&["ps:scale", &app, "worker=1"])?;
    let input = "echo $DYNO\necho oops >&2\nexit 5\n";
    let entered = ground.run_with_input(&["enter", &app, "worker.1"], input)?.code_is(5)?;
    ensure(entered.out == "worker.1\n" && entered.err.contains("oops\n"), || {
        entered.told()
    })?;
    let first = ground.ok(&["enter", &app, "web", "sh", "-c", "echo $DYNO; echo $PORT"])?;
    ensure(first.out == "web.1\n5000\n", || first.told())?;
    ground.run(&["enter", &app, "web.9", "true"])?.is_error(2, &["web.9"])?;
    ground.ok(&["ps:stop", &app])?;
    ground
        .run(&["enter", &app, "web.1", "true"])?
        .is_error_with_hint(1, &["web.1"])
}

fn logs_are_prefixed_and_limited(ground: &Ground) -> Verdict {
    let lines = "for i in 1 2 3 4 5; do echo line $i of $DYNO; done; exec sleep 3600";
    let procfile = format!("web: sh -c '{lines}'\nworker: sh -c '{lines}'\n");
    let app = ground.deployed("shop", &procfile)?;
    ground.ok(&["ps:scale", &app, "worker=1"])?;
    let all = ground.eventually("all lines are there", || {
        let all = ground.ok(&["logs", &app])?;
        Ok((all.out.lines().count() == 10).then_some(all))
    })?;
    ensure(
        all.out
            .lines()
            .any(|line| line.contains("web.1") && line.ends_with("line 1 of web.1")),
        || all.told(),
    )?;
    let last = ground.ok(&["logs", &app, "-n", "2", "-p", "worker"])?;
    let ends: Vec<&str> = last
        .out
        .lines()
        .filter_map(|line| line.split_once("line "))
        .map(|(_, end)| end)
        .collect();
    ensure(ends == ["4 of worker.1", "5 of worker.1"], || last.told())?;
    let processes = ground.ok(&["ps", &app])?;
    processes.shows(&["(web.1)", "(worker.1)", "sleep 3600"])
}

fn inspect_is_one_array(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let empty = ground.ok(&["ps:inspect", &app])?;
    ensure(empty.out == "[]\n", || empty.told())?;
    let source = ground.source_of("shop", WEB)?;
    ground.ok(&["config:set", &app, "COLOUR=unusual-green"])?;
    ground.ok(&["deploy", &app, &source])?;
    ground.ok(&["ps:scale", &app, "web=2"])?;
    let shown = ground.ok(&["ps:inspect", &app])?;
    let document: serde_json::Value = serde_json::from_str(&shown.out)?;
    ensure(document.as_array().is_some_and(|all| all.len() == 2), || shown.told())?;
    shown.shows(&["COLOUR=XXXXXX", "PORT=5000", "DYNO=web.1", "DYNO=web.2"])?;
    ground.ok(&["ps:stop", &app])?;
    let empty = ground.ok(&["ps:inspect", &app])?;
    ensure(empty.out == "[]\n", || empty.told())?;
    let stopped: serde_json::Value = serde_json::from_str(&ground.ok(&["ps:inspect", "--all", &app])?.out)?;
    ensure(stopped.as_array().is_some_and(|all| all.len() == 2), || {
        stopped.to_string()
    })
}

fn version_and_help_touch_nothing(ground: &Ground) -> Verdict {
    let commands: [&[&str]; 6] = [
        &["--version"],
        &["version"],
        &["help"],
        &["ps:help"],
        &["ps:scale", "--help"],
        &["ps"],
    ];
    for words in commands {
        let mut command = ground.command_without_engine(&["--host", "unix:///nonexistent/engine.sock"]);
        command.env("PSCTL_STATE_DIR", "/proc/psctl").args(words);
        let shown = ground.run_command(command, "")?.code_is(0)?;
        ensure(!shown.out.is_empty() && shown.err.is_empty(), || shown.told())?;
    }
    ensure(!ground.state().exists(), || "a state directory was made".to_owned())
}
