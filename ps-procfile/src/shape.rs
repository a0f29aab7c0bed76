//! Says why a line is not `name: command`. Invariant: the likeliest slip is named, and a mend is only given where it leads to a
//! line that is accepted, or says what to leave out.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use core::ops::Range;

use crate::blanks::{is_blank, trim};
use crate::explain::{Explanation, explain_name, mended_name, quoted};
use crate::place::{is_invisible, line_span};
use crate::rules::{NAME_LIMIT, is_name_byte};

const BOM: &[u8] = b"\xef\xbb\xbf";
const FULL_WIDTH_COLON: &[u8] = "：".as_bytes();
const CONFLICT_MARKERS: [&[u8]; 4] = [b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>"];
/// What separates elsewhere; the longer before those they begin with.
const OTHER_SEPARATORS: [&[u8]; 7] = [b"=>", b"->", b"=", b";", b"|", b",", FULL_WIDTH_COLON];
/// What begins a comment elsewhere.
const OTHER_COMMENTS: [&[u8]; 6] = [b"/*", b"*", b";", b"--", b"%", b"<!--"];

/// The words for the bytes of a line that are not `name: command`.
pub(crate) fn explain_shape(source: &[u8], span: Range<usize>) -> Explanation {
    let text = source.get(span.clone()).unwrap_or_default();
    if let Some(found) = explain_whole_line(source, text, &span) {
        return found;
    }
    let name_end = text.iter().take_while(|&&byte| is_name_byte(byte)).count();
    let (name, rest) = text.split_at_checked(name_end).unwrap_or((text, b""));
    match rest.trim_ascii_start() {
        b":" if name_end > 0 => Explanation::new(
            "there is no command after the colon",
            format!("write a command after `{}:`, or remove the line", quoted(name)),
            span,
        ),
        [b':', ..] => Explanation::new(
            "there is no name before the colon",
            "write `web: <command>`",
            span.start..span.start + 1,
        ),
        after => explain_invisible(text, &span)
            .or_else(|| explain_bad_name(text, &span))
            .unwrap_or_else(|| explain_missing_colon(name, rest, after, &span)),
    }
}

/// What can be seen without looking for a name.
fn explain_whole_line(source: &[u8], text: &[u8], span: &Range<usize>) -> Option<Explanation> {
    let begins_with = |marks: &[&[u8]]| marks.iter().any(|mark| text.starts_with(mark));
    if span.start == 0 && begins_with(&[b"\xff\xfe", b"\xfe\xff"]) {
        let hint = "save it as UTF-8 without a byte order mark";
        return Some(Explanation::new("the file is in UTF-16", hint, span.clone()));
    }
    if text.starts_with(BOM) {
        let hint = "save it as UTF-8 without a byte order mark";
        let mark = span.start..span.start + BOM.len();
        return Some(Explanation::new(
            "the line begins with a byte order mark (BOM)",
            hint,
            mark,
        ));
    }
    if begins_with(&CONFLICT_MARKERS) {
        let hint = "finish the merge: keep one side and remove the marker lines";
        return Some(Explanation::new(
            "this is a conflict marker of a merge",
            hint,
            span.clone(),
        ));
    }
    if continues(source, span.start) {
        let hint = "put the whole command on one line, or into a script";
        return Some(Explanation::new(
            "a command cannot go on from the line before",
            hint,
            span.clone(),
        ));
    }
    if text == b"---" {
        let hint = "remove the line: a Procfile is not YAML";
        return Some(Explanation::new("this is not `name: command`", hint, span.clone()));
    }
    let is_comment = begins_with(&OTHER_COMMENTS) && !text.contains(&b':');
    is_comment.then(|| Explanation::new("this is not `name: command`", "begin a comment with `#`", span.clone()))
}

/// Whether the line before ends in a `\` that was meant to continue it.
fn continues(source: &[u8], at: usize) -> bool {
    let start = line_span(source, at).start;
    let Some(newline) = start.checked_sub(1) else {
        return false;
    };
    let before = source.get(line_span(source, newline)).unwrap_or_default();
    let before = before.get(trim(before)).unwrap_or_default();
    before.ends_with(b"\\") && !before.starts_with(b"#") && !before.starts_with(b"//")
}

/// A blank or a mark of no width before the colon, which nobody can see.
fn explain_invisible(text: &[u8], span: &Range<usize>) -> Option<Explanation> {
    let before = text.get(..text.iter().position(|&byte| byte == b':')?)?;
    let before = core::str::from_utf8(before).ok()?;
    let is_odd = |letter: char| is_invisible(letter) || letter == '\u{b}';
    let (at, letter) = before.char_indices().find(|(_, letter)| is_odd(*letter))?;
    let visible: String = before.chars().filter(|letter| !is_odd(*letter)).collect();
    let mended = mended_name(visible.trim().as_bytes())?;
    let start = span.start + at;
    Some(Explanation::new(
        format!(
            "there is an invisible character (U+{:04X}) before the colon",
            letter as u32
        ),
        format!("remove it, so that only `{mended}:` is left"),
        start..start + letter.len_utf8(),
    ))
}

/// What stands before the first plain colon, when it looks like a name that is merely misspelt.
fn explain_bad_name(text: &[u8], span: &Range<usize>) -> Option<Explanation> {
    let colon = text.iter().position(|&byte| byte == b':')?;
    let before = text.get(..colon)?.trim_ascii_end();
    let is_like_name = before.len() <= NAME_LIMIT && !before.contains(&b'=');
    let words = before
        .split(|&byte| is_blank(byte))
        .filter(|word| !word.is_empty())
        .count();
    // `we b: x` is a misspelt name; a whole sentence, or a command with a colon somewhere inside, is not.
    let ends_the_word = text.get(colon + 1).is_none_or(|&byte| is_blank(byte));
    if !is_like_name || !(words == 1 || (words == 2 && ends_the_word)) {
        return None;
    }
    let (message, hint) = explain_name(&quoted(before), before);
    Some(Explanation::new(message, hint, span.start..span.start + before.len()))
}

/// There is a name, or nothing of the kind, and no colon after it.
fn explain_missing_colon(name: &[u8], rest: &[u8], after: &[u8], span: &Range<usize>) -> Explanation {
    let Some(mended) = mended_name(name) else {
        return generic(span.start + name.len().min(span.len().saturating_sub(1)));
    };
    let command = |separator: &[u8]| {
        let command = after.get(separator.len()..).unwrap_or_default();
        quoted(command.get(trim(command)).unwrap_or_default())
    };
    let name_end = span.start + name.len();
    if rest.is_empty() {
        return Explanation::new(
            format!("there is no colon and no command after `{}`", quoted(name)),
            format!("write `{mended}: <command>`"),
            span.clone(),
        );
    }
    if is_variable(name, rest) || (name == b"export" && after.contains(&b'=')) {
        return Explanation::new(
            "a Procfile has no variables",
            "set it in the app's config, or write it before the command: `env NAME=value …`",
            span.clone(),
        );
    }
    if let Some(separator) = OTHER_SEPARATORS.into_iter().find(|other| after.starts_with(other)) {
        let message = if separator == FULL_WIDTH_COLON {
            "the colon is not the plain `:`".to_owned()
        } else {
            format!("`{}` does not separate name and command", quoted(separator))
        };
        let start = span.end - after.len();
        let hint = format!("write `{mended}: {}`", command(separator));
        return Explanation::new(message, hint, start..start + separator.len());
    }
    if rest.len() == after.len() {
        return generic(name_end);
    }
    Explanation::new(
        format!("there is no colon after `{}`", quoted(name)),
        format!("write `{mended}: {}`", command(b"")),
        name_end..name_end + 1,
    )
}

/// `NAME=value`, as an environment file has it.
fn is_variable(name: &[u8], rest: &[u8]) -> bool {
    rest.starts_with(b"=") && name.iter().any(u8::is_ascii_uppercase)
}

/// The words for a line that resembles nothing.
fn generic(at: usize) -> Explanation {
    let hint = "write `web: <command>`, or `#` first for a comment";
    Explanation::new("this is not `name: command`", hint, at..at + 1)
}
