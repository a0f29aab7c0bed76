//! What a valid file comes to, where the corpus does not show it: values that no output may show. Invariant: they are read as
//! they stand, and `Debug` hides them.

#![expect(clippy::expect_used, reason = "a file that should be read and is not fails the test")]

use ps_appjson::{AppJson, CheckKind, EnvDefault, HttpHeader};

fn read(source: &str) -> AppJson {
    AppJson::parse(source.as_bytes()).expect("it is valid")
}

#[test]
fn values_of_variables_are_read_as_they_stand() {
    let app = read(r#"{ "env": { "A": "two words\n", "B": { "value": " é\" " }, "C": "" } }"#);
    let defaults: Vec<_> = app.env.values().map(|variable| variable.default.clone()).collect();
    assert_eq!(
        defaults,
        [
            EnvDefault::Value("two words\n".to_owned()),
            EnvDefault::Value(" é\" ".to_owned()),
            EnvDefault::Nothing
        ]
    );
    assert!(!format!("{app:?}").contains("two words"));
}

#[test]
fn headers_are_read_as_they_stand_and_in_order() {
    let app = read(
        r#"{ "healthchecks": { "web": [{ "type": "startup", "path": "/", "httpHeaders": [
            { "name": "X-Key", "value": "hunter2" }, { "name": "x-key", "value": "two\twords" }, { "name": "Empty" }
        ] }] } }"#,
    );
    let Some(CheckKind::Path(check)) = app.health_checks["web"].first().map(|check| &check.kind) else {
        unreachable!("it is a path check")
    };
    let header = |name: &str, value: &str| HttpHeader {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    assert_eq!(
        check.headers,
        [
            header("X-Key", "hunter2"),
            header("x-key", "two\twords"),
            header("Empty", "")
        ]
    );
    assert!(!format!("{app:?}").contains("hunter2"));
}

#[test]
fn warnings_do_not_change_what_is_read() {
    let with =
        read(r#"{ "healthchecks": { "web": [{ "type": "startup", "uptime": 5, "onFailure": { "url": "x" } }] } }"#);
    let without = read(r#"{ "healthchecks": { "web": [{ "type": "startup", "uptime": 5 }] } }"#);
    assert_eq!((with.warnings.len(), without.warnings.len()), (1, 0));
    assert_eq!(with.health_checks, without.health_checks);
}
