//! What no file can do: be too large, nested too deeply, not text, or make a reader panic. Invariant: every place that is
//! reported lies in the file.

#![expect(
    clippy::expect_used,
    reason = "a file that should be refused and is not fails the test"
)]

use proptest::prelude::*;
use ps_appjson::{AppJson, ChecksFile, Diagnostic, FormatErrors, ProblemKind, SIZE_LIMIT, ScaleFile};

/// The errors of all three readers.
fn refusals(source: &[u8]) -> Vec<FormatErrors> {
    let app_json = AppJson::parse(source).err();
    let checks = ChecksFile::parse(source).err();
    let scale = ScaleFile::parse(source).err();
    app_json.into_iter().chain(checks).chain(scale).collect()
}

fn check_places<'a>(found: impl Iterator<Item = &'a Diagnostic>, source: &[u8]) {
    let mut last = 0;
    for diagnostic in found {
        let Some(location) = &diagnostic.location else { continue };
        let before = source.get(..location.span.start).expect("the place is in the file");
        assert!(
            location.span.start <= location.span.end && location.span.end <= source.len(),
            "{diagnostic:?}"
        );
        assert!(last <= location.span.start, "file order: {diagnostic:?}");
        last = location.span.start;
        let lines: Vec<_> = before.split(|&byte| byte == b'\n').collect();
        assert_eq!(lines.len(), location.line, "{diagnostic:?}");
        let columns = lines
            .last()
            .map(|line| String::from_utf8_lossy(line).chars().count() + 1);
        assert_eq!(columns, Some(location.column), "{diagnostic:?}");
        assert!(
            !diagnostic.message.is_empty() && !diagnostic.hint.is_empty(),
            "{diagnostic:?}"
        );
    }
}

/// Reads a file in all three ways and looks at every place and text that comes out.
fn check_everything(source: &[u8]) {
    for errors in refusals(source) {
        check_places(errors.iter(), source);
        let text = errors.render("file", source);
        assert!(
            !text.contains(|letter: char| letter.is_control() && letter != '\n'),
            "{text:?}"
        );
        assert_eq!(
            errors.to_string().lines().count(),
            errors.len(),
            "one line an error: {errors}"
        );
    }
    if let Ok(app) = AppJson::parse(source) {
        check_places(app.warnings.iter(), source);
        app.warnings.render("file", source);
    }
}

#[test]
fn a_file_over_the_limit_is_refused_and_one_at_the_limit_is_read() {
    let mut source = vec![b' '; SIZE_LIMIT];
    assert!(refusals(&source).is_empty());
    source.push(b' ');
    let errors = refusals(&source);
    assert_eq!(errors.len(), 3);
    for errors in errors {
        assert_eq!(errors.first().kind, ProblemKind::TooLarge);
        assert_eq!(
            errors.render("CHECKS", &source),
            "CHECKS: the file has 1048577 bytes; at most 1048576 are read\n    = remove what does not belong into it"
        );
    }
}

#[test]
fn files_that_are_not_plain_utf_8_are_refused_with_the_first_byte() {
    for (source, line, column, span) in [
        (&b"web=1\n# caf\xe9\n"[..], 2, 6, 11..12),
        (b"\xef\xbb\xbf{}", 1, 1, 0..3),
        (b"\xff\xfe{\0}\0", 1, 1, 0..2),
        (b"\xfe\xff\0{\0}", 1, 1, 0..2),
        (
            "é\n日本\u{0}".as_bytes().split_last().expect("it has bytes").1,
            0,
            0,
            0..0,
        ),
    ] {
        if line == 0 {
            assert!(
                refusals(source)
                    .iter()
                    .all(|errors| errors.first().kind != ProblemKind::Encoding)
            );
            continue;
        }
        let errors = refusals(source);
        assert_eq!(errors.len(), 3);
        for errors in errors {
            assert_eq!((errors.len(), errors.first().kind), (1, ProblemKind::Encoding));
            let location = errors.first().location.clone().expect("it has a place");
            assert_eq!(
                (location.line, location.column, location.span),
                (line, column, span.clone())
            );
        }
    }
}

#[test]
fn a_file_in_another_encoding_does_not_show_its_values() {
    let source = b"{ \"env\": { \"A\": \"hunter2 \xe9\" } }";
    let errors = AppJson::parse(source).expect_err("it is refused");
    assert!(!errors.render("app.json", source).contains("hunter2"));
}

#[test]
fn deep_nesting_is_refused_on_a_thread_with_an_ordinary_stack() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        let deep = format!("{}1{}", open.repeat(SIZE_LIMIT / 16), close.repeat(SIZE_LIMIT / 16));
        let errors = AppJson::parse(deep.as_bytes()).expect_err("it is refused");
        assert_eq!(errors.first().kind, ProblemKind::Syntax, "{}", errors.first());
        assert_eq!(errors.first().message, "this is nested more than 100 levels deep");
        check_everything(deep.as_bytes());
    }
    let source = format!("{{\"unknown\": {}{}}}", "[".repeat(99), "]".repeat(99));
    let reading = std::thread::Builder::new().stack_size(512 * 1024);
    let read = reading
        .spawn(move || AppJson::parse(source.as_bytes()).is_ok())
        .expect("a thread starts");
    assert!(read.join().expect("a quarter of an ordinary stack is enough"));
}

#[test]
fn a_file_full_of_errors_on_one_line_is_read_in_one_pass_and_a_thousand_are_kept() {
    let entries: Vec<_> = (0..30_000)
        .map(|at| format!("\"V{at}\":{at},\"-{at}\":\"x\""))
        .collect();
    let source = format!("{{\"env\":{{{}}}}}", entries.join(","));
    let errors = AppJson::parse(source.as_bytes()).expect_err("it is refused");
    assert_eq!(errors.len(), 1000);
    let text = errors.render("app.json", source.as_bytes());
    assert!(text.ends_with("app.json: and 980 more"), "{text}");
    assert!(text.len() < 20_000, "{}", text.len());
}

/// Documents made of what app.json is made of, most of them wrong somewhere.
fn document() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        prop::sample::select(vec![
            "formation",
            "web",
            "release",
            "quantity",
            "max_parallel",
            "scripts",
            "dokku",
            "predeploy",
            "postdeploy",
            "healthchecks",
            "type",
            "path",
            "command",
            "listening",
            "uptime",
            "attempts",
            "wait",
            "httpHeaders",
            "name",
            "value",
            "onFailure",
            "env",
            "generator",
            "sync",
            "Env",
            "größe",
            "",
            "A-B",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,4}",
    ]
    .prop_map(|key| format!("{key:?}"));
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?[0-9]{1,12}(\\.[0-9])?",
        prop::sample::select(vec![
            "\"startup\"",
            "\"/\"",
            "\"secret\"",
            "\"\"",
            "\"x\\u0000\"",
            "'x'",
            "[1",
            "/**/1"
        ])
        .prop_map(str::to_owned),
        "\\PC{0,6}".prop_map(|text| format!("{text:?}")),
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        let property = (key.clone(), inner.clone()).prop_map(|(key, value)| format!("{key}: {value}"));
        prop_oneof![
            4 => prop::collection::vec(property, 0..6).prop_map(|all| format!("{{ {} }}", all.join(",\n"))),
            1 => prop::collection::vec(inner, 0..4).prop_map(|all| format!("[{},]", all.join(", "))),
        ]
    })
}

fn line() -> impl Strategy<Value = String> {
    let start = prop::sample::select(vec![
        "WAIT=",
        "TIMEOUT=",
        "ATTEMPTS=",
        "wait =",
        "/",
        "//",
        "http://",
        "https://a/",
        "web=",
        "release=",
        "#",
        "{{",
        "=",
        " ",
    ]);
    (start, "(\\PC|[ \t\r#=/0-9-]){0,8}").prop_map(|(start, rest)| format!("{start}{rest}\n"))
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(source in prop::collection::vec(any::<u8>(), 0..200)) {
        check_everything(&source);
    }

    #[test]
    fn no_text_makes_a_reader_panic(source in "(\\PC|[\"{}\\[\\]:,/*\\\\\n\r\t 0-9u-]){0,80}") {
        check_everything(source.as_bytes());
    }

    #[test]
    fn no_document_makes_a_reader_panic(source in document()) {
        check_everything(source.as_bytes());
    }

    #[test]
    fn no_lines_make_a_reader_panic(lines in prop::collection::vec(line(), 0..12)) {
        check_everything(lines.concat().as_bytes());
    }

    #[test]
    fn a_good_scale_file_is_read_as_it_is(quantities in prop::collection::btree_map("[a-z]([a-z0-9-]{0,10}[a-z0-9])?", 0_u32..=1000, 0..8)) {
        prop_assume!(!quantities.contains_key("release"));
        let lines: Vec<_> = quantities.iter().map(|(name, count)| format!("{name}={count}")).collect();
        prop_assert_eq!(ScaleFile::parse(lines.join("\n").as_bytes()).map(|file| file.quantities), Ok(quantities));
    }
}
