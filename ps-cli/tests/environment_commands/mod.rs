//! `config:*` from outside. Invariant: a value shows only where it was asked for.

use crate::check;
use crate::in_process::Place;

#[test]
fn the_environment_is_stored_shown_and_exported() {
    let place = Place::new().with_app("shop");
    let set = place.run(&["config:set", "shop", "B=two words", "A=it's", "--no-restart"]);
    check(&set, 0, "", "-----> config:set: A B\n");
    check(&place.run(&["config:get", "shop", "B"]), 0, "two words\n", "");
    check(
        &place.run(&["config:show", "shop"]),
        0,
        "=====> shop env vars\nA:  it's\nB:  two words\n",
        "",
    );
    let export = "export A='it'\\''s'\nexport B='two words'\n";
    check(&place.run(&["config:export", "shop"]), 0, export, "");
    let imported = place.run_with_input(&["config:import", "--global", "-"], export);
    check(&imported, 0, "", "-----> config:import: A B\n");
    check(&place.run(&["config:get", "--global", "A"]), 0, "it's\n", "");
    check(
        &place.run_with_input(&["config:set", "shop", "KEY"], "line\nline\n"),
        0,
        "",
        "-----> config:set: KEY\n",
    );
    let forgotten = place.run(&["config:set", "shop", "KEY"]);
    assert!(
        forgotten.code == 2 && forgotten.err.starts_with("error: `KEY` has no value\n"),
        "{}",
        forgotten.err
    );
    check(&place.run(&["config:get", "shop", "KEY"]), 0, "line\nline\n", "");
    check(
        &place.run(&["config:unset", "shop", "A", "KEY", "NONE"]),
        0,
        "",
        "-----> config:unset: A KEY NONE\n",
    );
    assert_eq!(place.run(&["config:get", "shop", "A"]).code, 1);
    check(
        &place.run(&["config:show", "--merged", "--quiet", "shop"]),
        0,
        "A:  it's\nB:  two words\n",
        "",
    );
    let json = place.run(&["config:export", "shop", "--format", "json"]).out;
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&json).unwrap(),
        serde_json::json!({"B": "two words"})
    );
}

#[test]
fn no_output_tells_a_value_but_those_that_are_asked_for_it() {
    const CANARY: &str = "c4nary/v+lue";
    let place = Place::new().with_app("shop");
    let assignment = format!("SECRET={CANARY}");
    place.run(&["config:set", "shop", &assignment]);
    let commands: [&[&str]; 9] = [
        &["config:set", "shop", &assignment, "--nonsense"],
        &["config:set", "shop", &assignment, "--dry-run"],
        &["config:set", "shop", &format!("1X={CANARY}")],
        &["config:set", "Shop", &assignment],
        &["ps:scale", "shop", CANARY],
        &["ps:set", "shop", "start-cmd", CANARY],
        &["ps:report", "shop", "-v", CANARY],
        &["checks:report", "shop", "--format", "json"],
        &["apps:list"],
    ];
    for words in commands {
        let run = place.run(words);
        // clap refuses the report's extra word before the app's values are known.
        if words.first() != Some(&"ps:report") {
            assert!(
                !run.out.contains(CANARY) && !run.err.contains(CANARY),
                "{words:?}: {}{}",
                run.out,
                run.err
            );
        }
    }
}

#[test]
fn an_environment_is_listed_quoted_decoded_and_cleared() {
    let place = Place::new().with_app("shop");
    let encoded = place.run(&["config:set", "--encoded", "shop", "KEY=aXQncwpmaW5l", "B=MQ=="]);
    check(&encoded, 0, "", "-----> config:set: B KEY\n");
    check(&place.run(&["config:get", "shop", "KEY"]), 0, "it's\nfine\n", "");
    check(&place.run(&["config:get", "--quoted", "shop", "B"]), 0, "'1'\n", "");
    let wrong = place.run(&["config:set", "--encoded", "shop", "C=never-shown!"]);
    check(&wrong, 2, "", "error: the value of C is no base64\n");
    place.run(&["config:set", "--global", "G=2"]);
    check(&place.run(&["config:keys", "shop"]), 0, "B\nKEY\n", "");
    check(&place.run(&["config:keys", "--merged", "shop"]), 0, "B\nG\nKEY\n", "");
    check(
        &place.run(&["config:clear", "shop"]),
        0,
        "",
        "-----> config:clear: B KEY\n",
    );
    check(&place.run(&["config:keys", "shop"]), 0, "", "");
    check(&place.run(&["config:export", "--format", "shell", "shop"]), 0, "", "");
    check(&place.run(&["config:clear", "shop"]), 0, "", "-----> Nothing changes\n");
    check(&place.run(&["config:keys", "--global"]), 0, "G\n", "");
}
