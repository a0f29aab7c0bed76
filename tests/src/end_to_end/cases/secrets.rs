//! A config value appears nowhere but where the user asks for it.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use rusqlite::types::ValueRef;

use super::super::{Case, Finished, Ground, ensure};
use crate::conformance::{Failure, Verdict};

pub(super) fn cases() -> Vec<Case> {
    super::cases![
        a_config_value_appears_nowhere,
        a_value_in_an_error_of_the_engine_is_hidden
    ]
}

/// A value that needs every kind of escaping.
const CANARY: &str = "kAnArY+7/x=Q& \"w'z%";

/// The tables that may hold values.
const CONFIG_TABLES: [&str; 3] = ["global_config", "app_config", "release_config"];

/// Every form in which the value could be written.
fn forms() -> Vec<String> {
    let url: String = CANARY
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    let json = serde_json::Value::from(CANARY).to_string();
    let mut forms = vec![
        CANARY.to_owned(),
        // The part without any escaping is in all plain forms.
        "kAnArY".to_owned(),
        json.trim_matches('"').to_owned(),
        url.to_lowercase(),
        url,
    ];
    let engines = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD];
    forms.extend(engines.iter().map(|engine| engine.encode(CANARY)));
    forms
}

fn find(place: &str, text: &str) -> Verdict {
    let found = forms().into_iter().find(|form| text.contains(form.as_str()));
    ensure(found.is_none(), || {
        let form = found.unwrap_or_default();
        let line = text.lines().find(|line| line.contains(&form)).unwrap_or(text);
        format!("the value, as {form}, is in {place}: {line}")
    })
}

fn is_clean(finished: &Finished) -> Verdict {
    find(&format!("the output of {}", finished.words), &finished.out)?;
    find(&format!("the errors of {}", finished.words), &finished.err)
}

/// The arguments of all processes of psctl at this moment.
fn arguments_of_psctl(ground: &Ground) -> BTreeSet<String> {
    let state = ground.state().display().to_string();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = entries.filter_map(|entry| {
        let program = std::fs::read_link(entry.path().join("exe")).ok()?;
        let words = std::fs::read(entry.path().join("cmdline")).ok()?;
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        // The process that is about to become psctl is still the test.
        (program == ground.program().path() || words.contains(&state)).then_some(words)
    });
    all.collect()
}

/// Runs a command, whatever becomes of it, and looks at its output and at its processes.
fn watched(ground: &Ground, words: &[&str]) -> Result<Finished, Failure> {
    let mut seen = BTreeSet::new();
    let finished = ground.start(words)?.wait(|| seen.extend(arguments_of_psctl(ground)))?;
    seen.extend(arguments_of_psctl(ground));
    for arguments in seen {
        find("the arguments of a process", &arguments)?;
    }
    is_clean(&finished)?;
    Ok(finished)
}

/// Everything in the database outside the config tables.
fn database_is_clean(ground: &Ground) -> Verdict {
    let database = ground.database()?;
    let mut names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    ensure(
        CONFIG_TABLES.iter().all(|table| names.iter().any(|name| name == table)),
        || format!("{names:?}"),
    )?;
    for table in names.iter().filter(|name| !CONFIG_TABLES.contains(&name.as_str())) {
        let mut all = database.prepare(&format!("SELECT * FROM {table}"))?;
        let columns = all.column_count();
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                if let ValueRef::Text(bytes) | ValueRef::Blob(bytes) = row.get_ref(column)? {
                    find(&format!("the table {table}"), &String::from_utf8_lossy(bytes))?;
                }
            }
        }
    }
    Ok(())
}

/// An app that uses the value wherever it can be used.
fn planted(ground: &Ground) -> Result<String, Failure> {
    let app = ground.created("shop")?;
    let set = ground
        .run_with_input(&["config:set", "--no-restart", &app, "SECRET"], CANARY)?
        .code_is(0)?;
    is_clean(&set)?;
    let global = ground
        .run_with_input(&["config:set", "--global", "SHARED"], &format!("{CANARY}2"))?
        .code_is(0)?;
    is_clean(&global)?;
    // As a label and as a health command, where only the image can have them.
    let dockerfile = format!(
        "FROM {}\nEXPOSE 5000\nLABEL planted={}\nHEALTHCHECK --interval=1h CMD test {} = x\n",
        ground.base,
        serde_json::Value::from(CANARY),
        serde_json::Value::from(CANARY)
    );
    let procfile = "web: httpd -f -p $PORT -r \"$SECRET\"\nworker: sleep 3600 $SECRET $SHARED\nrelease: true $SECRET\n";
    ground.source("shop", &[("Dockerfile", &dockerfile), ("Procfile", procfile)])?;
    Ok(app)
}

fn a_config_value_appears_nowhere(ground: &Ground) -> Verdict {
    let app = planted(ground)?;
    let source = ground.folder().join("sources/shop").display().to_string();
    let commands: [&[&str]; 30] = [
        &["--dry-run", "deploy", &app, &source],
        &["-v", "deploy", &app, &source],
        &["deploy", &app, "--progress", "json"],
        &["-v", "ps:scale", &app, "web=2"],
        &["ps:scale", &app, "--format", "json"],
        &["ps:scale", &app, "web=kAn"],
        &["-v", "ps:restart", &app, "web.1"],
        &["--dry-run", "-v", "ps:restart", &app],
        &["-vv", "ps:rebuild", &app],
        &["ps:report", &app],
        &["ps:report", "--format", "json"],
        &["ps:report", &app, "--format", "dokku"],
        &["ps:report", &app, "--nosuch"],
        &["ps:inspect", &app],
        &["ps:inspect", "--all", "-v", &app],
        &["apps:list", "--format", "json"],
        &["checks:report", &app, "--format", "json"],
        &["config:unset", &app, "NOSUCH"],
        &["config:set", &app, "1BAD"],
        &["-v", "config:set", &app, "OTHER=12345678"],
        &["-v", "config:unset", &app, "OTHER"],
        &["logs", &app, "-n", "5"],
        &["run", "-v", &app, "true"],
        &["run", &app, "/nosuch"],
        &["-v", "ps:set", &app, "stop-timeout-seconds", "2"],
        &["ps:set", &app, "nosuch", "x"],
        &["-v", "ps:stop", &app],
        &["-v", "ps:start", &app],
        &["-v", "ps:retire", &app],
        &["--host", "unix:///nonexistent/engine.sock", "-v", "ps:restart", &app],
    ];
    for words in commands {
        watched(ground, words)?;
    }
    ground.runs(&app, &["web.1", "web.2"])?;
    database_is_clean(ground)?;
    let value = ground.ok(&["config:get", &app, "SECRET"])?;
    ensure(value.out == format!("{CANARY}\n"), || value.told())?;
    let new = ground.app("new");
    watched(ground, &["-v", "apps:rename", &app, &new])?.code_is(0)?;
    watched(ground, &["-v", "apps:destroy", &new, "--force"])?.code_is(0)?;
    database_is_clean(ground)
}

fn a_value_in_an_error_of_the_engine_is_hidden(ground: &Ground) -> Verdict {
    let app = ground.created("shop")?;
    ground
        .run_with_input(&["config:set", "--no-restart", &app, "SECRET"], CANARY)?
        .code_is(0)?;
    ground.ok(&["ps:set", &app, "init", "false"])?;
    // The engines repeat the program's name when there is no such program.
    let source = ground.source_of("shop", "web: \"/no/$SECRET/program\" $SECRET\n")?;
    let failed = watched(ground, &["deploy", &app, &source])?;
    failed.is_error_with_hint(1, &["/no/"])?;
    watched(ground, &["-v", "deploy", &app, &source])?;
    watched(ground, &["deploy", &app, &source, "--progress", "json"])?;
    let source = ground.source_of("release", "release: \"/no/$SECRET\"\nweb: sleep 9\n")?;
    watched(ground, &["-v", "deploy", &app, &source])?.code_is(1)?;
    ground.has_soon(&app, &[])?;
    database_is_clean(ground)
}
