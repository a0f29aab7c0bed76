//! app.json and its early relatives: out of directories and images, at their usual place and elsewhere.

use serde_json::{Value, json};

use super::super::{Case, Ground, ensure};
use super::errors::unchanged;
use super::{WEB, WEB_AND_WORKER};
use crate::conformance::{Failure, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        invalid_files_are_refused_before_anything_is_built,
        app_json_may_have_comments_and_trailing_commas,
        checks_and_scale_files_are_still_read,
        app_json_lies_where_appjson_path_says,
        an_image_brings_its_own_app_json,
        an_invalid_app_json_in_an_image_is_refused,
    ]
}

/// What the newest release remembers of its source.
fn manifest(ground: &Ground, app: &str) -> Result<Value, Failure> {
    let query = "SELECT manifest FROM releases JOIN apps ON apps.id = releases.app_id \
                 WHERE apps.name = ?1 ORDER BY number DESC LIMIT 1";
    let json: String = ground.database()?.query_row(query, [app], |row| row.get(0))?;
    Ok(serde_json::from_str(&json)?)
}

/// Fails unless the newest release remembers this at this place of its manifest.
fn remembers(ground: &Ground, app: &str, place: &str, value: &Value) -> Verdict {
    let manifest = manifest(ground, app)?;
    ensure(manifest.pointer(place) == Some(value), || {
        format!("{place} is not {value}: {manifest}")
    })
}

/// An app.json that only says how many `web` start at a time.
fn at_a_time(bound: u16) -> String {
    format!("{{ \"formation\": {{ \"web\": {{ \"max_parallel\": {bound} }} }} }}\n")
}

fn invalid_files_are_refused_before_anything_is_built(ground: &Ground) -> Verdict {
    let app = ground.deployed("shop", WEB)?;
    let dockerfile = format!("FROM {}\nRUN false\n", ground.base);
    let app_json = "{\n  \"env\": { \"TOKEN\": \"hunter2\" },\n  \"formation\": { \"web\": { \"quantity\": -1 } }\n}\n";
    let files = [
        ("Dockerfile", dockerfile.as_str()),
        ("Procfile", WEB),
        ("app.json", app_json),
        ("CHECKS", "ATTEMPTS=0\n/\n"),
        ("DOKKU_SCALE", "web\n"),
    ];
    let source = ground.source("bad", &files)?;
    let failed = unchanged(ground, &app, || ground.run(&["deploy", &app, &source]))?;
    let caret =
        "\n  3 |   \"formation\": { \"web\": { \"quantity\": -1 } }\n    |                                       ^^\n";
    let shown = [
        "app.json:3:39: formation.web.quantity: ",
        caret,
        "CHECKS:1:10: ",
        "DOKKU_SCALE:1:1: ",
    ];
    failed.is_error(4, &shown)?;
    ensure(!failed.err.contains("hunter2"), || failed.told())?;
    // A dry run says the same, and an app that does not exist yet is not created for it.
    ground
        .run(&["--dry-run", "deploy", &app, &source])?
        .is_error(4, &shown)?;
    let new = ground.app("new");
    ground.run(&["deploy", &new, &source])?.code_is(4)?;
    ground.run(&["apps:exists", &new])?.code_is(20)?;
    Ok(())
}

fn app_json_may_have_comments_and_trailing_commas(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    ground.source(
        "shop",
        &[(
            "app.json",
            "{\n  // two are enough\n  \"formation\": { \"web\": { \"quantity\": 2, }, }, /* the rest is quiet */\n  \
             \"healthchecks\": { \"worker\": [{ \"type\": \"readiness\", \"path\": \"/\" }] },\n}\n",
        )],
    )?;
    let source = ground.source_of("shop", WEB_AND_WORKER)?;
    let deployed = ground.ok(&["deploy", &app, &source])?;
    remembers(ground, &app, "/formation/web/quantity", &json!(2))?;
    let warning = "app.json:4:42: healthchecks.worker[0].type: `readiness` checks are not run";
    ensure(deployed.err.contains(warning), || deployed.told())
}

fn checks_and_scale_files_are_still_read(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let early = [("CHECKS", "WAIT=1\n/health well\n"), ("DOKKU_SCALE", "web=1\n")];
    ground.source("shop", &early)?;
    let source = ground.source_of("shop", WEB)?;
    let deployed = ground.ok(&["deploy", &app, &source])?;
    let notice = "`CHECKS` is the early form of checks";
    ensure(deployed.err.matches(notice).count() == 1, || deployed.told())?;
    remembers(ground, &app, "/checks/web/0/kind/path/path", &json!("/health"))?;
    remembers(ground, &app, "/scale_file", &json!({ "web": 1 }))?;
    let newer = r#"{ "healthchecks": { "web": [{ "type": "startup", "uptime": 1 }] } }"#;
    ground.source("shop", &[("app.json", newer)])?;
    let rebuilt = ground.ok(&["ps:rebuild", &app])?;
    ensure(rebuilt.err.contains("`CHECKS` is not read"), || rebuilt.told())?;
    remembers(
        ground,
        &app,
        "/checks/web/0/kind",
        &json!({ "uptime": { "secs": 1, "nanos": 0 } }),
    )
}

fn app_json_lies_where_appjson_path_says(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    let (one, two, three) = (at_a_time(1), at_a_time(2), at_a_time(3));
    let files = [
        ("app.json", one.as_str()),
        ("deploy/app.json", &two),
        ("deploy/shop.json", &three),
    ];
    ground.source("shop", &files)?;
    let source = ground.source_of("shop", WEB)?;
    let place = "/formation/web/max_parallel";
    ground.ok(&["deploy", &app, &source])?;
    remembers(ground, &app, place, &json!(1))?;
    ground.ok(&["ps:set", "--global", "appjson-path", "deploy/app.json"])?;
    ground.ok(&["ps:rebuild", &app])?;
    remembers(ground, &app, place, &json!(2))?;
    ground.ok(&["ps:set", &app, "appjson-path", "deploy/shop.json"])?;
    ground.ok(&["ps:rebuild", &app])?;
    remembers(ground, &app, place, &json!(3))?;
    let report = ground.ok(&["ps:report", &app, "--ps-computed-appjson-path"])?;
    ensure(report.out == "deploy/shop.json\n", || report.told())?;
    // One that is not there is as good as none, whatever lies at the usual place.
    ground.ok(&["ps:set", &app, "appjson-path", "nosuch.json"])?;
    let rebuilt = ground.ok(&["ps:rebuild", &app])?;
    let warning = "there is no `nosuch.json` in the source, so the app has no app.json";
    ensure(rebuilt.err.contains(warning), || rebuilt.told())?;
    remembers(ground, &app, "/formation", &json!({}))?;
    ground.ok(&["ps:set", &app, "appjson-path"])?;
    ground.ok(&["ps:set", "--global", "appjson-path"])?;
    ground.ok(&["ps:rebuild", &app])?;
    remembers(ground, &app, place, &json!(1))?;
    ground
        .run(&["ps:set", &app, "appjson-path", "../app.json"])?
        .is_error(2, &["appjson-path"])
}

/// Makes an image with these files in its working directory; its name.
fn image_with(ground: &Ground, files: &[(&str, &str)]) -> Result<String, Failure> {
    let app = ground.created("made")?;
    // What the image holds is not what it is built with.
    ground.ok(&["ps:set", &app, "appjson-path", "none.json"])?;
    let dockerfile = format!("FROM {}\nWORKDIR /srv/app\nCOPY files .\nEXPOSE 5000\n", ground.base);
    ground.source("made", &[("Dockerfile", &dockerfile), ("Procfile", WEB)])?;
    let inside: Vec<(String, &str)> = files
        .iter()
        .map(|(path, content)| (format!("files/{path}"), *content))
        .collect();
    let inside: Vec<(&str, &str)> = inside.iter().map(|(path, content)| (path.as_str(), *content)).collect();
    let source = ground.source("made", &inside)?;
    ground.ok(&["deploy", &app, &source])?;
    Ok(format!("psctl/{app}:v1"))
}

fn an_image_brings_its_own_app_json(ground: &Ground) -> Verdict {
    let (one, two) = (at_a_time(1), at_a_time(2));
    let files = [
        ("Procfile", WEB),
        ("app.json", one.as_str()),
        ("deploy/app.json", &two),
        ("CHECKS", "/health\n"),
        ("DOKKU_SCALE", "web=1\n"),
    ];
    let image = image_with(ground, &files)?;
    let app = ground.created("shop")?;
    let deployed = ground.ok(&["git:from-image", &app, &image])?;
    ensure(deployed.err.contains("`CHECKS` is the early form"), || deployed.told())?;
    ground.runs(&app, &["web.1"])?;
    let place = "/formation/web/max_parallel";
    remembers(ground, &app, place, &json!(1))?;
    remembers(ground, &app, "/checks/web/0/kind/path/path", &json!("/health"))?;
    remembers(ground, &app, "/scale_file", &json!({ "web": 1 }))?;
    ground.ok(&["ps:set", &app, "appjson-path", "deploy/app.json"])?;
    ground.ok(&["ps:rebuild", &app])?;
    remembers(ground, &app, place, &json!(2))
}

fn an_invalid_app_json_in_an_image_is_refused(ground: &Ground) -> Verdict {
    let files = [
        ("app.json", "{\n  \"scripts\": { \"dokku\": 1 }\n}\n"),
        ("Procfile", "web httpd\n"),
    ];
    let image = image_with(ground, &files)?;
    let app = ground.deployed("shop", WEB)?;
    let failed = unchanged(ground, &app, || ground.run(&["git:from-image", &app, &image]))?;
    failed.is_error(
        4,
        &[
            "Procfile:1:4: ",
            "app.json:2:25: scripts.dokku: ",
            "\n    |                         ^\n",
        ],
    )?;
    let new = ground.app("new");
    ground.run(&["git:from-image", &new, &image])?.code_is(4)?;
    ground.run(&["apps:exists", &new])?.code_is(20)?;
    ensure(ground.containers(&new)?.is_empty(), || "a container is left".to_owned())
}
