//! The words of the command line before clap sees them: what Dokku's users write, in the order that clap reads.
//!
//! Invariant: pure, and a word is never changed, only moved behind the command, or marked as a value (`--`) or as an info flag.
//! Flags may stand before the command; a report takes any other `--word` as an info flag; the value of `ps:set` and the
//! command of `run` and `enter` are taken as they are. Start at [`arrange`].

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// The words as clap should read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arranged {
    /// The command as it was typed; `None` when there is none.
    pub typed: Option<String>,
    /// Its full name: `ps:scale` for `scale`.
    pub command: Option<String>,
    /// The words, the command first.
    pub words: Vec<OsString>,
}

/// Why words cannot be arranged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// There is no such command.
    #[error("`{word}` is not a psctl command")]
    UnknownCommand {
        /// The word as given.
        word: String,
        /// The command that is spelled most like it.
        nearest: Option<String>,
    },
    /// A report prints one value or all of them.
    #[error("`{second}` is a second info flag, after `{first}`: use one")]
    TwoInfoFlags {
        /// The first.
        first: String,
        /// The second.
        second: String,
    },
}

/// The flags of a command, `--long` and `-s`, and whether each takes a value.
#[derive(Debug, Clone, Default)]
pub struct Flags(BTreeMap<String, bool>);

impl Flags {
    /// The flags of a clap command that was built; with `deep` those of its subcommands too.
    pub fn of(command: &clap::Command, deep: bool) -> Self {
        let mut flags = Self::default();
        for argument in command.get_arguments() {
            let takes_value = argument.get_action().takes_values();
            let long = argument.get_long_and_visible_aliases().unwrap_or_default();
            let short = argument.get_short_and_visible_aliases().unwrap_or_default();
            let names = long.iter().map(|name| format!("--{name}"));
            let names = names.chain(short.iter().map(|name| format!("-{name}")));
            flags.0.extend(names.map(|name| (name, takes_value)));
        }
        for subcommand in command.get_subcommands().filter(|_| deep) {
            flags.0.extend(Self::of(subcommand, false).0);
        }
        flags
    }

    fn is_own(&self, word: &str) -> bool {
        self.0.contains_key(word)
    }

    /// Whether the value of this flag is the next word.
    fn wants_next(&self, word: &str) -> bool {
        self.0.get(word).copied().unwrap_or(false)
    }

    /// Whether it is one of ours, also as `--flag=value`.
    fn is_own_with_value(&self, word: &str) -> bool {
        let name = word.split_once('=').map_or(word, |(name, _)| name);
        self.is_own(name)
    }
}

fn is_flag(word: &OsStr) -> bool {
    word.to_str()
        .is_some_and(|word| word.len() > 1 && word.starts_with('-'))
}

fn text(word: &OsStr) -> &str {
    word.to_str().unwrap_or_default()
}

/// Arranges the words after the program's name. `program` is the built clap command.
pub fn arrange(program: &clap::Command, words: &[OsString]) -> Result<Arranged, WordsError> {
    let Some(position) = command_position(words, &Flags::of(program, true)) else {
        return Ok(Arranged {
            typed: None,
            command: None,
            words: words.to_vec(),
        });
    };
    let typed = words
        .get(position)
        .map(|word| word.to_string_lossy().into_owned())
        .unwrap_or_default();
    let command = program
        .find_subcommand(&typed)
        .ok_or_else(|| WordsError::UnknownCommand {
            nearest: nearest_command(program, &typed),
            word: typed.clone(),
        })?;
    let flags = Flags::of(command, false);
    let before = words.iter().take(position);
    let rest: Vec<OsString> = before.chain(words.iter().skip(position + 1)).cloned().collect();
    let rest = match command.get_name() {
        "ps:report" | "checks:report" | "domains:report" | "proxy:report" => mark_info_flag(&flags, rest)?,
        "ps:set" | "checks:set" | "proxy:set" => protect_value(&flags, &rest),
        "run" | "run:detached" | "enter" => protect_command(&flags, &rest),
        _ => rest,
    };
    let name = command.get_name().to_owned();
    Ok(Arranged {
        typed: Some(typed),
        words: std::iter::once(OsString::from(&name)).chain(rest).collect(),
        command: Some(name),
    })
}

/// Where the command stands: the first word that is neither a flag nor a flag's value.
fn command_position(words: &[OsString], flags: &Flags) -> Option<usize> {
    let mut is_value = false;
    for (position, word) in words.iter().enumerate() {
        if word == "--" && !is_value {
            return None;
        }
        if !is_value && !is_flag(word) {
            return Some(position);
        }
        is_value = !is_value && flags.wants_next(text(word));
    }
    None
}

/// `--deployed` becomes `--info-flag=--deployed`, unless it is a flag of our own.
fn mark_info_flag(flags: &Flags, words: Vec<OsString>) -> Result<Vec<OsString>, WordsError> {
    let mut found: Option<String> = None;
    let mut is_value = false;
    let mut result = Vec::with_capacity(words.len());
    for word in words {
        let shown = text(&word).to_owned();
        if !is_value && shown.len() > 2 && shown.starts_with("--") && !flags.is_own_with_value(&shown) {
            if let Some(first) = found {
                return Err(WordsError::TwoInfoFlags { first, second: shown });
            }
            result.push(OsString::from(format!("--info-flag={shown}")));
            found = Some(shown);
        } else {
            is_value = !is_value && flags.wants_next(&shown);
            result.push(word);
        }
    }
    Ok(result)
}

/// Puts the value of `ps:set` behind `--`, so that it is never read as a flag; only the exact name of one of our own
/// flags still is one.
fn protect_value(flags: &Flags, words: &[OsString]) -> Vec<OsString> {
    let is_global = words
        .iter()
        .take_while(|word| *word != "--")
        .any(|word| word == "--global");
    let words_before_value = if is_global { 1 } else { 2 };
    let (mut options, mut plain) = (Vec::new(), Vec::new());
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let shown = text(word);
        let is_value = plain.len() == words_before_value && !flags.is_own(shown);
        if word == "--" {
            plain.extend(rest.by_ref().cloned());
        } else if is_value || !is_flag(word) {
            plain.push(word.clone());
        } else {
            options.push(word.clone());
            if flags.wants_next(shown) {
                options.extend(rest.next().cloned());
            }
        }
    }
    options.push(OsString::from("--"));
    options.extend(plain);
    options
}

/// Puts everything from the second plain word on behind `--`: the first is the app.
fn protect_command(flags: &Flags, words: &[OsString]) -> Vec<OsString> {
    let mut result = Vec::with_capacity(words.len() + 1);
    let (mut plain_words, mut is_value) = (0, false);
    for (position, word) in words.iter().enumerate() {
        let is_plain = !is_value && !is_flag(word);
        plain_words += usize::from(is_plain);
        if (word == "--" && !is_value) || plain_words == 2 {
            if word != "--" {
                result.push(OsString::from("--"));
            }
            result.extend(words.iter().skip(position).cloned());
            return result;
        }
        is_value = !is_value && flags.wants_next(text(word));
        result.push(word.clone());
    }
    result
}

/// The values that stand on the command line of `config:set`, so that no error repeats them.
pub fn config_values(arranged: &Arranged) -> Vec<String> {
    let is_config = arranged
        .command
        .as_deref()
        .is_some_and(|name| name.starts_with("config:"));
    let words = arranged.words.iter().filter(|_| is_config);
    words
        .filter_map(|word| {
            word.to_string_lossy()
                .split_once('=')
                .map(|(_, value)| value.to_owned())
        })
        .collect()
}

/// The full name of the command that is spelled most like the word, when one is near.
fn nearest_command(program: &clap::Command, word: &str) -> Option<String> {
    let names = program.get_subcommands().flat_map(|command| {
        let spellings = std::iter::once(command.get_name()).chain(command.get_all_aliases());
        spellings.map(|spelling| (distance(word, spelling), command.get_name()))
    });
    let limit = (word.chars().count().div_ceil(3)).clamp(1, 3);
    names
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name.to_owned())
}

/// How many letters must be changed, added or left out.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (position, letter) in left.chars().enumerate() {
        let mut next = vec![position + 1];
        for ((other, pair), before) in right.iter().zip(row.windows(2)).zip(0..) {
            let replaced = pair.first().copied().unwrap_or_default() + usize::from(letter != *other);
            let removed = pair.last().copied().unwrap_or_default() + 1;
            let added = next.get::<usize>(before).copied().unwrap_or_default() + 1;
            next.push(replaced.min(removed).min(added));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
