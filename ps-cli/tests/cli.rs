//! The command line from outside: exit code, standard output and standard error of whole commands, run in-process over the
//! real store in a temporary directory. No engine is touched.

mod audit_trail;
mod environment_commands;
mod in_process;
mod procfile_commands;

use in_process::{Place, Run};

fn check(run: &Run, code: u8, out: &str, err: &str) {
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (code, out, err));
}

#[test]
fn the_version_is_printed() {
    let place = Place::new();
    for words in [["version"], ["--version"], ["-V"]] {
        check(
            &place.run(&words),
            0,
            concat!("psctl ", env!("CARGO_PKG_VERSION"), "\n"),
            "",
        );
    }
}

#[test]
fn every_help_fits_80_columns_and_makes_no_state() {
    let place = Place::new();
    let overview = place.run(&["help"]);
    assert_eq!(overview.out, place.run(&["--help"]).out);
    assert_eq!(overview.out, place.run(&[]).out);
    let commands: Vec<&str> = overview.out.lines().filter_map(command_of).collect();
    assert!(commands.len() > 30, "{commands:?}");
    for command in commands {
        let help = place.run(&[command, "--help"]);
        assert_eq!((help.code, help.err.as_str()), (0, ""), "{command}");
        assert_eq!(help.out, place.run(&["help", command]).out, "{command}");
        for line in help.out.lines().chain(overview.out.lines()) {
            assert!(line.chars().count() <= 80, "{command}: {line}");
        }
    }
    assert!(place.is_untouched());
}

/// The command of a line of the overview.
fn command_of(line: &str) -> Option<&str> {
    let line = line.strip_prefix("  ")?;
    let word = line.split([' ', ',']).next()?;
    (!word.is_empty() && !word.starts_with('-')).then_some(word)
}

#[test]
fn the_ps_namespace_has_its_own_help() {
    let place = Place::new();
    let help = place.run(&["ps:help"]);
    assert!(help.out.contains("  ps:scale, scale "));
    assert!(!help.out.contains("apps:create"));
    assert_eq!(help.out, place.run(&["ps"]).out);
}

#[test]
fn a_mistyped_command_is_usage_and_names_the_nearest() {
    let err = "error: `ps:scal` is not a psctl command\n\nhint: did you mean `psctl ps:scale`?\n";
    check(&Place::new().run(&["ps:scal", "shop"]), 2, "", err);
}

#[test]
fn wrong_words_are_usage() {
    let place = Place::new().with_app("shop");
    let cases: [(&[&str], &str); 25] = [
        (&["apps:create"], "<APP>"),
        (&["apps:create", "Shop"], "app name `Shop` is not valid"),
        (&["ps:scale", "shop", "web=-1"], "`web=-1` has no valid quantity"),
        (&["ps:scale", "shop", "web=x"], "`web=x`"),
        (&["scale", "shop", "web=1", "web=2"], "`web=2` scales web a second time"),
        (&["scale", "shop", "release=1"], "`release`"),
        (&["ps:restart", "--all", "shop"], "cannot be used with"),
        (
            &["ps:restart", "--all", "--parallel", "-2"],
            "-1 for the number of CPUs",
        ),
        (&["ps:stop"], "<APP>"),
        (&["ps:restart", "shop", "web.0"], "replica `web.0`"),
        (
            &["ps:report", "shop", "--deployed", "--running"],
            "`--running` is a second info flag",
        ),
        (&["ps:report", "--deployed", "--format", "json"], "cannot be used with"),
        (&["ps:report", "shop", "--global"], "cannot be used with"),
        (&["ps:set", "shop"], "no property is named"),
        (
            &["ps:set", "shop", "resart-policy", "no"],
            "valid properties are appjson-path",
        ),
        (
            &["ps:set", "--global", "restore", "false"],
            "`restore` cannot be set globally",
        ),
        (&["ps:set", "shop", "restart-policy", "on-failure:x"], "on-failure:x"),
        (&["config:set", "shop", "1X=secret"], "`1X` is not a variable name"),
        (&["git:sync", "shop"], "<REPOSITORY>"),
        (&["git:sync", "shop", "ext::sh -c x"], "`::` would run a program"),
        (
            &["git:sync", "shop", "ftp://me:hunter2@host/x"],
            "`ftp://me:***@host/x`",
        ),
        (
            &["git:sync", "shop", "https://me:hunter2@host/x", "a..b"],
            "`a..b` is not a branch",
        ),
        (&["git:from-archive", "shop"], "<FILE>"),
        (
            &["git:from-archive", "shop", "https://host/x.tar"],
            "as a file, not as a URL",
        ),
        (&["ps:scale", "shop", "--wiat"], "--wait"),
    ];
    for (words, expected) in cases {
        let run = place.run(words);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{words:?}");
        assert!(
            run.err.starts_with("error: ") && run.err.contains(expected),
            "{words:?}: {}",
            run.err
        );
        assert!(!run.err.contains("hunter2"), "{}", run.err);
    }
    check(&place.run(&["--quiet", "scale", "shop"]), 0, "web:  1\n", "");
}

#[test]
fn an_absent_app_is_20_and_makes_no_state() {
    let place = Place::new();
    let commands: [&[&str]; 9] = [
        &["apps:exists", "shop"],
        &["ps:scale", "shop"],
        &["ps:scale", "shop", "web=2"],
        &["ps:set", "shop", "restart-policy", "no"],
        &["config:get", "shop", "A"],
        &["config:set", "shop", "A=1"],
        &["config:export", "shop"],
        &["checks:skip", "shop"],
        &["checks:report", "shop"],
    ];
    for words in commands {
        let run = place.run(words);
        assert_eq!((run.code, run.out.as_str()), (20, ""), "{words:?}");
        assert!(
            run.err.starts_with("error: there is no app shop\n\nhint: "),
            "{}",
            run.err
        );
    }
    assert!(place.is_untouched());
}

#[test]
fn apps_are_made_once_and_listed() {
    let place = Place::new();
    check(&place.run(&["apps:list"]), 0, "=====> My Apps\n", "");
    check(&place.run(&["apps:create", "shop"]), 0, "", "-----> Creating shop\n");
    assert_eq!(place.run(&["apps:create", "shop"]).code, 1);
    place.run(&["apps:create", "blog"]);
    check(&place.run(&["apps:list"]), 0, "=====> My Apps\nblog\nshop\n", "");
    check(&place.run(&["--quiet", "apps:list"]), 0, "blog\nshop\n", "");
    let json: serde_json::Value = serde_json::from_str(&place.run(&["apps:list", "--format=json"]).out).unwrap();
    assert_eq!(json["schema"], "psctl.apps/1");
    assert_eq!(json["apps"][1]["name"], "shop");
    check(&place.run(&["apps:exists", "blog"]), 0, "", "");
}

#[test]
fn the_scale_table_is_dokkus() {
    let place = Place::new().with_app("node-js-app");
    let scaled = place.run(&["scale", "node-js-app", "worker=4"]);
    check(&scaled, 0, "", "-----> Scaling node-js-app processes: worker=4\n");
    let table = "-----> Scaling for node-js-app\nproctype: qty\n--------: ---\nweb:  1\nworker: 4\n";
    check(&place.run(&["ps:scale", "node-js-app"]), 0, table, "");
    let json: serde_json::Value =
        serde_json::from_str(&place.run(&["scale", "--format", "json", "node-js-app"]).out).unwrap();
    assert_eq!(json["app"], "node-js-app");
    assert_eq!(
        json["formation"][1],
        serde_json::json!({"process_type": "worker", "quantity": 4})
    );
}

#[test]
fn a_dry_run_shows_and_stores_nothing() {
    let place = Place::new();
    let created = place.run(&["--dry-run", "--detailed-exitcode", "apps:create", "shop"]);
    check(&created, 10, "#1 [] create the app shop\n", "-----> Creating shop\n");
    assert!(place.is_untouched());
    let place = place.with_app("shop");
    let scaled = place.run(&["scale", "shop", "web=3", "--dry-run"]);
    assert_eq!(
        (scaled.code, scaled.out.as_str()),
        (0, "#1 [] record the formation web=3 (scaled)\n")
    );
    let same = place.run(&["scale", "shop", "web=1", "--dry-run", "--detailed-exitcode"]);
    assert_eq!((same.code, same.out.as_str()), (0, ""));
    check(&place.run(&["--quiet", "scale", "shop"]), 0, "web:  1\n", "");
}

#[test]
fn a_domain_of_all_apps_is_planned_set_and_written_down_without_an_engine() {
    let place = Place::new();
    let words = ["domains:add", "--global", "example.com"];
    let dry = place.run(&["--dry-run", "--detailed-exitcode", words[0], words[1], words[2]]);
    let plan = "#1 [] record the domains example.com of all apps (the setting was changed)\n";
    assert_eq!((dry.code, dry.out.as_str()), (10, plan));
    assert_eq!(place.run(&words).code, 0);
    let again = place.run(&["--dry-run", "--detailed-exitcode", words[0], words[1], words[2]]);
    assert_eq!((again.code, again.out.as_str()), (0, ""));
    let trail = place.run(&["events"]).out;
    assert!(trail.contains("domains:add  done    added example.com"), "{trail}");
}

#[test]
fn a_wildcard_cannot_be_a_domain_of_all_apps() {
    let place = Place::new();
    assert_eq!(place.run(&["domains:set", "--global", "example.com"]).code, 0);
    for verb in ["domains:set", "domains:add"] {
        let err = format!(
            "error: `*.example.com` cannot be a global domain: each app has its name below it\n\n\
             hint: psctl {verb} --global example.com\n"
        );
        check(&place.run(&[verb, "--global", "*.example.com"]), 2, "", &err);
    }
    assert_eq!(place.run(&["domains:remove", "--global", "*.example.com"]).code, 0);
    let report = place.run(&["domains:report", "--global"]).out;
    assert!(report.contains("example.com") && !report.contains('*'), "{report}");
}

#[test]
fn a_property_takes_its_value_as_it_is() {
    let place = Place::new().with_app("shop");
    let run = place.run(&["ps:set", "shop", "start-cmd", "--harmony server.js"]);
    check(&run, 0, "", "=====> Setting start-cmd to --harmony server.js\n");
    check(
        &place.run(&["set", "shop", "start-cmd"]),
        0,
        "",
        "=====> Unsetting start-cmd\n",
    );
    check(
        &place.run(&["--quiet", "ps:set", "--global", "restart-policy", "always"]),
        0,
        "",
        "",
    );
    let run = place.run(&["ps:set", "shop", "start-cmd", "node", "server.js"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("put quotes around"), "{}", run.err);
}

#[test]
fn checks_are_skipped_and_enabled() {
    let place = Place::new().with_app("shop");
    check(
        &place.run(&["checks:skip", "shop", "web,worker"]),
        0,
        "",
        "=====> Skipping checks of web, worker\n",
    );
    check(
        &place.run(&["checks:disable", "shop", "worker"]),
        0,
        "",
        "=====> Disabling checks of worker\n",
    );
    let report = "=====> shop checks information
       Checks computed default wait:   10
       Checks computed wait to retire: 60
       Checks default wait:
       Checks disabled list:           worker
       Checks global default wait:     10
       Checks global wait to retire:   60
       Checks skipped list:            web
       Checks wait to retire:
";
    check(&place.run(&["checks:report", "shop"]), 0, report, "");
    check(
        &place.run(&["checks:enable", "shop"]),
        0,
        "",
        "=====> Enabling checks of web, worker\n",
    );
    assert!(
        place
            .run(&["checks:report"])
            .out
            .contains("skipped list:            none")
    );
}

#[test]
fn checks_have_properties_of_their_own() {
    let place = Place::new().with_app("shop").with_app("blog");
    let set = place.run(&["checks:set", "shop", "wait-to-retire", "90"]);
    check(&set, 0, "", "=====> Setting wait-to-retire to 90\n");
    assert_eq!(place.run(&["checks:set", "--global", "default-wait", "3"]).code, 0);
    let value = |words: &[&str]| place.run(words).out;
    assert_eq!(
        value(&["checks:report", "shop", "--checks-computed-wait-to-retire"]),
        "90\n"
    );
    assert_eq!(
        value(&["checks:report", "shop", "--checks-computed-default-wait"]),
        "3\n"
    );
    let all = "blog: none\nshop: none\n";
    assert_eq!(value(&["checks:report", "--checks-disabled-list"]), all);
    assert_eq!(place.run(&["checks:set", "shop", "wait-to-retire"]).code, 0);
    assert_eq!(value(&["checks:report", "shop", "--checks-wait-to-retire"]), "\n");
    // Each command knows its own list only.
    let wrong = place.run(&["checks:set", "shop", "restart-policy", "no"]);
    assert_eq!(wrong.code, 2);
    assert!(
        wrong
            .err
            .contains("valid properties are default-wait, wait-to-retire\n"),
        "{}",
        wrong.err
    );
    let wrong = place.run(&["ps:set", "shop", "wait-to-retire", "3"]);
    assert!(wrong.code == 2 && !wrong.err.contains("default-wait"), "{}", wrong.err);
    assert_eq!(place.run(&["checks:set", "shop", "default-wait", "-1"]).code, 2);
    let wrong = place.run(&["checks:report", "shop", "--nosuch"]);
    assert!(
        wrong.code == 2 && wrong.err.contains("--checks-skipped-list"),
        "{}",
        wrong.err
    );
}

#[test]
fn a_repository_is_recorded_without_an_engine_and_without_showing_its_password() {
    let place = Place::new();
    let sync = ["git:sync", "shop", "https://me:hunter2@host.example/shop.git", "main"];
    let plan = "#1 [] create the app shop\n\
                #2 [] record the source main of git repository https://***@host.example/shop.git\n";
    let dry = place.run(&[&["--dry-run"], &sync[..]].concat());
    assert_eq!((dry.code, dry.out.as_str()), (0, plan));
    assert_eq!(place.run(&["apps:exists", "shop"]).code, 20);
    for _ in 0..2 {
        let run = place.run(&sync);
        assert_eq!((run.code, run.out.as_str()), (0, ""), "{}", run.err);
        assert!(!run.err.contains("hunter2"), "{}", run.err);
        assert!(
            run.err.contains("`psctl ps:rebuild shop` deploys shop from there"),
            "{}",
            run.err
        );
        let plan = place.run(&[&["--dry-run"], &sync[..]].concat()).out;
        assert_eq!(plan.lines().count(), 1, "{plan}");
    }
    assert_eq!(place.run(&["apps:exists", "shop"]).code, 0);
}

#[test]
fn early_names_work_and_say_so() {
    let place = Place::new();
    for (early, modern) in [
        ("ps:rebuildall", "ps:rebuild"),
        ("ps:restartall", "ps:restart"),
        ("deploy:all", "ps:restart"),
    ] {
        let run = place.run(&[early]);
        let line = format!(" !     {early} is an early name of `{modern} --all`\n");
        assert!(run.err.starts_with(&line), "{}", run.err);
    }
}

#[test]
fn completions_know_the_commands() {
    let script = Place::new().run(&["completions", "bash"]).out;
    assert!(script.contains("ps:scale") && script.contains("--skip-deploy"));
}

#[test]
fn a_state_directory_that_cannot_be_used_is_explained() {
    let place = Place::new();
    place.make_link();
    let run = place.run(&["apps:create", "shop"]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(run.err.contains("hint: "), "{}", run.err);
}

#[test]
fn a_second_command_says_who_holds_the_lock() {
    use ps_core::store::{LockKind, Store};
    let place = Place::new().with_app("shop");
    let store = ps_store_sqlite::SqliteStore::open(&place.state()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let app = "shop".parse().unwrap();
    let patience = std::time::Duration::ZERO;
    let lock = runtime
        .block_on(store.lock_app(&app, LockKind::Change, "ps:restart", patience))
        .unwrap();
    let run = place.run(&["scale", "shop", "web=2", "--lock-timeout", "0"]);
    assert_eq!((run.code, run.out.as_str()), (5, ""));
    assert!(
        run.err.contains("ps:restart") && run.err.contains("--wait"),
        "{}",
        run.err
    );
    assert_eq!(place.run(&["scale", "shop"]).code, 0);
    drop(lock);
    assert_eq!(place.run(&["scale", "shop", "web=2", "--lock-timeout", "0"]).code, 0);
}

#[test]
fn how_many_releases_are_kept_is_a_number_and_a_release_has_one() {
    let place = Place::new().with_app("shop");
    check(
        &place.run(&["releases:set", "shop", "keep", "3"]),
        0,
        "",
        "=====> Setting keep to 3\n",
    );
    check(
        &place.run(&["releases:set", "--global", "keep"]),
        0,
        "",
        "=====> Unsetting keep\n",
    );
    let refused: [(&[&str], &str); 5] = [
        (&["releases:set", "shop", "keep", "0"], "from 1 to 1000"),
        (&["releases:set", "shop", "kept", "3"], "valid properties are keep"),
        (&["releases:set", "--global"], "no property is named"),
        (&["ps:set", "shop", "keep", "3"], "no property `keep`"),
        (&["ps:rollback", "shop", "latest"], "`latest` is no release"),
    ];
    for (words, expected) in refused {
        let run = place.run(words);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{words:?}");
        assert!(run.err.contains(expected), "{words:?}: {}", run.err);
    }
    let absent: [&[&str]; 2] = [&["releases", "nobody"], &["releases:set", "nobody", "keep", "3"]];
    for words in absent {
        assert_eq!(place.run(words).code, 20, "{words:?}");
    }
}
