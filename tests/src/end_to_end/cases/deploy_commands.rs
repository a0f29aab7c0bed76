//! What app.json does in a deploy: its commands, its formation, its environment.

use ps_core::runtime::ContainerSpec;

use super::super::{Case, Ground, ensure};
use super::{WEB, WEB_AND_WORKER};
use crate::conformance::{Failure, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        what_predeploy_changes_is_kept_and_its_environment_is_not,
        the_commands_of_a_deploy_run_in_their_order,
        a_failing_predeploy_or_first_deploy_command_leaves_no_trace,
        an_image_without_a_shell_has_no_predeploy_command,
        a_failing_postdeploy_command_leaves_the_new_release_serving,
        app_json_owns_the_scale_while_it_gives_quantities,
        app_json_asks_for_variables,
    ]
}

const SECRET: &str = "correct horse 'battery' \"staple\" $HOME\nsecond line";

/// Writes the usual source with an app.json.
fn source_with(ground: &Ground, procfile: &str, app_json: &str) -> Result<String, Failure> {
    let dockerfile = format!("FROM {}\nEXPOSE 5000\nCMD [\"sleep\", \"77\"]\n", ground.base);
    let files = [
        ("Dockerfile", dockerfile.as_str()),
        ("Procfile", procfile),
        ("app.json", app_json),
    ];
    ground.source("shop", &files)
}

fn what_predeploy_changes_is_kept_and_its_environment_is_not(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let set = ground.run(&["config:set", &app, &format!("SECRET={SECRET}")])?;
    set.code_is(0)?;
    let predeploy = r#"{"scripts": {"dokku": {"predeploy":
        "printf %s \"$SECRET\" | wc -c > /built; id -u >> /built; wc -c >> /built; echo predeploy is done"}}}"#;
    let source = source_with(ground, WEB, predeploy)?;
    let deployed = ground.ok(&["deploy", &app, &source])?;
    ensure(deployed.err.contains("predeploy is done"), || deployed.told())?;
    ground.runs(&app, &["web.1"])?;
    let built = ground.ok(&["enter", &app, "web.1", "cat", "/built"])?;
    let words: Vec<&str> = built.out.split_whitespace().collect();
    ensure(words == [SECRET.len().to_string().as_str(), "0", "0"], || built.told())?;
    ground.ok(&["ps", &app])?.shows(&["httpd -f -p 5000"])?;
    // The image's own command is what it was, and nothing that is made from it has the variable.
    let image = format!("psctl/{app}:v1");
    let detail = ground.block_on(ground.engine.inspect_image(&image))?;
    ensure(
        detail.command == ["sleep", "77"] && detail.entrypoint.is_empty(),
        || format!("{detail:?}"),
    )?;
    let spec = ContainerSpec::new(format!("{app}.look"), image);
    let look = ground.block_on(ground.engine.create_container(&spec))?;
    let found = ground.block_on(ground.engine.inspect_container(&look));
    ground.block_on(ground.engine.remove_container(&look))?;
    let document = format!("{:?}", found?.document);
    ensure(!document.contains("battery") && !document.contains("SECRET"), || {
        document
    })?;
    // What the engine remembers of a replica of it is a replica's.
    ground.ok(&["ps:scale", &app, "web=2"])?;
    ground.runs(&app, &["web.1", "web.2"])?;
    ground.ok(&["deploy", &app, "--wait-retired"])?;
    ground.runs(&app, &["web.1", "web.2"])
}

fn the_commands_of_a_deploy_run_in_their_order(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let app_json = r#"{"scripts": {
        "dokku": {"predeploy": "echo one > /said; echo it is one", "postdeploy": "cat /said; echo it is four"},
        "postdeploy": "cat /said; echo it is three"}}"#;
    let source = source_with(
        ground,
        &format!("{WEB}release: sh -c 'cat /said; echo it is two'\n"),
        app_json,
    )?;
    let said = |text: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.trim().split_once(" | it is "));
        lines.map(|(who, what)| format!("{who} {what}")).collect()
    };
    let first = ground.ok(&["deploy", &app, &source])?;
    let expected = ["predeploy one", "release two", "first-deploy three", "postdeploy four"];
    ensure(said(&first.err) == expected, || first.told())?;
    let second = ground.ok(&["deploy", &app])?;
    let expected = ["predeploy one", "release two", "postdeploy four"];
    ensure(said(&second.err) == expected, || second.told())?;
    ground.has_soon(&app, &["web.1"])
}

fn a_failing_predeploy_or_first_deploy_command_leaves_no_trace(ground: &Ground) -> Verdict {
    let app = ground.app("shop");
    let seed = r#"{"scripts": {"postdeploy": "echo no seed today; exit 6"}}"#;
    let source = source_with(ground, WEB, seed)?;
    let failed = ground.run(&["deploy", &app, &source])?;
    failed.is_error_with_hint(1, &["first-deploy", "no seed today"])?;
    ground.run(&["apps:exists", &app])?.code_is(20)?;
    ensure(!ground.has_image(&format!("psctl/{app}:v1"))?, || {
        "its image is left".to_owned()
    })?;

    let app = ground.deployed("other", WEB)?;
    let before = ground.ids(&app)?;
    let assets = r#"{"scripts": {"dokku": {"predeploy": "echo begun; false; echo never"}}}"#;
    let source = source_with(ground, WEB, assets)?;
    let failed = ground.run(&["deploy", &app, &source])?;
    failed.is_error_with_hint(1, &["predeploy", "begun"])?;
    ensure(!failed.err.contains("never"), || failed.told())?;
    ensure(ground.ids(&app)? == before, || {
        format!("{:?} is not {before:?}", ground.ids(&app))
    })?;
    ensure(!ground.has_image(&format!("psctl/{app}:v2"))?, || {
        "its image is left".to_owned()
    })
}

fn an_image_without_a_shell_has_no_predeploy_command(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let files = [
        ("Dockerfile", "FROM scratch\nCOPY busybox /busybox\nEXPOSE 5000\n"),
        ("Procfile", "web: /busybox httpd -f -p $PORT\n"),
        ("app.json", r#"{"scripts": {"dokku": {"predeploy": "true"}}}"#),
    ];
    let source = ground.source("shop", &files)?;
    let busybox = crate::engines::static_busybox().ok_or("no static busybox")?;
    std::fs::copy(busybox, std::path::Path::new(&source).join("busybox"))?;
    let failed = ground.run(&["deploy", &app, &source])?;
    failed.is_error_with_hint(1, &["predeploy command", "/bin/sh"])?;
    ensure(ground.ids(&app)?.is_empty(), || {
        format!("{:?} are left", ground.ids(&app))
    })
}

fn a_failing_postdeploy_command_leaves_the_new_release_serving(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let before = ground.id(&app, "web.1")?;
    let announce = r#"{"scripts": {"dokku": {"postdeploy": "echo nobody listens; exit 9"}}}"#;
    let source = source_with(ground, WEB, announce)?;
    let failed = ground.run(&["deploy", &app, &source])?;
    failed.is_error_with_hint(1, &["postdeploy", "nobody listens", "the new release serves"])?;
    let release = ground.ok(&["ps:report", &app, "--release"])?;
    ensure(release.out == "v2\n", || release.told())?;
    // What it replaced goes all the same.
    ground.has_soon(&app, &["web.1"])?;
    ensure(ground.id(&app, "web.1")? != before, || "the old one serves".to_owned())
}

fn app_json_owns_the_scale_while_it_gives_quantities(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let formation = r#"{"formation": {"worker": {"quantity": 2, "max_parallel": 1}}}"#;
    let source = source_with(ground, WEB_AND_WORKER, formation)?;
    ground.ok(&["deploy", &app, &source])?;
    ground.runs(&app, &["worker.1", "worker.2"])?;
    let report = ground.ok(&["ps:report", &app, "--ps-can-scale"])?;
    ensure(report.out == "false\n", || report.told())?;
    for words in [
        ["ps:scale", &app, "web=1"].as_slice(),
        &["ps:scale", "--skip-deploy", &app, "web=1"],
    ] {
        ground.run(words)?.is_error_with_hint(1, &["app.json"])?;
    }
    let unknown = source_with(ground, WEB_AND_WORKER, r#"{"formation": {"clock": {"quantity": 1}}}"#)?;
    let before = ground.ids(&app)?;
    ground
        .run(&["deploy", &app, &unknown])?
        .is_error_with_hint(4, &["clock"])?;
    ensure(ground.ids(&app)? == before, || "it changed something".to_owned())?;
    let freed = source_with(ground, WEB_AND_WORKER, "{}")?;
    ground.ok(&["deploy", &app, &freed, "--wait-retired"])?;
    ground.runs(&app, &["worker.1", "worker.2"])?;
    ground.ok(&["ps:scale", &app, "web=1", "worker=0", "--wait-retired"])?;
    ground.runs(&app, &["web.1"])
}

fn app_json_asks_for_variables(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let env = r#"{"env": {
        "KEY": {"generator": "secret"},
        "COLOUR": "green",
        "MAIL_HOST": {"description": "where the mail goes"}}}"#;
    let source = source_with(ground, WEB, env)?;
    let refused = ground.run(&["deploy", &app, &source])?;
    let words = [
        "MAIL_HOST",
        "where the mail goes",
        &format!("config:set {app} MAIL_HOST="),
    ];
    refused.is_error_with_hint(1, &words)?;
    ensure(!refused.err.contains("Building"), || refused.told())?;
    ground.ok(&["config:set", &app, "MAIL_HOST=mail.example"])?;
    // A deploy that fails later leaves none of them.
    let dies = source_with(ground, "web: sh -c 'exit 3'\n", env)?;
    ground.ok(&["checks:enable", &app])?;
    ground.run(&["deploy", &app, &dies])?.code_is(8)?;
    ground.run(&["config:get", &app, "KEY"])?.code_is(1)?;
    ground.ok(&["checks:skip", &app])?;
    let source = source_with(ground, WEB, env)?;
    let deployed = ground.ok(&["deploy", &app, &source])?;
    let key = ground.ok(&["config:get", &app, "KEY"])?;
    let key = key.out.trim();
    ensure(
        key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()),
        || key.to_owned(),
    )?;
    ensure(!deployed.err.contains(key), || "the secret is shown".to_owned())?;
    let inside = ground.ok(&["enter", &app, "web.1", "sh", "-c", "echo $KEY $COLOUR $MAIL_HOST"])?;
    ensure(inside.out.trim() == format!("{key} green mail.example"), || {
        inside.told()
    })
}
