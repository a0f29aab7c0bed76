//! The line around a place as a terminal can show it. Invariant: at most [`SHOWN_CHARACTERS`] characters are shown, and no byte of the
//! file that could move a terminal's cursor.

use alloc::string::String;

use crate::error::Location;
use crate::place::{letters, line_span, printable};

const SHOWN_CHARACTERS: usize = 100;
/// Characters kept before the caret when a line is cut on the left.
const KEPT_BEFORE: usize = 40;

/// The line around a place, and where the carets go below it, in columns of a terminal.
pub(crate) struct Excerpt {
    pub(crate) line: String,
    pub(crate) before: usize,
    pub(crate) carets: usize,
}

impl Excerpt {
    pub(crate) fn of(source: &[u8], location: &Location) -> Self {
        let span = line_span(source, location.span.start);
        let line = source.get(span).unwrap_or_default().trim_ascii_end();
        let column = location.column.saturating_sub(1);
        let skipped = if column > SHOWN_CHARACTERS {
            column - KEPT_BEFORE
        } else {
            0
        };
        let marked = source.get(location.span.clone()).unwrap_or_default();
        let marked = letters(marked).take(SHOWN_CHARACTERS).count().max(1);
        let mut excerpt = Self {
            line: String::new(),
            before: 0,
            carets: 0,
        };
        if skipped > 0 {
            excerpt.line.push('…');
            excerpt.before = 1;
        }
        let mut shown = letters(line).skip(skipped);
        for (index, letter) in shown.by_ref().take(SHOWN_CHARACTERS).enumerate() {
            let letter = printable(letter);
            excerpt.line.push(letter);
            match (skipped + index).checked_sub(column) {
                None => excerpt.before += width(letter),
                Some(after) if after < marked => excerpt.carets += width(letter),
                Some(_) => {}
            }
        }
        if shown.next().is_some() {
            excerpt.line.push('…');
        }
        excerpt.carets = excerpt.carets.max(1);
        excerpt
    }
}

/// How many columns a terminal gives a character.
const fn width(letter: char) -> usize {
    match letter {
        '\u{300}'..='\u{36f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}
