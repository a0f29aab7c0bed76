//! What goes wrong: a clear error with its code, and nothing half done.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::super::{Case, Ground, ensure};
use super::WEB;
use crate::conformance::{Failure, Verdict};

/// Whom nothing belongs to.
const NOBODY: u32 = 65534;

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        a_bad_line_in_the_procfile_is_shown,
        a_missing_directory_and_a_missing_dockerfile_are_told,
        a_missing_image_is_told,
        a_failing_build_shows_what_the_engine_said,
        a_missing_program_is_told_without_its_arguments,
        an_engine_that_is_down_is_told,
        another_engine_than_the_bound_one_is_refused,
        a_read_only_database_is_refused,
        somebody_elses_state_directory_is_refused,
        an_unknown_app_is_told,
    ]
}

/// Does something that must change nothing.
pub(super) fn unchanged<T>(ground: &Ground, app: &str, act: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let look = || -> Result<_, Failure> {
        let report = ground.ok(&["ps:report", app, "--format", "json"])?.out;
        Ok((report, ground.ok(&["config:show", app])?.out, ground.containers(app)?))
    };
    let before = look()?;
    let done = act()?;
    let after = look()?;
    ensure(before == after, || format!("something changed: {before:?}\n{after:?}"))?;
    let image = format!("psctl/{app}:v2");
    ensure(!ground.has_image(&image)?, || format!("{image} is left"))?;
    Ok(done)
}

fn a_bad_line_in_the_procfile_is_shown(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let source = ground.source_of("bad", "web: httpd -f\nthis is no process\n")?;
    let failed = unchanged(ground, &app, || ground.run(&["deploy", &app, &source]))?;
    failed.is_error(4, &["Procfile", "2", "this is no process"])?;
    // An app that does not exist yet is not created for it.
    let new = ground.app("new");
    ground.run(&["deploy", &new, &source])?.code_is(4)?;
    ground.run(&["apps:exists", &new])?.code_is(20)?;
    Ok(())
}

fn a_missing_directory_and_a_missing_dockerfile_are_told(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let missing = ground.folder().join("nosuch").display().to_string();
    let failed = unchanged(ground, &app, || ground.run(&["deploy", &app, &missing]))?;
    failed.is_error(1, &["nosuch"])?;
    let source = ground.source("empty", &[("Procfile", WEB)])?;
    let failed = unchanged(ground, &app, || ground.run(&["deploy", &app, &source]))?;
    failed.is_error_with_hint(1, &["Dockerfile"])
}

fn a_missing_image_is_told(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let image = "localhost:9/psctl-no-such-image:v1";
    let failed = unchanged(ground, &app, || ground.run(&["git:from-image", &app, image]))?;
    failed.is_error_with_hint(1, &["psctl-no-such-image"])?;
    // What was deployed before is what a rebuild builds.
    ground.ok(&["ps:rebuild", &app])?;
    ground.has_soon(&app, &["web.1"])
}

fn a_failing_build_shows_what_the_engine_said(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let dockerfile = format!("FROM {}\nRUN echo about to fail && exit 9\n", ground.base);
    let source = ground.source("bad", &[("Dockerfile", &dockerfile), ("Procfile", WEB)])?;
    let failed = unchanged(ground, &app, || ground.run(&["deploy", &app, &source]))?;
    failed.is_error(1, &["about to fail", "exit 9"])?;
    let source = ground.source(
        "worse",
        &[
            ("Dockerfile", &format!("FROM {}\nNOSUCH instruction\n", ground.base)),
            ("Procfile", WEB),
        ],
    )?;
    let failed = unchanged(ground, &app, || ground.run(&["deploy", &app, &source]))?;
    failed.is_error(1, &["NOSUCH"])
}

fn a_missing_program_is_told_without_its_arguments(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    // So that there is a process which must not be started.
    ground.ok(&["ps:set", &app, "init", "false"])?;
    let source = ground.source_of("bad", "web: /no/such/program --flag\n")?;
    let failed = ground.run(&["deploy", &app, &source])?;
    failed.is_error_with_hint(1, &["/no/such/program"])?;
    ground.runs(&app, &["web.1"])?;
    ensure(!ground.has_image(&format!("psctl/{app}:v2"))?, || {
        "the image is left".to_owned()
    })
}

fn nowhere(ground: &Ground, words: &[&str]) -> Command {
    let mut command = ground.command_without_engine(&["--host", "unix:///nonexistent/engine.sock"]);
    command.args(words);
    command
}

fn an_engine_that_is_down_is_told(ground: &Ground) -> Verdict {
    let app = ground.app("shop");
    let source = ground.source_of("shop", WEB)?;
    let failed = ground.run_command(nowhere(ground, &["deploy", &app, &source]), "")?;
    failed.is_error_with_hint(7, &["/nonexistent/engine.sock"])?;
    ground.run(&["apps:exists", &app])?.code_is(20)?;
    Ok(())
}

fn another_engine_than_the_bound_one_is_refused(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let changing: [&[&str]; 6] = [
        &["ps:scale", &app, "web=2"],
        &["ps:restart", &app],
        &["ps:stop", &app],
        &["ps:rebuild", &app],
        &["config:set", &app, "A=b"],
        &["apps:destroy", &app, "--force"],
    ];
    for words in changing {
        let failed = unchanged(ground, &app, || ground.run_command(nowhere(ground, words), ""))?;
        failed.is_error_with_hint(7, &[])?;
    }
    ground
        .run_command(nowhere(ground, &["ps:report", &app]), "")?
        .is_error_with_hint(7, &[])
}

/// A command as a user to whom nothing belongs, with a copy of the program that this user can start.
fn as_nobody(ground: &Ground, words: &[&str]) -> Result<Command, Failure> {
    let program = ground.folder().join("psctl-for-nobody");
    if !program.exists() {
        fs::copy(ground.program().path(), &program)?;
    }
    fs::set_permissions(ground.folder(), Permissions::from_mode(0o755))?;
    let mut command = Command::new(program);
    command.args(["--host", ground.address()]).args(words).current_dir("/");
    command.env("PSCTL_STATE_DIR", ground.state()).uid(NOBODY).gid(NOBODY);
    Ok(command)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn a_read_only_database_is_refused(ground: &Ground) -> Verdict {
    if !is_root() {
        // Only root can be somebody else.
        return Ok(());
    }
    let app = ground.deployed("shop", WEB)?;
    let before = ground.containers(&app)?;
    let database = ground.state().join("psctl.db");
    for path in [ground.state(), ground.state().join("locks"), database.clone()] {
        chown(path, Some(NOBODY), Some(NOBODY))?;
    }
    fs::set_permissions(&database, Permissions::from_mode(0o400))?;
    let bytes = fs::read(&database)?;
    let commands: [&[&str]; 4] = [
        &["apps:create", "other"],
        &["ps:scale", &app, "web=3"],
        &["config:set", &app, "A=b"],
        &["ps:stop", &app],
    ];
    for words in commands {
        let failed = ground.run_command(as_nobody(ground, words)?, "")?;
        failed.is_error_with_hint(1, &["psctl.db"])?;
    }
    ensure(fs::read(&database)? == bytes, || "the database changed".to_owned())?;
    for path in [ground.state(), ground.state().join("locks"), database] {
        for file in fs::read_dir(&path).into_iter().flatten() {
            chown(file?.path(), Some(0), Some(0))?;
        }
        chown(path, Some(0), Some(0))?;
    }
    fs::set_permissions(ground.state().join("psctl.db"), Permissions::from_mode(0o600))?;
    ensure(ground.containers(&app)? == before, || "containers changed".to_owned())
}

fn somebody_elses_state_directory_is_refused(ground: &Ground) -> Verdict {
    if !is_root() {
        return Ok(());
    }
    let app = ground.deployed("shop", WEB)?;
    let before = ground.containers(&app)?;
    chown(ground.state(), Some(NOBODY), Some(NOBODY))?;
    let commands: [&[&str]; 3] = [
        &["ps:scale", &app, "web=3"],
        &["ps:report", &app],
        &["apps:create", "other"],
    ];
    let mut failures = Vec::new();
    for words in commands {
        failures.push(ground.run(words)?);
    }
    chown(ground.state(), Some(0), Some(0))?;
    for failed in failures {
        failed.is_error_with_hint(1, &["belongs to"])?;
    }
    let link = ground.folder().join("link");
    std::os::unix::fs::symlink(ground.state(), &link)?;
    let mut linked = ground.command(&["ps:report", &app]);
    linked.env("PSCTL_STATE_DIR", link);
    ground.run_command(linked, "")?.is_error_with_hint(1, &["link"])?;
    ensure(ground.containers(&app)? == before, || "containers changed".to_owned())
}

fn an_unknown_app_is_told(ground: &Ground) -> Verdict {
    ground.ok(&["apps:create", &ground.app("shop")])?;
    let commands: [&[&str]; 8] = [
        &["ps:scale", "nosuch", "web=2"],
        &["ps:restart", "nosuch"],
        &["ps:report", "nosuch"],
        &["deploy", "nosuch"],
        &["config:set", "nosuch", "A=b"],
        &["ps:set", "nosuch", "restart-policy", "no"],
        &["run", "nosuch", "true"],
        &["apps:destroy", "nosuch", "--force"],
    ];
    for words in commands {
        ground.run(words)?.is_error_with_hint(20, &["nosuch"])?;
    }
    ground
        .run(&["apps:create", "Not_A_Name"])?
        .is_error(2, &["Not_A_Name"])?;
    ground.run(&["ps:scal", "shop"])?.is_error_with_hint(2, &["ps:scale"])
}
