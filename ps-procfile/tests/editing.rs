//! Setting and deleting entries. Invariant: what is not edited stays byte for byte; the properties are in `properties.rs`.

#![expect(
    clippy::expect_used,
    reason = "an edit that should succeed and does not fails the test"
)]

use ps_procfile::{EditError, FILE_LIMIT, LINE_LIMIT, Procfile, Rules};

fn set(source: &str, name: &str, command: &str) -> Result<String, EditError> {
    let procfile = Procfile::parse(source.as_bytes()).expect("it is accepted");
    let changed = procfile.set(name, command.as_bytes())?;
    Ok(String::from_utf8(changed).expect("it is text"))
}

fn delete(source: &str, name: &str) -> Result<String, EditError> {
    let procfile = Procfile::parse(source.as_bytes()).expect("it is accepted");
    Ok(String::from_utf8(procfile.delete(name)?).expect("it is text"))
}

#[test]
fn a_command_is_replaced_in_its_place() {
    for (source, expected) in [
        ("# a\n\nweb: old\nclock: c\n", "# a\n\nweb: x y\nclock: c\n"),
        ("web : \t old  \nclock: c", "web : \t x y  \nclock: c"),
        (
            "clock: c\r\n\r\n  web:old # kept\r\n",
            "clock: c\r\n\r\n  web:x y # kept\r\n",
        ),
        ("web: old // kept", "web: x y // kept"),
        ("web: old # not only # kept", "web: x y # kept"),
    ] {
        assert_eq!(set(source, "web", "x y").as_deref(), Ok(expected), "{source:?}");
    }
}

#[test]
fn an_inline_comment_goes_when_the_command_does_not_allow_it() {
    assert_eq!(set("web: old // c \r\n", "web", "a #").as_deref(), Ok("web: a # \r\n"));
    assert_eq!(set("web: old # c\n", "web", "a //").as_deref(), Ok("web: a // # c\n"));
    let long = "x".repeat(LINE_LIMIT - 6);
    assert_eq!(set("web: old # c\n", "web", &long), Ok(format!("web: {long}\n")));
}

#[test]
fn a_new_entry_comes_last_with_the_line_end_of_the_file() {
    for (source, expected) in [
        ("web: a\n", "web: a\nclock: x\n"),
        ("web: a", "web: a\nclock: x"),
        ("web: a\r\n# end\r\n", "web: a\r\n# end\r\nclock: x\r\n"),
        ("# begin\r\nweb: a", "# begin\r\nweb: a\r\nclock: x"),
        ("web: a\n\n\n", "web: a\n\n\nclock: x\n"),
    ] {
        assert_eq!(set(source, "clock", "x").as_deref(), Ok(expected), "{source:?}");
    }
}

#[test]
fn what_no_line_can_hold_is_refused() {
    for (command, error) in [
        ("", EditError::EmptyCommand),
        ("a\nb", EditError::Blanks),
        (" a", EditError::Blanks),
        ("a\r", EditError::Blanks),
        ("a\u{a0}", EditError::Blanks),
        ("\n", EditError::Blanks),
        ("# a", EditError::Comment),
        ("#", EditError::Comment),
        ("//a", EditError::Comment),
        ("a #b", EditError::Comment),
        ("a\t//b", EditError::Comment),
        ("\"a # b\"", EditError::Comment),
    ] {
        for source in ["web: old\n", "web: old # c\n", "clock: c\n"] {
            assert_eq!(
                set(source, "web", command),
                Err(error.clone()),
                "{source:?} {command:?}"
            );
        }
    }
    assert_eq!(
        set("web: a", "web", &"x".repeat(LINE_LIMIT)),
        Err(EditError::LineTooLong)
    );
    assert_eq!(set("web: a", "We", "x"), Err(EditError::InvalidName("We".into())));
    assert_eq!(set("web: a", "a: b", "x"), Err(EditError::InvalidName("a: b".into())));
    assert_eq!(set("web: a", "", "x"), Err(EditError::InvalidName(String::new())));
    assert_eq!(
        set("web: a", &"w".repeat(64), "x"),
        Err(EditError::NameTooLong("w".repeat(64)))
    );
    let full = format!("web: a\n{}", "\n".repeat(FILE_LIMIT - 7));
    assert_eq!(set(&full, "clock", "x"), Err(EditError::FileTooLarge));
    assert_eq!(set(&full, "web", "xx"), Err(EditError::FileTooLarge));
}

#[test]
fn a_file_is_edited_under_the_rules_it_was_read_under() {
    let procfile = Procfile::parse_with(b"Web_1: a\n", Rules::Relaxed).expect("it is accepted");
    assert_eq!(procfile.set("CLOCK", b"x").as_deref(), Ok(&b"Web_1: a\nCLOCK: x\n"[..]));
}

#[test]
fn a_deleted_entry_takes_its_line_along() {
    for (source, expected) in [
        ("web: a\n# c\nclock: b # d\n\nassets: e\n", "web: a\n# c\n\nassets: e\n"),
        ("clock: b\r\nweb: a\r\n", "web: a\r\n"),
        ("web: a\r\n# c\r\nclock: b", "web: a\r\n# c"),
        ("web: a\nclock: b", "web: a"),
    ] {
        assert_eq!(delete(source, "clock").as_deref(), Ok(expected), "{source:?}");
    }
    assert_eq!(delete("web: a\n", "clock"), Err(EditError::NoSuchEntry("clock".into())));
    assert_eq!(
        delete("# a\nclock: b\n", "clock"),
        Err(EditError::LastEntry("clock".into()))
    );
}
