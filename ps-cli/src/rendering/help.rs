//! The overview of `psctl help`, and of one namespace, from the definitions of the command line.
//!
//! Invariant: no line is longer than 80 columns; both spellings of a command are shown.

use std::fmt::Write;

use clap::Command;

const WIDTH: usize = 80;

/// All commands, by namespace, and the global flags.
pub fn overview(program: &Command) -> String {
    let mut text = String::new();
    let about = program.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = write!(text, "{about}\n\nUsage: psctl <command> [flags] [words]\n");
    let mut last = None;
    for command in visible(program) {
        let group = group(command);
        if last != Some(group) {
            let _ = write!(text, "\n{group}\n");
            last = Some(group);
        }
        text.push_str(&entry(&spelling(command), &about_of(command)));
    }
    text.push_str("\nGlobal flags\n");
    for argument in program.get_arguments().filter(|argument| !argument.is_hide_set()) {
        let short = argument
            .get_short()
            .map(|short| format!("-{short}, "))
            .unwrap_or_default();
        let value = argument
            .get_value_names()
            .and_then(<[_]>::first)
            .map(|name| format!(" <{name}>"));
        let takes_value = argument.get_action().takes_values();
        let value = value.filter(|_| takes_value).unwrap_or_default();
        let flag = format!("{short}--{}{value}", argument.get_long().unwrap_or_default());
        text.push_str(&entry(
            &flag,
            &argument.get_help().map(ToString::to_string).unwrap_or_default(),
        ));
    }
    text.push_str("\n`psctl help <command>` or `psctl <command> --help` shows how one is used.");
    text
}

/// The commands of one namespace, with what they take.
pub fn namespace(program: &Command, namespace: &str) -> String {
    let mut text = "Manage app processes\n\n".to_owned();
    let is_inside = |command: &&Command| {
        let name = command.get_name();
        name == namespace || name.split_once(':').is_some_and(|(first, _)| first == namespace)
    };
    for command in visible(program).filter(is_inside) {
        text.push_str(&entry(&spelling(command), &about_of(command)));
    }
    let _ = write!(
        text,
        "\nThe prefix `{namespace}:` may be left out where the short name is shown.\n"
    );
    text.push_str("`psctl help <command>` shows how one is used.");
    text
}

fn visible(program: &Command) -> impl Iterator<Item = &Command> {
    program.get_subcommands().filter(|command| !command.is_hide_set())
}

fn about_of(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// `ps:scale, scale`.
fn spelling(command: &Command) -> String {
    let names = std::iter::once(command.get_name()).chain(command.get_visible_aliases());
    names.collect::<Vec<_>>().join(", ")
}

fn group(command: &Command) -> &'static str {
    let name = command.get_name();
    match name.split_once(':').map_or(name, |(namespace, _)| namespace) {
        "apps" => "Apps",
        "deploy" | "git" | "releases" => "Deploy",
        "procfile" => "Procfile",
        "config" => "Environment",
        "links" => "Links",
        "ps" => "Processes",
        "checks" => "Checks",
        "logs" | "run" | "enter" => "Look inside",
        _ => "psctl",
    }
}

/// Two columns, the second one wrapped.
fn entry(left: &str, right: &str) -> String {
    const COLUMN: usize = 30;
    let mut text = format!("  {left:<width$}", width = COLUMN - 2);
    if left.len() > COLUMN - 4 {
        text = format!("  {left}\n{:COLUMN$}", "");
    }
    let mut used = COLUMN;
    for word in right.split_whitespace() {
        let needed = word.chars().count() + usize::from(used > COLUMN);
        if used + needed > WIDTH {
            let _ = write!(text, "\n{:COLUMN$}{word}", "");
            used = COLUMN + word.chars().count();
        } else {
            text.push_str(if used > COLUMN { " " } else { "" });
            text.push_str(word);
            used += needed;
        }
    }
    text.push('\n');
    text
}
