//! One pattern of a `.dockerignore`, as Docker's matcher takes it. Invariant: matching takes time proportional to pattern times
//! path, whatever the pattern. Facts are those of moby/patternmatcher.

use std::iter::Peekable;
use std::str::Chars;

/// A compiled pattern, cleaned and without its `!`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GlobPattern {
    text: String,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// No wildcard at all.
    Exact,
    /// `x**`: everything that begins so.
    Prefix(String),
    /// `**x`: everything that ends so. Docker does not stop at a slash here.
    Suffix(String),
    Tokens(Vec<Token>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Literal(char),
    /// `?`
    AnyButSlash,
    /// `*`
    Star,
    /// `**` or `**/` inside: nothing, or anything up to and with a slash.
    Directories,
    /// `**` at the end.
    Everything,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// The pattern cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadPattern;

impl GlobPattern {
    /// A pattern that takes one path, whatever letters it has.
    pub(crate) fn exact(path: &str) -> Self {
        Self {
            text: path.to_owned(),
            form: Form::Exact,
        }
    }

    /// Compiles a pattern that was cleaned.
    pub(crate) fn compile(text: &str) -> Result<Self, BadPattern> {
        let mut tokens = Vec::new();
        let mut rest = text.chars().peekable();
        let mut has_escape = false;
        while let Some(letter) = rest.next() {
            tokens.push(match letter {
                '*' if rest.next_if_eq(&'*').is_some() => {
                    rest.next_if_eq(&'/');
                    if rest.peek().is_none() {
                        Token::Everything
                    } else {
                        Token::Directories
                    }
                }
                '*' => Token::Star,
                '?' => Token::AnyButSlash,
                '[' => class(&mut rest)?,
                '\\' => {
                    has_escape = true;
                    Token::Literal(rest.next().ok_or(BadPattern)?)
                }
                _ => Token::Literal(letter),
            });
        }
        let form = if has_escape {
            Form::Tokens(tokens)
        } else {
            simplest_form(text, tokens)
        };
        Ok(Self {
            text: text.to_owned(),
            form,
        })
    }

    /// Whether it takes this path; its parents are the caller's matter.
    pub(crate) fn matches(&self, path: &str) -> bool {
        match &self.form {
            Form::Exact => path == self.text,
            Form::Prefix(prefix) => path.starts_with(prefix),
            Form::Suffix(suffix) => path.ends_with(suffix) || suffix.strip_prefix('/') == Some(path),
            Form::Tokens(tokens) => matches_tokens(tokens, path),
        }
    }

    /// Whether it may take something below this directory.
    pub(crate) fn may_match_below(&self, directory: &str) -> bool {
        match &self.form {
            Form::Exact => self
                .text
                .strip_prefix(directory)
                .is_some_and(|rest| rest.starts_with('/')),
            _ => true,
        }
    }
}

fn simplest_form(text: &str, tokens: Vec<Token>) -> Form {
    let all_literal = |tokens: &[Token]| tokens.iter().all(|token| matches!(token, Token::Literal(_)));
    match tokens.as_slice() {
        [Token::Everything] => Form::Suffix(String::new()),
        [Token::Directories, rest @ ..] if all_literal(rest) => Form::Suffix(text.chars().skip(2).collect()),
        [rest @ .., Token::Everything] if all_literal(rest) => Form::Prefix(text.trim_end_matches("**").to_owned()),
        tokens if all_literal(tokens) => Form::Exact,
        _ => Form::Tokens(tokens),
    }
}

/// After `[`.
fn class(rest: &mut Peekable<Chars<'_>>) -> Result<Token, BadPattern> {
    let negated = rest.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && rest.next_if_eq(&']').is_some() {
            return Ok(Token::Class { negated, ranges });
        }
        let low = class_letter(rest)?;
        let high = if rest.next_if_eq(&'-').is_some() {
            class_letter(rest)?
        } else {
            low
        };
        ranges.push((low, high));
    }
}

fn class_letter(rest: &mut Peekable<Chars<'_>>) -> Result<char, BadPattern> {
    match rest.next().ok_or(BadPattern)? {
        '-' | ']' => Err(BadPattern),
        '\\' => rest.next().ok_or(BadPattern),
        letter => Ok(letter),
    }
}

/// How far the pattern may have got: before this token, or inside a `**` that must still meet its slash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Before(usize),
    Inside(usize),
}

fn matches_tokens(tokens: &[Token], path: &str) -> bool {
    let mut places = Vec::new();
    add(&mut places, tokens, 0);
    for letter in path.chars() {
        let mut next = Vec::new();
        for place in places {
            advance(&mut next, tokens, place, letter);
        }
        places = next;
    }
    places.contains(&At::Before(tokens.len()))
}

/// Adds a place and those reached from it without a letter.
fn add(places: &mut Vec<At>, tokens: &[Token], index: usize) {
    if places.contains(&At::Before(index)) {
        return;
    }
    places.push(At::Before(index));
    if matches!(
        tokens.get(index),
        Some(Token::Star | Token::Directories | Token::Everything)
    ) {
        add(places, tokens, index + 1);
    }
}

fn advance(next: &mut Vec<At>, tokens: &[Token], place: At, letter: char) {
    let (At::Before(index) | At::Inside(index)) = place;
    match tokens.get(index) {
        Some(Token::Directories) => {
            if !next.contains(&At::Inside(index)) {
                next.push(At::Inside(index));
            }
            if letter == '/' {
                add(next, tokens, index + 1);
            }
        }
        Some(Token::Everything) => add(next, tokens, index),
        Some(Token::Star) if letter != '/' => add(next, tokens, index),
        Some(token) if takes(token, letter) => add(next, tokens, index + 1),
        _ => {}
    }
}

fn takes(token: &Token, letter: char) -> bool {
    match token {
        Token::Literal(literal) => *literal == letter,
        Token::AnyButSlash => letter != '/',
        Token::Class { negated, ranges } => {
            ranges.iter().any(|(low, high)| (*low..=*high).contains(&letter)) != *negated
        }
        Token::Star | Token::Directories | Token::Everything => false,
    }
}
