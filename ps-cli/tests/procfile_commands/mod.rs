//! `procfile:check`, `procfile:list` and `procfile:show` from outside: exit code, standard output and standard error.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod of_an_app;

use ps_procfile::Procfile;
use serde_json::{Value, json};

use crate::check;
use crate::in_process::{Place, Run};

const COMMANDS: [&str; 3] = ["procfile:check", "procfile:list", "procfile:show"];

const GOOD: &[u8] = b"web: node web.js --port $PORT # the site\n\nclock: tick\nworker: ruby w.rb\n";

const BAD: &[u8] = b"web: node web.js\nworker_2: ruby w.rb\nclock\nrun: x \\\n";

/// What is said of the bad file: the parser's own words, and how many errors there are.
fn bad_text(name: &str) -> String {
    let invalid = Procfile::parse(BAD).unwrap_err();
    format!("{}\nerror: {name} has 2 errors\n", invalid.render(name))
}

fn place(procfile: &[u8]) -> Place {
    let place = Place::new();
    place.write("Procfile", procfile);
    place
}

fn document(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap()
}

#[test]
fn a_good_file_is_checked_listed_and_shown_in_its_own_order() {
    let place = place(GOOD);
    place.write("shop/Procfile", GOOD);
    let list = "web\nclock\nworker\n";
    let shown = "web: node web.js --port $PORT\nclock: tick\nworker: ruby w.rb\n";
    for words in [
        &[][..],
        &["Procfile"],
        &["./Procfile"],
        &["shop"],
        &["shop/"],
        &["shop/Procfile"],
    ] {
        let run = |command| place.run(&[&[command], words].concat());
        check(
            &run(COMMANDS[0]),
            0,
            "valid procfile detected: web, clock, worker\n",
            "",
        );
        check(&run(COMMANDS[1]), 0, list, "");
        check(&run(COMMANDS[2]), 0, shown, "");
    }
    check(&place.run_with_bytes(&["procfile:list", "-"], GOOD), 0, list, "");
    check(&place.run(&["procfile:show", "-p", "clock"]), 0, "tick\n", "");
    check(
        &place.run(&["--quiet", "--process-type=clock", "procfile:show", "shop"]),
        0,
        "tick\n",
        "",
    );
    assert!(place.is_untouched());
}

#[test]
fn all_three_show_every_error_and_warning_of_a_bad_file() {
    let place = place(BAD);
    for command in COMMANDS {
        check(&place.run(&[command]), 4, "", &bad_text("Procfile"));
        let run = place.run_with_bytes(&[command, "-"], BAD);
        check(&run, 4, "", &bad_text("standard input"));
        for part in [
            "input:2:1: ",
            "\n    | ^^^^^^^^\n    = write `worker-2`\n",
            "input:3:",
            "input:4:8: warning: ",
        ] {
            assert!(run.err.contains(part), "{}", run.err);
        }
    }
    let many = "clock\n".repeat(500);
    let run = place.run_with_bytes(&["procfile:check", "-"], many.as_bytes());
    assert!(run.err.contains("\nstandard input:500:") && run.err.ends_with("error: standard input has 500 errors\n"));
    assert!(place.is_untouched());
}

#[test]
fn all_three_print_one_document_good_or_bad() {
    let place = place(BAD);
    let invalid = Procfile::parse(BAD).unwrap_err();
    let errors = invalid.errors().iter().map(|error| {
        let location = error.location.unwrap();
        json!({
            "kind": error.kind.code(), "line": location.line, "column": location.column,
            "message": error.message, "hint": error.hint,
        })
    });
    let warnings = invalid.warnings();
    let warnings = warnings.iter().map(|warning| {
        json!({
            "kind": "trailing_backslash", "line": 4, "column": 8, "message": warning.message, "hint": warning.hint,
        })
    });
    let expected = json!({
        "schema": "psctl.procfile/1",
        "processes": [
            {"name": "web", "command": "node web.js", "line": 1},
            {"name": "run", "command": "x \\", "line": 4},
        ],
        "errors": errors.collect::<Vec<_>>(),
        "warnings": warnings.collect::<Vec<_>>(),
    });
    for command in COMMANDS {
        let run = place.run(&[command, "--format", "json"]);
        assert_eq!((run.code, run.err.as_str()), (4, "error: Procfile has 2 errors\n"));
        assert_eq!(document(&run), expected);
        assert_eq!(document(&run)["errors"][1]["kind"], "invalid_line");
        let run = place.run_with_bytes(&[command, "-", "--format=json"], GOOD);
        assert_eq!((run.code, run.err.as_str()), (0, ""));
        assert_eq!(
            document(&run)["processes"][1],
            json!({"name": "clock", "command": "tick", "line": 3})
        );
        assert_eq!(document(&run)["errors"], json!([]));
    }
    let one = place.run_with_bytes(&["procfile:show", "-", "-p", "clock", "--format", "json"], GOOD);
    assert_eq!(document(&one)["processes"].as_array().map(Vec::len), Some(1));
}

#[test]
fn warnings_alone_change_neither_the_answer_nor_the_exit_code() {
    let place = place(b"web: serve 'a # b'\n");
    for (command, out) in COMMANDS
        .into_iter()
        .zip(["valid procfile detected: web\n", "web\n", "web: serve 'a\n"])
    {
        let run = place.run(&[command]);
        assert_eq!((run.code, run.out.as_str()), (0, out));
        assert!(
            run.err.starts_with("Procfile:1:15: warning: ") && run.err.contains("\n    |               ^\n"),
            "{}",
            run.err
        );
    }
}

#[test]
fn relaxed_rules_take_more_names() {
    let place = place(b"web: a\nworker_2: b\nWeb: c\n");
    let run = place.run(&["procfile:list", "--relaxed"]);
    assert_eq!((run.code, run.out.as_str()), (0, "web\nworker_2\nWeb\n"));
    assert!(
        run.err
            .starts_with("Procfile:3:1: warning: `Web` differs from `web` on line 1 only in case\n"),
        "{}",
        run.err
    );
    assert_eq!(place.run(&["procfile:list"]).code, 4);
}

#[test]
fn bytes_that_are_no_text_come_out_as_they_went_in() {
    let place = Place::new();
    let source = b"web: caf\xe9 \x01\n";
    let shown = place.run_with_bytes(&["procfile:show", "-"], source);
    assert_eq!((shown.code, shown.bytes.as_slice()), (0, source.as_slice()));
    let shown = place.run_with_bytes(&["procfile:show", "-", "-p", "web"], source);
    assert_eq!(shown.bytes, b"caf\xe9 \x01\n");
    let run = place.run_with_bytes(&["procfile:show", "-", "--format", "json"], source);
    let process = json!({"name": "web", "command": "caf\u{fffd} \u{1}", "command_base64": "Y2Fm6SAB", "line": 1});
    assert_eq!((run.code, &document(&run)["processes"][0]), (0, &process));
    assert_eq!(document(&run)["warnings"][0]["kind"], "not_utf8");
    let bad = place.run_with_bytes(&["procfile:check", "-"], b"w\x1b[31m\xff: x\n");
    assert!(bad.code == 4 && !bad.err.contains('\u{1b}'), "{}", bad.err);
}

#[test]
fn a_file_without_an_entry_has_an_error_without_a_place() {
    let place = place(b"# web: x\n");
    let run = place.run(&["procfile:check"]);
    assert_eq!((run.code, run.out.as_str()), (4, ""));
    assert!(
        run.err.starts_with("Procfile: ") && run.err.ends_with("\nerror: Procfile has 1 error\n"),
        "{}",
        run.err
    );
    let run = place.run(&["procfile:check", "--format", "json"]);
    let error = &document(&run)["errors"][0];
    assert_eq!(
        (&error["kind"], &error["line"], &error["column"]),
        (&json!("no_entries"), &Value::Null, &Value::Null)
    );
    assert_eq!(place.run_with_bytes(&["procfile:check", "-"], b"").code, 4);
}

#[test]
fn more_than_a_mebibyte_is_refused_without_reading_on() {
    let place = Place::new();
    place.write("large", &b"# x\n".repeat(300_000));
    place.write("full", &[b"web: x\n#".to_vec(), b"\n".repeat(1024 * 1024 - 8)].concat());
    let hint = "\n\nhint: a Procfile is small: is this another file?\n";
    for command in COMMANDS {
        check(
            &place.run(&[command, "./large"]),
            4,
            "",
            &format!("error: ./large is larger than 1 MiB{hint}"),
        );
        let endless = place.run_with_reader(&[command, "-"], std::io::repeat(b'\n'));
        check(
            &endless,
            4,
            "",
            &format!("error: standard input is larger than 1 MiB{hint}"),
        );
        let run = place.run_with_reader(&[command, "-", "--format", "json"], std::io::repeat(b'\n'));
        assert_eq!(
            (run.code, &document(&run)["errors"][0]["kind"]),
            (4, &json!("file_too_large"))
        );
    }
    check(&place.run(&["procfile:list", "./full"]), 0, "web\n", "");
}

#[test]
fn what_is_not_there_or_cannot_be_read_is_told() {
    let place = Place::new();
    place.write("empty/file", b"");
    place.write("odd/Procfile/file", b"");
    let missing = |file: &str| {
        format!("error: there is no file {file}\n\nhint: name a Procfile, a directory with one, an app, or `-`\n")
    };
    check(&place.run(&["procfile:check"]), 1, "", &missing("Procfile"));
    for word in ["./web", "Procfile.dev", "a/b", "empty/file/x"] {
        check(&place.run(&["procfile:list", word]), 1, "", &missing(word));
    }
    check(
        &place.run(&["procfile:show", "empty"]),
        1,
        "",
        &missing("empty/Procfile"),
    );
    check(&place.run(&["procfile:show", "."]), 1, "", &missing("./Procfile"));
    let run = place.run(&["procfile:check", "odd"]);
    assert!(
        run.code == 1 && run.err.starts_with("error: could not read odd/Procfile: "),
        "{}",
        run.err
    );
    assert!(place.is_untouched());
}

#[test]
fn wrong_words_are_usage() {
    let place = place(GOOD);
    for words in [
        &["procfile:check", "--strict"][..],
        &["procfile:check", "Procfile", "web"],
        &["procfile:list", "-p", "web"],
        &["procfile:list", "--format", "dokku"],
        &["procfile:show", "-p"],
    ] {
        let run = place.run(words);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{words:?}");
        assert!(run.err.starts_with("error: "), "{words:?}: {}", run.err);
    }
    let err = "error: Procfile has no process type `wbe`\n\nhint: it has web, clock, worker\n";
    check(&place.run(&["procfile:show", "-p", "wbe"]), 2, "", err);
    assert!(
        place
            .run(&["procfile:chek"])
            .err
            .contains("did you mean `psctl procfile:check`?")
    );
}

#[test]
fn diagnostics_are_coloured_when_asked_for() {
    let place = place(BAD);
    let run = place.run(&["--color", "always", "procfile:check"]);
    assert!(
        run.err.contains("\u{1b}[1m\u{1b}[31m^^^^^^^^\u{1b}[0m"),
        "{:?}",
        run.err
    );
    assert!(run.err.contains("\u{1b}[33m^\u{1b}[0m"), "{:?}", run.err);
    let mut plain = run.err;
    for code in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[31m", "\u{1b}[33m", "\u{1b}[36m"] {
        plain = plain.replace(code, "");
    }
    assert_eq!(plain, bad_text("Procfile"));
}
