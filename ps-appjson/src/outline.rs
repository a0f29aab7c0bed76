//! The outline of a document: its strings, comments and brackets. Invariant: looks at nothing else, so it can be asked about
//! text that is no JSON, and up to the first syntax error it sees what the parser would see.

use std::ops::Range;

use crate::diagnostic::ProblemKind;
use crate::findings::Problem;

/// How deep objects and lists may stand in each other. The parser goes down a level on the stack for each, and an ordinary
/// thread has to be enough for it.
pub(crate) const NESTING_LIMIT: usize = 100;

/// The first string with a control character in it, most often a line end after a forgotten quote, or the first bracket that
/// is nested too deeply.
pub(crate) fn outline_problem(text: &str) -> Option<(Range<usize>, Problem)> {
    let (mut at, mut depth) = (0_usize, 0_usize);
    loop {
        at += text.get(at..)?.find(['"', '/', '{', '[', '}', ']'])?;
        let rest = text.get(at..)?;
        at += if rest.starts_with("//") {
            rest.find('\n')?
        } else if rest.starts_with("/*") {
            let inside = rest.get(2..)?;
            inside.find("*/")? + 4
        } else if rest.starts_with('"') {
            let length = string_length(rest);
            let string = rest.get(..length)?;
            if let Some(control) = string.find(|letter: char| letter < ' ') {
                return Some(explain(string, at, control));
            }
            length
        } else {
            if rest.starts_with(['{', '[']) {
                depth += 1;
            } else if rest.starts_with(['}', ']']) {
                depth = depth.saturating_sub(1);
            }
            if depth > NESTING_LIMIT {
                let message = format!("this is nested more than {NESTING_LIMIT} levels deep");
                let problem = Problem::new(ProblemKind::Syntax, message, "remove some of the brackets");
                return Some((at..at + 1, problem));
            }
            1
        };
    }
}

fn explain(string: &str, at: usize, control: usize) -> (Range<usize>, Problem) {
    if string.get(control..).is_some_and(|rest| rest.starts_with(['\n', '\r'])) {
        let message = "this string has no closing `\"` on its line";
        let hint = "write the `\"`; a new line inside of it is `\\n`";
        return (at..at + control, Problem::new(ProblemKind::Syntax, message, hint));
    }
    let message = "a string cannot have this control character as it is";
    let hint = "write `\\t` for a tab, `\\u001b` and the like for others";
    let span = at + control..at + control + 1;
    (span, Problem::new(ProblemKind::Syntax, message, hint))
}

/// The length of the string that `text` begins with, quotes included; of the whole text when it does not end.
pub(crate) fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    let closing = text.char_indices().skip(1).find(|(_, letter)| {
        let closes = *letter == '"' && !is_escaped;
        is_escaped = *letter == '\\' && !is_escaped;
        closes
    });
    closing.map_or(text.len(), |(at, _)| at + 1)
}
