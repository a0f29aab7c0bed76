//! JSON with comments and trailing commas, as a tree. Invariant: nothing else of JSON5 is accepted, nesting is bounded, and a
//! syntax error shows no value of a file that may hold some.

use std::ops::Range;

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, ParseStringErrorKind};

use crate::diagnostic::{FormatErrors, ProblemKind};
use crate::file_text::{conflict_marker, may_hold_values};
use crate::findings::{Problem, only_error};
use crate::outline::{outline_problem, string_length};

/// The document, `None` for a file with nothing but blanks and comments.
pub(crate) fn read_document(text: &str) -> Result<Option<Value<'_>>, FormatErrors> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    // The library lets a string go over several lines, so that a forgotten quote would be noticed far away, and lets brackets be
    // nested deeper than a small stack holds.
    if let Some((span, problem)) = outline_problem(text) {
        return Err(syntax_error(text, span, problem));
    }
    let parsed = jsonc_parser::parse_to_ast(text, &CollectOptions::default(), &options);
    parsed.map(|parsed| parsed.value).map_err(|error| {
        let range = error.range();
        let end = range.end.clamp(range.start, text.len().max(range.start));
        syntax_error(text, range.start..end, explain(text, &error))
    })
}

fn syntax_error(text: &str, span: Range<usize>, problem: Problem) -> FormatErrors {
    let hidden = hidden_around(text, span.start);
    only_error(text, span, problem, hidden)
}

fn explain(text: &str, error: &ParseError) -> Problem {
    let rest = text.get(error.range().start..).unwrap_or_default();
    if let Some(problem) = conflict_marker(rest) {
        return problem;
    }
    let (message, hint) = match error.kind() {
        _ if rest.starts_with('#') => ("this is no comment of JSON", "begin comments with `//`"),
        ParseErrorKind::ExpectedComma => ("a comma is missing here", "write `,` after the value"),
        ParseErrorKind::UnexpectedComma => ("there is a comma too many", "remove it"),
        ParseErrorKind::ExpectedColonAfterObjectKey => ("there is no `:` after this key", "write `\"key\": value`"),
        ParseErrorKind::ExpectedObjectValue => ("there is no value after the `:`", "write `\"key\": value`"),
        ParseErrorKind::ExpectedStringObjectProperty | ParseErrorKind::SingleQuotedStringsNotAllowed => {
            ("this is not in double quotes", "write it as `\"…\"`")
        }
        ParseErrorKind::UnexpectedWord => (
            "this word is no value",
            "write `true`, `false`, a number, or a string in double quotes",
        ),
        ParseErrorKind::UnexpectedTokenInObject => (
            "there is no key here",
            "write `\"key\": value`, or `}` to end the object",
        ),
        ParseErrorKind::UnexpectedCloseBrace | ParseErrorKind::UnexpectedCloseBracket => (
            "this closes nothing here",
            "write what is missing before it: a value, or another bracket",
        ),
        ParseErrorKind::UnterminatedObject => ("this `{` has no `}`", "write the `}`"),
        ParseErrorKind::UnterminatedArray => ("this `[` has no `]`", "write the `]`"),
        ParseErrorKind::UnterminatedCommentBlock => ("this comment does not end", "write `*/` after it"),
        ParseErrorKind::MultipleRootJsonValues => (
            "there is something after the document",
            "put everything between one `{` and its `}`",
        ),
        ParseErrorKind::String(ParseStringErrorKind::UnterminatedStringLiteral) => {
            ("this string has no closing `\"`", "write the `\"`")
        }
        ParseErrorKind::String(_) => (
            "this is not an escape of JSON",
            "write `\\\\` for a backslash, `\\\"` for a quote, `\\n` for a new line",
        ),
        ParseErrorKind::HexadecimalNumbersNotAllowed
        | ParseErrorKind::UnaryPlusNumbersNotAllowed
        | ParseErrorKind::BareDecimalPointNumbersNotAllowed
        | ParseErrorKind::NonFiniteNumbersNotAllowed
        | ParseErrorKind::ExpectedDigit
        | ParseErrorKind::ExpectedDigitFollowingNegativeSign
        | ParseErrorKind::ExpectedPlusMinusOrDigitInNumberLiteral => {
            ("this is not a number of JSON", "write for example `16`, `-1` or `0.5`")
        }
        _ => ("this is not JSON", "write `\"key\": value` pairs between `{` and `}`"),
    };
    Problem::new(ProblemKind::Syntax, message, hint)
}

/// Without a tree nobody knows which strings are values of variables. So where the file may have some, the line of the error
/// shows its keys and signs, and no value.
fn hidden_around(text: &str, at: usize) -> Vec<Range<usize>> {
    if !may_hold_values(text.as_bytes()) {
        return Vec::new();
    }
    let start = text
        .get(..at)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |lf| lf + 1);
    let rest = text.get(start..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    let mut hidden = Vec::new();
    let mut from = 0;
    while let Some(piece) = line.get(from..).filter(|piece| !piece.is_empty()) {
        let length = if piece.starts_with('"') {
            string_length(piece)
        } else {
            piece.chars().next().map_or(1, char::len_utf8)
        };
        let after = piece.get(length..).unwrap_or_default();
        let is_key = piece.starts_with('"') && after.trim_start().starts_with(':');
        let is_sign = piece.starts_with([' ', '\t', '{', '}', '[', ']', ',', ':']);
        if !is_key && !is_sign {
            hidden.push(start + from..start + from + length);
        }
        from += length;
    }
    hidden
}

/// Where a value stands.
pub(crate) fn span_of(value: &impl Ranged) -> Range<usize> {
    let range = value.range();
    range.start..range.end
}
