//! Splits a process command into words as a POSIX shell would, so that most commands run without a shell. Invariant:
//! whatever comes back as [`CommandForm::Words`] is what `/bin/sh -f` makes of the same text and variables; when in doubt the
//! answer is [`CommandForm::NeedsShell`].

mod shell_knowledge;

use std::iter::Peekable;
use std::str::Chars;

use shell_knowledge::{
    HIDDEN, begins_more_than_words, is_builtin, is_container_variable, is_expanded, is_name, is_name_letter,
    is_name_start, is_own_variable,
};

/// How a command can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandForm {
    /// Run directly: the program and its arguments, variables already put in. Empty when nothing is left after expansion.
    Words(Vec<String>),
    /// Only a shell can run it: `<shell> -c <command>`, variables left to that shell.
    NeedsShell,
}

/// Splits a command; `lookup` answers variables, `None` counts as empty.
///
/// Quotes and backslashes protect; `$NAME`, `${NAME}` and `${NAME:-default}` are expanded and, where unquoted, split at
/// blanks; nothing is globbed. Operators, redirection, command substitution, a leading assignment, `~` at a word's start,
/// bash's `{a,b}`, other `${…}` forms, special parameters, variables that only the container or its shell knows (`$HOSTNAME`,
/// `$PWD`), unfinished quotes, and a reserved word or a shell builtin as the program need a shell.
///
/// ```
/// use ps_core::command_line::{CommandForm, split_command};
///
/// let port = |name: &str| (name == "PORT").then(|| "5000".to_owned());
/// let words = ["serve", "-p", "5000", "*.html"].map(str::to_owned).to_vec();
/// assert_eq!(split_command("serve -p $PORT '*.html'", port), CommandForm::Words(words));
/// assert_eq!(split_command("cd app && serve", port), CommandForm::NeedsShell);
/// ```
#[must_use]
pub fn split_command(command: &str, lookup: impl Fn(&str) -> Option<String>) -> CommandForm {
    let splitter = Splitter {
        rest: command.chars().peekable(),
        lookup,
        fields: Fields::default(),
        is_first_word: true,
        open_defaults: 0,
    };
    match splitter.split() {
        Ok(words) if words.first().is_some_and(|program| is_builtin(program)) => CommandForm::NeedsShell,
        Ok(words) => CommandForm::Words(words),
        Err(ShellNeeded) => CommandForm::NeedsShell,
    }
}

/// The command is more than words.
struct ShellNeeded;

/// A part of a word, after expansion.
enum Piece {
    /// Literal or quoted: never split; when empty it still makes a word.
    Protected(String),
    /// The unquoted result of an expansion: split at blanks.
    Splittable(String),
}

/// Where a `${NAME:-default}` stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    Bare,
    Double,
}

/// The words made so far.
#[derive(Default)]
struct Fields {
    finished: Vec<String>,
    current: Option<String>,
}

impl Fields {
    fn add(&mut self, piece: Piece) {
        match piece {
            Piece::Protected(text) => self.current.get_or_insert_default().push_str(&text),
            Piece::Splittable(text) => {
                for letter in text.chars() {
                    match letter {
                        ' ' | '\t' | '\n' => self.finish(),
                        _ => self.current.get_or_insert_default().push(letter),
                    }
                }
            }
        }
    }

    fn finish(&mut self) {
        self.finished.extend(self.current.take());
    }
}

struct Splitter<'a, L> {
    rest: Peekable<Chars<'a>>,
    lookup: L,
    fields: Fields,
    is_first_word: bool,
    /// How many defaults the next letter stands in.
    open_defaults: usize,
}

impl<L: Fn(&str) -> Option<String>> Splitter<'_, L> {
    fn split(mut self) -> Result<Vec<String>, ShellNeeded> {
        loop {
            while self.rest.next_if(|&letter| matches!(letter, ' ' | '\t')).is_some() {}
            match self.rest.peek().copied() {
                None => return Ok(self.fields.finished),
                Some('#') => {
                    let goes_on = self.rest.any(|letter| letter == '\n');
                    return if goes_on {
                        Err(ShellNeeded)
                    } else {
                        Ok(self.fields.finished)
                    };
                }
                Some(_) => self.word()?,
            }
        }
    }

    /// One word of the text, which may become none or several.
    fn word(&mut self) -> Result<(), ShellNeeded> {
        // What is written, before anything is expanded or unquoted.
        let mut shape = String::new();
        while let Some(letter) = self.rest.next_if(|&letter| !matches!(letter, ' ' | '\t')) {
            match letter {
                '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' | '`' => return Err(ShellNeeded),
                '\'' | '"' | '\\' | '$' => {
                    shape.push(HIDDEN);
                    for piece in self.marked(letter, Quoting::Bare)? {
                        self.fields.add(piece);
                    }
                }
                _ => {
                    shape.push(letter);
                    self.fields.add(Piece::Protected(letter.into()));
                }
            }
        }
        self.fields.finish();
        if is_expanded(&shape) || self.is_first_word && begins_more_than_words(&shape) {
            return Err(ShellNeeded);
        }
        self.is_first_word = false;
        Ok(())
    }

    /// What a quote, backslash or dollar that was just read begins.
    fn marked(&mut self, mark: char, quoting: Quoting) -> Result<Vec<Piece>, ShellNeeded> {
        match mark {
            '\'' => Ok(vec![Piece::Protected(self.single_quoted()?)]),
            '"' => Ok(vec![Piece::Protected(self.double_quoted()?)]),
            '\\' => match self.rest.next().ok_or(ShellNeeded)? {
                // A continued line can even continue a variable's name.
                '\n' => Err(ShellNeeded),
                letter => Ok(vec![Piece::Protected(letter.into())]),
            },
            _ => self.dollar(quoting),
        }
    }

    fn single_quoted(&mut self) -> Result<String, ShellNeeded> {
        let mut text = String::new();
        loop {
            match self.rest.next().ok_or(ShellNeeded)? {
                '\'' => return Ok(text),
                letter => text.push(letter),
            }
        }
    }

    fn double_quoted(&mut self) -> Result<String, ShellNeeded> {
        let mut text = String::new();
        loop {
            match self.rest.next().ok_or(ShellNeeded)? {
                '"' => return Ok(text),
                letter => self.inside_double_quotes(letter, None, &mut text)?,
            }
        }
    }

    /// One letter inside double quotes; a backslash also protects `closing`.
    fn inside_double_quotes(
        &mut self,
        letter: char,
        closing: Option<char>,
        text: &mut String,
    ) -> Result<(), ShellNeeded> {
        match letter {
            '`' => return Err(ShellNeeded),
            '\\' => match self.rest.next().ok_or(ShellNeeded)? {
                '\n' => return Err(ShellNeeded),
                next if matches!(next, '$' | '`' | '"' | '\\') || Some(next) == closing => text.push(next),
                // Shells differ on whether the backslash stays.
                '}' if self.open_defaults > 0 => return Err(ShellNeeded),
                next => text.extend(['\\', next]),
            },
            '$' => text.extend(self.dollar(Quoting::Double)?.into_iter().map(|piece| match piece {
                Piece::Protected(part) | Piece::Splittable(part) => part,
            })),
            _ => text.push(letter),
        }
        Ok(())
    }

    /// What follows a dollar sign.
    fn dollar(&mut self, quoting: Quoting) -> Result<Vec<Piece>, ShellNeeded> {
        match self.rest.peek().copied() {
            Some('{') => {
                self.rest.next();
                self.braced(quoting)
            }
            Some(letter) if is_name_start(letter) => {
                let name = self.name();
                Ok(vec![Piece::Splittable(self.value(&name)?.unwrap_or_default())])
            }
            // Substitutions and the parameters that only a shell has; `$'…'` and `$"…"` differ between shells.
            Some('(' | '[' | '@' | '*' | '#' | '?' | '-' | '$' | '!' | '0'..='9') => Err(ShellNeeded),
            Some('\'' | '"') if quoting == Quoting::Bare => Err(ShellNeeded),
            _ => Ok(vec![Piece::Protected('$'.into())]),
        }
    }

    fn value(&self, name: &str) -> Result<Option<String>, ShellNeeded> {
        let value = (self.lookup)(name);
        if is_own_variable(name) || value.is_none() && is_container_variable(name) {
            return Err(ShellNeeded);
        }
        Ok(value)
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(letter) = self.rest.next_if(|&letter| is_name_letter(letter)) {
            name.push(letter);
        }
        name
    }

    /// After `${`.
    fn braced(&mut self, quoting: Quoting) -> Result<Vec<Piece>, ShellNeeded> {
        let name = self.name();
        if !is_name(&name) {
            return Err(ShellNeeded);
        }
        let default = match self.rest.next() {
            Some('}') => Vec::new(),
            // The default is read even when it is not used: its end must be found, and it may need a shell.
            Some(':') if self.rest.next() == Some('-') => {
                self.open_defaults += 1;
                let default = match quoting {
                    Quoting::Bare => self.bare_default()?,
                    Quoting::Double => vec![Piece::Protected(self.quoted_default()?)],
                };
                self.open_defaults -= 1;
                default
            }
            _ => return Err(ShellNeeded),
        };
        match self.value(&name)?.filter(|value| !value.is_empty()) {
            Some(value) => Ok(vec![Piece::Splittable(value)]),
            None => Ok(default),
        }
    }

    fn bare_default(&mut self) -> Result<Vec<Piece>, ShellNeeded> {
        let mut pieces = Vec::new();
        loop {
            match self.rest.next().ok_or(ShellNeeded)? {
                '}' => return Ok(pieces),
                // Some shells substitute processes even here: `<(…)`.
                '`' | '~' | '(' => return Err(ShellNeeded),
                mark @ ('\'' | '"' | '\\' | '$') => pieces.extend(self.marked(mark, Quoting::Bare)?),
                letter => pieces.push(Piece::Splittable(letter.into())),
            }
        }
    }

    fn quoted_default(&mut self) -> Result<String, ShellNeeded> {
        let mut text = String::new();
        loop {
            match self.rest.next().ok_or(ShellNeeded)? {
                '}' => return Ok(text),
                // Quotes in there mean different things to different shells.
                '"' | '\'' => return Err(ShellNeeded),
                letter => self.inside_double_quotes(letter, Some('}'), &mut text)?,
            }
        }
    }
}
