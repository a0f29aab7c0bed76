//! What holds for every input; the property tests and the fuzzer both call it. Invariant: a check compares with the model, or with
//! what the input itself says, never with a stored answer.

#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a check that is out of range fails as one that does not hold"
)]

pub(crate) mod model;

use ps_procfile::{Entry, FILE_LIMIT, InvalidProcfile, LINE_LIMIT, Location, Procfile, Rules};

/// Everything below, for one input.
pub(crate) fn check_input(source: &[u8]) {
    for rules in [Rules::Strict, Rules::Relaxed] {
        let parsed = Procfile::parse_with(source, rules);
        compare_with_model(source, rules, &parsed);
        match parsed {
            Ok(procfile) => {
                check_entries(source, procfile.entries());
                assert_eq!(procfile.source(), source);
                check_shown(&procfile.warnings().render("Procfile"));
                check_warnings(source, procfile.warnings().iter().map(|warning| &warning.location));
                if let Err(errors) = procfile.require_text() {
                    check_locations(source, errors.iter().filter_map(|error| error.location));
                }
                check_edits(&procfile);
            }
            Err(invalid) => check_invalid(source, &invalid),
        }
    }
}

fn compare_with_model(source: &[u8], rules: Rules, parsed: &Result<Procfile<'_>, InvalidProcfile<'_>>) {
    let entries = |entries: &[Entry<'_>]| {
        let pair = |entry: &Entry<'_>| (entry.name().to_owned(), entry.command().to_vec());
        entries.iter().map(pair).collect()
    };
    let found = match parsed {
        Ok(procfile) => model::Answer {
            entries: entries(procfile.entries()),
            errors: Vec::new(),
        },
        Err(invalid) => model::Answer {
            entries: entries(invalid.entries()),
            errors: invalid
                .errors()
                .iter()
                .map(|error| (error.kind.code(), error.location.map(|location| location.line)))
                .collect(),
        },
    };
    assert_eq!(found, model::read(source, rules == Rules::Strict), "{rules:?}");
}

fn check_entries(source: &[u8], entries: &[Entry<'_>]) {
    for entry in entries {
        assert_eq!(source.get(entry.command_span()), Some(entry.command()));
        assert_eq!(source.get(entry.name_span()), Some(entry.name().as_bytes()));
        assert_eq!(line_of(source, entry.command_span().start), entry.line());
    }
    assert!(entries.is_sorted_by_key(Entry::line));
}

fn check_invalid(source: &[u8], invalid: &InvalidProcfile<'_>) {
    check_entries(source, invalid.entries());
    let errors: Vec<_> = invalid.errors().iter().collect();
    assert_eq!(errors.len(), invalid.errors().len());
    assert_eq!(errors[0], invalid.errors().first());
    let located: Vec<_> = errors.iter().filter_map(|error| error.location.clone()).collect();
    assert!(
        located.is_sorted_by_key(|location| location.line),
        "at most one a line, in order"
    );
    check_locations(source, located.into_iter());
    check_shown(&invalid.render("Procfile"));
    check_warnings(source, invalid.warnings().iter().map(|warning| &warning.location));
}

fn check_warnings<'l>(source: &[u8], locations: impl Iterator<Item = &'l Location>) {
    let locations: Vec<_> = locations.cloned().collect();
    assert!(
        locations.is_sorted_by_key(|location| location.span.start),
        "{locations:?}"
    );
    check_locations(source, locations.into_iter());
}

/// Places lie in the file, and line and column are those of the first byte.
fn check_locations(source: &[u8], locations: impl Iterator<Item = Location>) {
    for location in locations {
        assert!(
            !location.span.is_empty() && location.span.end <= source.len(),
            "{location:?}"
        );
        assert_eq!(location.line, line_of(source, location.span.start));
        let bytes = &source[location.span.clone()];
        assert!(!bytes.contains(&b'\n') || location.span == (0..2), "{location:?}");
        let before = &source[..location.span.start];
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let letters = model::letters(&before[line_start..]).len();
        assert_eq!(location.column, letters + 1, "{location:?}");
    }
}

fn line_of(source: &[u8], at: usize) -> usize {
    source[..at].split(|&byte| byte == b'\n').count()
}

/// A diagnostic is bounded and cannot move a cursor.
fn check_shown(text: &str) {
    assert!(text.len() < 60_000, "{}", text.len());
    assert!(
        !text.contains(|letter: char| letter.is_control() && letter != '\n'),
        "{text:?}"
    );
}

/// Sets and deletes, with commands that the file itself offers.
fn check_edits(procfile: &Procfile<'_>) {
    let source = procfile.source();
    let last_line = source.rsplit(|&byte| byte == b'\n').find(|line| !line.is_empty());
    let first_command = procfile.entries()[0].command();
    let last = procfile.entries()[procfile.entries().len() - 1];
    let commands = [
        last_line.unwrap_or_default(),
        last_line.unwrap_or_default().trim_ascii(),
        first_command,
        b"x",
    ];
    for name in [procfile.entries()[0].name(), last.name(), "new-name"] {
        for command in commands {
            check_set(procfile, name, command);
        }
        check_delete(procfile, name);
    }
}

/// Setting gives the command, touches nothing else, and is refused only where no line can hold the command.
pub(crate) fn check_set(procfile: &Procfile<'_>, name: &str, command: &[u8]) {
    let source = procfile.source();
    let changed = match procfile.set(name, command) {
        Ok(changed) => changed,
        Err(error) => {
            let line = [name.as_bytes(), b": ", command].concat();
            let answer = model::read(&line, procfile.rules() == Rules::Strict);
            let fits = answer.entries == [(name.to_owned(), command.to_vec())] && !command.contains(&b'\n');
            let may_be_too_long = source.len() + line.len() > FILE_LIMIT.min(LINE_LIMIT);
            assert!(!fits || may_be_too_long, "{name:?} {command:?}: {error}");
            return;
        }
    };
    let after = Procfile::parse_with(&changed, procfile.rules()).expect("an edit can be read again");
    assert_eq!(after.get(name).map(Entry::command), Some(command));
    let untouched = |entries: &[Entry<'_>]| -> Vec<_> {
        let others = entries.iter().filter(|entry| entry.name() != name);
        others
            .map(|entry| (entry.name().to_owned(), entry.command().to_vec()))
            .collect()
    };
    assert_eq!(untouched(after.entries()), untouched(procfile.entries()));
    assert_eq!(
        other_lines(&changed, after.get(name)),
        other_lines(source, procfile.get(name))
    );
    let is_new = procfile.get(name).is_none();
    assert_eq!(after.entries().len(), procfile.entries().len() + usize::from(is_new));
    assert_eq!(changed.ends_with(b"\n"), source.ends_with(b"\n"));
}

/// Deleting takes one line away, and setting brings the entry back.
fn check_delete(procfile: &Procfile<'_>, name: &str) {
    let Ok(changed) = procfile.delete(name) else {
        assert!(procfile.get(name).is_none() || procfile.entries().len() == 1);
        return;
    };
    let after = Procfile::parse_with(&changed, procfile.rules()).expect("an edit can be read again");
    assert_eq!(after.get(name), None);
    assert_eq!(after.entries().len() + 1, procfile.entries().len());
    assert_eq!(
        other_lines(&changed, None),
        other_lines(procfile.source(), procfile.get(name))
    );
    if let Some(command) = procfile.get(name).map(Entry::command) {
        check_set(&after, name, command);
    }
}

/// The lines that are not the entry's and not blank, without their ends; a new last line may turn a lone CR before it into a line end.
fn other_lines<'s>(source: &'s [u8], entry: Option<&Entry<'_>>) -> Vec<&'s [u8]> {
    let own = entry.map_or(0, Entry::line);
    let lines = source.split(|&byte| byte == b'\n').enumerate();
    lines
        .filter(|(index, line)| index + 1 != own && !line.trim_ascii().is_empty())
        .map(|(_, line)| line.trim_ascii_end())
        .collect()
}
