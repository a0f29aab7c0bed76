//! What is warned of, and what is not. Invariant: a warning never changes what is read.

#![expect(
    clippy::expect_used,
    reason = "a Procfile that should be accepted and is not fails the test"
)]

use ps_procfile::{Procfile, Rules};

/// Code, line and column of each warning.
fn warnings(source: &[u8], rules: Rules) -> Vec<(&'static str, usize, usize)> {
    let procfile = Procfile::parse_with(source, rules).expect("it is accepted");
    let place =
        |warning: &ps_procfile::ProcfileWarning| (warning.kind.code(), warning.location.line, warning.location.column);
    procfile.warnings().iter().map(place).collect()
}

#[test]
fn odd_commands_are_warned_of_where_they_are_odd() {
    let cases: [(&[u8], &str, usize); 20] = [
        (b"web: echo \"a # b\"", "comment_in_quotes", 14),
        (b"web: echo 'a // b'", "comment_in_quotes", 14),
        (b"web: echo \"a //b\"", "comment_in_quotes", 14),
        (b"web: curl //cdn.example.com/x", "slashes_cut", 11),
        (b"web: curl  //x", "slashes_cut", 12),
        (b"web: a # b # c", "comment_left_in", 8),
        (b"web: a // b # c", "comment_left_in", 8),
        (b"web: a #", "comment_left_in", 8),
        (b"web: a //", "comment_left_in", 8),
        (b"web: node x \\", "trailing_backslash", 13),
        (b"web: node x \\ # c", "trailing_backslash", 13),
        (b"web: a\\\\\\", "trailing_backslash", 9),
        (b"web: a\rworker: b", "lone_cr", 7),
        (b"web: a\0", "control_byte", 7),
        (b"web: \x1b[1m", "control_byte", 6),
        (b"web: a\x0bb", "control_byte", 7),
        ("web: node\u{a0}x".as_bytes(), "invisible_character", 10),
        ("web: é\u{200b}x".as_bytes(), "invisible_character", 7),
        (b"web: caf\xe9", "not_utf8", 9),
        (b"web:\xff", "not_utf8", 5),
    ];
    for (source, code, column) in cases {
        assert_eq!(
            warnings(source, Rules::Strict),
            [(code, 1, column)],
            "{}",
            source.escape_ascii()
        );
    }
}

#[test]
fn ordinary_commands_are_not_warned_of() {
    for source in [
        "web: node server.js # the site",
        "web: node server.js // the site",
        "web: it's # one",
        "web: curl https://example.com/#x",
        "web: sh -c 'echo \"# x\" \\# y'",
        "web: echo \\# y",
        "web: a\\\\",
        "web: a\tb",
        "# x \\\nweb: é 日本 # x \\",
    ] {
        assert!(warnings(source.as_bytes(), Rules::Strict).is_empty(), "{source}");
    }
}

#[test]
fn names_that_differ_only_in_case_are_warned_of() {
    let found = warnings(b"web: a\nWeb: b\nclock: c\nWEB: d\n", Rules::Relaxed);
    assert_eq!(found, [("similar_name", 2, 1), ("similar_name", 4, 1)]);
    assert!(warnings(b"web: a\nweb2: b\nwe-b: c\nwe_b: d\n", Rules::Relaxed).is_empty());
}

#[test]
fn several_warnings_of_a_line_come_in_its_order() {
    let found = warnings(b"web: a # \x01 \xe9 \r \\ # c\nclock: x \\\n", Rules::Strict);
    let codes: Vec<_> = found.iter().map(|(code, line, _)| (*code, *line)).collect();
    let expected = [
        ("comment_left_in", 1),
        ("control_byte", 1),
        ("not_utf8", 1),
        ("lone_cr", 1),
        ("trailing_backslash", 1),
        ("trailing_backslash", 2),
    ];
    assert_eq!(codes, expected);
}

#[test]
fn a_continuation_that_is_an_error_below_is_not_warned_of_as_well() {
    let invalid = Procfile::parse(b"web: a \\\n  --port 80\nclock: b \\\nassets: c\n").expect_err("it is refused");
    let lines: Vec<_> = invalid.warnings().iter().map(|warning| warning.location.line).collect();
    assert_eq!(lines, [3]);
    assert_eq!(
        invalid.warnings().iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["line 3, column 10: warning: the `\\` is part of the command; a command does not go on on the next line"]
    );
}

#[test]
fn many_warnings_are_counted_instead_of_shown() {
    let lines: Vec<String> = (0..22).map(|number| format!("n{number}: x \\\n")).collect();
    let source = lines.concat();
    let procfile = Procfile::parse(source.as_bytes()).expect("it is accepted");
    assert_eq!(procfile.warnings().len(), 22);
    assert!(
        procfile
            .warnings()
            .render("Procfile")
            .ends_with("\nProcfile: and 2 more warnings")
    );
}
