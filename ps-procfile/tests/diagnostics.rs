//! The text of diagnostics, and all errors at once. Invariant: each text names file, line, the bytes and the mend.

#![expect(
    clippy::expect_used,
    reason = "a Procfile that should be refused and is not fails the test"
)]

use ps_procfile::{ErrorKind, FILE_LIMIT, LINE_LIMIT, Procfile, Role};

fn diagnostics(source: &str) -> String {
    Procfile::parse(source.as_bytes())
        .expect_err("it is refused")
        .render("Procfile")
}

fn hint(source: &str) -> String {
    let errors = Procfile::parse(source.as_bytes())
        .expect_err("it is refused")
        .errors()
        .clone();
    errors.first().hint.clone().unwrap_or_default()
}

#[test]
fn every_error_of_a_file_is_reported_in_file_order() {
    let source = "web: a\nbad line\nweb: b\nWorker: c\nclock: # d\n";
    let errors = Procfile::parse(source.as_bytes())
        .expect_err("it is refused")
        .errors()
        .clone();
    let found: Vec<_> = errors
        .iter()
        .map(|error| (error.location.as_ref().map(|location| location.line), error.kind))
        .collect();
    let expected = [
        (Some(2), ErrorKind::InvalidLine),
        (Some(3), ErrorKind::Duplicate),
        (Some(4), ErrorKind::InvalidName),
        (Some(5), ErrorKind::CommentInPlace),
    ];
    assert_eq!(found, expected);
}

#[test]
fn diagnostics_show_the_line_with_carets_and_the_mend() {
    let text = diagnostics("web: a\n  worker_2: rake jobs\nweb : b\nclock: # no\n=======\n");
    let expected = "\
Procfile:2:3: `worker_2` is not a process type: lower-case letters, digits and `-`, with a letter or digit at both ends
  2 |   worker_2: rake jobs
    |   ^^^^^^^^
    = write `worker-2`
Procfile:3:1: `web` is already on line 1
  3 | web : b
    | ^^^
    = remove one of the two, or give this one another name, such as `web-2`
Procfile:4:8: there is a comment where the command should be
  4 | clock: # no
    |        ^^^^
    = write the command before the comment, or put `#` first to leave the line out
Procfile:5:1: this is a conflict marker of a merge
  5 | =======
    | ^^^^^^^
    = finish the merge: keep one side and remove the marker lines";
    assert_eq!(text, expected);
}

#[test]
fn the_usual_slips_have_a_mend_of_their_own() {
    for (source, mend) in [
        ("we_b: x", "write `we-b`"),
        ("-Web-: x", "write `web`"),
        ("web.1: x", "write `web-1`"),
        ("we b: x", "write `we-b`"),
        ("\"web\": x", "write `web`"),
        ("- web: x", "write `web`"),
        ("web python app.py", "write `web: python app.py`"),
        (
            "web python -m http.server :80",
            "write `web: python -m http.server :80`",
        ),
        ("web=python app.py", "write `web: python app.py`"),
        ("web\u{ff1a} x", "write `web: x`"),
        (
            "PORT=1",
            "set it in the app's config, or write it before the command: `env NAME=value …`",
        ),
        (
            "export A=1",
            "set it in the app's config, or write it before the command: `env NAME=value …`",
        ),
        ("web = node app.js", "write `web: node app.js`"),
        ("web => node app.js", "write `web: node app.js`"),
        ("web; node app.js", "write `web: node app.js`"),
        ("web \u{ff1a}x", "write `web: x`"),
        ("web\u{a0}: x", "remove it, so that only `web:` is left"),
        ("we\u{200b}b: x", "remove it, so that only `web:` is left"),
        ("Web_2 x", "write `web-2: x`"),
        ("; a note", "begin a comment with `#`"),
        ("/* a note */", "begin a comment with `#`"),
        ("---", "remove the line: a Procfile is not YAML"),
        ("# a \\\nweb", "write `web: <command>`"),
        ("\u{ff}\u{fe}", "write `web: <command>`, or `#` first for a comment"),
        ("web", "write `web: <command>`"),
        ("web:", "write a command after `web:`, or remove the line"),
        (": x", "write `web: <command>`"),
        ("\u{feff}web: x", "save it as UTF-8 without a byte order mark"),
        (
            "web: a \\\n  --port 80",
            "put the whole command on one line, or into a script",
        ),
        (
            "<<<<<<< HEAD",
            "finish the merge: keep one side and remove the marker lines",
        ),
        ("&&&&&", "write `web: <command>`, or `#` first for a comment"),
        (
            "\n# nothing\n",
            "add a line such as `web: <command>`, or remove the file",
        ),
        (
            "---: x",
            "use lower-case letters, digits and `-`, with a letter or digit at both ends",
        ),
    ] {
        let errors = Procfile::parse(source.as_bytes()).expect_err(source).errors().clone();
        assert_eq!(errors.len(), 1, "{source:?}: {errors}");
        assert_eq!(hint(source), mend, "{source:?}");
    }
}

#[test]
fn a_file_in_utf_16_is_one_error() {
    for source in [
        &b"\xff\xfew\0e\0b\0:\0x\0\n\0a\0"[..],
        b"\xfe\xff\0w\0e\0b\0:\0x\0\n\0a",
    ] {
        let invalid = Procfile::parse(source).expect_err("it is refused");
        assert_eq!(invalid.errors().len(), 1);
        assert_eq!(invalid.errors().first().message, "the file is in UTF-16");
    }
}

#[test]
fn a_file_may_have_a_mebibyte_and_not_one_byte_more() {
    let mut source = b"web: x\n".to_vec();
    source.resize(FILE_LIMIT, b'\n');
    assert!(Procfile::parse(&source).is_ok());
    source.push(b'\n');
    let invalid = Procfile::parse(&source).expect_err("it is refused");
    assert_eq!(
        invalid.render("Procfile"),
        "Procfile: the file has 1048577 bytes; at most 1048576 are read\n    = a Procfile is small: is this another file?"
    );
    assert_eq!((invalid.entries(), invalid.errors().len()), (&[][..], 1));
}

#[test]
fn good_entries_of_a_refused_file_are_kept() {
    let invalid = Procfile::parse(b"web: a\nno\nclock: b\nweb: c\nassets: # d\n").expect_err("it is refused");
    let names: Vec<_> = invalid.entries().iter().map(ps_procfile::Entry::name).collect();
    assert_eq!(names, ["web", "clock"]);
    assert_eq!(
        invalid.to_string(),
        "line 2, column 1: there is no colon and no command after `no` (and 2 more errors)"
    );
}

#[test]
fn a_mebibyte_of_garbage_gives_every_error_and_a_short_text() {
    let source = "x\n".repeat(FILE_LIMIT / 2);
    let invalid = Procfile::parse(source.as_bytes()).expect_err("it is refused");
    assert_eq!(invalid.errors().len(), FILE_LIMIT / 2);
    let late = invalid.errors().iter().nth(1000).and_then(|error| error.location);
    assert_eq!(late.map(|location| location.line), Some(1001));
    assert!(invalid.render("Procfile").len() < 4000);
}

#[test]
fn the_painted_pieces_are_the_rendered_text() {
    let invalid = Procfile::parse(b"web: a \\\nclock: b // c # d\nweb: e\n").expect_err("it is refused");
    let mut roles = Vec::new();
    let mut text = String::new();
    invalid.paint("Procfile", usize::MAX, &mut |role, piece| {
        text.push_str(piece);
        roles.push(role);
    });
    assert_eq!(text, invalid.render("Procfile"));
    for role in [
        Role::Place,
        Role::Message,
        Role::Gutter,
        Role::Source,
        Role::ErrorMark,
        Role::Hint,
    ] {
        assert!(roles.contains(&role), "{role:?}");
    }
    assert!(roles.contains(&Role::WarningWord) && roles.contains(&Role::WarningMark));
}

#[test]
fn carets_stand_below_the_bytes_after_wide_characters() {
    assert_eq!(
        diagnostics("日本\u{301}語 a: x\n"),
        "\
Procfile:1:1: `日本\u{301}語 a` is not a process type: lower-case letters, digits and `-`, with a letter or digit at both ends
  1 | 日本\u{301}語 a: x
    | ^^^^^^^^
    = write `a`"
    );
}

#[test]
fn a_line_may_have_65535_bytes_and_not_one_more() {
    let fits = format!("web: {}\n", "x".repeat(LINE_LIMIT - 5));
    assert!(Procfile::parse(fits.as_bytes()).is_ok());
    let over = format!("web: {}\nworker: y z\n", "x".repeat(LINE_LIMIT - 4));
    let errors = Procfile::parse(over.as_bytes())
        .expect_err("it is refused")
        .errors()
        .clone();
    assert_eq!((errors.len(), errors.first().kind), (1, ErrorKind::LineTooLong));
    assert!(errors.render("Procfile").len() < 600);
}

#[test]
fn long_lines_are_cut_around_the_place() {
    let source = format!("web: {}\u{1b}[31m\nx y{}", "é".repeat(300), "z".repeat(400));
    let text = diagnostics(&source);
    assert!(text.lines().all(|line| line.chars().count() < 120), "{text}");
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn many_errors_are_counted_instead_of_shown() {
    let text = diagnostics(&"bad line\n".repeat(50));
    assert!(text.ends_with("Procfile: and 30 more errors"), "{text}");
}

#[test]
fn commands_that_are_no_text_are_found_with_their_place() {
    let source = b"web: a\nworker: caf\xe9 x\nclock: \xc3\xa9\0\n";
    let procfile = Procfile::parse(source).expect("the format allows it");
    assert_eq!(procfile.get("worker").and_then(ps_procfile::Entry::command_text), None);
    let errors = procfile.require_text().expect_err("it is no text");
    let found: Vec<_> = errors
        .iter()
        .map(|error| (error.kind, error.location.clone()))
        .collect();
    assert_eq!(found.len(), 2);
    let places: Vec<_> = found
        .iter()
        .flat_map(|(_, location)| location)
        .map(|l| (l.line, l.column, l.span.start))
        .collect();
    assert_eq!(places, [(2, 12, 18), (3, 9, 31)]);
    assert_eq!((found[0].0, found[1].0), (ErrorKind::NotUtf8, ErrorKind::NulByte));
}

#[test]
fn entries_keep_the_order_of_the_file() {
    let procfile = Procfile::parse(b"web: a\n\nclock: b\nassets: c\n").expect("it is valid");
    let names: Vec<_> = procfile
        .entries()
        .iter()
        .map(|entry| (entry.name(), entry.line()))
        .collect();
    assert_eq!(names, [("web", 1), ("clock", 3), ("assets", 4)]);
    let sorted: Vec<_> = procfile.sorted_entries().iter().map(ps_procfile::Entry::name).collect();
    assert_eq!(sorted, ["assets", "clock", "web"]);
}

#[test]
fn the_readme_shows_what_is_said() {
    let source = b"web: node server.js\nworker_2: rake jobs\nclock: echo \"tick # 1\"\n\nweb: node other.js\n";
    let shown = Procfile::parse(source).expect_err("it is refused").render("Procfile");
    assert!(include_str!("../README.md").contains(&shown), "{shown}");
}
